"""Certificates: what is derived has one, the checker refuses what is changed, and it needs Python alone."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs import checker
from proofs.certificate import certificate, formula, written
from proofs.checker import Refused, check
from symbolic import accumulation
from symbolic.activations import Z, activation
from symbolic.chain_rule import cotangent_rules
from symbolic.derivation import derive
from symbolic.errors import Unsupported
from symbolic.mutation import mutants, mutated
from symbolic.network import Network, mlp
from symbolic.notation import Equation
from tests.command import run

NETWORKS: dict[str, dict[str, Any]] = {
    "2-3-1, nothing defined": {"output": "g", "loss": "E", "scale": "1/(m*k)"},
    "3-4-2, penalties": {"hidden": "tanh", "l2": "lambda/(2*m)", "l1": "lambda", "penalize_biases": True},
    "2-3-2, softmax": {"hidden": "relu", "output": "softmax", "loss": "cross-entropy"},
    "2-2-2-2, softmax inside": {"hidden": ("softmax", "silu"), "bias": (True, False, True)},
    "2-2-1, by cases": {"hidden": "hardswish", "output": "leaky_relu", "loss": "huber"},
    "2-2-1, logarithms": {"hidden": "mish", "output": "sigmoid", "loss": "binary-cross-entropy"},
    "2-2-2, no bias": {"hidden": "softplus", "output": "exp", "loss": "poisson", "bias": False},
}
Said = dict[str, Any]


def network(sizes: str, **options: Any) -> Network:
    built = mlp(sizes, **options)
    assert isinstance(built, Network)
    return built


def certified(sizes: str, **options: Any) -> Said:
    chain = network(sizes, **options)
    return certificate(chain, derive(chain))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_checker_accepts_what_is_derived_from_its_file(name: str) -> None:
    said = certified(name.partition(",")[0], **NETWORKS[name])
    assert check(json.loads(written(said))) >= 100


@settings(max_examples=15)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=2, max_size=5),
    hidden=st.sampled_from(["g", "tanh", "sigmoid", "elu"]),
    loss=st.sampled_from(["E", "squared"]),
    bias=st.booleans(),
)
def test_the_checker_accepts_drawn_networks(sizes: list[int], hidden: str, loss: str, bias: Any) -> None:
    check(certified("-".join(map(str, sizes)), hidden=hidden, loss=loss, bias=bias))


def numbers(tree: Any) -> list[list[str]]:
    """Every ["number", …] in a term."""
    if not isinstance(tree, list):
        return []
    return [tree] if tree[0] == "number" else [found for part in tree for found in numbers(part)]


def test_a_certificate_with_one_coefficient_changed_is_refused() -> None:
    said = certified("2-2-1", hidden="sigmoid", loss="squared", l2="lambda/2")
    count = len(numbers(["all", *said["nodes"]]))
    assert count > 10
    for place in range(count):
        wrong = copy.deepcopy(said)
        number = numbers(["all", *wrong["nodes"]])[place]
        number[1] = "3/7"
        with pytest.raises(Refused, match="is not as claimed"):
            check(wrong)


@pytest.mark.parametrize("kind", ["sample", "whole"])
def test_a_certificate_with_one_sign_turned_is_refused(kind: str) -> None:
    said = certified("2-2-1", hidden="tanh", l2="lambda")
    for w, claim in said["gradient"].items():
        wrong = copy.deepcopy(said)
        wrong["nodes"].append(["*", ["number", "-1"], claim[kind]])
        wrong["gradient"][w][kind] = len(wrong["nodes"]) - 1
        if kind == "sample" or w[0] == "W":
            with pytest.raises(Refused, match=r"∂E/∂"):
                check(wrong)
        else:
            check(wrong)  # -0 is 0


CHANGES: dict[str, Callable[[Said], Any]] = {
    "another activation": lambda said: said["layers"][0].update(activation=["sin", "z"]),
    "another loss": lambda said: said.update(loss=["^", ["+", "a", "t"], 2]),
    "another scale": lambda said: said.update(scale=["number", "1"]),
    "a penalty": lambda said: said.update(penalties=[{"factor": "m", "value": "w", "biases": False}]),
    "softmax": lambda said: said["layers"][0].update(activation="softmax"),
    "a claim exchanged for another": lambda said: said["gradient"].update(
        {"W1[1,1]": said["gradient"]["W1[1,2]"]}
    ),
    "a claim left out": lambda said: said["gradient"].pop("b1[1]"),
    "a function nobody knows": lambda said: said["nodes"].append(["erf", 0]),
    "a power beyond reason": lambda said: said["nodes"].append(["^", "m", 10**9]),
    "a quotient by 0": lambda said: said["nodes"].append(["^", ["number", "0"], -1]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_certificate_of_something_else_is_refused(change: Callable[[Said], Any]) -> None:
    said = certified("2-2-1", hidden="tanh", loss="squared")
    change(said)
    with pytest.raises((Refused, ZeroDivisionError)):
        check(said)


@pytest.mark.parametrize(
    ("options", "equal"),
    [
        ({"hidden": "g", "output": "g", "loss": "E", "l2": "lambda/m"}, set()),
        (
            {"hidden": "tanh", "output": "softmax", "loss": "cross-entropy"},
            {"slope of the loss poisson (output layer)"},  # 1 − t/a for −t/a: softmax maps constants to 0
        ),
    ],
)
def test_no_mutant_has_a_certificate(options: dict[str, Any], equal: set[str]) -> None:
    chain = network("2-2-2", **options)
    derivation = derive(chain)
    accepted, refused = set(), 0
    for mutant in mutants(derivation):
        try:
            check(certificate(chain, replace(derivation, backward=mutated(derivation.backward, mutant))))
            accepted.add(str(mutant))
        except (Refused, ZeroDivisionError):
            refused += 1
        except Unsupported:
            continue
    assert accepted == equal and refused > 150


def negated(forward: Equation, name: str) -> tuple[Equation, ...]:
    (rule,) = cotangent_rules(forward, name)
    return (replace(rule, value=-rule.value if name == "b" else rule.value),)


def test_a_broken_derivation_has_no_certificate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(accumulation, "cotangent_rules", negated)
    done = run("prove", "1-2-1", "--json", "wrong.json", cwd=tmp_path)
    assert done.returncode == 4 and not list(tmp_path.iterdir())
    assert done.stdout.startswith("Not proved: the checker refuses the certificate, as ∂E/∂b")


def test_the_checker_runs_with_python_alone(tmp_path: Path) -> None:
    done = run("prove", "2-3-1", "--hidden", "tanh", "--loss", "half-mse", "--json", "c.json", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("c.json: closed form = derivation for the 13 ")
    alone = (sys.executable, "-I", "-S", checker.__file__, "c.json")
    checked = subprocess.run(
        alone, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert checked.stdout.startswith(
        "accepted: 13 derivatives of 2-3-1, tanh then identity, half-squared/m, "
    )


def test_the_checker_is_small_and_imports_nothing_of_ours() -> None:
    text = Path(checker.__file__).read_text(encoding="utf-8")
    assert len(text.splitlines()) < 200
    assert "sympy" not in text and "from proofs" not in text and "from symbolic" not in text


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("{", 2, "is no certificate: JSONDecodeError"),
        ("{}", 2, "is no certificate: KeyError: 'format'"),
        ('{"format": 1, "widths": [1, 1], "layers": [], "gradient": {}}', 1, "refused: this is no backproof"),
        ("[" * 100_000, 2, "is no certificate: RecursionError"),
    ],
)
def test_what_is_no_certificate_is_told_in_one_line(
    text: str, code: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.json"
    path.write_text(text, encoding="utf-8")
    assert checker.main(str(path)) == code
    printed = "".join(capsys.readouterr())
    assert says in printed and printed.count("\n") == 1


def test_degrees_bound_what_is_added_and_multiplied() -> None:
    degree = checker.Degree
    assert (degree(2) * degree(3) + 1 / degree(4)).bound == 9
    assert checker.bounds((degree(2), 1), ("g", degree(5))) == [2, 5]


def test_what_a_certificate_cannot_say_is_refused_by_name() -> None:
    with pytest.raises(Unsupported, match=r"erf.*a certificate has no word for it"):
        certified("2-2-1", hidden="gelu")
    with pytest.raises(Unsupported, match="no word for this condition"):
        certified("1-1", output="where(z == 1, 2, z)")


class Steps(dict[Any, Any]):
    """positive(u), as it is."""

    def __missing__(self, applied: tuple[str, Fraction]) -> Fraction:
        name, u = applied
        assert name == "positive"
        return Fraction(u > 0)


@pytest.mark.parametrize(
    "text", ["max(z, 0)", "hardtanh", "where(z > 2 and z < 3, z, z < -1 or z > 1, 2, -z)"]
)
@pytest.mark.parametrize("z", [-2, Fraction(-1, 2), Fraction(1, 2), Fraction(3, 2), Fraction(5, 2), 7])
def test_cases_become_terms_with_the_same_values(text: str, z: Fraction) -> None:
    definition = activation(text).definition
    assert definition is not None
    found = checker.term(formula(definition), lambda name: checker.Dual(Fraction(z), Fraction(1)), Steps())
    assert found.value == definition.subs(Z, sp.Rational(z))
    assert found.slope == definition.diff(Z).subs(Z, sp.Rational(z))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["2-?-1", "--json", "c.json"], "prove --json needs fixed sizes, but 2-?-1 leaves some open"),
        (["softmax", "--json", "c.json"], "prove --json needs a chain of layers, but softmax is a layer"),
        (
            ["2-2-1", "--hidden", "gelu", "--json", "c.json"],
            "erf(sqrt(2)*z/2): a certificate has no word for it",
        ),
        (["2-1", "--json", "nowhere/c.json"], "there is no folder nowhere"),
        (["2-1", "--json", "."], ". is a folder; give the path of a file"),
    ],
)
def test_what_has_no_certificate_is_said_in_one_sentence(
    arguments: list[str], says: str, tmp_path: Path
) -> None:
    done = run("prove", *arguments, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith(f"backproof: {says}")
    assert done.stderr.count("\n") == 1 and not list(tmp_path.iterdir())
