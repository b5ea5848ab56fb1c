"""Subjects in other languages: a C function, a program. Wrong ones and bad ones are seen."""

from __future__ import annotations

import ast
import contextlib
import re
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backproof.foreign import c_function, command
from backproof.foreign.c_function import CFunctionFailed, bind, read_prototype
from backproof.foreign.command import CommandFailed, start
from backproof.subjects import CallableSubject, SubjectFailed
from numeric import backprop
from symbolic.network import mlp

EXAMPLES = Path(__file__).parents[2] / "examples/protocol"
FAMILY: Any = mlp(hidden="tanh", loss="half-mse", l2="lambda/(2*m)")
LAM = 0.3
PROTOTYPE = (
    "double gradient(const double *params, const double *x, const double *t, double lambda, double *grads, "
    "const int *sizes, int layers, int m)"
)
# What one line of C can do with a layer z = W x + b, E = ½ Σ (z - t)², one sample, is enough for signatures.
LINE = """
static void line(const REAL *W, const REAL *b, const REAL *x, const REAL *t, REAL *dW, REAL *db, REAL *loss,
                 int inputs, int outputs)
{
    *loss = 0;
    for (int i = 0; i < outputs; i++) {
        REAL delta = b[i] - t[i];
        for (int j = 0; j < inputs; j++) delta += W[i * inputs + j] * x[j];
        for (int j = 0; j < inputs; j++) dW[i * inputs + j] = delta * x[j];
        db[i] = delta;
        *loss += delta * delta / 2;
    }
}
"""
RED_LINE = """
import json, sys
import numpy as np
for line in sys.stdin:
    request = json.loads(line)
"""

Require = Callable[[str], None]
Compile = Callable[..., Any]


def drawn(*sizes: int, samples: int = 5) -> tuple[Any, Any, Any]:
    """params, x and t with samples as rows."""
    rng = np.random.default_rng(7)
    params = [(rng.normal(size=(k, n)), rng.normal(size=k)) for n, k in pairwise(sizes)]
    return params, rng.normal(size=(samples, sizes[0])), rng.normal(size=(samples, sizes[-1]))


def expected(network: Any, params: Any, x: Any, t: Any, lam: float = 0.0) -> tuple[float, Any]:
    return (
        backprop.loss(network, params, x.T, t.T, lam=lam),
        backprop.gradient(network, params, x.T, t.T, lam=lam),
    )


def error(found: Any, wanted: Any) -> float:
    """The largest error of (loss, grads), relative to the largest number."""
    flat = [
        np.concatenate([[loss], *(v.ravel() for pair in grads for v in pair)])
        for loss, grads in (found, wanted)
    ]
    return float(np.abs(flat[0] - flat[1]).max() / np.abs(flat[1]).max())


def example_error(subject: Any, *sizes: int) -> float:
    point = drawn(*sizes)
    return error(subject(*point, lam=LAM), expected(FAMILY.network(sizes), *point, lam=LAM))


@pytest.fixture
def c(tmp_path: Path, require: Require) -> Compile:
    """Binds a function of a file of C."""
    require("gcc")

    def c(source: str, prototype: str, **settings: Any) -> Any:
        (tmp_path / "net.c").write_text(source)
        return bind(str(tmp_path / "net.c"), prototype, **settings)

    return c


def python(folder: Path, body: str, *, above: str = RED_LINE, **settings: Any) -> Any:
    """A program of Python, which answers each request by `body`."""
    (folder / "net.py").write_text(above + textwrap.indent(textwrap.dedent(body), "    " * bool(above)))
    return start([sys.executable, "net.py"], folder=str(folder), **settings)


@pytest.mark.parametrize("file", [c_function.__file__, command.__file__])
def test_worker_side_is_python_3_8_and_imports_the_standard_library_and_numpy_alone(file: str) -> None:
    tree = ast.parse(Path(file).read_text(encoding="utf-8"), feature_version=(3, 8))
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {getattr(node, "module", None) or node.names[0].name for node in imports}
    assert {name.partition(".")[0] for name in names} <= {*sys.stdlib_module_names, "numpy"}


