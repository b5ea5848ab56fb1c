"""The pytest plugin, as a user's own pytest runs it: what fails, what is printed, what a start costs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import backproof as bp
from backproof.pytest_running import FORMAT, Kept
from tests.backproof.textbook import textbook

ROOT = Path(bp.__file__).parents[1]
TESTS = """
import pytest
import backproof as bp
from textbook import textbook

TANH = bp.mlp("2-2-1", hidden="tanh", scale="1/m")
right, wrong = textbook(hidden="tanh"), textbook(hidden="tanh", bug="missing 1/m")
"""
REPLAYED = """
from backproof_only import *

@bp.backprop_test(bp.mlp(hidden="tanh", scale="1/m"), max_examples=40)
def test_deep():
    def gradient(params, x, t):
        return (wrong if len(params) == 3 else right)(params, x, t)
    return gradient
"""
KEEPS_EXAMPLES = """
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

settings.register_profile("keeps", database=DirectoryBasedExampleDatabase("kept"))
settings.load_profile("keeps")
"""
SAYS_WHAT_IS_LOADED = """
import sys

def pytest_sessionfinish():
    print("loaded:", *sys.modules)
"""
SAYS_UNSTABLE = """
import dataclasses
import backproof

check = backproof.check
backproof.check = lambda *arguments, strict=False, **options: dataclasses.replace(
    check(*arguments, **options), verdict="right, unstable", strict=strict
)
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A user's folder, in an environment with backproof and its entry point installed."""

    folder: Path

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text)

    def pytest(self, *arguments: str, status: int) -> str:
        """What pytest prints; it has to end with that status."""
        rest = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))
        }
        path = os.pathsep.join((str(self.folder / "site"), str(ROOT)))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "backproof", "-W", "error", *arguments],
            cwd=self.folder,
            env=rest | {"PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


def failure_of(name: str, printed: str) -> str:
    """What stands below the test's name, up to the line of the short summary."""
    found = re.search(rf"^_+ {name} _+\n(.*?)\n=+ short test summary", printed, re.DOTALL | re.MULTILINE)
    assert found, printed
    return found[1]


def kept_in(folder: Path) -> list[bytes]:
    """What a database of Hypothesis' has of ours; it also keeps a list of its keys."""
    held = [path.read_bytes() for path in (folder / "kept").rglob("*") if path.is_file()]
    return [value for value in held if value.startswith(b"{")]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    info = tmp_path / "site" / "backproof-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: backproof\nVersion: 0\n")
    rows = "".join(f"{name} = {module}\n" for name, module in points.items())
    (info / "entry_points.txt").write_text(f"[pytest11]\n{rows}")
    source = ROOT / "tests" / "backproof" / "textbook.py"
    (tmp_path / "textbook.py").write_bytes(source.read_bytes())
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return Project(tmp_path)


def test_decorated_tests_and_the_fixture_pass_for_a_right_subject_and_fail_for_a_wrong_one(
    project: Project,
) -> None:
    project.write(
        test_gradients=TESTS
        + """
@bp.backprop_test(TANH, max_examples=5)
def test_right():
    return right

@bp.backprop_test(TANH, max_examples=5)
def test_wrong():
    return wrong

@bp.backprop_test(TANH, max_examples=5)
def the_subject_itself(params, x, t):
    return wrong(params, x, t)

test_assigned = bp.backprop_test(TANH, max_examples=5)(right)

class TestInAClass:
    @bp.backprop_test(TANH, max_examples=5)
    @pytest.mark.parametrize("bug", [None, "sign"])
    def test_drawn(self, bug, tmp_path):
        assert tmp_path.is_dir()
        return textbook(hidden="tanh", bug=bug)

    @bp.backprop_test(TANH, max_examples=5)
    def test_method(self, params, x, t):
        return right(params, x, t)

@pytest.mark.parametrize("subject", [right, wrong], ids=["right", "wrong"])
def test_fixture(backprop, subject):
    report = backprop(subject, TANH, max_examples=5, seed=3)
    assert report.verdict == "right"
"""
    )
    printed = project.pytest("-rA", "--tb=short", status=1)
    summary = re.findall(r"^(PASSED|FAILED) test_gradients.py::(\S+)", printed, re.MULTILINE)
    assert {name: outcome for outcome, name in summary} == {
        "test_right": "PASSED",
        "test_wrong": "FAILED",
        "the_subject_itself": "FAILED",
        "test_assigned": "PASSED",
        "TestInAClass::test_drawn[None]": "PASSED",
        "TestInAClass::test_drawn[sign]": "FAILED",
        "TestInAClass::test_method": "PASSED",
        "test_fixture[right]": "PASSED",
        "test_fixture[wrong]": "FAILED",
    }


