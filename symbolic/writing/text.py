"""Formulas as text for a terminal: δ1[i,c] = g1′(Z1[i,c])·Σ_k W2[k,i]·δ2[k,c], and δ1 = (W2ᵀ δ2) ∘ g1′(Z1).

W1[2,1] is an entry, counted from 1; W[l][i,j] is one of a generic layer l. Between matrices, ∘, ⊘ and ^∘ are
taken entry by entry, and 𝟏 is a column of ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from sympy.printing.str import StrPrinter

from symbolic.activations import Activation
from symbolic.conventions import INTERNAL, Layout
from symbolic.notation import Array, Expr, Layer, Slot, Step
from symbolic.writing.shown import definitions, error_terms, ranges, sides, with_absolute
from symbolic.writing.writer import Writer, penalised

_LETTERS: Final = {"lambda": "λ", "alpha": "α", "pi": "π", "sigmoid": "σ"}
_SUPERSCRIPTS: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUBSCRIPTS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def index_text(step: Step) -> str:
    """A step in index form.

    >>> from symbolic.derivation import derive
    >>> from symbolic.network import mlp
    >>> print(index_text(derive(mlp(2, 3, 1)).backward[3]))
    δ1[i,c] = g1′(Z1[i,c])·Σ_k W2[k,i]·δ2[k,c]
    """
    return " = ".join(sides(TextWriter, step))


def matrix_text(step: Step, layout: Layout = INTERNAL) -> str:
    """A step in matrix form, in a layout. Raises Unsupported where it has none.

    >>> from symbolic.derivation import derive
    >>> from symbolic.network import mlp
    >>> print(matrix_text(derive(mlp(2, 3, 1)).backward[3]))
    δ1 = (W2ᵀ δ2) ∘ g1′(Z1)
    """
    return " = ".join(sides(TextWriter, step, layout))


def error_text(steps: Iterable[Step]) -> str:
    """E, the sum of all steps whose target is a number."""
    return "E = " + " ".join(error_terms(TextWriter, steps))


def closed_text(value: Expr) -> str:
    """A closed form, as `ClosedForm.derivative` gives it."""
    return str(TextWriter().doprint(with_absolute(value)))


def range_text(step: Step) -> str:
    """The range of each free index of a step: `i = 1…3, c = 1…m`."""
    return ", ".join(
        f"{index} = {last if last == '1' else f'1…{last}'}" for index, last in ranges(TextWriter, step)
    )


def definitions_text(steps: Iterable[Step]) -> tuple[str, ...]:
    """What functions that stand by name in these steps are, such as `σ(z) = 1/(1 + exp(−z))`, and slopes."""
    chains = (definition.chain(TextWriter) for definition in definitions(steps))
    return tuple(" = ".join(chain) for chain in chains if len(chain) > 1)


class _Text:
    minus = "−"
    times = "·"
    times_by_entry = " ∘ "
    over_by_entry = " ⊘ "
    chain = " "
    coefficient = "(%s)"
    fraction = "%s/%s"
    root = "√%s"
    bars_group = False
    absolute = "|%s|"
    norm = "‖%s‖"
    total = "Σ_%(index)s "
    cases = "{%s}"
    case = "%s if %s"
    otherwise = "%s otherwise"
    next_case = ", "
    cases_open = False
    relations: Mapping[str, str] = MappingProxyType({"<=": "≤", ">=": "≥", "==": "=", "!=": "≠"})
    both = " and "
    either = " or "
    opposite = "not "
    where = ", a = %s"
    ones = "𝟏"
    ones_transposed = "𝟏ᵀ"

    def group(self, inside: str) -> str:
        return f"({inside})"

    def summand(self, body: str) -> str:
        return body

    def raised(self, base: str, exponent: str, *, by_entry: bool) -> str:
        if exponent.isdigit() and not by_entry:
            return base + exponent.translate(_SUPERSCRIPTS)
        return f"{base}^{'∘' * by_entry}{exponent if exponent.isalnum() else self.group(exponent)}"

    def symbol(self, name: str) -> str:
        return _LETTERS.get(name, name)

    def size(self, layer: str) -> str:
        return f"n[{layer}]"

    def entry(self, array: Array, indices: Sequence[str]) -> str:
        return f"{self.matrix(array, transposed=False)}[{','.join(indices)}]"

    def matrix(self, array: Array, *, transposed: bool) -> str:
        if penalty := penalised(array):
            norm, parameter = penalty
            return f"R{norm.translate(_SUBSCRIPTS)}({self.matrix(parameter, transposed=False)})"
        name = "δ" if array.cotangent and array.name == "Z" else "∂E/∂" * array.cotangent + array.name
        written = name + _layer(array.layer)
        return (
            written + "ᵀ" * transposed
            if len(name) == 1
            else self.group(written) + "ᵀ"
            if transposed
            else written
        )

    def named(self, function: str) -> str:
        return function

    def slot(self, slot: Slot, orders: tuple[int, ...]) -> str:
        if len(orders) > 1:
            return "∂e/∂a" if orders[0] else "e"
        known = isinstance(slot.source, Activation) and slot.source.row
        name = (
            {"sigmoid": "σ"}.get(slot.source.text, slot.source.text)
            if known
            else slot.name + _layer(slot.layer)
        )
        return name + "′" * orders[0]

    def over_layers(self, layers: str) -> str:
        return "Σ_l " if layers == "1 ≤ l ≤ L" else f"Σ_{{{layers}}} "


class TextWriter(Writer, StrPrinter):  # type: ignore[misc]  # SymPy has no type information
    """SymPy's printer of text with our order and names."""

    style = _Text()


def _layer(layer: Layer) -> str:
    if layer is None:
        return ""
    return str(layer) if isinstance(layer, int) else f"[{str(layer).replace(' ', '')}]"