@pytest.mark.parametrize("sizes", [(2, 3, 1), (3, 4, 5, 2), (1, 1), (4, 1, 3)])
def test_right_c_function_is_right_and_the_wrong_one_is_not(require: Require, sizes: tuple[int, ...]) -> None:
    require("gcc")
    right = bind(str(EXAMPLES / "right.c"), PROTOTYPE)
    wrong = bind(str(EXAMPLES / "wrong.c"), "gradient")
    assert example_error(right, *sizes) < 1e-14
    assert example_error(wrong, *sizes) > 1e-3 or len(sizes) == 2  # no tanh in a single layer


def test_function_of_floats_is_right_to_their_precision(c: Compile) -> None:
    source = (EXAMPLES / "right.c").read_text(encoding="utf-8").replace("double", "float")
    subject = c(source, PROTOTYPE.replace("double", "float"))
    assert 1e-9 < example_error(subject, 3, 4, 5, 2) < 1e-6


LANGUAGES = {"c": "gcc", "js": "node", "rs": "rustc"}
PRESENT = [language for language in LANGUAGES if language != "rs" or shutil.which("rustc")]  # it is large


@pytest.mark.parametrize("language", PRESENT)
@pytest.mark.parametrize("name", ["right", "wrong"])
def test_right_examples_of_commands_are_right_and_wrong_ones_are_not(
    tmp_path: Path, require: Require, name: str, language: str
) -> None:
    if language != "rs":
        require(LANGUAGES[language])
    program, text = str(tmp_path / name), "words" if language == "c" else "json"
    build = {
        "c": ["gcc", "-Wall", "-Werror", "-O2", "command.c", f"{name}.c", "-lm", "-o", program],
        "rs": ["rustc", "-O", f"{name}.rs", "-o", program],
    }.get(language)
    if build:
        subprocess.run(build, cwd=EXAMPLES, check=True)
    arguments = [program] if build else ["node", f"{name}.js"]
    for stays in (False, True):
        subject = start(arguments, format=text, stays=stays, folder=str(EXAMPLES))
        errors = [example_error(subject, *sizes) for sizes in ((2, 3, 1), (3, 4, 5, 2))]
        assert max(errors) < 1e-14 if name == "right" else min(errors) > 1e-3


@pytest.mark.parametrize("real", ["double", "float"])
@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        (
            "REAL *W1, REAL *b1, const REAL *x, const REAL *t, REAL *dW1, REAL *db1, int n0, int n1",
            "W1, b1, x, t, dW1, db1, &loss, n0, n1",
        ),
        (
            "REAL **W, REAL **b, REAL x[], REAL *t, REAL **dW, REAL **db, int *sizes",
            "*W, *b, x, t, *dW, *db, &loss, *sizes, sizes[1]",
        ),
        (
            "const REAL *restrict params, const REAL *x, const REAL *t, REAL *grads, long n0, size_t n1",
            "params, params + n0 * n1, x, t, grads, grads + n0 * n1, &loss, n0, n1",
        ),
    ],
    ids=["an array each", "pointers to arrays", "one vector"],
)
def test_every_way_to_take_parameters_is_understood(
    c: Compile, real: str, parameters: str, line: str
) -> None:
    source = f"#include <stddef.h>\n{LINE}\nREAL f({parameters})\n{{ REAL loss; line({line}); return loss; }}"
    subject = c(source.replace("REAL", real), f"{real} f({parameters})".replace("REAL", real))
    params, x, t = drawn(3, 2, samples=1)
    found = subject(params, x.T, t.T)
    assert (
        error(found, expected(mlp(3, 2, loss="half-squared"), params, x, t))
        < {"double": 1e-15, "float": 1e-6}[real]
    )
    assert found[0].dtype == found[1][0][0].dtype == {"double": np.float64, "float": np.float32}[real]


