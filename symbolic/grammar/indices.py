"""Index arithmetic: what stands in a position of an entry, in a condition on indices, or picks an index.

An index is an integer symbol without a sign; sizes N_j and whole-number options such as a stride are known to
be at least 0. SymPy's own `floor`, `Mod` and `Max` rewrite themselves and have derivatives that are not
wanted; these do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

Expr: TypeAlias = sp.Expr


def size_of(index: sp.Symbol) -> sp.Symbol:
    """N_j, the number of values that the index j takes."""
    return sp.Symbol(f"N_{index.name}", integer=True, positive=True)


def option(name: str) -> sp.Symbol:
    """A whole number that a layer is given, such as a stride; N_j is a size."""
    if name.startswith("N_"):
        return size_of(sp.Symbol(name.removeprefix("N_")))
    return sp.Symbol(name, integer=True, nonnegative=True)


def is_index(symbol: Any) -> bool:
    """Whether a symbol is an index: an integer, neither a size nor an option."""
    return isinstance(symbol, sp.Symbol) and bool(symbol.is_integer) and symbol.is_nonnegative is None


class _Whole(sp.Function):  # type: ignore[misc]  # SymPy has no type information
    """A function of whole numbers, constant in every array."""

    is_integer = True
    is_real = True

    def _eval_derivative(self, _: Expr) -> Expr:
        return sp.S.Zero


class Quotient(_Whole):
    """The whole part of a/b, rounded down: `a // b`; multiples of b are taken out."""

    @classmethod
    def eval(cls, a: Expr, b: Expr) -> Expr | None:
        """The value as far as it is known."""
        if a.is_Integer and b.is_Integer and b != 0:
            return sp.Integer(int(a) // int(b))
        multiples, rest = _multiples(a, b)
        return multiples / b + cls(rest, b) if multiples != 0 else None


class Remainder(_Whole):
    """What a/b leaves, from 0 to b - 1: `a % b`; multiples of b are left out."""

    @classmethod
    def eval(cls, a: Expr, b: Expr) -> Expr | None:
        """The value as far as it is known."""
        if a.is_Integer and b.is_Integer and b != 0:
            return sp.Integer(int(a) % int(b))
        multiples, rest = _multiples(a, b)
        return cls(rest, b) if multiples != 0 else None


def _multiples(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """The terms of a that b divides, and the others."""
    terms = sp.Add.make_args(sp.expand(a))
    divided = [term for term in terms if (term / b).as_numer_denom()[1] == 1]
    return sp.Add(*divided), sp.Add(*(term for term in terms if term not in divided))


class Holds(_Whole):
    """1 where a condition holds, else 0 (Iverson's bracket); its slope is 0."""

    @classmethod
    def eval(cls, condition: Any) -> Expr | None:
        """The value where it is known."""
        return sp.Integer(condition == sp.true) if condition in (sp.true, sp.false) else None


class _Picked(ExprWithLimits):  # type: ignore[misc]  # SymPy has no type information
    """Something over a range of an index; SymPy's own constructor would take a body with cases apart."""

    is_commutative = True

    def __new__(cls, body: Expr, *limits: Any) -> Any:
        """Body and ranges as given."""
        return sp.Expr.__new__(cls, body, *(sp.Tuple(*limit) for limit in limits))

    def _eval_is_real(self) -> bool:
        return True


class Largest(_Picked):
    """The maximum of a body over an index; places outside an array's range are left out."""

    def _eval_derivative(self, _: Expr) -> Expr:
        raise TypeError("a maximum is differentiated at the place that its ArgMax has picked")


class Place(_Picked):
    """ArgMax: the value of the index, counted from 0, at which the body is largest; the first of several."""

    is_integer = True

    def _eval_derivative(self, _: Expr) -> Expr:
        return sp.S.Zero


def positions(expr: Expr) -> Iterator[Expr]:
    """Every position of every entry in an expression."""
    return (place for entry in expr.atoms(sp.Indexed) for place in entry.indices)


def calculates(*exprs: Expr) -> bool:
    """Whether an equation computes with indices: a position that is no index by itself, or an index that is a
    number.
    """
    return any(
        not is_index(place) for expr in exprs for place in positions(expr) if not place.is_Integer
    ) or any(map(_has_number, exprs))


def _has_number(expr: Expr) -> bool:
    """Whether an index, or a whole number in a position, stands for a number."""
    if isinstance(expr, sp.Indexed):
        return any(place.is_Integer for place in expr.indices)
    if isinstance(expr, ExprWithLimits):
        return _has_number(expr.function)
    return is_index(expr) or any(map(_has_number, expr.args))


def from_one(expr: Expr) -> Expr:
    """An expression whose indices count from 0, for indices that count from 1: X[s*q + k] becomes
    X[s*(q - 1) + k - 1 + 1].
    """
    return _shifted(expr, 1)


def from_zero(expr: Expr) -> Expr:
    """The inverse of `from_one`."""
    return _shifted(expr, -1)


def _shifted(expr: Expr, by: int) -> Expr:
    """Every index i as i - by; every position by `by` further."""
    if is_index(expr):
        return expr - by
    if isinstance(expr, sp.Indexed):
        return expr.func(expr.base, *(sp.expand(_shifted(place, by) + by) for place in expr.indices))
    if isinstance(expr, ExprWithLimits):
        return expr.func(_shifted(expr.function, by), *expr.limits)
    if not expr.args:
        return expr
    return expr.func(*(_shifted(part, by) for part in expr.args))
