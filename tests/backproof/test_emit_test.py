"""Emitted tests, run without backproof: they fail while the subject is wrong, and pass once it is right."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backproof as bp
from backproof.emitting import emit_test
from backproof.forms import Form
from backproof.report import Report
from backproof.subjects import FileSubject
from symbolic.errors import BackproofError
from tests.backproof import textbook as textbook_module
from tests.backproof.textbook import textbook

TANH = bp.mlp(hidden="tanh", scale="1/m")
ALONE = """
import sys

for name in ("backproof", "symbolic", "numeric", "proofs", "sympy", "hypothesis"):
    sys.modules[name] = None  # whoever imports it fails
"""
HEAD = "import numpy as np\nfrom textbook import loss_value, textbook\nright = textbook(hidden='tanh')\n"
ROWS = """
def gradient(params, x, t):
    columns = [(w.T, b.ravel()) for w, b in params]
    grads = net(columns, x.T, np.eye(params[-1][0].shape[1])[:, t])
    return [(dw.T, db[None, :]) for dw, db in grads]
"""
SOFTMAX = "hidden='tanh', output='softmax', loss='cross-entropy'"


@dataclass(frozen=True, slots=True)
class Row:
    """A wrong subject as the text of its file, what makes it right, and the check that finds it."""

    wrong: str
    mend: tuple[str, str]
    family: Any = TANH
    options: tuple[tuple[str, Any], ...] = ()
    head: str = HEAD


ROWS_OF_SUBJECTS = {
    "a factor": Row(
        "gradient = textbook(hidden='tanh', bug='missing 1/m')", ("bug='missing 1/m'", "bug=None")
    ),
    "the loss": Row(
        "def gradient(params, x, t):\n    return 2 * loss_value(params, x, t), right(params, x, t)\n",
        ("2 * ", ""),
    ),
    "single precision": Row(
        "def gradient(params, x, t):\n"
        "    single = [(w.astype('f4'), b.astype('f4')) for w, b in params]\n"
        "    return [(3 * dw, db) for dw, db in right(single, x.astype('f4'), t.astype('f4'))]\n",
        ("3 * dw", "dw"),
    ),
    "lambda": Row(
        "l2 = lambda lam, m: lam / (2 * m)\n"
        "gradient = textbook(hidden='tanh', l2=l2, bug='weight decay subtracted')",
        ("weight decay subtracted", ""),
        bp.mlp(hidden="tanh", l2="lambda/(2*m)", scale="1/m"),
    ),
    "another layout": Row(
        f"net = textbook({SOFTMAX}, bug='sign')\n{ROWS}",
        ("bug='sign'", "bug=None"),
        bp.mlp(hidden="tanh", output="softmax", loss="cross-entropy", scale="1/m"),
        (("layout", bp.Layout(weights="in-out", samples="rows", bias_shape="1,n", labels="integer")),),
    ),
    "no biases": Row(
        "def gradient(params, x, t):\n"
        "    (w, b), = params\n"
        "    return [(2 * (w @ x - t) @ x.T / x.shape[1], None)]\n",
        ("2 * ", ""),
        bp.mlp("?-?", bias=False, scale="1/m"),
    ),
    "not finite": Row(
        "def gradient(params, x, t):\n    return [(dw * np.inf, db) for dw, db in right(params, x, t)]\n",
        (" * np.inf", ""),
    ),
    "an exception": Row(
        "def gradient(params, x, t):\n    return right(params, x, t) if x.shape[1] > 9 else 1 / 0\n",
        (" if x.shape[1] > 9 else 1 / 0", ""),
    ),
    "a wrong shape": Row(
        "def gradient(params, x, t):\n    return [(dw, db[:, None]) for dw, db in right(params, x, t)]\n",
        ("[:, None]", ""),
    ),
    "nothing": Row("def gradient(params, x, t):\n    right(params, x, t)\n", ("right(", "return right(")),
    "another answer each time": Row(
        "calls = []\n"
        "def gradient(params, x, t):\n"
        "    calls.append(x)\n"
        "    return [(dw * (1 + len(calls) % 2), db) for dw, db in right(params, x, t)]\n",
        ("% 2", "* 0"),
    ),
    "a module of its folder": Row(
        "import beside\n"
        "from dataclasses import dataclass\n"
        "@dataclass\nclass Settings:\n    factor: 'float' = beside.FACTOR\n"
        "def gradient(params, x, t):\n"
        "    return [(3 * Settings().factor * dw, db) for dw, db in right(params, x, t)]\n",
        ("3 * ", ""),
        head=f"from __future__ import annotations\n{HEAD}",
    ),
}


def checked(path: Path, family: Any, **options: Any) -> Report:
    with FileSubject(path, "gradient", python=Path(sys.executable)) as subject:
        return bp.check(subject, family, max_examples=10, **options)


def pytest_alone(file: Path) -> subprocess.CompletedProcess[str]:
    """pytest in the file's folder, from where backproof cannot be imported."""
    (file.parent / "conftest.py").write_text(ALONE)
    rest = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    return subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", file.name],
        cwd=file.parent,
        env=rest | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("name", list(ROWS_OF_SUBJECTS)[::3])  # each is three runs of pytest