@pytest.mark.parametrize(
    ("order", "flat"),
    [
        ("W1 b1 W2 b2", [0, 1, 2, 3]),
        ("b1 W1 b2 W2", [1, 0, 3, 2]),
        ("W1 W2 b1 b2", [0, 2, 1, 3]),
        ("b1 b2 W1 W2", [1, 3, 0, 2]),
    ],
)
def test_flat_vector_has_the_declared_order_both_ways(c: Compile, order: str, flat: list[int]) -> None:
    parameters = "double *params, double *x, double *t, double *grads"
    source = f"void f({parameters}) {{ for (int i = 0; i < 4; i++) grads[i] = i * 10 + params[i]; }}"
    params = [(np.array([[0.0]]), np.array([1.0])), (np.array([[2.0]]), np.array([3.0]))]
    grads = c(source, "f", order=order)(params, np.ones((1, 1)), np.ones((1, 1)))
    found = [float(v.item()) for pair in grads for v in pair]
    assert found == [flat.index(number) * 10 + number for number in range(4)]


def test_class_numbers_a_loss_to_be_written_and_missing_biases_are_passed(c: Compile) -> None:
    parameters = "double **W, double **b, double *x, const int *t, double **dW, double **db, double *loss"
    body = "**dW = t[0] + 10 * t[1]; *loss = b[0] == NULL && db[0] == NULL;"
    subject = c(f"#include <stddef.h>\nvoid f({parameters}) {{ {body} }}", f"void f({parameters});")
    loss, grads = subject([(np.ones((1, 1)), None)], np.ones((1, 2)), np.array([3, 4]))
    assert loss == 1
    assert grads == [(np.array([[43.0]]), None)]


TOLD = """
void f(double **W, double **b, double *x, double *t, double **dW, double **db, int m, int *sizes, int layers)
{
    for (int l = 0; l < layers; l++) {
        for (int i = 0; i < sizes[l + 1] * sizes[l]; i++) dW[l][i] = i == 0 ? m : i <= 3 ? sizes[i - 1] : 0;
        for (int i = 0; db[l] && i < sizes[l + 1]; i++) db[l][i] = 0;
    }
}
"""  # m and the widths, in every gradient by weights
OUT_IN, IN_OUT = [(2, 3), (4, 2)], [(3, 2), (2, 4)]


@pytest.mark.parametrize("shapes", [OUT_IN, IN_OUT])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("x", [(3, 5), (5, 3), (3,)])
def test_samples_and_widths_are_read_from_the_shapes(
    c: Compile, shapes: Any, *, bias: bool, x: tuple[int, ...]
) -> None:
    outputs = [2, 4]
    params = [
        (np.ones(shape), np.ones(n) if bias else None) for shape, n in zip(shapes, outputs, strict=True)
    ]
    *_, told = c(TOLD, "f")(params, np.ones(x), np.ones(1))
    assert told[0].ravel()[:4].tolist() == [5 if len(x) == 2 else 1, 3, 2, 4]


def test_widths_that_fit_both_ways_are_read_as_in_the_call_before(c: Compile) -> None:
    subject = c(TOLD, "f")
    unclear = [(np.ones((2, 3)), None), (np.ones((3, 2)), None)], np.ones((2, 3)), np.ones(1)
    for shapes, told in ((OUT_IN, [2, 3, 2, 3]), (IN_OUT, [3, 2, 3, 2])):
        subject([(np.ones(shape), None) for shape in shapes], np.ones((3, 5)), np.ones(1))
        *_, found = subject(*unclear)
        assert found[0].ravel()[:4].tolist() == told


F = "void f(const double *params, double *x, const double *t, double *grads, int m)"
ONE = ([(np.ones((2, 3)), np.ones(2))], np.ones((3, 1)), np.ones((2, 1)))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("for (int i = 0; i < 9; i++) grads[i] = 1;", "it wrote beyond the end of grads: grads[8] of 8"),
        ("for (int i = -2; i < 8; i++) grads[i] = 1;", "it wrote before the start of grads: grads[-1]"),
        ("for (int i = 0; i < 8; i++) grads[i] = 1; x[5] = 1;", "it wrote beyond the end of x: x[5] of 3"),
        (
            "for (int i = 0; i < 8; i++) if (i != 3) grads[i] = 1;",
            "it did not write grads[3] (1 of 8 entries), or added to what was there; if it is to add, "
            "declare accumulates",
        ),
        (
            "for (int i = 0; i < 8; i++) grads[i] += 1;",
            "it did not write grads[0] (8 of 8 entries), or added to what was there; if it is to add, "
            "declare accumulates",
        ),
    ],
)
def test_writing_beyond_an_array_or_not_all_of_it_is_a_finding(c: Compile, body: str, sentence: str) -> None:
    with pytest.raises(CFunctionFailed) as caught:
        c(f"{F} {{ {body} }}", F)(*ONE)
    assert str(caught.value) == sentence


