"""`compile`: the numbers of NumPy, a cache that nobody else can write, and compilers that fail."""

from __future__ import annotations

import contextlib
import gc
import os
import stat
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from numeric.native import build, calls, compiling
from numeric.native import cache as build_cache
from numeric.native.buffers import Shapes
from numeric.native.compiled import compiled
from numeric.native.compiling import compile
from symbolic.codegen.c import source_file
from symbolic.codegen.request import Generated
from symbolic.conventions import INTERNAL, Layout
from symbolic.errors import InvalidNetwork, Unsupported
from symbolic.graph import graph, node
from symbolic.network import mlp

ROOT = Path(__file__).parents[3]
TINY = {"unit.c": '#include "part.h"\nint answer(void) { return ANSWER; }\n', "part.h": "#define ANSWER 42\n"}
NETWORKS = {
    "2-3-1": (mlp(2, 3, 1, hidden="tanh"), INTERNAL),
    "labels": (
        mlp(3, 4, 2, hidden="sigmoid", output="softmax", loss="cross-entropy", l2="lambda/(2*m)"),
        Layout("in-out", "rows", "1,n", "integer"),
    ),
    "no bias": (mlp(3, 5, 4, 2, hidden="relu", bias=[False, True, False]), Layout(bias_shape="n,1")),
}