def test_emitted_test_fails_for_the_wrong_subject_and_passes_for_the_mended_one(
    name: str, tmp_path: Path
) -> None:
    row = ROWS_OF_SUBJECTS[name]
    (tmp_path / "textbook.py").write_bytes(Path(str(textbook_module.__file__)).read_bytes())
    (tmp_path / "beside.py").write_text("FACTOR = 1.0\n")
    subject, emitted = tmp_path / "subject.py", tmp_path / "tests" / "test_emitted.py"
    subject.write_text(row.head + row.wrong)
    report = checked(subject, row.family, **dict(row.options))
    assert report.exit_status in (1, 3)
    emitted.parent.mkdir()
    emitted.write_text(emit_test(report, (subject, "gradient"), folder=emitted.parent))
    failed = pytest_alone(emitted)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "1 failed" in failed.stdout
    assert row.wrong.count(row.mend[0]) == 1
    subject.write_text(row.head + row.wrong.replace(*row.mend))
    passed = pytest_alone(emitted)
    assert passed.returncode == 0, passed.stdout + passed.stderr


CONTAINERS = {
    "list": (
        Form(params="list"),
        "pairs = [*zip(params[::2], params[1::2])]",
        "[array for pair in grads for array in pair]",
    ),
    "separate": (Form(params="separate"), "pairs = [*zip(*params)]", "tuple(map(list, zip(*grads)))"),
    "dict": (
        Form(params="dict"),
        "pairs = [(params[f'W{l}'], params[f'b{l}']) for l in range(1, len(params) // 2 + 1)]",
        "{f'd{k}{l}': array for l, pair in enumerate(grads, 1) for k, array in zip('Wb', pair)}",
    ),
    "dict without d": (
        Form(params="dict", weight="W{l}", bias="b{l}", first=0),
        "pairs = [(params[f'W{l}'], params[f'b{l}']) for l in range(len(params) // 2)]",
        "{f'{k}{l}': array for l, pair in enumerate(grads) for k, array in zip('Wb', pair)}",
    ),
    "a vector": (
        Form(params="flat"),
        "pairs = [(params[: len(x) * len(t)].reshape(len(t), len(x)), params[len(x) * len(t) :])]",
        "np.concatenate([array.ravel() for pair in grads for array in pair])",
    ),
    "a column of W": (
        Form(params="list", biases="last-column"),
        "pairs = [(w[:, :-1], w[:, -1]) for w in params]",
        "[np.column_stack(pair) for pair in grads]",
    ),
    "a vector out of a dict": (
        Form(params="dict", grads="flat-weights-first"),
        "pairs = [(params[f'W{l}'], params[f'b{l}']) for l in range(1, len(params) // 2 + 1)]",
        "np.concatenate([array.ravel() for arrays in zip(*grads) for array in arrays])",
    ),
}


@pytest.mark.parametrize("name", list(CONTAINERS)[::2])
def test_emitted_test_packs_the_parameters_as_the_form_says(name: str, tmp_path: Path) -> None:
    form, unpacked, packed = CONTAINERS[name]
    (tmp_path / "textbook.py").write_bytes(Path(str(textbook_module.__file__)).read_bytes())
    subject, emitted = tmp_path / "subject.py", tmp_path / "test_emitted.py"
    report = bp.check(wrong_sign, bp.mlp("3-2", scale="1/m"), max_examples=5)
    emitted.write_text(emit_test(report, (subject, "gradient"), form=form))
    for bug, status in (("'sign'", 1), (None, 0)):
        subject.write_text(
            f"{HEAD}\nnet = textbook(bug={bug})\n\ndef gradient(params, x, t):\n"
            f"    {unpacked}\n    grads = net(pairs, x, t)\n    return {packed}\n"
        )
        done = pytest_alone(emitted)
        assert done.returncode == status, done.stdout + done.stderr
        assert "Error" not in done.stdout.replace("AssertionError", "")


@pytest.mark.parametrize(
    "form", [Form("update"), Form(params="objects"), Form(arguments="x, t, params"), Form(batch="single")]
)
def test_form_that_takes_more_than_a_container_is_refused(form: Form, wrong_report: Report) -> None:
    with pytest.raises(BackproofError, match=r"put such a function around it$"):
        emit_test(wrong_report, wrong_sign, form=form)


