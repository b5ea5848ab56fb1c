"""Subjects that do whatever code can do, in real processes: the parent always gets a value or a finding."""

from __future__ import annotations

import ast
import contextlib
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from backproof import worker
from backproof.subjects import (
    CallableSubject,
    FileSubject,
    NoSuchSubject,
    Returned,
    Subject,
    SubjectFailed,
    Unusable,
    default_python,
    parse_subject,
)

PYTHON = Path(sys.executable)
INPUTS = ([(np.ones((3, 2)), np.zeros(3)), (np.ones((1, 3)), None)], np.ones((2, 5)), np.arange(5))
LIMIT = 0.5  # seconds, for subjects that hang

Start = Callable[..., Subject]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a subject from the body of gradient(params, x, t, *, lam=0.0), and ends it with the test."""
    started: list[Subject] = []

    def start(body: str, *, above: str = "", **limits: float) -> Subject:
        signature = "def gradient(params, x, t, *, lam=0.0):\n"
        source = (
            f"import os, sys, time\nimport numpy as np\n{above}\n{signature}{textwrap.indent(body, '    ')}\n"
        )
        (tmp_path / "net.py").write_text(source)
        started.append(FileSubject(tmp_path / "net.py", "gradient", python=PYTHON, **limits))
        return started[-1]

    yield start
    for subject in started:
        subject.close()


def failure(subject: Subject) -> SubjectFailed:
    with pytest.raises(SubjectFailed) as caught:
        subject.call(*INPUTS)
    return caught.value


def process_of(subject: Any) -> int:
    return int(subject._connection._process.pid)


def ended(process: Any) -> bool:
    try:
        return ") Z " in Path(f"/proc/{process}/stat").read_text()  # whether init reaps it is not ours to say
    except (FileNotFoundError, ProcessLookupError):
        return True


def ended_within(seconds: float, process: Any) -> bool:
    deadline = time.monotonic() + seconds
    while not ended(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    return ended(process)


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def assert_same(left: Any, right: Any) -> None:
    assert type(left) is type(right)
    if isinstance(left, (list, tuple)):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            assert_same(one, other)
    elif isinstance(left, dict):
        assert_same(list(left), list(right))
        assert_same(list(left.values()), list(right.values()))
    elif isinstance(left, (np.ndarray, np.generic)):
        assert (left.dtype, left.shape, left.tobytes()) == (right.dtype, right.shape, right.tobytes())
    else:
        assert repr(left) == repr(right)


numbers = hnp.boolean_dtypes() | hnp.integer_dtypes() | hnp.floating_dtypes() | hnp.complex_number_dtypes()
arrays = hnp.arrays(numbers, hnp.array_shapes(min_dims=0, min_side=0))
leaves = st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats() | arrays
trees = st.recursive(
    leaves | arrays.filter(np.size).map(lambda array: array.flat[0]),
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(0, 9), inner)
    ),
)


@given(trees)
def test_a_tree_is_the_same_after_its_way_through_a_frame(tree: Any) -> None:
    payload = bytearray()
    node = worker.encode(tree, payload)
    header, received = worker.unpack(bytearray(worker.pack(1, {"value": node}, payload)))
    assert_same(worker.decode(header["value"], received), tree)


@given(arrays)
def test_decoded_arrays_are_fresh_writable_and_contiguous(array: Any) -> None:
    payload = bytearray()
    node = worker.encode(array.T, payload)
    decoded = worker.decode(node, memoryview(payload))
    assert decoded.flags.owndata
    assert decoded.flags.writeable
    assert decoded.flags.c_contiguous
    assert_same(decoded, array.T)


@pytest.mark.parametrize(
    "node",
    [
        ("array", "<f8", (2,), 0),
        ("array", "<f8", (-1, -1), 0),
        ("array", "<f8", (1,), 8),
        ("array", "<f8", (1,), -8),
        ("array", "O", (1,), 0),
        ("array", "no dtype", (1,), 0),
        ("array",),
        ("heap", 1),
        (),
    ],
)
def test_a_node_that_does_not_describe_its_payload_is_refused(node: Any) -> None:
    with pytest.raises((ValueError, TypeError, LookupError)):
        worker.decode(node, memoryview(bytes(8)))


def test_the_worker_is_python_3_8_and_imports_the_standard_library_and_numpy_alone() -> None:
    tree = ast.parse(Path(worker.__file__).read_text(), feature_version=(3, 8))
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {getattr(node, "module", None) or node.names[0].name for node in imports}
    assert {name.partition(".")[0] for name in names} <= {*sys.stdlib_module_names, "numpy"}


def test_a_right_function_returns_its_gradients_and_keeps_its_inputs(start: Start) -> None:
    subject = start("return [(2 * W, b) for W, b in params], float(lam), x @ x.T, t")
    returned = subject.call(*INPUTS, lam=0.25)
    doubled = [(np.full((3, 2), 2.0), np.zeros(3)), (np.full((1, 3), 2.0), None)]
    assert_same(returned.value, (doubled, 0.25, np.full((2, 2), 5.0), np.arange(5)))
    assert returned.changed == ()
    assert returned.output == ""
    assert subject.name == "net.py:gradient"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("None", None),
        ("1.5", 1.5),
        ("np.float32(1.5)", np.float32(1.5)),
        ("1j", np.complex128(1j)),
        ("np.array([1 + 2j], np.complex64)", np.array([1 + 2j], np.complex64)),
        ("np.arange(3, dtype=np.int32)", np.arange(3, dtype=np.int32)),
        ("{'W': [{'b': (np.ones(2),)}], 1: None}", {"W": [{"b": (np.ones(2),)}], 1: None}),
        ("(row for row in x)", Unusable("generator")),
        ("[np.array([None]), x]", [Unusable("numpy.ndarray of dtype object"), np.ones((2, 5))]),
        ("np.array(['a'])", Unusable("numpy.ndarray of dtype <U1")),
        ("__import__('decimal').Decimal(1)", Unusable("decimal.Decimal")),
        ("'text'", Unusable("str")),
        ("2**64", Unusable("int")),
        ("{(0, 1): x}", Unusable("dict")),
    ],
)
def test_what_is_returned_arrives_with_its_type(start: Start, expression: str, expected: Any) -> None:
    assert_same(start(f"return {expression}").call(*INPUTS).value, expected)


@pytest.mark.parametrize(("body", "kind"), [("a = []; a.append(a)", "list"), ("a = {}; a[0] = a", "dict")])
def test_what_holds_itself_is_unusable_at_some_depth(start: Start, body: str, kind: str) -> None:
    value: Any = start(f"{body}; return a").call(*INPUTS).value
    for _ in range(worker.DEPTH):
        value = value[0]
    assert value == Unusable(kind)


def test_changed_inputs_are_named_by_their_paths(start: Start) -> None:
    subject = start("x += 1; params[0][0][1, 1] = 7; params[1] = (params[1][0], x.sum())")
    assert subject.call(*INPUTS).changed == ("params[0][0]", "params[1][1]", "x")


def test_the_functions_state_lasts_from_call_to_call(start: Start) -> None:
    subject = start("calls.append(1); return len(calls)", above="calls = []")
    assert [subject.call(*INPUTS).value for _ in range(3)] == [1, 2, 3]


def test_a_flood_of_output_is_drained_and_only_its_end_is_kept(start: Start) -> None:
    body = (
        "for _ in range(100): sys.stdout.write('x' * 10**6)\nos.system('echo from a child >&2'); print('end')"
    )
    output = start(body).call(*INPUTS).output
    assert output.endswith("xfrom a child\nend\n")
    assert len(output) == 4096


def test_the_output_of_one_call_is_not_told_of_the_next(start: Start) -> None:
    subject = start("print('call', len(calls)); calls.append(1)", above="calls = []")
    assert [subject.call(*INPUTS).output for _ in range(2)] == ["call 0\n", "call 1\n"]


def test_reading_standard_input_finds_its_end(start: Start) -> None:
    assert failure(start("input()")).detail == "EOFError: EOF when reading a line (net.py, line 5)"


def test_an_exception_is_told_with_the_users_line_and_frames_alone(start: Start) -> None:
    above = "def inner(x):\n    print('so far')\n    raise ValueError('no such thing')"
    failed = failure(start("return inner(x)", above=above))
    assert str(failed) == "net.py:gradient raised: ValueError: no such thing (net.py, line 5)"
    assert failed.output == "so far\n"
    assert failed.traceback.count("net.py") == failed.traceback.count('File "') == 2


def test_an_exception_in_a_library_is_told_by_the_users_line(start: Start) -> None:
    failed = failure(start("return np.linalg.inv(np.zeros((2, 2)))"))
    assert failed.detail == "numpy.linalg.LinAlgError: Singular matrix (net.py, line 5)"
    assert "_linalg.py" in failed.traceback


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return np.ones(10**9)", "raised: numpy._core._exceptions._ArrayMemoryError: Unable to allocate"),
        ("held = []\nwhile True: held.append(bytearray(10**7))", "raised: MemoryError"),
        (
            "return np.ones(10**8).view(np.uint8)[: 3 * 10**8]",
            "unusable: it returned 286 MB; more than 256 are not",
        ),
        ("return np.broadcast_to(1.0, (10**6, 10**6))", "raised: MemoryError"),
    ],
)
def test_a_flood_of_memory_is_a_finding_and_the_process_goes_on(
    start: Start, body: str, message: str
) -> None:
    subject = start(f"if len(t) == 0: return 1.0\n{body}", memory=2 * 10**9)
    failed = failure(subject)
    assert str(failed).startswith(f"net.py:gradient {message}")
    assert subject.call(*INPUTS[:2], t=np.ones(0)).value == 1.0


def test_memory_is_counted_beyond_what_the_imports_took(start: Start) -> None:
    subject = start(
        "return float(held.sum() + np.ones(10**6).sum())", above="held = np.ones(10**7)", memory=10**8
    )
    assert subject.call(*INPUTS).value == 1.1e7


@pytest.mark.parametrize(
    ("expression", "aliases"),
    [
        ("[(W * 2, b) for W, b in params[:1]]", ("grads[0][1] and params[0][1]",)),
        ("(0.5, [(params[0][0].T, b * 2) for W, b in params[:1]])", ("grads[0][0] and params[0][0]",)),
        ("[(g, h) for g in [np.ones(3)] for h in [g[1:]]]", ("grads[0][0] and grads[0][1]",)),
        ("{'h.W': x}", ("grads['h.W'] and x",)),
        ("[(g[:, :-1], g[:, -1]) for g in [np.ones((3, 4))]]", ()),
        ("[(np.frombuffer(held), np.frombuffer(held, offset=8))]", ("grads[0][0] and grads[0][1]",)),
        ("[(W + 0, b if b is None else b + 0) for W, b in params]", ()),
    ],
)
def test_arrays_that_share_memory_are_named(start: Start, expression: str, aliases: tuple[str, ...]) -> None:
    subject = start(f"return {expression}", above="held = bytearray(24)")
    assert subject.call(*INPUTS).aliases == aliases


def test_arrays_of_another_library_arrive_as_numbers(start: Start) -> None:
    above = """