def test_function_that_is_declared_to_add_adds_to_nothing(c: Compile) -> None:
    subject = c(f"{F} {{ for (int i = 0; i < 8; i++) grads[i] += i; }}", F, accumulates=True)
    for _ in range(2):
        ((w, b),) = subject(*ONE)
        assert w.tolist() == [[0, 1, 2], [3, 4, 5]]
        assert b.tolist() == [6, 7]


def test_reading_beyond_an_array_makes_nan(c: Compile) -> None:
    ((w, _),) = c(f"{F} {{ for (int i = 0; i < 8; i++) grads[i] = 2 * x[i]; }}", F)(*ONE)
    assert np.isnan(w).tolist() == [[False] * 3, [True] * 3]


def test_changed_input_is_seen_by_who_called(c: Compile) -> None:
    source = f"{F} {{ for (int i = 0; i < 8; i++) grads[i] = 1; x[1] = 5; }}"
    with CallableSubject(c(source, F)) as subject:
        assert subject.call(*ONE).changed == ("x",)


def test_keyword_is_offered_where_the_prototype_has_it(require: Require) -> None:
    require("gcc")
    with CallableSubject(bind(str(EXAMPLES / "right.c"), PROTOTYPE)) as subject:
        assert subject.parameters.accept("lam")
    right = bind(str(EXAMPLES / "right.c"), PROTOTYPE.replace("double lambda", "double lam"))
    assert right(*drawn(2, 2, samples=2))[0] == right(*drawn(2, 2, samples=2), lam=0.0)[0]


def test_crash_of_the_function_is_a_finding(c: Compile) -> None:
    with (
        CallableSubject(c(f"{F} {{ *(volatile int *)0 = m; }}", F)) as subject,
        pytest.raises(SubjectFailed) as caught,
    ):
        subject.call(*ONE)
    assert caught.value.what == "crashed"


def test_what_it_prints_is_shown_with_the_call(c: Compile) -> None:
    body = 'for (int i = 0; i < 8; i++) grads[i] = 1; printf("m is %d", m);'
    with CallableSubject(c(f"#include <stdio.h>\n{F} {{ {body} }}", F)) as subject:
        assert subject.call(*ONE).output == "m is 1"


P = "const double *params, const double *x, const double *t"


@pytest.mark.parametrize(
    ("prototype", "sentence"),
    [
        ("gradient", "'gradient' is no prototype; expected one such as double f(const double *params, …)"),
        (f"int f({P}, double *grads)", "f returns int; expected the loss as double or float, or void"),
        (f"void f({P}, const double *grads)", "f has a const grads, where the result is to be written"),
        (
            f"void f({P})",
            "f takes the gradient in 0 ways; expected one: grads, dW1 db1 …, or dW db",
        ),
        (
            f"void f({P}, double *W1, double *grads)",
            "f takes the parameters in 2 ways; expected one: params, W1 b1 …, or W b",
        ),
        ("void f(double *params, double *x, double *grads)", "f has no argument t"),
        (
            f"double f({P}, double *grads, double *loss)",
            "f returns double and writes the loss too; expected one of the two",
        ),
        (
            f"void f({P}, double *grads, int batch)",
            f"the argument 'int batch' has no meaning here; the names are {c_function.KNOWN}",
        ),
        (
            f"void f({P}, float **grads)",
            "the argument 'float **grads' has an unexpected type; expected double *grads or float *grads",
        ),
        (
            f"void f({P}, double *grads, double m)",
            "the argument 'double m' has an unexpected type; expected int m or long m or size_t m",
        ),
        (
            f"void f({P}, double *grads, struct net *m)",
            "the argument 'struct net *m' is not understood; expected TYPE name or TYPE *name",
        ),
    ],
)
def test_prototype_that_is_not_understood_is_refused_with_what_was_expected(
    prototype: str, sentence: str
) -> None:
    with pytest.raises(CFunctionFailed) as caught:
        read_prototype(prototype)
    assert str(caught.value) == sentence


