r"""Formulas as LaTeX: entries in lower case, w^{[1]}_{2,1}, matrices in capitals, W^{[1]}.

⊙, ⊘ and powers with ∘ are taken entry by entry, and a bold 1 is a column of ones. amsmath is all it needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import sympy as sp
from sympy.printing.latex import LatexPrinter, accepted_latex_functions

from symbolic.activations import Activation
from symbolic.conventions import INTERNAL, Layout
from symbolic.derivation import Derivation, derive
from symbolic.expressions import Expr
from symbolic.grammar.formula import to_text
from symbolic.network import Chain
from symbolic.notation import Array, Slot, Step
from symbolic.writing.shown import equals, error_terms, ranges, runs, sides, with_absolute
from symbolic.writing.writer import Writer, penalised

_MARKED: Final = re.compile(r"([A-Za-z])(?:(\d+)|([A-Za-z])|_(\w+))")  # X1, WQ, Y_place
_INDEXED: Final = re.compile(r"[A-Za-z]_?(\d+|[A-Za-z])|N_\w+")
_OTHER_NAMES: Final = {"sigmoid": r"\sigma", "atan": r"\arctan", "exp": r"\exp"}


def index_latex(step: Step) -> str:
    r"""A step in index form.

    >>> from symbolic.derivation import derive
    >>> from symbolic.network import mlp
    >>> print(index_latex(derive(mlp(2, 3, 1)).backward[2]))
    \frac{\partial E}{\partial b^{[2]}_{i}} = \sum_{c=1}^{m} \delta^{[2]}_{i,c}
    """
    return equals(LatexWriter, step).join(sides(LatexWriter, step))


def matrix_latex(step: Step, layout: Layout = INTERNAL) -> str:
    r"""A step in matrix form, in a layout. Raises Unsupported where it has none.

    >>> from symbolic.derivation import derive
    >>> from symbolic.network import mlp
    >>> print(matrix_latex(derive(mlp(2, 3, 1)).backward[3]))
    \delta^{[1]} = \bigl(W^{[2]\top} \delta^{[2]}\bigr) \odot g^{[1]\prime}\bigl(Z^{[1]}\bigr)
    """
    return " = ".join(sides(LatexWriter, step, layout))


def closed_latex(value: Expr) -> str:
    """A closed form, as `ClosedForm.derivative` gives it."""
    return str(LatexWriter().doprint(with_absolute(value)))


def range_latex(steps: Iterable[Step]) -> str:
    r"""The range of each free index of some steps: `i = 1,\dots,3,\; c = 1,\dots,m`."""
    found = {
        index: (index, first, last) for step in steps for index, first, last in ranges(LatexWriter, step)
    }
    return r",\; ".join(
        f"{', '.join(indices)} {_run(first, last)}" for indices, first, last in runs(found.values())
    )


def _run(first: str, last: str) -> str:
    """All numbers of a range: = 1, or = 1,2, or = 1,…,m; from 1 where the end goes without saying."""
    if not last:
        return rf"\ge {first}"
    if last in (first, str(int(first) + 1)):
        return f"= {first}" if first == last else f"= {first},{last}"
    return rf"= {first},\dots,{last}"


def layers_latex(layers: str) -> str:
    """A range of layers such as `1 ≤ l < L`."""
    return layers.replace("≤", r"\le")


def repr_latex(shown: Step | Derivation | Chain) -> str:
    """What Jupyter shows: a step, a derivation's backward equations, a network's forward equations."""
    if isinstance(shown, Step):
        return rf"$\displaystyle {index_latex(shown)}$"
    if isinstance(shown, Derivation):
        steps = shown.backward or [step for step in shown.general if step.target.cotangent]
        lines = [" &= ".join(sides(LatexWriter, step)) for step in steps]
    else:
        derived = derive(shown)
        steps = derived.forward or [step for step in derived.general if not step.target.cotangent]
        lines = [" &= ".join(sides(LatexWriter, step)) for step in steps if step.target.shape]
        lines.append("E &= " + " ".join(error_terms(LatexWriter, steps)))
    return "\n".join([r"$$\begin{aligned}", " \\\\\n".join(lines), r"\end{aligned}$$"])


class _Latex:
    minus = "-"
    times = r"\,"
    times_by_entry = r" \odot "
    over_by_entry = r" \oslash "
    chain = " "
    coefficient = "%s"
    fraction = r"\frac{%s}{%s}"
    root = r"\sqrt{%s}"
    bars_group = True
    absolute = r"\lvert %s\rvert"
    norm = r"\lVert %s\rVert"
    total = r"\sum_{%(index)s=%(first)s}^{%(last)s} "
    largest = r"\max_{%(index)s=%(first)s,\dots,%(last)s} "
    place = r"\operatorname*{arg\,max}_{%(index)s=%(first)s,\dots,%(last)s} "
    bracket = "[%s]"
    divides = r"%s \mid %s"
    floor = r"\lfloor %s\rfloor"
    modulo = r"%s \bmod %s"
    inline_fraction = "%s/%s"
    adds = r"\mathrel{{+}{=}}"
    cases = r"\begin{cases} %s \end{cases}"
    case = r"%s & \text{if } %s"
    otherwise = r"%s & \text{otherwise}"
    next_case = r" \\ "
    cases_open = True
    relations: Mapping[str, str] = MappingProxyType({"<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"})
    both = r" \text{ and } "
    either = r" \text{ or } "
    opposite = r"\text{not } "
    where = r",\quad a = %s"
    ones = r"\mathbf{1}"
    ones_transposed = r"\mathbf{1}^{\top}"

    def group(self, inside: str) -> str:
        if any(tall in inside for tall in (r"\frac", r"\sum", r"\begin")):
            return rf"\left({inside}\right)"
        return rf"\bigl({inside}\bigr)" if "^" in inside else f"({inside})"

    def summand(self, body: str) -> str:
        """TeX sets no space between Σ and a bracket, but some between Σ and an empty group."""
        return f"{{}}{body}" if body.startswith(("(", r"\bigl", r"\lvert", r"\lVert")) else body

    def raised(self, base: str, exponent: str, *, by_entry: bool) -> str:
        closed = base if "^" not in base or base.endswith((")", "vert", "Vert")) else self.group(base)
        return rf"{closed}^{{\circ {exponent}}}" if by_entry else f"{closed}^{{{exponent}}}"

    def symbol(self, name: str) -> str:
        return _word(name)

    def size(self, layer: str) -> str:
        return f"n_{{{layer}}}"

    def entry(self, array: Array, indices: Sequence[str], *, small: bool = True) -> str:
        comma = "," if all(map(str.isalnum, indices)) else r",\,"
        return self._written(array, below=f"_{{{comma.join(indices)}}}", small=small)

    def matrix(self, array: Array, *, transposed: bool) -> str:
        if penalty := penalised(array):
            norm, parameter = penalty
            return rf"R_{{{norm}}}{self.group(self.matrix(parameter, transposed=False))}"
        return self._written(array, transposed=transposed)

    def named(self, function: str) -> str:
        if function in accepted_latex_functions:
            return rf"\{function}"
        upright = function.replace("_", r"\_")
        return _OTHER_NAMES.get(function) or rf"\operatorname{{{upright}}}"

    def slot(self, slot: Slot, orders: tuple[int, ...]) -> str:
        if len(orders) > 1:
            return r"\frac{\partial e}{\partial a}" if orders[0] else "e"
        source, prime = slot.source, r"\prime" * orders[0]
        if not (isinstance(source, Activation) and source.row):
            return slot.name + (f"^{{{_layer(slot)}{prime}}}" if slot.layer is not None else "'" * orders[0])
        below = "" if source.alpha in (None, source.row.alpha) else f"_{{{to_text(source.alpha)}}}"
        return self.named(source.row.name) + below + "'" * orders[0]

    def over_layers(self, layers: str) -> str:
        last = {"1 ≤ l ≤ L": "L", "1 ≤ l < L": "L-1"}.get(layers)
        return rf"\sum_{{l=1}}^{{{last}}} " if last else rf"\sum_{{{layers}}} "

    def _written(
        self, array: Array, *, below: str = "", transposed: bool = False, small: bool = False
    ) -> str:
        is_error = array.cotangent and array.name == "Z"
        of_error = array.cotangent and not is_error
        letter, marks = _name(array.name.lower() if small else array.name)
        above = marks + _layer(array) + r"\top" * (transposed and not of_error)
        written = (r"\delta" if is_error else letter) + (f"^{{{above}}}" if above else "") + below
        if not of_error:
            return written
        fraction = rf"\frac{{\partial E}}{{\partial {written}}}"
        above, below = r"^{\top}" * transposed, f"_{{{array.part}}}" * bool(array.part)
        return rf"\Bigl({fraction}\Bigr){above}{below}" if above or below else fraction


def _name(name: str) -> tuple[str, str]:
    """A letter and what stands above it, different for different names: W^{Q}, X^{(1)}, W^{(h)}."""
    owner, _, local = name.rpartition(".")
    place = f"({owner if len(owner) == 1 else _upright(owner)})" if owner else ""
    if found := _MARKED.fullmatch(local):
        letter, number, mark, word = found.groups()
        inner = f"({number})" if number else mark or _upright(word)
        return letter, inner + place
    return _word(local), place


def _word(name: str) -> str:
    """A symbol's name: a letter, a letter with an index below, a Greek letter, or upright letters."""
    written = str(sp.latex(sp.Symbol(name)))
    if written == f"\\{name}" or len(name) == 1 or _INDEXED.fullmatch(name):
        return written
    return _upright(name)


