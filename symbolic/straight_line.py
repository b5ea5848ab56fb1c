"""The scalar form of a derivation: E at fixed sizes as a straight-line program, ∂E/∂w by reverse mode on it.

The forward steps are evaluated on scalars that record what is done with them (`symbolic.tape`), then each row
of the tape sends its cotangent to the rows that it reads (`symbolic.reverse_mode`). The program is as long as
a small multiple of the forward pass, where a closed form swells. Nothing here knows the chain rule over
indices, so that it is evidence for that.

Both sides of a condition are computed. The one that does not hold may be nan, and neither E nor the gradient
depends on it, unless a value that exists under conditions only is read under two different ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from operator import add
from typing import Any, TypeAlias, TypeVar

import sympy as sp
from sympy.core.relational import Relational

from symbolic.evaluate import Values, evaluate, shape_of
from symbolic.expressions import Expr
from symbolic.frame import Numbers
from symbolic.grammar.functions import FUNCTIONS, undefined
from symbolic.losses import SAMPLES
from symbolic.notation import Array, Slot, Step
from symbolic.reverse_mode import derivatives
from symbolic.tape import LEAVES, RELATIONS, Orders, Row, Scalar, Tape, live

N = TypeVar("N", bound=Any)
Input: TypeAlias = tuple[Array | sp.Symbol, int]


@dataclass(frozen=True, repr=False)
class StraightLine:
    """Rows in the order in which they are computed (see `Tape`), the inputs first.

    An input is an entry of an array, counted row-major from 0, or a scalar such as lambda (entry 0). `value`
    is the row of E, `gradient` has those of ∂E/∂(entry), row-major. `constants` and `functions` say what rows
    and operations stand for, `shapes` are those of the arrays that are read.
    """

    rows: tuple[Row, ...]
    inputs: tuple[Input, ...]
    constants: Mapping[int, Expr]
    functions: Mapping[str, tuple[Slot, Orders]]
    shapes: Mapping[Array, tuple[int, ...]]
    value: int
    gradient: Mapping[Array, tuple[int, ...]]

    @property
    def operations(self) -> Counter[str]:
        """How often each operation is done; a sum of n terms is n - 1 additions."""
        counts: Counter[str] = Counter()
        for operation, *operands in self.rows:
            if operation not in LEAVES:
                counts[operation] += len(operands) - 1 if operation == "+" else 1
        return counts

    def evaluate(
        self, values: Mapping[Array, list[N]], scalars: Mapping[sp.Symbol, N | int], numbers: Numbers[N]
    ) -> tuple[N, Values[N]]:
        """E, and the entries of every cotangent; the arguments are those of `symbolic.evaluate`."""
        lifted = {s: numbers.constant(sp.Integer(v)) if isinstance(v, int) else v for s, v in scalars.items()}
        given = [values[at][entry] if isinstance(at, Array) else lifted[at] for at, entry in self.inputs]
        found = self._computed(range(len(self.inputs), len(self.rows)), given, numbers)
        gradient = {array.bar: [found[row] for row in rows] for array, rows in self.gradient.items()}
        return found[self.value], gradient

    def expression(self, array: Array, entry: int) -> Expr:
        """∂E/∂(an entry) as one expression, in the symbols of a closed form: W1[2,1], X[2, c] of sample c."""
        target = self.gradient[array][entry]
        needed = live(self.rows, [target])
        rows = [row for row in range(len(self.inputs), target + 1) if needed[row]]
        return self._computed(rows, list(map(self._symbol, self.inputs)), _Expressions())[target]

    def _symbol(self, given: Input) -> Expr:
        array, entry = given
        if isinstance(array, sp.Symbol):
            return array
        place: list[int] = []
        for size in reversed(self.shapes[array]):
            entry, position = divmod(entry, size)
            place.insert(0, position + 1)
        if SAMPLES in array.shape:
            return sp.IndexedBase(array.label, real=True)[tuple(place)]
        return sp.Symbol(f"{array.label}[{','.join(map(str, place))}]", real=True)

    def _computed(self, rows: Iterable[int], given: list[Any], numbers: Numbers[Any]) -> list[Any]:
        """The values of some rows, in order, each at its number."""
        found = given + [None] * (len(self.rows) - len(given))
        for row in rows:
            found[row] = self._value(row, found, numbers)
        return found

    def _value(self, number: int, found: list[Any], numbers: Numbers[Any]) -> Any:
        operation, *operands = self.rows[number]
        read = [found[operand] for operand in operands]
        match operation:
            case "+":
                return reduce(add, read)
            case "*":
                return read[0] * read[1]
            case "constant":
                return numbers.constant(self.constants[number])
            case "power":
                return numbers.power(read[0], self.constants[operands[1]])
        if operation in RELATIONS:
            left, right, then, otherwise = read
            return numbers.branch(operation, left, right, lambda: then, lambda: otherwise)
        if operation in self.functions:
            return numbers.undefined(*self.functions[operation], tuple(read))
        return numbers.call(operation, *read)


def straight_line(
    steps: Sequence[Step],
    *,
    wrt: Sequence[Array],
    sizes: Mapping[sp.Symbol, int],
    whole: Mapping[Array, Sequence[int]] | None = None,
) -> StraightLine:
    """E and ∂E/∂(every entry of the arrays in `wrt`); E is the sum of the steps' scalars.

    `sizes` gives m, and k where a step speaks of it; other scalars, such as lambda, become inputs. `whole`
    gives the entries of arrays of whole numbers that say where another is read, counted from 0.

    >>> from symbolic.forward import forward
    >>> from symbolic.network import mlp
    >>> steps = forward(mlp(1, 1, bias=False))
    >>> weights = steps[0].array("W")
    >>> straight_line(steps, wrt=[weights], sizes={SAMPLES: 1}).expression(weights, 0)
    (W1[1,1]*X[1, 1] - T[1, 1])*X[1, 1]
    """
    tape = Tape()
    inputs: list[Input] = []
    known = whole or {}
    arrays = {array: shape_of(array, sizes) for array in _given(steps) if array not in known}
    values: Values[Scalar] = {}
    for array, shape in arrays.items():
        entries = range(prod(shape))
        values[array] = [Scalar(tape, tape.input()) for _ in entries]
        inputs += ((array, entry) for entry in entries)
    scalars: dict[sp.Symbol, Scalar | int] = dict(sizes)
    for symbol in _scalars(steps):
        if symbol not in sizes:
            scalars[symbol] = Scalar(tape, tape.input())
            inputs.append((symbol, 0))
    for array, places in known.items():
        values[array] = [tape.constant(sp.Integer(place)) for place in places]
    computed = evaluate(steps, values, scalars, tape)
    ends = [computed[step.target][0].number for step in steps if not step.target.shape]
    value = tape.total(ends)
    leaves = [scalar.number for array in wrt for scalar in values[array]]
    slopes = iter(derivatives(tape, value, leaves))
    gradient = {array: tuple(next(slopes) for _ in values[array]) for array in wrt}
    rows = tuple(tape.rows)
    return _pruned(StraightLine(rows, tuple(inputs), tape.constants, tape.functions, arrays, value, gradient))


def _given(steps: Sequence[Step]) -> list[Array]:
    """The arrays that steps read and do not compute."""
    made = {step.target for step in steps}
    return list(dict.fromkeys(array for step in steps for array in step.inputs if array not in made))


def _scalars(steps: Sequence[Step]) -> list[sp.Symbol]:
    """The scalar symbols that steps speak of, by name."""
    bound = (value for step in steps for value in step.bindings.values() if isinstance(value, sp.Expr))
    return sorted({symbol for value in bound for symbol in value.free_symbols}, key=str)


def _pruned(program: StraightLine) -> StraightLine:
    """The program without the operations that neither E nor the gradient reads."""
    rows = program.rows
    outputs = [program.value, *(row for entries in program.gradient.values() for row in entries)]
    needed = live(rows, outputs)
    if all(needed[number] or row[0] in LEAVES for number, row in enumerate(rows)):
        return program
    kept = [number for number, row in enumerate(rows) if needed[number] or row[0] == "input"]
    place = {number: new for new, number in enumerate(kept)}
    return replace(
        program,
        rows=tuple(
            (operation, *(place[operand] for operand in operands))
            for operation, *operands in map(rows.__getitem__, kept)
        ),
        constants={place[number]: value for number, value in program.constants.items() if number in place},
        value=place[program.value],
        gradient={
            array: tuple(map(place.__getitem__, entries)) for array, entries in program.gradient.items()
        },
    )


class _Expressions:
    """SymPy's expressions as numbers; an undefined function bears its layer, as in a closed form."""

    def constant(self, value: Expr) -> Expr:
        return value

    def power(self, base: Expr, exponent: sp.Rational) -> Expr:
        return base**exponent

    def call(self, name: str, argument: Expr) -> Expr:
        return FUNCTIONS[name].build(argument)

    def undefined(self, slot: Slot, orders: Orders, arguments: tuple[Expr, ...]) -> Expr:
        return undefined(f"{slot.name}{slot.layer or ''}", len(arguments), orders)(*arguments)

    def branch(
        self, relation: str, left: Expr, right: Expr, then: Callable[[], Expr], otherwise: Callable[[], Expr]
    ) -> Expr:
        return sp.Piecewise((then(), Relational(left, right, relation)), (otherwise(), True))