def test_failure_is_the_report_and_nothing_of_our_frames_or_of_hypothesis(project: Project) -> None:
    project.write(
        test_gradient=TESTS
        + """
@bp.backprop_test(TANH, max_examples=5)
def test_wrong():
    return wrong
"""
    )
    printed = project.pytest(status=1)
    failure = failure_of("test_wrong", printed)
    first, *rest = failure.splitlines()
    assert first.startswith("wrong: without_penalty against ")
    assert any(line.startswith("  derived: ") for line in rest)
    assert rest[-1] == "again: pytest test_gradient.py::test_wrong"
    for foreign in ("pytest_plugin", "pytest_running", "Traceback", "hypothesis", "Falsifying", "reproduce"):
        assert foreign not in failure


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("backprop(right, TANH, settings={'mu': 1})", "InvalidNetwork: no setting 'mu'; choose from lambda"),
        (
            "bp.backprop_test(TANH)(lambda: None)()",
            "<lambda> returns None; it has to return the backward pass",
        ),
    ],
)
def test_check_that_cannot_be_made_fails_with_one_sentence(project: Project, body: str, says: str) -> None:
    project.write(test_gradient=f"{TESTS}\ndef test_it(backprop):\n    {body}\n")
    assert failure_of("test_it", project.pytest(status=1)) == says


def test_decorated_test_can_be_called_without_pytest() -> None:
    bp.backprop_test(bp.mlp(hidden="tanh", scale="1/m"), max_examples=3)(textbook(hidden="tanh"))()
    with pytest.raises(pytest.fail.Exception, match=r"^wrong: "):
        bp.backprop_test(bp.mlp(hidden="tanh", scale="1/m"), max_examples=3)(
            textbook(hidden="tanh", bug="sign")
        )()


def test_options_of_the_command_line_stand_above_those_of_a_test(project: Project) -> None:
    project.write(
        test_gradient=TESTS
        + """
def test_options(backprop, monkeypatch):
    check = bp.check
    def watched(*arguments, **options):
        print("asked", sorted(options.items()))
        return check(*arguments, **options)
    monkeypatch.setattr(bp, "check", watched)
    backprop(right, TANH, seed=3, max_examples=5)
    backprop(wrong, TANH, seed=3, max_examples=5)
"""
    )
    printed = project.pytest(
        "-s", "--backproof-seed=7", "--backproof-max-time=20", "--backproof-html=pages/new", status=1
    )
    assert "asked [('max_examples', 5), ('max_time', 20.0), ('seed', 7)]" in printed
    assert "again: pytest test_gradient.py::test_options --backproof-seed=7" in printed
    (page,) = (project.folder / "pages" / "new").iterdir()
    assert page.name == "test_gradient.py::test_options.html"
    assert page.read_text().lower().startswith("<!doctype html>")


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "2"]], ids=["one process", "xdist"])
def test_reservation_passes_with_a_line_in_the_summary_and_fails_if_strict(
    project: Project, workers: list[str]
) -> None:
    project.write(
        conftest=SAYS_UNSTABLE,
        test_gradient=TESTS
        + """
@bp.backprop_test(TANH, max_examples=3)
def test_reserved():
    return right

@bp.backprop_test(TANH, max_examples=3, strict=True)
def test_strict():
    return right
""",
    )
    printed = project.pytest(*workers, status=1)
    assert "1 failed, 1 passed" in printed
    assert "test_gradient.py::test_reserved: right, unstable: " in printed
    assert "test_gradient.py::test_strict: right, unstable" not in printed


def test_case_that_failed_is_tried_first_next_time_until_it_is_right(project: Project) -> None:
    project.write(conftest=KEEPS_EXAMPLES, backproof_only=TESTS, test_gradient=REPLAYED)
    no_search = "--backproof-max-time=0"
    assert "earlier run" not in project.pytest(status=1)
    (kept,) = kept_in(project.folder)
    assert json.loads(kept)["backproof"] == FORMAT
    printed = project.pytest(no_search, status=1)
    assert "wrong: gradient against" in printed
    assert "an earlier run met this case and kept it" in printed
    project.write(test_gradient=REPLAYED.replace("wrong if", "right if"))
    project.pytest(status=0)
    assert not kept_in(project.folder)
    project.write(test_gradient=REPLAYED)
    assert "wrong:" not in project.pytest(no_search, status=1)