def _upright(word: str) -> str:
    escaped = word.replace("_", r"\_")
    return rf"\mathrm{{{escaped}}}"


class LatexWriter(Writer, LatexPrinter):  # type: ignore[misc]  # SymPy has no type information
    """SymPy's printer of LaTeX with our order and names."""

    style = _Latex()

    def _range(self, form: str, index: sp.Symbol, first: Expr, end: Expr) -> str:
        """Bounds such as N_k - 1 are wide; some space keeps those of neighbours apart."""
        return super()._range(form, index, first, end) + r"\;" * int(first == 0)

    def _print_Pow(self, power: Expr) -> str:
        base, exponent = power.args
        if type(base).__name__ in accepted_latex_functions and exponent.is_Integer and exponent > 0:
            return f"{self.style.named(type(base).__name__)}^{{{exponent}}}{self._arguments(base)}"
        return super()._print_Pow(power)

    def _print_exp(self, call: Expr) -> str:
        (exponent,) = call.args
        is_short = self.layout is None and len(exponent.free_symbols) < 2
        return f"e^{{{_ExponentWriter().doprint(exponent)}}}" if is_short else self._print_Function(call)


class _Exponent(_Latex):
    coefficient = "(%s)"
    fraction = "%s/%s"
    bars_group = False


class _ExponentWriter(LatexWriter):
    style = _Exponent()


def _layer(of: Array | Slot) -> str:
    return "" if of.layer is None else f"[{str(of.layer).replace(' ', '')}]"
