"""Lemmas of the tie: a row says how the equation of one array is claimed of the theorem's, and proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A claim, its hypotheses and the tactic that proves it, with words in braces to be put in.

    A hypothesis whose words are all empty is left out.
    """

    claim: str
    proof: str
    hypotheses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lemma:
    """A statement about the theorem's arrays, and the tactic that proves it."""

    name: str
    statement: str
    proof: str

    def __str__(self) -> str:
        return f"Lemma {self.name} :\n  {self.statement}.\nProof.\n  {self.proof}.\nQed.\n"


def lemma(name: str, row: Row, words: Mapping[str, str], sizes: Mapping[str, str]) -> Lemma:
    """The lemma of a row, for all indices below their sizes.

    >>> row = Row("Z {i} = {right}", "auto", ("{unbiased}",))
    >>> print(lemma("derived_Z", row, {"i": "i", "right": "X i", "unbiased": ""}, {"i": "n"}))
    Lemma derived_Z :
      forall i : nat,
      (i < n)%nat ->
      Z i = X i.
    Proof.
      auto.
    Qed.
    <BLANKLINE>
    """
    said = [hypothesis.format(**words) for hypothesis in row.hypotheses]
    bounds = [f"({index} < {size})%nat" for index, size in sizes.items()]
    premises = "".join(f"{premise} ->\n  " for premise in (*said, *bounds) if premise)
    bound = f"forall {' '.join(sizes)} : nat,\n  " if sizes else ""
    return Lemma(name, bound + premises + row.claim.format(**words), row.proof.format(**words))