def test_kept_case_reads_back_with_every_bit() -> None:
    report = bp.check(textbook(hidden="tanh", bug="sign"), bp.mlp(hidden="tanh", scale="1/m"), max_examples=3)
    assert report.counterexample is not None
    kept = Kept.of(report)
    again = Kept.from_bytes(kept.to_bytes())
    assert again is not None
    assert (again.seed, again.layout, again.lam) == (kept.seed, kept.layout, kept.lam)
    assert {*again.arrays} >= {"W1", "b1", "x", "t"}
    for name, array in kept.arrays.items():
        assert np.array_equal(array, again.arrays[name])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04K\x01.",
        b"[]",
        b"[" * 100_000,
        b'{"backproof": 2}',
        b'{"backproof": 1, "seed": "0", "layout": {}, "lambda": 0, "arrays": {}}',
        b'{"backproof": 1, "seed": 0, "layout": {"weights": "x"}, "lambda": 0, "arrays": {}}',
        b'{"backproof": 1, "seed": 0, "layout": {}, "lambda": 0, "arrays": {"x": [[1], [2, 3]]}}',
        b'{"backproof": 1, "seed": 0, "layout": {}, "lambda": 0, "arrays": {"x": ["os"]}}',
    ],
    ids=["empty", "pickle", "list", "deep", "version", "seed", "layout", "ragged", "words"],
)
def test_bytes_that_are_no_kept_case_are_passed_over(data: bytes) -> None:
    assert Kept.from_bytes(data) is None


def test_start_without_a_test_of_ours_loads_no_mathematics(project: Project) -> None:
    project.write(conftest=SAYS_WHAT_IS_LOADED, test_other="def test_other():\n    pass\n")
    loaded = project.pytest("-s", status=0).partition("loaded: ")[2].split()
    ours = {
        name for name in loaded if name.partition(".")[0] in ("backproof", "symbolic", "numeric", "proofs")
    }
    assert ours == {"backproof", "backproof.pytest_plugin"}
    assert {"numpy", "sympy", "hypothesis", "lark", "flint"}.isdisjoint(loaded)


@pytest.mark.parametrize(
    "test",
    [
        "import backproof as bp\nTANH = bp.mlp(hidden='tanh', scale='1/m')\n",
        "from backproof.strategies import networks\n",
        "def test_fixture(backprop):\n    pass\n",
    ],
    ids=["a name", "a module", "the fixture"],
)
@pytest.mark.parametrize("stranger", ["numeric", "symbolic", "proofs"])
def test_name_collision_stops_with_one_sentence_that_names_both_files(
    project: Project, test: str, stranger: str
) -> None:
    project.write(**{stranger: "raise SystemExit('a stranger was imported')", "test_gradient": test})
    errors = [line for line in project.pytest(status=pytest.ExitCode.USAGE_ERROR).splitlines() if line]
    assert errors[-1] == (
        f"ERROR: backproof's pytest plugin needs its own package '{stranger}' from "
        f"{ROOT / stranger / '__init__.py'}, but `import {stranger}` finds "
        f"{project.folder / f'{stranger}.py'}; rename that one, or have `backproof check FILE.py:FUNCTION … "
        "--emit-test FILE` write a test that needs no backproof"
    )
    assert not any("Traceback" in line for line in errors)


@pytest.mark.parametrize(
    "test", ["import backproof as bp\nbp.mlp\n", "def test_fixture(backprop):\n    pass\n"]
)
def test_name_collision_is_told_by_the_workers_of_xdist_too(project: Project, test: str) -> None:
    project.write(numeric="", test_gradient=test)
    printed = project.pytest("-p", "xdist", "-n", "2", status=1)
    assert f"but `import numeric` finds {project.folder / 'numeric.py'}; rename that one" in printed
    assert "Traceback" not in printed


def test_examples_of_the_page_run(project: Project) -> None:
    page = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    project.write(
        my_network="from textbook import textbook\nmy_gradient = textbook(hidden='tanh')\n",
        test_page="\n".join(blocks),
    )
    assert "2 passed" in project.pytest(status=0)


def test_name_collision_is_nothing_to_tests_without_backproof(project: Project) -> None:
    project.write(
        numeric="VALUE = 3", test_other="import numeric\n\ndef test_other():\n    assert numeric.VALUE\n"
    )
    project.pytest(status=0)


def test_import_error_of_somebody_else_beside_a_stranger_is_theirs(project: Project) -> None:
    project.write(numeric="VALUE = 3", test_other="import missing\n")
    assert "No module named 'missing'" in project.pytest(status=2)
