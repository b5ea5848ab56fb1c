"""What stands above and below an item: indices, a layer or a power, a sample, slopes, the transposition."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from proofs.claims.latex_items import Item
from proofs.claims.latex_text import bare
from symbolic.errors import FormulaError

TRANSPOSED: Final = re.compile(
    r"(T|\\top|\\intercal|\\(mathrm|mathsf|mathbf|mathit|text)(\{(T|\\top)\}|~?(T|\\top)))$"
)
PRIMED: Final = re.compile(r"('|\\prime)$")
UPRIGHT: Final = re.compile(r"\\(mathrm|mathsf|mathbf|mathit|text|boldsymbol|bm)(\{(\\?\w+)\}|~(\w))")
SAMPLE: Final = re.compile(r"(?:\[(?P<layer>.+?)\])?\((?P<sample>[^()]+)\)")


@dataclass(frozen=True, slots=True)
class Scripts:
    """What the scripts of one item say; places as text where the context decides what they are."""

    below: str = ""
    layer: str = ""
    above: str = ""  # a layer or a power
    sample: str = ""  # the i of x^{[l](i)}
    primes: int = 0
    transposed: bool = False


def scripts_of(item: Item, text: str) -> Scripts:
    """The scripts of an item of a text. Raises FormulaError."""
    said: dict[str, str] = {}
    primes, transposed = 0, False
    for script, at in item.scripts:
        inner = bare(script)
        if script.startswith("'") or inner == r"\prime":
            primes += len(script) if script.startswith("'") else 1
            continue
        kind = "below" if script.startswith("_") else "above"
        if kind == "below":
            inner = UPRIGHT.sub(lambda found: found[3] or found[4], inner)
        else:
            primed = PRIMED.search(inner)
            if primed:
                primes, inner = primes + 1, inner[: primed.start()]
            turned = TRANSPOSED.search(inner)
            if turned:
                transposed, inner = True, inner[: turned.start()]
            sampled = SAMPLE.fullmatch(inner)
            if sampled and sampled["layer"]:
                said["sample"], kind, inner = sampled["sample"], "layer", sampled["layer"]
            elif re.fullmatch(r"[\[(].*[\])]", inner):
                kind, inner = "layer", inner[1:-1]
        if inner and kind in said:
            raise FormulaError("this stands there twice", text, at)
        if inner:
            said[kind] = inner
    return Scripts(**said, primes=primes, transposed=transposed)