@given(st.text("double *f(params,x;t) int[]const", max_size=60))
def test_any_text_is_a_prototype_or_refused(text: str) -> None:
    with contextlib.suppress(CFunctionFailed):
        assert read_prototype(text).arguments


@pytest.mark.parametrize(
    ("source", "prototype", "settings", "sentence"),
    [
        ("int f(", F, {}, "net.c does not compile: net.c:1:1: error: expected declaration"),
        (f"{F} {{ }}", F.replace("f(", "g("), {}, "net.c exports no function g; it must not be static, nor"),
        (f"{F} {{ }}", "g", {}, "net.c has 0 definitions of a function g; expected one"),
        (f"/* {F} {{ }} */", "f", {}, "net.c has 0 definitions of a function f; expected one"),
        (f"{F} {{ }}", "f", {"order": "b W"}, "no order 'b W'; choose from W1 b1 W2 b2, b1 W1 b2 W2, W1 W2"),
        (f"{F} {{ }}", "f", {"flags": ["-no-such-flag"]}, "net.c does not compile: "),
    ],
)
def test_file_that_does_not_give_the_function_is_refused(
    c: Compile, source: str, prototype: str, settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(CFunctionFailed) as caught:
        c(source, prototype, **settings)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_missing_file_missing_compiler_and_what_is_no_library_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.so").write_text("text")
    (tmp_path / "net.c").write_text("")
    monkeypatch.setenv("PATH", "")
    for file, prototype, sentence in (
        ("none.so", F, f"there is no file {tmp_path / 'none.so'}"),
        ("net.so", F, "net.so cannot be loaded: "),
        ("net.so", "f", "net.so does not tell how f is called; give its prototype"),
        ("net.c", F, "there is no C compiler cc to compile net.c with; install one, such as gcc"),
    ):
        with pytest.raises(CFunctionFailed) as caught:
            bind(str(tmp_path / file), prototype)
        assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ("double *W1, double *W2, double *dW1, double *dW2", "f does not take b1, which this network has"),
        (
            "double *W1, double *b1, double *dW1",
            "f does not write the gradient of b1, which this network has",
        ),
        (
            "double *W1, double *b1, double *W2, double *dW1, double *db1",
            "f is to take W2, which this network has not",
        ),
        ("double *params, double *grads, int n2", "f asks for n2, which this network has not"),
    ],
)
def test_network_of_another_depth_is_refused(c: Compile, parameters: str, sentence: str) -> None:
    subject = c(f"void f({parameters}, double *x, double *t) {{ }}", "f")
    with pytest.raises(CFunctionFailed) as caught:
        subject(*ONE)
    assert str(caught.value) == sentence


def test_shared_library_is_loaded_as_it_is(tmp_path: Path, require: Require) -> None:
    require("gcc")
    library = tmp_path / "net.so"
    subprocess.run([*c_function.COMPILER, EXAMPLES / "right.c", "-lm", "-o", library], check=True)
    assert example_error(bind(str(library), PROTOTYPE), 2, 3, 1) < 1e-14


ECHO = "print(json.dumps({'grads': request['params'], 'loss': request.get('lam')}), flush=True)"


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_numbers_are_the_same_after_their_way_through_json(
    tmp_path: Path, *, stays: bool, dtype: Any
) -> None:
    subject = python(tmp_path, ECHO, stays=stays)
    rng = np.random.default_rng(3)
    params = [
        (rng.normal(size=(40, 3)) * 10.0 ** rng.integers(-300, 300, (40, 3)), np.array([5e-324, -0.0, 1 / 3]))
    ]
    with np.errstate(over="ignore", under="ignore"):
        params = [(np.nan_to_num(w.astype(dtype)), b.astype(dtype)) for w, b in params]
    for lam in (0.1, 0.2):
        loss, ((w, b),) = subject(params, np.ones((3, 1)), np.array([0, 2]), lam=lam)
        assert loss == dtype(lam)
        for found, sent in ((w, params[0][0]), (b, params[0][1])):
            assert (found.dtype, found.tobytes()) == (sent.dtype, sent.tobytes())


