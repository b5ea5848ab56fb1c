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
from symbolic.einsum_form import EinsumTerm, einsum_form
from symbolic.expressions import Expr
from symbolic.notation import Array, Layer, Slot, Step
from symbolic.writing.index_form import named_as_defined, numbers_of
from symbolic.writing.ordering import is_negative
from symbolic.writing.shown import definitions, equals, error_terms, ranges, runs, sides, with_absolute
from symbolic.writing.writer import Writer, penalised

_LETTERS: Final = {
    "alpha": "α",
    "beta": "β",
    "epsilon": "ε",
    "gamma": "γ",
    "lambda": "λ",
    "pi": "π",
    "sigmoid": "σ",
}
_SUPERSCRIPTS: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUBSCRIPTS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def index_text(step: Step) -> str:
    """A step in index form.

    >>> from symbolic.derivation import derive
    >>> from symbolic.network import mlp
    >>> print(index_text(derive(mlp(2, 3, 1)).backward[3]))
    δ1[i,c] = g1′(Z1[i,c])·Σ_k W2[k,i]·δ2[k,c]
    """
    return equals(TextWriter, step).join(sides(TextWriter, step))


def matrix_text(step: Step, layout: Layout = INTERNAL) -> str:
    """A step in matrix form, in a layout. Raises Unsupported where it has none.

    >>> from symbolic.derivation import derive
    >>> from symbolic.network import mlp
    >>> print(matrix_text(derive(mlp(2, 3, 1)).backward[3]))
    δ1 = (W2ᵀ δ2) ∘ g1′(Z1)
    """
    return " = ".join(sides(TextWriter, step, layout))


def einsum_text(step: Step) -> str:
    """A step in einsum form. Raises Unsupported where it has none.

    >>> from symbolic.derivation import derive_layer
    >>> from symbolic.layers import LAYERS
    >>> print(einsum_text(derive_layer(LAYERS["attention"])[0]))
    S = (1/√N_d)·einsum("dtc,duc->tuc", Q, K)
    """
    form = einsum_form(named_as_defined(step))
    numbers = numbers_of(step)
    writer = TextWriter(step, INTERNAL)
    names = {
        name: writer.style.matrix(step.array(name), transposed=False)
        for name in (*step.equation.inputs, form.target)
    }
    written = ""
    for term in form.terms:
        coefficient = term.coefficient.xreplace(numbers)
        negative = is_negative(coefficient)
        body = _einsum(term, names)
        size = -coefficient if negative else coefficient
        part = body if size == 1 else f"{_factor(writer, size)}·{body}"
        sign = "−" if negative else "+" * bool(written)
        written += f" {sign} {part}" if written else sign + part
    return f"{names[form.target]} = {written}"


def _factor(writer: TextWriter, number: Expr) -> str:
    written = writer.doprint(number)
    return written if written.isalnum() else f"({written})"


def _einsum(term: EinsumTerm, names: Mapping[str, str]) -> str:
    """einsum("ij,jc->ic", W, A), the array itself where nothing is done to it, with the axes it lacks."""
    inputs, result = term.subscripts.split("->")
    arrays = ", ".join(names[name] for name in term.operands)
    call = (
        arrays if inputs == result and len(term.operands) == 1 else f'einsum("{term.subscripts}", {arrays})'
    )
    if all(term.axes) or not term.operands:
        return call
    return f"{call}[{', '.join(':' if present else 'None' for present in term.axes)}]"


def error_text(steps: Iterable[Step]) -> str:
    """E, the sum of all steps whose target is a number."""
    return "E = " + " ".join(error_terms(TextWriter, steps))


def closed_text(value: Expr) -> str:
    """A closed form, as `ClosedForm.derivative` gives it."""
    return str(TextWriter().doprint(with_absolute(value)))


def range_text(step: Step) -> str:
    """The range of each free index of a step: `i = 1…3, c = 1…m`; `i, c from 1` for N_i and N_c values."""
    return ", ".join(
        f"{', '.join(indices)} {_run(first, last)}" for indices, first, last in runs(ranges(TextWriter, step))
    )


def _run(first: str, last: str) -> str:
    if not last:
        return f"from {first}"
    return f"= {last if last == first else f'{first}…{last}'}"


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
    largest = "max_%(index)s "
    place = "argmax_%(index)s "
    bracket = "[%s]"
    divides = "%s | %s"
    floor = "⌊%s⌋"
    modulo = "%s mod %s"
    inline_fraction = "%s/%s"
    adds = "+="
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

    def entry(self, array: Array, indices: Sequence[str], *, small: bool = True) -> str:
        return f"{self.matrix(array, transposed=False)}[{','.join(indices)}]"

    def matrix(self, array: Array, *, transposed: bool) -> str:
        if penalty := penalised(array):
            norm, parameter = penalty
            return f"R{norm.translate(_SUBSCRIPTS)}({self.matrix(parameter, transposed=False)})"
        is_error = array.cotangent and array.name == "Z"
        is_fraction = array.cotangent and not is_error
        owner, dot, local = array.name.rpartition(".")
        name = "δ" if is_error else "∂E/∂" * is_fraction + owner + dot + _LETTERS.get(local, local)
        written = name + _layer(array.layer)
        if array.part:
            written = self.group(written) + str(array.part).translate(_SUBSCRIPTS)
        return (self.group(written) if transposed and is_fraction else written) + "ᵀ" * transposed

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
