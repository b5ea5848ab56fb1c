"""Equations in index form as terms of Coq: Σ_j W[i,j]·A[j,c] is `sum n (fun j => W i j * A j c)`.

A term is fully bracketed, so that Coq's precedences do not matter. Numbers are real numbers of Coq.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final

import sympy as sp

from symbolic.errors import Unsupported
from symbolic.expressions import Expr, name_of, peeled
from symbolic.grammar.functions import undefined_label, undefined_parts
from symbolic.grammar.indices import is_index
from symbolic.notation import Array, Slot, Step

FUNCTIONS: Final = {
    sp.exp: "exp",
    sp.log: "ln",
    sp.tanh: "tanh",
    sp.sinh: "sinh",
    sp.cosh: "cosh",
    sp.sin: "sin",
    sp.cos: "cos",
}
DECISIONS: Final = {  # of two sides
    sp.StrictLessThan: "Rlt_dec {0} {1}",
    sp.StrictGreaterThan: "Rlt_dec {1} {0}",
    sp.LessThan: "Rle_dec {0} {1}",
    sp.GreaterThan: "Rle_dec {1} {0}",
}


def slot_name(slot: Slot, orders: tuple[int, ...]) -> str:
    """g2 and g2' of layer 2; e and e_1 of a loss."""
    return undefined_label(f"{slot.name}{slot.layer or ''}", orders)


@dataclass(frozen=True)
class Names:
    """What the names of an equation are in Coq: whole arrays, undefined functions with their orders, sizes,
    scalars, and the functions that formulas are made of.
    """

    array: Callable[[Array], str] = lambda array: array.label
    function: Callable[[Slot, tuple[int, ...]], str] = slot_name
    size: Callable[[int | Expr], str] = str
    scalars: Mapping[sp.Symbol, str] = field(default_factory=dict)
    words: Mapping[type, str] = field(default_factory=lambda: FUNCTIONS)


def term(expr: Expr, names: Names, step: Step | None = None) -> str:
    """An expression as a term; Unsupported for what these files have no word for."""
    return _Writer(names, step)(expr)


@dataclass(frozen=True)
class _Writer:
    names: Names
    step: Step | None

    def __call__(self, expr: Any) -> str:
        match expr:
            case sp.Indexed():
                return f"({' '.join([self._array(name_of(expr)), *map(_index, expr.indices)])})"
            case sp.Sum():
                inside, index = peeled(expr)
                assert self.step is not None
                size = self.names.size(self.step.size(index))
                return f"(sum {size} (fun {index} => {self(inside)}))"
            case sp.Symbol():
                return self._symbol(expr)
            case sp.Rational():
                return _rational(expr)
            case sp.Add():
                return self._joined(" + ", expr.args)
            case sp.Mul():
                return self._joined(" * ", expr.args)
            case sp.Pow() if (2 * expr.exp).is_Integer:
                base = self(expr.base) if expr.exp.is_Integer else f"(sqrt {self(expr.base)})"
                power = f"({base} ^ {abs(expr.exp.p)})" if abs(expr.exp.p) > 1 else base
                return power if expr.exp > 0 else f"(/ {power})"
            case sp.Piecewise():
                return self._cases(expr.args)
        return self._applied(expr)

    def _applied(self, expr: Any) -> str:
        parts = undefined_parts(expr)
        if parts is not None:
            assert self.step is not None
            name = self.names.function(self.step.slot(parts[0]), parts[1])
        elif type(expr) in self.names.words:
            name = self.names.words[type(expr)]
        else:
            known = ", ".join(self.names.words.values())
            raise Unsupported(f"{expr} has no word in the Coq files, which know {known}")
        return f"({' '.join([name, *map(self, expr.args)])})"

    def _cases(self, cases: tuple[Any, ...]) -> str:
        (value, condition), *others = cases
        if condition == sp.true:
            return self(value)
        return self._chosen(condition, self(value), self._cases(tuple(others)))

    def _chosen(self, condition: Any, value: str, otherwise: str) -> str:
        """One of two terms, decided one comparison at a time."""
        match condition:
            case sp.And():
                return reduce(lambda inner, each: self._chosen(each, inner, otherwise), condition.args, value)
            case sp.Or():
                return reduce(lambda rest, each: self._chosen(each, value, rest), condition.args, otherwise)
            case sp.core.relational.Relational() if type(condition) in DECISIONS:
                decided = DECISIONS[type(condition)].format(*map(self, condition.args))
                return f"(if {decided} then {value} else {otherwise})"
        raise Unsupported(f"the condition {condition} has no word in the Coq files, which know < and ≤")

    def _joined(self, sign: str, parts: tuple[Expr, ...]) -> str:
        return reduce(lambda left, right: f"({left}{sign}{right})", map(self, parts))

    def _array(self, name: str) -> str:
        assert self.step is not None
        return self.names.array(self.step.array(name))

    def _symbol(self, symbol: sp.Symbol) -> str:
        if symbol in self.names.scalars:
            return self.names.scalars[symbol]
        bound = self.step.bindings.get(symbol.name) if self.step else None
        if isinstance(bound, Array):
            return self._array(symbol.name)
        if not isinstance(bound, sp.Expr) or bound == symbol:
            raise Unsupported(f"{symbol} has no word in the Coq files")
        return self(bound)


def _index(index: Expr) -> str:
    if not is_index(index):
        raise Unsupported(f"index {index} is computed; the Coq files take indices as they are")
    return str(index)


def _rational(value: sp.Rational) -> str:
    whole = f"{abs(value.p)}" if value.q == 1 else f"({abs(value.p)} / {value.q})"
    return whole if value >= 0 else f"(- {whole})"