def test_request_names_the_arrays_and_tells_their_precision(tmp_path: Path) -> None:
    subject = python(tmp_path, f"open('request', 'w').write(line)\n{ECHO}")
    subject(
        [(np.ones((1, 2)), np.zeros(1)), (np.ones((1, 1)), None)], np.ones((2, 1)), np.array([0]), lam=0.5
    )
    assert (tmp_path / "request").read_text() == (
        '{"dtype": "float64", "params": {"W1": [[1.0, 1.0]], "b1": [0.0], "W2": [[1.0]]}, '
        '"x": [[1.0], [1.0]], "t": [0], "lam": 0.5}\n'
    )


def test_requests_and_replies_are_those_of_the_document(tmp_path: Path) -> None:
    text = (EXAMPLES.parents[1] / "docs/protocol.md").read_text(encoding="utf-8")

    def blocks(language: str) -> list[str]:
        return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)

    params = [(np.array([[0.5, -0.25]]), np.array([0.1]))]
    point = params, np.arange(1.0, 7.0).reshape(3, 2), np.array([[1.0], [0.0], [2.0]])
    for format, (request, reply) in (("json", blocks("json")), ("words", blocks("text"))):
        body = f"open('request', 'w').write(sys.stdin.read())\nprint({reply!r})"
        loss, ((w, b),) = python(tmp_path, body, above="import sys\nif True:\n", format=format)(
            *point, lam=0.25
        )
        assert (tmp_path / "request").read_text() == request
        assert (loss, w.tolist(), b.tolist()) == (1.5, [[0.125, 0.002]], [3.0])
    (program,) = blocks("python")
    (tmp_path / "net.py").write_text(program)
    found = start([sys.executable, "net.py"], format="npz", folder=str(tmp_path))(*point)
    assert error(found, expected(mlp(2, 1, loss="half-squared", scale="1"), *point)) < 1e-15


def test_graph_is_asked_by_the_names_of_its_arrays(tmp_path: Path) -> None:
    body = "print(json.dumps({'grads': {'h.W': request['x']['x'], 'h.b': request['t']['t']}}))"
    params = {"h.W": np.zeros((2, 1)), "h.b": np.zeros(1)}
    grads = python(tmp_path, body)(params, {"x": np.array([[1.0], [2.0]])}, {"t": np.array([3.0])})
    assert list(grads) == ["h.W", "h.b"]
    assert grads["h.W"].tolist() == [[1.0], [2.0]]
    assert grads["h.b"].tolist() == [3.0]


def test_npz_passes_arrays_as_they_are(tmp_path: Path) -> None:
    above = textwrap.dedent("""
        import io, sys
        import numpy as np
        a = np.load(io.BytesIO(sys.stdin.buffer.read()))
        np.savez(sys.stdout.buffer, W1=2 * a["W1"], b1=a["lam"] * a["b1"].astype("f4"), loss=a["x"].sum())
    """)
    (tmp_path / "net.py").write_text(above)
    subject = start([sys.executable, "net.py"], format="npz", folder=str(tmp_path))
    loss, ((w, b),) = subject(*ONE, lam=0.5)
    assert (loss, w.tolist(), b.tolist()) == (3.0, [[2.0] * 3] * 2, [0.5] * 2)


NUMBERS = ["1.5", '"0x1.8p+0"', '"1.5"', "15e-1"]


@pytest.mark.parametrize("number", NUMBERS)
def test_decimals_and_hexadecimals_are_numbers(tmp_path: Path, number: str) -> None:
    reply = f'{{"grads": {{"W1": [[{number}]]}}}}'
    ((w, b),) = python(tmp_path, f"print({reply!r})")(
        [(np.ones((1, 1)), None)], np.ones((1, 1)), np.ones((1, 1))
    )
    assert (w.tolist(), b) == ([[1.5]], None)


@pytest.mark.parametrize("word", ["null", "NaN", '"nan"'])
def test_nan_has_more_than_one_name(tmp_path: Path, word: str) -> None:
    reply = f'{{"loss": {word}, "grads": {{"W1": [[{word}]], "b1": null}}}}'
    loss, ((w, _),) = python(tmp_path, f"print({reply!r})")(
        [(np.ones((1, 1)), None)], np.ones((1, 1)), np.ones((1, 1))
    )
    assert np.isnan([loss, *w.ravel()]).all()