class Tensor:
    def __init__(self, data): self.data = data
    def detach(self): return type(self)(self.data)
    def __array__(self, dtype=None, copy=None): return np.asarray(self.data, dtype)
class Broken(Tensor):
    def __array__(self, dtype=None, copy=None): raise RuntimeError
"""
    value = start("return [Tensor(x), Tensor([None]), Broken(x), Tensor]", above=above).call(*INPUTS).value
    assert_same(value, [np.ones((2, 5)), Unusable("net.Tensor"), Unusable("net.Broken"), Unusable("type")])


def test_what_shows_numbers_otherwise_is_returned_as_it_is(start: Start) -> None:
    body = "return x[::-1, ::2], x.astype(np.float16), [[1.0, 2], [3]], np.float16(0.5)"
    half = np.ones((2, 5), np.float16)
    expected = (np.ones((2, 3)), half, [[1.0, 2], [3]], np.float16(0.5))
    assert_same(start(body).call(*INPUTS).value, expected)


def test_a_message_without_end_is_cut(start: Start) -> None:
    failed = failure(start("raise ValueError('x' * 10**7)"))
    assert len(failed.detail) < 1100
    assert len(failed.traceback) == 8000


def test_the_process_goes_on_after_an_exception_and_after_sys_exit(start: Start) -> None:
    subject = start("calls.append(1)\nif len(calls) == 1: sys.exit(3)\nreturn len(calls)", above="calls = []")
    failed = failure(subject)
    assert (failed.what, failed.detail) == ("exited", "SystemExit: 3 (net.py, line 6)")
    assert subject.call(*INPUTS).value == 2


SEGFAULT = "signal 11 (Segmentation fault) ended its process"
CLOSED = "it closed its descriptors"


@pytest.mark.parametrize(
    ("body", "what", "detail", "tail"),
    [
        ("print('last words'); os._exit(3)", "exited", "its process ended with status 3", "last words"),
        ("__import__('ctypes').string_at(0)", "crashed", SEGFAULT, "line 6"),
        ("os.abort()", "crashed", "signal 6 (Aborted) ended its process", "line 6 in gradient"),
        ("time.sleep(60)", "hung", "no answer within 0.5 s", ""),
        ("while True: pass", "hung", "no answer within 0.5 s", ""),
        ("while True: print('again')", "hung", "no answer within 0.5 s", "again"),
        ("os.kill(os.getpid(), 19)", "hung", "no answer within 0.5 s", ""),
        ("os.closerange(3, 256)", "exited", "its process ended with status 1", "Bad file descriptor"),
        ("os.closerange(0, 256); time.sleep(60)", "crashed", CLOSED, ""),
        ("if os.fork(): os._exit(4)\ntime.sleep(60)", "exited", "its process ended with status 4", ""),
    ],
)
def test_a_lost_process_is_a_finding_and_the_next_call_finds_a_new_one(
    start: Start, body: str, what: str, detail: str, tail: str
) -> None:
    subject = start(f"if len(t) == 0: return 1.0\n{body}", timeout=LIMIT)
    failed = failure(subject)
    assert (failed.what, failed.detail) == (what, detail)
    assert tail in failed.output
    assert subject.call(*INPUTS[:2], t=np.ones(0)).value == 1.0


def test_a_process_that_ended_is_not_waited_for_on_account_of_what_it_started(start: Start) -> None:
    subject = start("os.system('sleep 60 &'); os._exit(4)")
    began = time.monotonic()
    assert failure(subject).what == "exited"
    assert time.monotonic() - began < 5


def test_waiting_for_a_subject_that_closed_its_output_costs_no_time_of_ours(start: Start) -> None:
    subject = start("os.closerange(1, 3); time.sleep(0.5)")
    began = time.process_time()
    assert subject.call(*INPUTS).value is None
    assert time.process_time() - began < 0.25


def test_a_subject_may_be_left_alone_for_longer_than_its_time_limit(start: Start) -> None:
    subject = start("calls.append(1); return len(calls)", above="calls = []", timeout=0.1)
    subject.call(*INPUTS)
    time.sleep(1.5)
    assert subject.call(*INPUTS).value == 2


def test_a_crash_leaves_no_core_behind(start: Start) -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    subject = start("return resource.getrlimit(resource.RLIMIT_CORE)[0]", above="import resource")
    resource.setrlimit(resource.RLIMIT_CORE, before)
    assert subject.call(*INPUTS).value == 0


def test_an_interrupted_call_is_not_answered_later(start: Start) -> None:
    subject = start("time.sleep(len(t)); return 1.0")
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    with pytest.raises(KeyboardInterrupt):
        subject.call(*INPUTS)
    signal.signal(signal.SIGALRM, previous)
    assert subject.call(*INPUTS[:2], t=np.ones(0)).value == 1.0


GARBAGE = """
def write(data):
    for end in range(3, 256):
        try:
            os.set_blocking(end, False)
            while data:
                os.write(end, data)
        except OSError:
            pass
