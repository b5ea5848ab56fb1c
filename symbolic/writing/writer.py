"""How formulas are written, whatever the output format.

A product is written coefficient first, then matrix products, weights, δ, other entries, sums in brackets,
slopes, and last what needs no closing bracket: Σ and cases. Text and LaTeX are SymPy's printers with a
`Writer` in front of them; a `Style` says what they write differently.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import sympy as sp

from symbolic.activations import activation
from symbolic.conventions import Layout
from symbolic.expressions import Expr, name_of, undefined_at
from symbolic.grammar.functions import undefined_parts
from symbolic.grammar.indices import Holds, Largest, Place
from symbolic.losses import OUTPUTS, loss
from symbolic.notation import Array, Binding, Slot, Step
from symbolic.writing.index_form import words_of
from symbolic.writing.index_writer import IndexWriter
from symbolic.writing.matrix_expression import ALL_ONES, ONES, Chain, Norm, Transposed
from symbolic.writing.ordering import content, divides, fraction, is_negative, term_key

COEFFICIENTS: Final = frozenset({"m", "k", "lambda", "alpha"})
_PARAMETER: Final = re.compile(r"([Wb])(\d+)\[(.*)\]")
_PENALTY: Final = re.compile(r"Rl(?P<norm>[12])(?P<parameter>[Wb])")


class Style(Protocol):
    """What an output format writes in its own way; strings with % are formats."""

    minus: str
    times: str
    times_by_entry: str
    over_by_entry: str
    chain: str
    coefficient: str
    fraction: str
    root: str
    bars_group: bool  # whether the bar of a fraction or a root groups what stands at it
    absolute: str
    norm: str
    total: str
    largest: str
    place: str
    bracket: str
    divides: str
    floor: str
    modulo: str
    inline_fraction: str
    adds: str
    cases: str
    case: str
    otherwise: str
    next_case: str
    cases_open: bool  # whether no bracket closes cases
    relations: Mapping[str, str]
    both: str
    either: str
    opposite: str
    where: str
    ones: str
    ones_transposed: str

    def group(self, inside: str) -> str: ...
    def summand(self, body: str) -> str: ...
    def raised(self, base: str, exponent: str, *, by_entry: bool) -> str: ...
    def symbol(self, name: str) -> str: ...
    def size(self, layer: str) -> str: ...
    def entry(self, array: Array, indices: Sequence[str], *, small: bool = True) -> str: ...
    def matrix(self, array: Array, *, transposed: bool) -> str: ...
    def named(self, function: str) -> str: ...
    def slot(self, slot: Slot, orders: tuple[int, ...]) -> str: ...
    def over_layers(self, layers: str) -> str: ...


class Writer(IndexWriter):
    """Printing that text and LaTeX share.

    `step` binds the local names of what is printed; in a `layout`, arrays are matrices.
    """

    style: Style
    doprint: Callable[[Expr], str]
    printmethod = ""  # SymPy's arrays would print themselves
    _print: Callable[[Any], str]

    def __init__(self, step: Step | None = None, layout: Layout | None = None) -> None:
        super().__init__()
        self.step = step
        self.bindings: Mapping[str, Binding] = step.bindings if step else {}
        self.layout = layout
        self._words = words_of(step.equation.rule) if step else {}

    @property
    def of_chain(self) -> bool:
        """Whether what is printed belongs to a chain of layers, where entries are in lower case."""
        arrays = [bound for bound in self.bindings.values() if isinstance(bound, Array)]
        return self.step is None or any(array.layer is not None for array in arrays)

    def array(self, name: str) -> Array:
        """The array of a local name; in a closed form X is the input itself."""
        bound = self.bindings.get(name)
        return bound if isinstance(bound, Array) else Array(name)

    def last(self, end: int | Expr) -> str:
        """The last value of an index that runs up to `end`."""
        return str(end) if isinstance(end, int) else self._print(end)

    def _print_Add(self, total: Expr) -> str:
        number, inner = content(total)
        if number != 1:
            return self._product([inner], number)
        *_, last = ordered = sorted(total.args, key=term_key)
        written = ""
        for term in ordered:
            negative = is_negative(term)
            part = self._print(-term if negative else term)
            part = self.style.group(part) if term is not last and self._ends_open(term) else part
            sign = self.style.minus if negative else "+" * bool(written)
            written += f" {sign} {part}" if written else sign + part
        return written

    def _print_Mul(self, product: Expr) -> str:
        return self._product(product.args)

    def _product(self, factors: Iterable[Expr], coefficient: Expr = sp.S.One) -> str:
        over, under, sums = [], [], []
        for given in factors:
            number, factor = content(given)
            coefficient *= number
            if self._is_scalar(factor) and factor.is_Add:
                sums.append(factor)  # multiplied by a number, SymPy would multiply it out
            elif self._is_scalar(factor):
                coefficient *= factor
            elif divides(factor):
                under.append(1 / factor)
            else:
                over.append(factor)
        if is_negative(coefficient):
            rest = [*sums, *over, *(1 / factor for factor in under)]
            return self.style.minus + self._product(rest, -coefficient)
        above, below = fraction(coefficient)
        above += sums
        is_monomial = all(factor.as_base_exp()[0].is_Symbol for factor in (*over, *under))
        if not over + under or (self.layout is None and (is_monomial or not below)):
            return self._quotient([*above, *over], [*below, *under])
        body = self._quotient(over, under) if self.layout is None else self._quotient_by_entry(over, under)
        if not above + below:
            return body
        written = self._quotient(above, below)
        return (self.style.coefficient % written if below else written) + self.style.times + body

    def _quotient(self, over: Sequence[Expr], under: Sequence[Expr]) -> str:
        times, bars_group = self.style.times, self.style.bars_group
        if not under:
            return self._joined(over, times)
        above, below = (self._joined(factors, times, bare=bars_group) for factors in (over, under))
        if not bars_group:
            below = self.style.group(below) if len(under) > 1 else self._closed(under[0])
        return self.style.fraction % (above, below)

    def _quotient_by_entry(self, over: Sequence[Expr], under: Sequence[Expr]) -> str:
        parts = [self._joined(over or [ALL_ONES], self.style.times_by_entry), *map(self._closed, under)]
        return self.style.over_by_entry.join(parts)

    def _joined(self, factors: Sequence[Expr], times: str, *, bare: bool = False) -> str:
        """A product without a bar; Σ, cases and matrix products need brackets only beside something else."""
        *others, last = sorted(factors, key=self._factor_key) or [sp.S.One]
        open_ended = (sp.Add, sp.Sum, Chain, *[sp.Piecewise] * self.style.cases_open)
        parts = [self._grouped(factor, *open_ended) for factor in others]
        needs_closing = (sp.Add, Chain) if others else () if bare else (sp.Add,)
        return times.join([*parts, self._grouped(last, *needs_closing)])

    def _ends_open(self, term: Expr) -> bool:
        """Whether a term ends in cases without a closing bracket, so that what follows may seem theirs."""
        return self.style.cases_open and any(isinstance(f, sp.Piecewise) for f in sp.Mul.make_args(term))

    def _grouped(self, expr: Expr, *kinds: type) -> str:
        """The expression, in brackets if it is of one of these kinds."""
        written = self._print(expr)
        return self.style.group(written) if isinstance(expr, kinds) else written

    def _closed(self, expr: Expr) -> str:
        """The expression, in brackets unless it needs none wherever it stands."""
        is_letter = expr.is_Symbol or expr.is_NumberSymbol or isinstance(expr, sp.Indexed)
        is_call = expr.is_Function and not isinstance(expr, sp.Piecewise | Chain)
        is_power = expr.is_Pow and not divides(expr)
        if is_letter or is_call or is_power or (expr.is_Integer and expr >= 0):
            return self._print(expr)
        return self.style.group(self._print(expr))

    def _print_Pow(self, power: Expr) -> str:
        base, exponent = power.args
        if divides(power):
            return self._product([power])
        if exponent == sp.S.Half:
            return self.style.root % (self._print(base) if self.style.bars_group else self._closed(base))
        by_entry = self.layout is not None and not (isinstance(base, Norm) or self._is_scalar(base))
        return self.style.raised(self._closed(base), self._print(exponent), by_entry=by_entry)

    def _print_Sum(self, total: Expr) -> str:
        written = ""
        for index, first, end in reversed(total.limits):
            written += self._range(self.style.total, index, first, end)
        return written + self.style.summand(self._joined([total.function], self.style.times))

    def _range(self, form: str, index: sp.Symbol, first: Expr, end: Expr) -> str:
        return form % {"index": self._print(index), "first": first, "last": self.last(end)}

    def _print_Largest(self, picked: Expr) -> str:
        form = self.style.place if isinstance(picked, Place) else self.style.largest
        ranges = [self._range(form, *limit) for limit in reversed(picked.limits)]
        return "".join(ranges) + self._grouped(picked.function, sp.Add)

    _print_Place = _print_Largest

    def _print_Chain(self, chain: Expr) -> str:
        return self.style.chain.join(self._grouped(factor, sp.Add, sp.Mul) for factor in chain.args)

    def _print_Norm(self, call: Expr) -> str:
        return self.style.norm % self._print(call.args[0])

    def _print_Abs(self, call: Expr) -> str:
        inside = self._print(call.args[0])
        return f"abs({inside})" if "|" in inside else self.style.absolute % inside

    def _print_Function(self, call: Expr) -> str:
        return self.style.named(type(call).__name__) + self._arguments(call)

    _print_log = _print_Function

    def _print_AppliedUndef(self, call: Expr) -> str:
        name, orders = undefined_at(call)
        return self.style.slot(self._slot(name), orders) + self._arguments(call)

    def _arguments(self, call: Expr) -> str:
        return self.style.group(", ".join(map(self._print, call.args)))

    def _slot(self, name: str) -> Slot:
        """What an undefined function stands for; in a closed form g2 is that of layer 2."""
        bound = self.bindings.get(name)
        if isinstance(bound, Slot):
            return bound
        return Slot("e", None, loss("E")) if name == "e" else Slot("g", int(name[1:]), activation("g"))

    def _print_Piecewise(self, cases: Expr) -> str:
        rows = [
            self.style.otherwise % self._print(value)
            if condition == sp.true
            else self.style.case % (self._print(value), self._print(condition))
            for value, condition in cases.args
        ]
        return self.style.cases % self.style.next_case.join(rows)

    def _print_Rational(self, number: Expr) -> str:
        size = str(abs(number.p))
        written = size if number.q == 1 else self.style.fraction % (size, number.q)
        return self.style.minus * bool(number < 0) + written

    _print_Integer = _print_Rational

    def _print_Pi(self, _: Expr) -> str:
        return self.style.symbol("pi")

    def _print_Exp1(self, _: Expr) -> str:
        return self.style.symbol("e")

    def _print_Symbol(self, symbol: sp.Symbol) -> str:
        if parameter := _PARAMETER.fullmatch(symbol.name):
            name, layer, indices = parameter.groups()
            return self.style.entry(Array(name, int(layer)), indices.split(","))
        if symbol == ONES:
            return self.style.ones
        if symbol == OUTPUTS:
            return self.style.size("L")
        bound = None if symbol.is_integer else self.bindings.get(symbol.name)
        if isinstance(bound, Array):
            return self.style.matrix(bound, transposed=False)
        return self.style.symbol(symbol.name)

    def _print_Transposed(self, node: Expr) -> str:
        (letter,) = node.args
        if letter == ONES:
            return self.style.ones_transposed
        return self.style.matrix(self.array(letter.name), transposed=True)

    def _print_Indexed(self, entry: sp.Indexed) -> str:
        name = name_of(entry)
        if name == "n":
            return self.style.size(str(entry.indices[0]).replace(" ", ""))
        places = [self._whole(place) for place in entry.indices]
        return self.style.entry(self.array(name), places, small=self.of_chain)

    def _is_scalar(self, expr: Expr) -> bool:
        """Whether an expression is made of numbers, sizes and scalars alone."""
        scalars = {name for name, bound in self.bindings.items() if isinstance(bound, sp.Expr)}
        names = {symbol.name for symbol in expr.free_symbols if not symbol.is_integer}
        return not expr.has(sp.Indexed, Holds) and names <= COEFFICIENTS | scalars

    def _factor_key(self, factor: Expr) -> tuple[int, int, str]:
        base = factor.base if factor.is_Pow else factor
        name = name_of(base) if isinstance(base, sp.Indexed) else ""
        return self._rank(base), self._words.get(name, -1), self._print(factor)

    def _rank(self, factor: Expr) -> int:
        if self._is_scalar(factor):
            return 0 if factor.is_Number else 2 if factor.is_Add else 1
        match factor:
            case Chain():
                return 2
            case Holds():
                return 1
            case sp.Indexed() | sp.Symbol() | Transposed():
                array = self.array(name_of(factor.args[0] if isinstance(factor, Transposed) else factor))
                if array.cotangent:
                    return 4 if array.name == "Z" else 6
                local = array.name.rpartition(".")[2]
                return {"W": 3, "b": 3, "Z": 4}.get(local[0], 5)
            case sp.Add():
                return 7
            case sp.Sum() | Largest() | Place() | sp.Piecewise():
                return 9
        is_loss = undefined_parts(factor) is not None and len(factor.args) > 1
        return 7 if is_loss else 8


def penalised(array: Array) -> tuple[str, Array] | None:
    """The norm, 1 or 2, and the parameter whose penalty an array holds; None for any other array."""
    found = _PENALTY.fullmatch(array.name)
    return (found["norm"], Array(found["parameter"], array.layer)) if found else None