GOOD = '"W1": [[1, 2, 3], [4, 5, 6]]'


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ("nothing here", "the reply is not JSON; it replied 'nothing here'"),
        ("", "the reply is not JSON; it replied nothing"),
        ("[" * 200_000, "the reply is not JSON; it replied '[[[[[["),
        ("[1, 2]", "the reply has no object \"grads\"; it replied '[1, 2]'"),
        ('{"loss": 1}', 'the reply has no object "grads"; it replied \'{"loss": 1}\''),
        (f'{{"grads": {{{GOOD}}}}}', "the reply has no gradient of b1; it replied "),
        (
            f'{{"grads": {{{GOOD}, "b1": [1, 2], "b2": 3}}}}',
            "the reply has a gradient of b2, which this network ",
        ),
        (f'{{"grads": {{{GOOD}, "b1": [1]}}}}', "b1 has 1 items; expected a list of 2; it replied "),
        (f'{{"grads": {{{GOOD}, "b1": 1}}}}', "b1 is no list; expected a list of 2; it replied "),
        (f'{{"grads": {{{GOOD}, "b1": [1, [2]]}}}}', "b1[1] holds '[2]', which is no number; it replied "),
        (f'{{"grads": {{{GOOD}, "b1": [1, "two"]}}}}', "b1[1] holds 'two', which is no number; it replied "),
        (
            f'{{"loss": true, "grads": {{{GOOD}, "b1": [1, 2]}}}}',
            "loss holds 'True', which is no number; it ",
        ),
    ],
)
def test_what_is_no_reply_is_refused_with_its_beginning(tmp_path: Path, reply: str, sentence: str) -> None:
    subject = python(tmp_path, f"sys.stdout.write({reply!r})")
    with pytest.raises(CommandFailed) as caught:
        subject(*ONE)
    assert str(caught.value).startswith(sentence)
    assert len(str(caught.value)) < 300


WORDS = "W1 2 2 3 1 2 0x1.8p+1 nan 5 6 b1 1 2 7 8"


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (WORDS, "the reply ends before its word 'end'; it replied "),
        ("W1 2 2 3 1 2", "the reply ends before its word 'end'; it replied 'W1 2 2 3 1 2'"),
        ("W1 two end", "where a rank or a size should be, the reply has 'two'; it replied 'W1 two end'"),
        ("W1 0 one end", "W1 holds 'one', which is no number; it replied 'W1 0 one end'"),
        (f"{WORDS[:-2]} end", "b1 holds 'end', which is no number; it replied "),
        ("W1 1 6 1 2 3 4 5 6 b1 1 2 7 8 end", "W1 has 6 items; expected a list of 2; it replied "),
    ],
)
def test_words_that_are_no_reply_are_refused(tmp_path: Path, reply: str, sentence: str) -> None:
    subject = python(tmp_path, f"print({reply!r})", above="if True:\n", format="words")
    with pytest.raises(CommandFailed) as caught:
        subject(*ONE)
    assert str(caught.value).startswith(sentence)


def test_words_may_stand_on_many_lines(tmp_path: Path) -> None:
    lines = f"{WORDS} loss 0 2.5 end".replace(" ", "\n")
    subject = python(tmp_path, f"print({lines!r})", above="if True:\n", format="words")
    loss, ((w, b),) = subject(*ONE)
    assert (loss, w[0, 2], b.tolist()) == (2.5, 3.0, [7.0, 8.0])
    assert np.isnan(w[1, 0])


@pytest.mark.parametrize("payload", ["b'text'", "b''", "pickle.dumps([1])", "npz(object)", "npz(float)[:60]"])
def test_npz_that_is_damaged_or_holds_objects_is_refused(tmp_path: Path, payload: str) -> None:
    above = textwrap.dedent(f"""
        import io, pickle, sys
        import numpy as np
        def npz(dtype):
            file = io.BytesIO()
            np.savez(file, W1=np.ones((2, 3), dtype), b1=np.ones(2))
            return file.getvalue()
        sys.stdout.buffer.write({payload})
    """)
    (tmp_path / "net.py").write_text(above)
    with pytest.raises(CommandFailed, match=r"^the reply is no \.npz of plain arrays \("):
        start([sys.executable, "net.py"], format="npz", folder=str(tmp_path))(*ONE)


