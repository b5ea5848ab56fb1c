"""One network as a Coq file: it compiles with Coquelicot alone, and a wrong derivation does not."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofs.coq.network import network_file
from symbolic.activations import ACTIVATIONS
from symbolic.derivation import derive
from symbolic.errors import Unsupported
from symbolic.losses import LOSSES
from symbolic.mutation import mutants, mutated
from symbolic.network import Network, mlp
from tests.command import run
from tests.coq_files import LOGARITHM, axioms

NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "undefined": ("1-2-2", {"loss": "E", "output": "g"}),
    "tanh": ("2-3-1", {"hidden": "tanh"}),
    "penalty": ("2-2-1", {"hidden": "tanh", "output": "sigmoid", "bias": False, "l2": "lambda/m"}),
    "softmax": ("1-1-2", {"hidden": "relu", "output": "softmax", "loss": "cross-entropy"}),
    "hidden softmax": ("1-2-1", {"hidden": "softmax"}),
    "erf": (
        "1-1-1",
        {"hidden": "gelu", "output": "sigmoid", "loss": "binary-cross-entropy", "l1": "lambda", "l2": "1/m"},
    ),
    "logarithm": ("1-1-1", {"hidden": "softplus", "output": "z**3", "loss": "poisson"}),
    "cases": ("1-1-1", {"hidden": "hardtanh", "loss": "huber"}),
}
IN_RANGE = "(forall i c, (1 <= i <= {})%nat -> (1 <= c <= m)%nat -> {})"
HYPOTHESES = {
    "softmax": [IN_RANGE.format(1, "(Z1 P i c) <> 0")],
    "logarithm": [IN_RANGE.format(1, "0 < (A2 P i c)")],
    "cases": [
        IN_RANGE.format(1, "(Z1 P i c) <> (- 1)"),
        IN_RANGE.format(1, "(Z1 P i c) <> 1"),
        IN_RANGE.format(1, "((A2 P i c) + ((- 1) * (T i c))) <> (- 1)"),
        IN_RANGE.format(1, "((A2 P i c) + ((- 1) * (T i c))) <> 1"),
    ],
}
# a bug of each kind of function, and a lemma that it makes false
WRONG = {
    "sign of the gradient (weights, layer 1)": ("undefined", "W1_1_1"),
    "missing 1/m (output layer)": ("undefined", "W2_1_1"),
    "W for Wᵀ (layer 1)": ("undefined", "W1_1_1"),
    "softmax: diagonal only (output layer)": ("softmax", "W2_1_1"),
    "f′ missing (layer 1)": ("erf", "W1_1_1"),
    "f′ missing (output layer)": ("logarithm", "W2_1_1"),
    "slope f′ times 2 (layer 1)": ("cases", "W1_1_1"),
}


def network(sizes: str, options: dict[str, Any]) -> Network:
    built = mlp(sizes, **options)
    assert isinstance(built, Network)
    return built


def file_of(name: str) -> str:
    chain = network(*NETWORKS[name])
    return network_file(chain, derive(chain))


def compiled(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "Network.v").write_text(text, encoding="utf-8")
    command = ["coqc", "-q", "-w", "-ambiguous-paths", "Network.v"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


def not_proved(lemma: str, text: str, without: str = "nothing") -> str:
    """The claim that the tactic does not prove a lemma, or not without one of its hypotheses."""
    statement = text.partition(f"Lemma {lemma} P :")[2].partition("Proof.")[0].replace(f"  {without} ->", "")
    return f"Goal forall P,{statement}Proof. intro P. Fail derivative. Abort.\n"


@pytest.mark.parametrize("name", NETWORKS)
def test_coq_proves_every_derivative_of_a_network_and_needs_every_hypothesis(
    name: str, require: Callable[[str], None], tmp_path: Path
) -> None:
    require("coqc")
    text = file_of(name)
    weaker = "".join(not_proved("W1_1_1", text, each) for each in HYPOTHESES.get(name, ()))
    before, end, _ = text.rpartition("End Network.")
    done = compiled(before + weaker + end, tmp_path)
    assert done.returncode == 0, done.stderr
    assert text.count("Proof. derivative. Qed.") == network(*NETWORKS[name]).parameter_count
    assert not re.search(r"Admitted|Axiom|Parameter |Abort", text)


def test_a_lemma_rests_on_the_axioms_of_the_standard_librarys_logarithm(
    require: Callable[[str], None], tmp_path: Path
) -> None:
    require("coqc")
    before, lemma, rest = file_of("erf").partition("Lemma W1_1_1 P")
    proof, end, _ = rest.partition("Qed.\n")
    done = compiled(f"{before}{lemma}{proof}{end}End Network.\nPrint Assumptions W1_1_1.\n", tmp_path)
    assert axioms(done.stdout) == [LOGARITHM]


@pytest.mark.parametrize("name", HYPOTHESES)
def test_a_hypothesis_is_stated_in_every_lemma_and_said_at_the_top(name: str) -> None:
    text = file_of(name)
    comment, _, _ = text.partition("*)")
    for each in HYPOTHESES[name]:
        assert text.count(f"  {each} ->\n") == network(*NETWORKS[name]).parameter_count
        assert each.rpartition("-> ")[2].removesuffix(")") in comment


def test_what_coq_can_derive_is_no_hypothesis() -> None:
    assert "0 < (A2 P i c)" not in file_of("softmax") + file_of("erf")
    assert "forall" not in file_of("hidden softmax").partition("Lemma W1_1_1")[2]


@pytest.mark.parametrize("bug", WRONG)
def test_coq_proves_no_derivative_of_a_mutant(
    bug: str, require: Callable[[str], None], tmp_path: Path
) -> None:
    require("coqc")
    name, lemma = WRONG[bug]
    chain = network(*NETWORKS[name])
    derivation = derive(chain)
    (mutant,) = (mutant for mutant in mutants(derivation) if str(mutant) == bug)
    wrong = replace(derivation, backward=mutated(derivation.backward, mutant))
    text = network_file(chain, wrong)
    before, _, _ = text.partition("Lemma W1_1_1 P")
    done = compiled(f"{before}{not_proved(lemma, text)}End Network.\n", tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("name", "slope"), [("erf", "g1'"), ("logarithm", "e_1"), ("cases", "g1'")])
def test_coq_proves_no_slope_that_is_wrong(
    name: str, slope: str, require: Callable[[str], None], tmp_path: Path
) -> None:
    require("coqc")
    text = file_of(name)
    defined, line, rest = text.partition(f"Definition {slope} ")
    wrong = compiled(f"{defined}{line}{rest.replace(':= ', ':= 1 + ', 1)}", tmp_path)
    assert wrong.returncode == 1 and f"line {defined.count(chr(10)) + 3}, " in wrong.stderr


def test_every_activation_and_loss_of_the_tables_has_a_file() -> None:
    cells = [{"hidden": name} for name in ACTIVATIONS]
    cells += [
        {"output": output, "loss": loss}
        for loss, row in LOSSES.items()
        for output, of in ACTIVATIONS.items()
        if of.is_probability or not (row.needs_probability or (row.needs_positive and not of.is_positive))
    ]
    for options in cells:
        text = network_file(chain := network("1-2-2", options), derive(chain))
        assert text.count("Proof. derivative. Qed.") == chain.parameter_count


def test_a_slope_of_another_function_has_no_file() -> None:
    chain = network(*NETWORKS["tanh"])
    derivation = derive(chain)
    (mutant,) = (each for each in mutants(derivation) if str(each) == "slope f′ of sigmoid (layer 1)")
    wrong = replace(derivation, backward=mutated(derivation.backward, mutant))
    with pytest.raises(Unsupported, match="g1 is tanh in one equation and sigmoid in another"):
        network_file(chain, wrong)


def test_prove_writes_the_file(tmp_path: Path) -> None:
    done = run("prove", "1-2-1", "--hidden", "tanh", "--coq", "n.v", cwd=tmp_path)
    assert (
        done.returncode == 0
        and done.stdout == "n.v: 7 lemmas, one for each parameter; check them with coqc n.v.\n"
    )
    text = (tmp_path / "n.v").read_text(encoding="utf-8")
    assert "  is_derive (fun w => E (with_W P 1 2 1 w)) (W P 1 2 1) (dW1 P 2 1).\n" in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["2-?-1"], "--coq ties networks of open widths to the theorem, but 2-?-1 fixes some; give"),
        (["dense"], "the theorem in Coq has no map for dense; --coq ties chains"),
        (["2-2-1", "--hidden", "tan(z)"], "tan(z) has no word in the Coq files, which know exp, ln, tanh"),
        (["2-2-1", "--hidden", "where(z == 0, 1, z)"], "the condition Eq(z, 0) has no word in the Coq files"),
        (["?-…-?", "--l1", "lambda"], "the theorem in Coq has a penalty λ/2 Σ w² on weights, and no other"),
    ],
)
def test_what_has_no_coq_file_is_said_in_one_sentence(
    arguments: list[str], says: str, tmp_path: Path
) -> None:
    done = run("prove", *arguments, "--coq", "n.v", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith(f"backproof: {says}")
    assert done.stderr.count("\n") == 1 and not list(tmp_path.iterdir())
