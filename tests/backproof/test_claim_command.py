"""`backproof claim` and `backproof audit`: answers, exit codes, and input that is meant to break them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from backproof import claiming
from backproof.claim_process import lines
from backproof.claiming import Found, exit_code
from tests.command import run

GIVEN = """
depth = 2
definitions = ["a[0] = x", "z[l] = W[l] @ a[l-1] for l in 1..L", "a[l] = g(z[l]) for l in 1..L"]
[sizes]
n = "each layer"
[arrays]
x = "n[0]"
t = "n[L]"
W = "n[l], n[l-1] for l in 1..L"
z = "n[l] for l in 1..L"
a = "n[l] for l in 0..L"
E = ""
[functions]
g = ""
[conventions."E = 1/2 Σ"]
definitions = ["E = Sum((a[L][i] - t[i])**2, i)/2"]
[conventions."E = Σ"]
definitions = ["E = Sum((a[L][i] - t[i])**2, i)"]
"""
TRUE = "D(E, W[l]) = D(E, z[l]) @ a[l-1].T"
BLOWS_UP = ("E = 9**9**9**9**9", "E = Sum(x[1], i=1..999999999)")
HOSTILE = {
    "E = " + "(" * 500 + "1" + ")" * 500: 2,
    "E = " + "-" * 400 + "1": 2,
    "E = 9" + "9" * 1_900: 1,
    "E = " + "9" * 3_000: 2,
    "E = 0**-1": 4,
    "E = x[1]/0": 4,
    "E = undefined": 2,
    "E = __import__('os')": 2,
    "E = W[10**9]": 2,
    "Ε = 1": 2,
    "E = \x00": 2,
    "": 2,
}


@pytest.fixture(autouse=True)
def here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge in this process, which has imported all: one of its own takes a second to start."""
    if "in_time" not in request.node.name:
        monkeypatch.setattr(claiming, "answered", lambda request: (list(lines(request)), ""))


@pytest.fixture
def given(tmp_path: Path) -> Path:
    path = tmp_path / "claim.toml"
    path.write_text(GIVEN, encoding="utf-8")
    return path


def claim(formula: str, given: Path, *options: str) -> tuple[int, str]:
    done = run("claim", formula, "--given", str(given), *options, columns=200)
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


def test_a_true_claim_is_true_under_every_convention(given):
    code, said = claim(TRUE, given)
    assert code == 0
    assert "true for every size (depth L = 2) under E = 1/2 Σ, E = Σ: both sides are equal in 12" in said
    assert "decided entry by entry for n[0] = 2, n[1] = 3, n[2] = 2" in said


def test_a_claim_that_is_true_for_some_sizes_is_not_true_for_every_size(given):
    text = "Sum(x[i]*x[i], i=1..2) = dot(x, x)"
    code, said = claim(text, given)
    assert code == 0
    assert "true under" in said and "every size" not in said
    (first, _) = json.loads(claim(text, given, "--json")[1])["answers"]
    assert first["sizes"] == [{"n[0]": 2, "n[1]": 3, "n[2]": 2}]
    (first, _) = json.loads(claim(TRUE, given, "--json")[1])["answers"]
    assert (first["sizes"], first["depth"]) == ("every", 2)


def test_a_claim_that_is_false_at_other_sizes_has_a_counterexample_there(given):
    two_of_three = "(1 - delta(i, j))*(1 - delta(j, k))*(1 - delta(k, i))*x[i]*x[j]*x[k] = 0"
    code, said = claim(two_of_three, given)
    assert code == 1
    assert "counterexample: n[0] = 3" in said


def test_a_true_claim_with_a_flipped_sign_is_false_and_corrected(given):
    code, said = claim(TRUE.replace("= ", "= -"), given)
    assert code == 1
    assert "counterexample: n[0] = 1, n[1] = 1, n[2] = 1, l = 1" in said
    assert "error: sign" in said
    assert f"nearest true formula: {TRUE}" in said
    assert r"\frac{\partial E}{\partial W^{[l]}} = \frac{\partial E}{\partial z^{[l]}} a^{[l-1]T}" in said