@pytest.fixture(autouse=True)
def cache(
    require: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Path:
    """The cache folder of this test, and nothing remembered of other tests."""
    require("gcc")
    home = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.delenv("CC", raising=False)
    for remembered in (compiling._native, compiling._warn_of_no_compiler, build_cache._own_folder):
        remembered.cache_clear()
    return home / "backproof"


@pytest.fixture
def logging_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """A compiler in a folder with a space; the function says how many libraries it has built."""
    program = tmp_path / "my tools" / "cc"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/log"\nexec gcc "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("CC", f"'{program}' -O1")
    return lambda: (tmp_path / "log").read_text().count("library.so")


def tiny(files: dict[str, str] = TINY) -> Path:
    compiler = build.find_compiler()
    assert compiler is not None
    return build.library(files, "unit.c", compiler)


def pretend_another_user(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(path, 4321, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4321)


def arrays(network, layout, m, dtype="float64"):
    """Parameters as pairs, x, t, and the parameters as they lie flat."""
    rng, held = np.random.default_rng(7), Shapes(network, layout, dtype).buffers(m)
    for array in (held.params, held.x):
        array[...] = rng.normal(size=array.shape)
    held.t[...] = rng.integers(0, network.sizes[-1], held.t.shape)
    return held.param_pairs, held.x, held.t, held.params


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_way_to_call_gives_what_numpy_gives(name, dtype):
    network, layout = NETWORKS[name]
    ours, theirs = compile(network, layout=layout, dtype=dtype), compiled(network, layout, dtype)
    known = {"lam": 0.3} if name == "labels" else {}
    # both are right; sums in another order differ by their rounding, some hundred u of the largest summand
    close = {"rtol": 1e-12, "atol": 1e-14} if dtype == "float64" else {"rtol": 2e-5, "atol": 1e-6}
    for m in (1, 5):
        params, x, t, flat = arrays(network, layout, m, dtype)
        error, grads = theirs.loss_and_gradient(params, x, t, **known)
        wanted = np.concatenate([each.ravel() for pair in grads for each in pair if each is not None])
        for found in (ours.gradient(params, x, t, **known), ours.loss_and_gradient(params, x, t, **known)[1]):
            for pair, expected in zip(found, grads, strict=True):
                for one, other in zip(pair, expected, strict=True):
                    assert (one is None) == (other is None)
                    if one is not None:
                        assert (one.shape, one.dtype) == (other.shape, dtype)
                        np.testing.assert_allclose(one, other, **close)
        for value in (ours.loss(params, x, t, **known), ours.loss_and_gradient(params, x, t, **known)[0]):
            assert isinstance(value, float)
            np.testing.assert_allclose(value, error, **close)
        np.testing.assert_allclose(ours.forward(params, x), theirs.forward(params, x), **close)
        for maker in (ours, theirs):
            for function in ("forward", "loss", "gradient", "loss_and_gradient"):
                call = maker.prepare(m, function, **known)
                call.params[...], call.x[...], call.t[...] = flat, x, t
                returned = call()
                assert (returned is None) == (function in ("forward", "gradient"))
                if returned is not None:
                    np.testing.assert_allclose(returned, error, **close)
                if "gradient" in function:
                    np.testing.assert_allclose(call.grad, wanted, **close)
                if function == "forward":
                    np.testing.assert_allclose(call.output, theirs.forward(params, x), **close)


def test_prepared_call_keeps_its_memory():
    network, _ = NETWORKS["2-3-1"]
    call = compile(network).prepare(3, "gradient")
    bare, grad = call.func, call.grad
    call.params[...], call.x[...] = 1, 1
    del call
    compiling._native.cache_clear()
    gc.collect()
    assert bare() is None
    assert np.all(grad[-1:] != 0)
    assert grad.ctypes.data % 64 == 0


@pytest.mark.parametrize("long", [0, 10**9])  # whether other Python code runs during a call
def test_threads_do_not_meet(monkeypatch, long):
    monkeypatch.setattr(calls, "LONG", long)
    network, layout = NETWORKS["2-3-1"]
    ours = compile(network)
    params, x, t, _ = arrays(network, layout, 5)
    expected = [ours.loss(params, k * x, t) for k in range(8)]
    found: dict[int, set[float]] = {}

    def repeat(k: int) -> None:
        found[k] = {ours.loss(params, k * x, t) for _ in range(200)}

    threads = [threading.Thread(target=repeat, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {k: {value} for k, value in enumerate(expected)}


def test_arrays_that_do_not_fit_are_named():
    network, layout = NETWORKS["labels"]
    ours = compile(network, layout=layout)
    params, x, t, _ = arrays(network, layout, 5)
    (w1, b1), second = params
    with pytest.raises(ValueError, match=r"^W1 is of shape \(4, 3\); expected an array of shape \(3, 4\)$"):
        ours.gradient([(w1.T, b1), second], x, t)
    with pytest.raises(ValueError, match=r"^b1 is None; expected an array of shape \(1, 4\)$"):
        ours.gradient([(w1, None), second], x, t)
    with pytest.raises(ValueError, match=r"^params has 1 entries; expected a pair \(W, b\) for each of 2"):
        ours.gradient([second], x, t)
    with pytest.raises(ValueError, match=r"^x is of shape \(5, 4\); expected an array of shape \(5, 3\)$"):
        ours.gradient(params, np.ones((5, 4)), t)
    with pytest.raises(ValueError, match=r"^x is of shape \(3,\), a list; expected an array"):
        ours.gradient(params, [1, 2, 3], t)
    for wrong in (t - 2, t + 1.0, np.full_like(t, 2)):
        with pytest.raises(ValueError, match=r"^t holds other than whole numbers from 0 to 1"):
            ours.gradient(params, x, wrong)
    with pytest.raises(ValueError, match=r"^m is 0; it counts samples, from 1$"):
        ours.gradient(params, x[:0], t[:0])
    with pytest.raises(TypeError, match=r"^unexpected keyword 'eta'; expected lam$"):
        ours.gradient(params, x, t, eta=1)
    with pytest.raises(InvalidNetwork, match=r"^no function 'hessian' to prepare; choose from forward, loss"):
        ours.prepare(1, "hessian")


def test_request_that_cannot_be_is_refused():
    with pytest.raises(InvalidNetwork, match=r"^no target 'rust' to compile; choose from c, numpy$"):
        compile(mlp(2, 3, 1, hidden="tanh"), "rust")
    with pytest.raises(Unsupported, match=r"^compile needs a network with fixed sizes"):
        compile(mlp(2, None, 1, hidden="tanh"))
    with pytest.raises(Unsupported, match=r"^compile needs a network with fixed sizes"):
        compile(graph(inputs={"x": (2, "m")}, nodes={"y": node("dense", "x", units=1)}))


def test_what_is_in_the_cache_is_not_built_again(cache, logging_compiler):
    first = tiny()
    assert logging_compiler() == 1
    assert tiny() == first
    assert logging_compiler() == 1
    tiny({**TINY, "part.h": "#define ANSWER 43\n"})
    assert logging_compiler() == 2
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert {path.suffix for path in cache.iterdir()} == {".so"}


def test_network_in_the_cache_is_not_built_again(logging_compiler):
    for _ in range(2):
        compile(*NETWORKS["2-3-1"][:1])
        compiling._native.cache_clear()
    assert logging_compiler() == 1


@pytest.mark.parametrize("mode", [0o722, 0o720, 0o702])
def test_library_that_another_user_could_have_written_is_built_again(logging_compiler, mode):
    path = tiny()
    path.chmod(mode)
    assert stat.S_IMODE(tiny().stat().st_mode) == 0o700
    assert logging_compiler() == 2


def test_library_of_another_user_is_built_again(logging_compiler, monkeypatch):
    path = tiny()
    pretend_another_user(path, monkeypatch)
    assert build_cache.find(path.parent, path.name.partition("-")[0]) is None


@pytest.mark.parametrize(
    "spoil", [lambda content: content[:-100], lambda content: b"", lambda content: content + b"x"]
)
def test_library_whose_bytes_have_changed_is_built_again(logging_compiler, spoil):
    path = tiny()
    path.write_bytes(spoil(path.read_bytes()))
    assert tiny() == path
    assert logging_compiler() == 2


@pytest.mark.parametrize("above", [0, 1, 2])
def test_folder_that_others_can_write_is_not_used_and_one_warning_says_so(cache, above):
    cache.mkdir(parents=True)
    open_folder = [cache, *cache.parents][above]
    open_folder.chmod(0o777)
    with pytest.warns(
        RuntimeWarning, match=rf"^{open_folder} may be written by other users \(mode 777; chmod"
    ) as told:
        paths = {tiny(), tiny()}
    open_folder.chmod(0o700)
    assert len(told) == 1
    (path,) = paths
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(cache.iterdir()) == []


def test_folder_of_another_user_is_not_used(cache, monkeypatch):
    cache.mkdir(parents=True)
    pretend_another_user(cache, monkeypatch)
    assert "belongs to another user" in str(build_cache.unsafe(cache))


def test_folder_that_all_share_is_safe_where_nobody_may_rename(tmp_path):
    shared = tmp_path / "shared"
    (shared / "own").mkdir(parents=True)
    shared.chmod(0o777)
    assert build_cache.unsafe(shared / "own")
    shared.chmod(0o1777)
    assert build_cache.unsafe(shared / "own") is None


def test_place_that_cannot_be_a_folder_is_replaced_by_one_of_the_process(cache):
    cache.parent.write_text("a file")
    with pytest.warns(RuntimeWarning, match="so compiled code is not kept$"):
        assert tiny().exists()


def test_what_was_used_longest_ago_makes_room(cache, monkeypatch):
    paths = [tiny({**TINY, "part.h": f"#define ANSWER {k}\n"}) for k in range(3)]
    for age, path in enumerate(reversed(paths), start=1):
        os.utime(path, (1e9 - age, 1e9 - age))
    abandoned = cache / ".build-dead"
    abandoned.mkdir()
    os.utime(abandoned, (1e9, 1e9))
    assert (
        tiny({**TINY, "part.h": "#define ANSWER 0\n"}) == paths[0]
    )  # it was the oldest, now it is the newest
    size = paths[0].stat().st_size
    monkeypatch.setattr(build_cache, "LIMIT", 2.5 * size)
    newest = tiny({**TINY, "part.h": "#define ANSWER 9\n"})
    assert {*cache.iterdir()} == {paths[0], newest}


def test_processes_that_build_at_once_do_not_harm_each_other(cache):
    program = (
        "from numeric.native.build import find_compiler, library\n"
        f"print(library({TINY!r}, 'unit.c', find_compiler()))\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    told = {process.communicate(timeout=120)[0].strip() for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert told == {str(path) for path in cache.iterdir()}
    assert len(told) == 1


def test_without_a_compiler_numpy_serves_and_one_warning_says_so(monkeypatch, tmp_path):
    network, _ = NETWORKS["2-3-1"]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.warns(
        RuntimeWarning, match="^there is no C compiler cc, gcc or clang, so compile gives the slower"
    ):
        ours = compile(network)
    assert ours.choice == "NumPy"
    assert ours is compile(network)  # and no second warning, which would be an error


def test_compiler_is_called_by_words_and_never_by_a_shell(monkeypatch, tmp_path):
    network, _ = NETWORKS["2-3-1"]
    monkeypatch.chdir(tmp_path)
    for told in ("gcc; touch hacked", "$(touch hacked)", "`touch hacked`", "gcc -o hacked; touch hacked"):
        monkeypatch.setenv("CC", told)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            with contextlib.suppress(Unsupported):
                compile(network)
    assert not (tmp_path / "hacked").exists()


def test_variable_that_is_no_list_of_words_is_refused(monkeypatch):
    monkeypatch.setenv("CC", "gcc '")
    with pytest.raises(Unsupported, match=r"^CC is \"gcc '\", which is no list of words"):
        compile(NETWORKS["2-3-1"][0])


def test_error_of_the_compiler_is_shown_with_its_line_and_equation(monkeypatch):
    def broken(request):
        generated = write(request)
        text = generated.files["network.c"].replace("double sum = 0.0;", "double sum = nought;", 1)
        return Generated({**generated.files, "network.c": text})

    write = source_file.c_code
    monkeypatch.setattr(source_file, "c_code", broken)
    with pytest.raises(Unsupported) as refused:
        compile(NETWORKS["2-3-1"][0], form="loops")
    head, line, equation = str(refused.value).splitlines()
    assert "does not compile the generated code: network.c:" in head
    assert "'nought' undeclared" in head
    assert line.strip() == "double sum = nought;"
    assert equation == "  of the equation: Z1[i,c] = Σ_j W1[i,j]·X[j,c] + b1[i]"


def test_compiler_that_is_none_is_shown_as_it_is(monkeypatch):
    monkeypatch.setenv("CC", "false")
    with pytest.raises(Unsupported, match="does not compile the generated code: it says nothing"):
        tiny()


def test_flag_that_a_compiler_has_not_is_left_out(monkeypatch, tmp_path):
    program = tmp_path / "old cc"
    program.write_text('#!/bin/sh\ncase "$*" in *native*) exit 1;; esac\nexec gcc "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("CC", f"'{program}'")
    assert tiny().exists()
