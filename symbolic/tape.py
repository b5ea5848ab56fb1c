"""A tape of scalar operations, each written once: what a number of `symbolic.evaluate` does is recorded.

A row is an operation and the numbers of the rows that it reads. A row that is there already is not written
again (hash-consing: Ershov 1958), so that equal subexpressions are one. On the way

    0 + x = x,    1·x = x,    0·x = 0,    c·(d·x) = (c d)·x,    c·(x where p else d) = c·x where p else c d,
    x where p else x = x,

and rationals are computed; nothing else is simplified. x + y + z is one row; the operands of sums and
products are in order.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

import sympy as sp

from symbolic.errors import Unsupported
from symbolic.expressions import Expr
from symbolic.grammar.functions import undefined_label
from symbolic.notation import Slot

Row: TypeAlias = tuple[Any, ...]  # an operation by name, then the numbers of the rows that it reads
Orders: TypeAlias = tuple[int, ...]
RELATIONS: Final = {"<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne}
LEAVES: Final = frozenset({"input", "constant"})


class Tape:
    """Rows in the order in which they are computed; it is the `Numbers` of its `Scalar`s.

    Operations are `input` and `constant`, which read nothing; `+` of several operands; `*`; `power`, whose
    exponent is a rational constant; the table of functions; labels of undefined functions, such as `g1'`; and
    relations: (`<`, l, r, x, y) is x where l < r, else y.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.constants: dict[int, Expr] = {}
        self.functions: dict[str, tuple[Slot, Orders]] = {}
        self._numbers: dict[Row, int] = {}
        self._constants: dict[Expr, int] = {}
        self._rationals: dict[int, sp.Rational] = {}

    def input(self) -> int:
        """A new row that is given from outside."""
        self.rows.append(("input",))
        return len(self.rows) - 1

    def number(self, row: Row) -> int:
        """The row's number on the tape, where it is written if it is not there."""
        found = self._numbers.get(row)
        if found is None:
            found = self._numbers[row] = len(self.rows)
            self.rows.append(row)
        return found

    def exact(self, value: Expr) -> int:
        """The row of an exact constant."""
        found = self._constants.get(value)
        if found is None:
            found = self._constants[value] = len(self.rows)
            self.rows.append(("constant",))
            self.constants[found] = value
            if value.is_Rational:
                self._rationals[found] = value
        return found

    def total(self, terms: Sequence[int]) -> int:
        """The row of a sum."""
        rationals = self._rationals
        if not terms or not rationals.keys().isdisjoint(terms):
            constant = sp.Add(*(rationals[term] for term in terms if term in rationals))
            terms = [term for term in terms if term not in rationals]
            if constant != 0 or not terms:
                terms.append(self.exact(constant))
        return terms[0] if len(terms) == 1 else self.number(("+", *sorted(terms)))

    def product(self, x: int, y: int) -> int:
        """The row of a product."""
        if x in self._rationals:
            return self._scaled(x, y)
        if y in self._rationals:
            return self._scaled(y, x)
        return self.number(("*", x, y) if x <= y else ("*", y, x))

    def _scaled(self, constant: int, x: int) -> int:
        factor, row = self._rationals[constant], self.rows[x]
        if x in self._rationals:
            return self.exact(factor * self._rationals[x])
        if factor == 0 or factor == 1:
            return x if factor else constant
        if row[0] == "*" and row[1] in self._rationals:
            return self._scaled(self.exact(factor * self._rationals[row[1]]), row[2])
        if row[0] in RELATIONS and not self._rationals.keys().isdisjoint(row[3:]):
            relation, left, right, *sides = row
            then, otherwise = (self._scaled(constant, side) for side in sides)
            return self.select(relation, left, right, then, otherwise)
        return self.number(("*", constant, x))

    def select(self, relation: str, left: int, right: int, then: int, otherwise: int) -> int:
        """The row of `then` where the relation holds, else `otherwise`."""
        if left in self._rationals and right in self._rationals:
            holds = RELATIONS[relation](self._rationals[left], self._rationals[right])
            return then if holds else otherwise
        return then if then == otherwise else self.number((relation, left, right, then, otherwise))

    def raised(self, base: int, exponent: sp.Rational) -> int:
        """The row of a power."""
        known = self._rationals.get(base)
        if exponent == 1 or exponent == 0:
            return base if exponent else self.exact(sp.Integer(1))
        if known and exponent.is_Integer:
            return self.exact(known**exponent)
        return self.number(("power", base, self.exact(exponent)))

    def applied(self, slot: Slot, orders: Orders, arguments: Iterable[int]) -> int:
        """The row of an undefined function, or of its derivative of the given orders."""
        label = undefined_label(f"{slot.name}{slot.layer or ''}", orders)
        self.functions[label] = slot, orders
        return self.number((label, *arguments))

    def constant(self, value: Expr) -> Scalar:
        return Scalar(self, self.exact(value))

    def power(self, base: Scalar, exponent: sp.Rational) -> Scalar:
        return Scalar(self, self.raised(base.number, exponent))

    def call(self, name: str, argument: Scalar) -> Scalar:
        return Scalar(self, self.number((name, argument.number)))

    def undefined(self, slot: Slot, orders: Orders, arguments: tuple[Scalar, ...]) -> Scalar:
        return Scalar(self, self.applied(slot, orders, [argument.number for argument in arguments]))

    def branch(
        self,
        relation: str,
        left: Scalar,
        right: Scalar,
        then: Callable[[], Scalar],
        otherwise: Callable[[], Scalar],
    ) -> Scalar:
        sides = then().number, otherwise().number
        return Scalar(self, self.select(relation, left.number, right.number, *sides))


class Scalar:
    """A row of a tape as a number that has + and *.

    A sum becomes a row when it is read, not at each +: until then it is a chain, `_before` + row `_number`.
    """

    __slots__ = ("_before", "_number", "_tape")

    def __init__(self, tape: Tape, number: int, before: Scalar | None = None) -> None:
        self._tape, self._number, self._before = tape, number, before

    @property
    def number(self) -> int:
        """The number of its row."""
        if self._before is not None:
            terms = [self._number]
            part: Scalar | None = self._before
            while part is not None:
                terms.append(part._number)
                part = part._before
            self._number, self._before = self._tape.total(terms), None
        return self._number

    def __add__(self, other: Scalar) -> Scalar:
        return Scalar(self._tape, other.number, self)

    def __mul__(self, other: Scalar) -> Scalar:
        return Scalar(self._tape, self._tape.product(self.number, other.number))

    def __int__(self) -> int:
        """A whole number that says where an array is read; Unsupported where it is not known beforehand."""
        known = self._tape.constants.get(self.number)
        if known is None:
            raise Unsupported(
                "a straight-line program reads at known places; give the index array as `whole`"
            )
        return int(known)


def live(rows: Sequence[Row], outputs: Iterable[int], *, sides: bool = True) -> bytearray:
    """For each row whether an output needs it; without `sides`, whether it does so under no condition."""
    needed = bytearray(len(rows))
    for output in outputs:
        needed[output] = 1
    for number in range(len(rows) - 1, -1, -1):
        if needed[number]:
            row = rows[number]
            for operand in row[1:] if sides or row[0] not in RELATIONS else row[1:3]:
                needed[operand] = 1
    return needed
