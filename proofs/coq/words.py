"""The functions that a network's Coq file knows, one row each: a name, and the lemma of its derivative.

erf is an integral, erf x = 2/√π ∫₀ˣ exp(−t²) dt; the others are those of the standard library.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import sympy as sp

from symbolic.expressions import Expr


@dataclass(frozen=True, slots=True)
class Word:
    """A function of Coq, or a constant, which needs no lemma.

    `lemma` proves `derive_f`, which may have a condition on the argument. `fact` is a tactic that poses
    0 < f x, for functions that have positive values.
    """

    name: str
    lemma: str = ""
    needs_side: bool = False
    fact: str = ""

    @property
    def met(self) -> str:
        """The pattern of the word in a formula."""
        return f"{self.name} ?x" if self.lemma else self.name


def _of_reals(name: str, derivative: str) -> str:
    return (
        f"Lemma derive_{name} x : is_derive {name} x ({derivative}).\n"
        f"Proof. apply is_derive_Reals, derivable_pt_lim_{name}. Qed.\n"
    )


_TANH: Final = """Lemma derive_tanh x : is_derive tanh x (1 - tanh x ^ 2).
Proof.
  assert (H : 0 < cosh x) by (unfold cosh; pose proof (exp_pos x); pose proof (exp_pos (- x)); lra).
  unfold tanh. auto_derive; [lra | field; lra].
Qed.
"""
_COSH: Final = """Lemma cosh_positive x : 0 < cosh x.
Proof. unfold cosh. pose proof (exp_pos x). pose proof (exp_pos (- x)). lra. Qed.
"""
_SQRT: Final = """Lemma derive_sqrt x : 0 < x -> is_derive sqrt x (/ (2 * sqrt x)).
Proof. intros H. apply is_derive_Reals. now apply derivable_pt_lim_sqrt. Qed.
"""
_LN: Final = """Lemma derive_ln x : 0 < x -> is_derive ln x (/ x).
Proof. apply is_derive_ln. Qed.
"""
_ATAN: Final = """Lemma derive_atan x : is_derive atan x (/ (1 + x ^ 2)).
Proof. replace (x ^ 2) with (Rsqr x) by (unfold Rsqr; ring). apply is_derive_atan. Qed.
"""
_ERF: Final = """Definition erf (x : R) : R := RInt (fun t => 2 / sqrt PI * exp (- t ^ 2)) 0 x.

Lemma derive_erf x : is_derive erf x (2 / sqrt PI * exp (- x ^ 2)).
Proof.
  assert (H : forall t, continuous (fun t => 2 / sqrt PI * exp (- t ^ 2)) t).
  { intros t. apply (ex_derive_continuous (K := R_AbsRing) (V := R_NormedModule)). now auto_derive. }
  apply (is_derive_RInt (V := R_NormedModule) (fun t => 2 / sqrt PI * exp (- t ^ 2)) erf 0); [|apply H].
  apply filter_forall. intros y. now apply (RInt_correct (V := R_CompleteNormedModule)), ex_RInt_continuous.
Qed.
"""

WORDS: Final = {  # a power whose exponent is no whole number has a half, and is one of a root
    sp.exp: Word("exp", _of_reals("exp", "exp x"), fact="pose proof (exp_pos x)"),
    sp.log: Word("ln", _LN, needs_side=True),
    sp.Pow: Word("sqrt", _SQRT, needs_side=True, fact="assert (0 < sqrt x) by (apply sqrt_lt_R0; side)"),
    sp.tanh: Word("tanh", _TANH),
    sp.sinh: Word("sinh", _of_reals("sinh", "cosh x")),
    sp.cosh: Word("cosh", _COSH + _of_reals("cosh", "sinh x"), fact="pose proof (cosh_positive x)"),
    sp.sin: Word("sin", _of_reals("sin", "cos x")),
    sp.cos: Word("cos", _of_reals("cos", "- sin x")),
    sp.atan: Word("atan", _ATAN),
    sp.erf: Word("erf", _ERF),
    type(sp.pi): Word("PI", fact="assert (0 < PI) by apply PI_RGT_0"),
}
NAMES_OF_WORDS: Final = {kind: word.name for kind, word in WORDS.items() if kind is not sp.Pow}


def words_of(formulas: Iterable[Expr]) -> list[Word]:
    """The words that formulas need, in the order of the table."""
    nodes = [node for formula in formulas for node in sp.preorder_traversal(formula)]
    kinds = {type(node) for node in nodes if not (isinstance(node, sp.Pow) and node.exp.is_Integer)}
    return [word for kind, word in WORDS.items() if kind in kinds]