"""


@pytest.mark.parametrize("data", ["b'\\0'", "b'x' * 10**6", "b'{}'", "os.urandom(64)"])
def test_garbage_in_every_open_descriptor_is_not_taken_for_a_reply(start: Start, data: str) -> None:
    failed = failure(start(f"write({data})", above=GARBAGE))
    assert failed.what == "unusable"
    assert failed.detail == "it wrote into the descriptor of the replies"


@pytest.mark.parametrize(
    "forged",
    [
        "pack(token, {'value': ['array', '<f8', [2], 0]}, b'')",
        "pack(token, {'value': None, 'changed': []}, b'') + b'more'",
        "pack(token, {'failure': {'what': 'raised'}}, b'')",
        "PREFIX.pack(token, 1, 0) + b'5'",
        "PREFIX.pack(token, 4, 0) + b'[' * 4",
        "PREFIX.pack(token, 10**6, 0) + b'[' * 10**6",
    ],
)
def test_a_forged_reply_that_describes_no_value_is_unusable(start: Start, forged: str) -> None:
    above = "from __main__ import PREFIX, pack; frame = lambda: sys._getframe(5).f_locals  # that of serve()"
    body = f"token = PREFIX.unpack(frame()['prefix'])[0]; os.write(frame()['replies'], {forged}); os._exit(0)"
    assert failure(start(body, above=above)).what == "unusable"


def test_large_arrays_pass_both_ways(start: Start) -> None:
    x = np.random.default_rng(0).normal(size=(2500, 2500))
    returned = start("return params, x + 1").call([x], x, None)
    assert_same(returned.value, ([x], x + 1))
    assert returned.changed == ()


def test_the_users_own_modules_are_the_ones_imported(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(worker.__file__).parents[1]))
    (tmp_path / "proofs").mkdir()
    for name in ("numeric.py", "symbolic.py", "proofs/__init__.py", "worker.py", "subjects.py"):
        (tmp_path / name).write_text("value = 1.0")
    names = "numeric, symbolic, proofs, worker, subjects"
    body = f"return [module.value for module in ({names})], float('backproof' in sys.modules)"
    assert start(body, above=f"import {names}").call(*INPUTS).value == ([1.0] * 5, 0.0)


def test_what_lies_beside_the_worker_cannot_be_imported(start: Start) -> None:
    failed = failure(start("import subjects"))
    assert failed.detail == "ModuleNotFoundError: No module named 'subjects' (net.py, line 5)"


def test_a_file_named_like_a_library_does_not_replace_it(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("import json\ndef gradient(*inputs): return float(json.dumps(1.5))")
    with FileSubject(tmp_path / "json.py", "gradient", python=PYTHON) as subject:
        assert subject.call(*INPUTS).value == 1.5


def test_the_import_has_a_time_limit_of_its_own(start: Start, tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text("import time\nstop = time.time() + 1\nwhile time.time() < stop: pass")
    assert start("return 1.0", above="import busy", timeout=LIMIT).call(*INPUTS).value == 1.0
    with pytest.raises(SubjectFailed, match=r"hung: no answer within 0\.5 s, during import"):
        start("return 1.0", above="import busy", import_timeout=LIMIT)


@pytest.mark.parametrize(
    ("above", "message"),
    [
        ("raise ValueError('no data')", "raised: ValueError: no data (net.py, line 3), during import"),
        ("1 +", "raised: SyntaxError: invalid syntax (net.py, line 3), during import"),
        ("import lib", "raised: ModuleNotFoundError: No module named 'lib' (net.py, line 3), during import"),
        ("sys.exit('usage')", "exited: SystemExit: usage (net.py, line 3), during import"),
        ("os._exit(1)", "exited: its process ended with status 1, during import"),
    ],
)
def test_a_file_that_does_not_import_fails_with_its_own_line(start: Start, above: str, message: str) -> None:
    before = children()
    with pytest.raises(SubjectFailed) as caught:
        start("return 1.0", above=above)
    assert str(caught.value) == f"net.py:gradient {message}"
    assert "/worker.py" not in caught.value.traceback
    assert children() == before


def test_a_missing_function_is_answered_with_those_there_are(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    functions = "".join(f"def {name}(): pass\n" for name in ("loss", "gradient", "_helper"))
    file.write_text(f"from math import exp\nclass Net: pass\n{functions}")
    for name in ("gradiant", "__doc__"):
        with pytest.raises(NoSuchSubject) as caught:
            FileSubject(file, name, python=PYTHON)
        assert str(caught.value) == f"{file} has no function '{name}'; it has loss, gradient"


@pytest.mark.parametrize(
    ("signature", "names", "positional", "accepted", "refused"),
    [
        ("params, x, t", "params x t", 3, "", "lam x"),
        ("params, x, t, lam=0.1", "params x t lam", 4, "lam", "eta"),
        ("params, x, t, /, lam, *, eta=1", "params x t lam eta", 4, "lam eta", "x"),
        ("params, x, t, lam, /", "params x t lam", 4, "", "lam"),
        ("*inputs, lam", "inputs lam", None, "lam", "inputs"),
        ("params, x, t, **options", "params x t options", 3, "lam eta", ""),
    ],
)
def test_parameters_tell_where_a_penalty_can_go(
    tmp_path: Path, signature: str, names: str, positional: int | None, accepted: str, refused: str
) -> None:
    (tmp_path / "net.py").write_text(f"def gradient({signature}): pass")
    with FileSubject(tmp_path / "net.py", "gradient", python=PYTHON) as subject:
        parameters = subject.parameters
    assert parameters.names == tuple(names.split())
    assert parameters.positional == positional
    assert all(parameters.accept(keyword) for keyword in accepted.split())
    assert not any(parameters.accept(keyword) for keyword in refused.split())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("net.py", "'net.py' does not name a file and a function; write FILE.py:FUNCTION"),
        ("net.py:", "'net.py:' does not name a file and a function; write FILE.py:FUNCTION"),
        (":gradient", "':gradient' does not name a file and a function; write FILE.py:FUNCTION"),
        ("nets.py:gradient", "there is no file 'nets.py'"),
        ("n" * 999 + ".py:gradient", f"'{'n' * 999}.py' cannot be a file (File name too long)"),
        (".:gradient", "'.' is a folder; name a file in it: FILE.py:FUNCTION"),
        ("net.c:gradient", "'net.c' is not a .py file; write FILE.py:FUNCTION"),
    ],
)
def test_a_subject_that_cannot_be_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(NoSuchSubject) as caught:
        parse_subject(text)
    assert str(caught.value) == message


def test_a_subject_is_read_as_file_and_function(tmp_path: Path) -> None:
    (tmp_path / "a:b.py").touch()
    assert parse_subject(f"{tmp_path}/a:b.py:gradient") == (tmp_path / "a:b.py", "gradient")


def test_the_default_interpreter_is_that_of_the_active_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    assert default_python() == PYTHON
    monkeypatch.setenv("CONDA_PREFIX", "/conda")
    assert default_python() == Path("/conda/bin/python")
    monkeypatch.setenv("VIRTUAL_ENV", "/venv")
    assert default_python() == Path("/venv/bin/python")


def test_an_interpreter_that_cannot_serve_is_refused_with_the_reason(tmp_path: Path) -> None:
    file, bare, broken = tmp_path / "net.py", tmp_path / "bare", tmp_path / "broken"
    file.write_text("def gradient(): pass")
    bare.write_text(f'#!/bin/sh\nexec "{PYTHON}" -S "$@"\n')
    broken.write_text("#!/bin/sh\necho 'wrong architecture'\n")
    for script in (bare, broken):
        script.chmod(0o755)
    for python, reason in [
        (bare, f"{bare} has no NumPy; give --python an interpreter that has"),
        (broken, f"{broken} is no Python 3.8 or later with NumPy (wrong architecture); give --python"),
        (tmp_path / "none", f"{tmp_path / 'none'} cannot be run (No such file or directory); give --python"),
    ]:
        with pytest.raises(NoSuchSubject) as caught:
            FileSubject(file, "gradient", python=python)
        assert str(caught.value) == reason


def test_a_callable_is_called_in_a_child_with_state_of_its_own() -> None:
    calls: list[int] = []

    def gradient(params: Any, x: Any, t: Any, lam: float = 0.0) -> Any:
        calls.append(1)
        x += lam
        print("printed")
        return len(calls), os.getpid()

    with CallableSubject(gradient) as subject:
        first, second = (subject.call(*INPUTS, lam=1.0) for _ in range(2))
        assert first.value == (1, process_of(subject))
        assert second == Returned((2, process_of(subject)), ("x",), "printed\n")
    assert subject.name == "gradient"
    assert subject.parameters.accept("lam")
    assert calls == []


@pytest.mark.parametrize(
    ("act", "what"),
    [
        (lambda: 1 / 0, "raised"),
        (lambda: sys.exit(1), "exited"),
        (lambda: os._exit(0), "exited"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "crashed"),
        (lambda: time.sleep(60), "hung"),
        (lambda: input(), "raised"),
        (lambda: os.closerange(3, 256), "exited"),
    ],
)
def test_a_callable_that_gives_no_answer_is_a_finding(act: Callable[[], object], what: str) -> None:
    with CallableSubject(lambda params, x, t: act() if len(t) else 1.0, timeout=LIMIT) as subject:
        failed = failure(subject)
        assert failed.what == what
        assert "/worker.py" not in failed.traceback
        assert subject.call(*INPUTS[:2], t=np.ones(0)).value == 1.0


def test_nothing_is_left_behind(start: Start, tmp_path: Path) -> None:
    def left() -> tuple[set[Path], set[str], set[Path]]:
        return set(Path("/proc/self/fd").iterdir()), children(), set(tmp_path.rglob("*"))

    (tmp_path / "net.py").touch()
    (tmp_path / "helper.py").touch()
    before = left()
    for body in ("return 1.0", "raise ValueError", "os._exit(1)", "os.abort()", "time.sleep(60)"):
        with start(body, above="import helper", timeout=LIMIT) as subject:
            for _ in range(2):
                with contextlib.suppress(SubjectFailed):
                    subject.call(*INPUTS)
    with CallableSubject(lambda params, x, t: os._exit(1)) as subject:
        failure(subject)
    assert left() == before


def test_what_the_subject_started_ends_with_it(start: Start) -> None:
    with start("import subprocess; return subprocess.Popen(['sleep', '60']).pid") as subject:
        sleeper = subject.call(*INPUTS).value
        assert not ended(sleeper)
    assert ended_within(2.0, sleeper)


def test_a_subject_can_be_asked_by_a_process_without_standard_streams(start: Start, tmp_path: Path) -> None:
    start("print('printed'); return 1.0")
    (tmp_path / "ask.py").write_text(
        "import sys\nfrom pathlib import Path\nfrom backproof.subjects import FileSubject\n"
        "with FileSubject(Path('net.py'), 'gradient', python=Path(sys.executable)) as subject:\n"
        "    Path('answer').write_text(repr(subject.call([], 0.0, 0.0)))"
    )
    command = ["sh", "-c", f"exec '{sys.executable}' ask.py <&- >&- 2>&-"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, env=environment, cwd=tmp_path, check=True)
    assert (tmp_path / "answer").read_text() == repr(Returned(1.0, (), "printed\n"))


ASKING = """
import signal, sys
from pathlib import Path
from backproof.subjects import FileSubject
signal.signal(signal.SIGINT, signal.default_int_handler)
with FileSubject(Path(sys.argv[1]), "gradient", python=Path(sys.executable), timeout=1.0) as subject:
    subject.call([], 0.0, 0.0)
"""


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [(signal.SIGINT, 0.5), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)],
    ids=["SIGINT", "SIGTERM", "SIGKILL"],
)
def test_a_hung_subject_ends_with_the_process_that_asked(tmp_path: Path, sent: int, seconds: float) -> None:
    note = tmp_path / "note"
    hang = f"open({str(note)!r}, 'w').write(str(os.getpid()) + '.')\n    while True: pass"
    (tmp_path / "net.py").write_text(f"import os\ndef gradient(params, x, t):\n    {hang}")
    command = [sys.executable, "-c", ASKING, str(tmp_path / "net.py")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as parent:
        while not (note.exists() and note.read_text().endswith(".")):
            assert parent.poll() is None
        parent.send_signal(sent)
    assert ended_within(seconds, int(note.read_text()[:-1]))