def test_what_holds_under_one_convention_only_is_said(given):
    code, said = claim("D(E, a[L]) = a[L] - t", given)
    assert code == 1
    assert "True under E = 1/2 Σ; false under E = Σ." in said
    assert "a factor 2 is missing" in said


def test_shapes_that_do_not_fit_have_a_caret_under_each(given):
    code, said = claim("D(E, z[1]) = g'(z[1]) * (W[2] @ D(E, z[2]))", given)
    assert code == 2
    lines = said.splitlines()
    marked = [line.index("^") for line in lines if line.strip() == "^"]
    formula = next(line for line in lines if line.startswith("    D(E"))
    assert [formula[at] for at in marked] == ["*", "@"]
    assert "nearest true formula: D(E, z[1]) = g'(z[1])*(W[2].T @ D(E, z[2]))" in said


def test_what_is_true_for_equal_sizes_only_is_said(given):
    code, said = claim("a[0].T @ W[1].T @ a[0] = a[0].T @ W[1] @ a[0]", given)
    assert code == 1
    assert "true only where n[0] = n[1]" in said


def test_every_reading_of_latex_is_answered_apart(given):
    latex = r"\frac{\partial E}{\partial z^1} = W^{2\,T} \frac{\partial E}{\partial z^2} \circ g'(z^1)"
    code, said = claim(latex, given, "--latex")
    assert code == 0
    first, second = said.split("Read as: ")[1:]
    assert first.startswith("products before ∘ and ⊗") and "true for every size" in first
    assert second.startswith("∘ and ⊗ before products") and "ill-formed" in second


def test_json_holds_what_is_printed(given):
    code, said = claim("D(E, a[L]) = a[L] - t", given, "--json")
    report = json.loads(said)
    assert code == report["exit_code"] == 1
    half, whole = report["answers"]
    assert (half["answer"], whole["answer"]) == ("true", "false")
    assert whole["counterexample"]["left"] != whole["counterexample"]["right"]
    assert whole["nearest"][0]["error_class"] == "factor"


@pytest.mark.parametrize("formula", HOSTILE)
def test_hostile_claims_have_an_answer(formula, given):
    code, said = claim(formula, given, "--max-time", "1.5")
    assert code == HOSTILE[formula], said
    assert code == 1 or "false" not in said


@pytest.mark.parametrize("formula", BLOWS_UP)
def test_what_blows_up_is_undecided_in_time(formula, given):
    start = time.monotonic()
    code, said = claim(formula, given, "--max-time", "0.1")
    assert code == 4
    assert "undecided under E = 1/2 Σ, E = Σ" in said
    assert time.monotonic() - start < 10


def test_a_process_of_its_own_answers_in_time(given):
    assert claim(TRUE, given)[0] == 0


@pytest.mark.parametrize(
    ("toml", "expected"),
    {
        "depth = 'x'": "depth is a whole number",
        "x": "is no TOML",
        "definitions = ['E = E']\n[arrays]\nE = ''": "round in a circle",
    }.items(),
)
def test_a_context_that_makes_no_sense_is_explained(tmp_path, toml, expected):
    path = tmp_path / "bad.toml"
    path.write_text(toml)
    code, said = claim("E = 1", path)
    assert code in (2, 4)
    assert expected in said


def test_a_file_that_is_not_there_is_named(tmp_path):
    code, said = claim("E = 1", tmp_path / "none.toml")
    assert code == 2
    assert "none.toml cannot be read: No such file" in said


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        (["true", "true"], 0),
        (["true", "false"], 1),
        (["false", "undecided"], 1),
        (["true", "undecided"], 4),
        (["undecided", "ill-formed"], 4),
        (["ill-formed", "ill-formed"], 2),
        (["true", "ill-formed"], 1),
    ],
)
def test_exit_codes_of_several_conventions(answers, code):
    assert exit_code([Found("", str(n), "E = 1", {"answer": each}) for n, each in enumerate(answers)]) == code


def test_a_reading_that_does_not_fit_gives_way_to_one_that_does():
    found = [Found("one", "", "", {"answer": "ill-formed"}), Found("other", "", "", {"answer": "true"})]
    assert exit_code(found) == 0


def test_a_document_that_is_not_there_is_named():
    done = run("audit", "--document", "none")
    assert done.returncode == 2
    assert "choose from regression_network, backward_network" in done.stderr
