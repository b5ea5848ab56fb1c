"""One network as a Coq file: it compiles with Coquelicot alone, and a wrong derivation does not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofs.coq.network import network_file
from symbolic.derivation import derive
from symbolic.mutation import mutants, mutated
from symbolic.network import Network, mlp
from tests.command import run

NETWORKS: dict[str, dict[str, Any]] = {
    "1-2-1": {"loss": "E"},
    "2-3-1": {"hidden": "tanh"},
    "2-2-1": {"hidden": "tanh", "output": "sigmoid", "bias": False, "l2": "lambda/m"},
}
WRONG = ("sign of the gradient (weights, layer 1)", "missing 1/m (output layer)", "W for Wᵀ (layer 1)")


def network(sizes: str, **options: Any) -> Network:
    built = mlp(sizes, **options)
    assert isinstance(built, Network)
    return built


def coqc(folder: Path, file: str) -> subprocess.CompletedProcess[str]:
    command = ["coqc", "-q", "-w", "-ambiguous-paths", file]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("sizes", NETWORKS)
def test_coq_proves_every_derivative_of_a_network(
    sizes: str, require: Callable[[str], None], tmp_path: Path
) -> None:
    require("coqc")
    chain = network(sizes, **NETWORKS[sizes])
    text = network_file(chain, derive(chain))
    (tmp_path / "Network.v").write_text(text, encoding="utf-8")
    done = coqc(tmp_path, "Network.v")
    assert done.returncode == 0, done.stderr
    assert text.count("Proof. derivative. Qed.") == chain.parameter_count


def without_proof_of(lemma: str, text: str) -> str:
    """The file up to its lemmas, and this one with the claim that its tactic does not prove it."""
    before, _, _ = text.partition("Lemma W1_1_1 P")
    statement = text.partition(f"Lemma {lemma} P :")[2].partition("Proof.")[0]
    return f"{before}Goal forall P,{statement}Proof. intro P. Fail derivative. Abort.\nEnd Network.\n"


@pytest.mark.parametrize("bug", WRONG)
def test_coq_proves_no_derivative_of_a_mutant(
    bug: str, require: Callable[[str], None], tmp_path: Path
) -> None:
    require("coqc")
    chain = network("1-2-2", loss="E", output="g")
    derivation = derive(chain)
    (mutant,) = (mutant for mutant in mutants(derivation) if str(mutant) == bug)
    wrong = replace(derivation, backward=mutated(derivation.backward, mutant))
    for kind, fails in ((derivation, False), (wrong, True)):
        lemma = "W1_1_1" if "layer 1" in bug else "W2_1_1"
        (tmp_path / "Wrong.v").write_text(
            without_proof_of(lemma, network_file(chain, kind)), encoding="utf-8"
        )
        done = coqc(tmp_path, "Wrong.v")
        assert (done.returncode == 0) == fails, done.stderr


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
        (["2-2-1", "--hidden", "relu"], "layer 1 is relu, but --coq takes activations of single units"),
        (["2-2", "--output", "softmax"], "layer 1 is softmax, but --coq takes activations of single units"),
        (
            ["2-1", "--output", "sigmoid", "--loss", "cross-entropy"],
            "cross-entropy takes logarithms, but --coq",
        ),
        (["2-2-1", "--hidden", "gelu"], "erf(sqrt(2)*z/2) has no word in the Coq files"),
        (["?-…-?", "--l1", "lambda"], "the theorem in Coq has a penalty λ/2 Σ w² on weights, and no other"),
    ],
)
def test_what_has_no_coq_file_is_said_in_one_sentence(
    arguments: list[str], says: str, tmp_path: Path
) -> None:
    done = run("prove", *arguments, "--coq", "n.v", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith(f"backproof: {says}")
    assert done.stderr.count("\n") == 1 and not list(tmp_path.iterdir())