def test_program_that_ends_is_a_finding_and_the_next_call_finds_another(tmp_path: Path) -> None:
    body = f"if request['lam'] == 1: sys.exit(3)\nif request['lam'] == 2: os.abort()\n{ECHO}"
    subject = python(tmp_path, body, above=f"import os{RED_LINE}", stays=True)
    for lam, how in ((1, "ended with status 3"), (2, "was ended by signal 6 (Aborted)")):
        with pytest.raises(CommandFailed) as caught:
            subject(*ONE, lam=lam)
        assert str(caught.value) == f"the program {how}; it wrote nothing"
    assert subject(*ONE, lam=5)[0] == 5


def test_program_that_stays_writes_one_line_when_it_is_asked(tmp_path: Path) -> None:
    subject = python(tmp_path, "print('two\\nlines', flush=True)", stays=True)
    with pytest.raises(CommandFailed) as caught:
        subject(*ONE)
    assert str(caught.value) == "it answered one line with more; it wrote 'two\\nlines'"
    late = f"{ECHO}\nimport time; time.sleep(0.1); print('late', flush=True); open('late', 'w').write('.')"
    subject = python(tmp_path, late, stays=True)
    subject(*ONE)
    while not (tmp_path / "late").exists():
        time.sleep(0.01)
    with pytest.raises(CommandFailed) as caught:
        subject(*ONE)
    assert str(caught.value) == "it wrote before it was asked; it wrote 'late'"


def test_flood_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "LONGEST", 1 << 20)
    flood = "while True: sys.stdout.write('flood ' * 1000)"
    for stays in (False, True):
        with pytest.raises(CommandFailed, match=r"^it wrote 1 MB and more; it wrote 'flood flood "):
            python(tmp_path, flood, stays=stays)(*ONE)


def test_settings_that_cannot_be_are_refused() -> None:
    for settings, sentence in (
        ({"format": "xml"}, "no format 'xml'; choose from json, words, npz"),
        ({"format": "npz", "stays": True}, "no format 'npz' in lines; choose from json, words"),
    ):
        with pytest.raises(CommandFailed) as caught:
            start(["true"], **settings)
        assert str(caught.value) == sentence
    for program in ("no-such-program", "./no-such-program"):
        with pytest.raises(CommandFailed, match=f"^there is no program {program} that can be run$"):
            start([program])


def test_program_that_hangs_ends_with_the_worker(tmp_path: Path) -> None:
    hanging = python(tmp_path, HANG, above=f"import os{RED_LINE}")
    with CallableSubject(hanging, timeout=0.5) as subject, pytest.raises(SubjectFailed) as caught:
        subject.call(*ONE)
    assert caught.value.what == "hung"
    assert ended_within(5.0, (tmp_path / "pid").read_text()[:-1])


HANG = "open('pid', 'w').write(str(os.getpid()) + '.')\nwhile True: pass"
ASKING = """
import os, sys
sys.path[:0] = {path!r}
import numpy as np
from backproof.foreign.command import start
from backproof.subjects import CallableSubject
subject = CallableSubject(start([sys.executable, "net.py"], folder={folder!r}), timeout=0.5)
subject.call([(np.ones((1, 1)), None)], np.ones((1, 1)), np.ones((1, 1)))
"""


def test_program_that_hangs_ends_when_nobody_is_left_to_end_it(tmp_path: Path) -> None:
    python(tmp_path, HANG, above=f"import os{RED_LINE}")
    script = ASKING.format(path=sys.path, folder=str(tmp_path))
    note = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", script]) as parent:
        while not (note.exists() and note.read_text().endswith(".")):
            assert parent.poll() is None
            time.sleep(0.01)
        parent.kill()
    assert ended_within(5.0, note.read_text()[:-1])


def ended_within(seconds: float, process: str) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if ") Z " in Path(f"/proc/{process}/stat").read_text():
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False