sign = textbook(hidden="tanh", bug="sign")


def wrong_sign(params, x, t):  # type: ignore[no-untyped-def]
    return sign(params, x, t)


@pytest.fixture(scope="module")
def wrong_report() -> Report:
    return bp.check(wrong_sign, TANH, max_examples=5)


def test_emitted_test_names_the_entries_in_its_message(wrong_report: Report, tmp_path: Path) -> None:
    (tmp_path / "subject.py").write_text(
        "def gradient(params, x, t):\n    return [(w * 0, b * 0) for w, b in params]\n"
    )
    (tmp_path / "test_emitted.py").write_text(emit_test(wrong_report, (tmp_path / "subject.py", "gradient")))
    printed = pytest_alone(tmp_path / "test_emitted.py").stdout
    entry = next(entry for finding in wrong_report.findings for entry in finding.disagreements)
    assert "in the first call:" in printed
    assert f"{entry.name} ({entry.path}) is " in printed
    assert f"derived: {entry.derived!r}, bound: {entry.bound:.1e}" in printed


def test_emitted_file_imports_numpy_and_the_standard_library_alone(wrong_report: Report) -> None:
    for source in (wrong_sign, (Path("gradient.py"), "gradient")):
        nodes = [*ast.walk(ast.parse(emit_test(wrong_report, source)))]
        imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names} | {
            str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)
        }
        assert imported <= {"importlib", "importlib.util", "numpy", "pathlib", "sys"}


def test_numbers_are_written_with_every_bit(wrong_report: Report) -> None:
    assert wrong_report.counterexample is not None
    point = wrong_report.counterexample.point
    odd = np.nextafter(point.x, 1)
    report = replace(
        wrong_report,
        counterexample=replace(wrong_report.counterexample, point=replace(point, x=odd)),
    )
    tree = ast.parse(emit_test(report, wrong_sign))
    (value,) = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "x"
    )
    assert isinstance(value, ast.Call)
    assert np.array_equal(np.array(ast.literal_eval(value.args[0])), odd)


def test_function_of_a_package_is_imported_by_its_name(wrong_report: Report) -> None:
    text = emit_test(wrong_report, textbook)
    assert "importlib.import_module('tests.backproof.textbook').textbook" in text


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        (lambda params, x, t: params, r"^<lambda> cannot be imported, as no module has it under this name"),
        (sign, r"^textbook\.<locals>\.without_penalty cannot be imported"),
        (np.float64(1).__add__, "cannot be imported"),
    ],
    ids=["lambda", "closure", "bound method"],
)
def test_subject_without_a_name_in_a_module_is_refused(subject: Any, says: str, wrong_report: Report) -> None:
    with pytest.raises(BackproofError, match=says):
        emit_test(wrong_report, subject)


def test_right_report_has_nothing_to_reproduce(wrong_report: Report) -> None:
    report = bp.check(textbook(hidden="tanh"), TANH, max_examples=5)
    with pytest.raises(BackproofError, match=r"is right: there is no failure to reproduce$"):
        emit_test(report, wrong_sign)
    reserved = replace(wrong_report, verdict="right, unstable", strict=True)
    with pytest.raises(BackproofError, match=r"is right, unstable: there is no failure to reproduce$"):
        emit_test(reserved, wrong_sign)


@pytest.mark.parametrize(
    "path", ["grads[exit()]", "__import__('os')", "grads.clear()", "other[0]", "grads[", "import os"]
)
def test_path_that_is_no_place_in_an_answer_never_gets_into_the_file(path: str, wrong_report: Report) -> None:
    finding = wrong_report.findings[0]
    entry = replace(finding.disagreements[0], path=path)
    report = replace(wrong_report, findings=(replace(finding, disagreements=(entry,)),))
    with pytest.raises(BackproofError, match="is no place in"):
        emit_test(report, wrong_sign)


@pytest.mark.parametrize("call", ["model.step(params, x, t)\nmodel.undo()", "g(flat)", "import os", "f(…"])
def test_call_that_is_no_call_of_a_function_on_params_x_and_t_is_refused(
    call: str, wrong_report: Report
) -> None:
    assert wrong_report.counterexample is not None
    report = replace(wrong_report, counterexample=replace(wrong_report.counterexample, call=call))
    with pytest.raises(BackproofError, match=r"^a plain test calls gradient\(params, x, t\)"):
        emit_test(report, wrong_sign)


def test_words_of_a_report_stay_words(wrong_report: Report) -> None:
    finding = replace(wrong_report.findings[0], sentence='""" \\N{DASH}\x00\nimport os\n"""')
    text = emit_test(replace(wrong_report, findings=(finding,), subject='a"""b'), wrong_sign)
    nodes = [*ast.walk(ast.parse(text))]
    imported = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    assert "os" not in imported
