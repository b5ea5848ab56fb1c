"""A world: a context with every size a number, in which every formula has a value.

Arrays that nothing defines are symbols. ∂(of)/∂(by) is what SymPy makes of `of` where `by` is made of
symbols: every definition that reads it follows.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import sympy as sp

from proofs.claims.array_functions import SPECIAL
from proofs.claims.formula import (
    Binary,
    Call,
    Claim,
    Formula,
    Partial,
    Place,
    Power,
    Reference,
    Total,
    every,
)
from proofs.claims.interpreter import Interpreter
from proofs.claims.lookup import Key, Lookup
from proofs.claims.values import ONE, Axis, Environment, Misfit, Missing, Value, matrix, number
from symbolic.expressions import Expr
from symbolic.grammar.functions import undefined

SLICES: Final = frozenset({"col", "row"})


@dataclass
class World(Lookup, Interpreter[Value, Environment]):
    """Every formula as a matrix of expressions; `free` are arrays that are symbols here although they are
    defined.
    """

    free: frozenset[Key] = frozenset()
    misfits: list[Misfit] = field(default_factory=list)
    known: dict[Key, Value] = field(default_factory=dict)

    def array(self, key: Key) -> Value:
        """A whole array."""
        if key not in self.known:
            self.known[key] = self._symbols(key) if key in self.free else self._made(key)
        return self.known[key]

    def _number(self, value: sp.Rational) -> Value:
        return number(value)

    def _reference(self, reference: Reference, env: Environment) -> Value:
        if not reference.groups and reference.name not in self.given.arrays:
            return self._scalar(reference, env)
        array, layer = self.array_of(reference, env)
        whole = self.array((array.name, layer))
        places = self.places(reference)
        if not places:
            return whole
        axes = self.axes(reference, env)
        if len(places) != len(axes):
            raise Missing(
                f"{reference.name} has {len(axes)} axes, but {len(places)} indices are written", reference.at
            )
        at = [self.place(place, env, reference.at) for place in places]
        for here, axis in zip(at, axes, strict=True):
            if not 1 <= here <= axis.size:
                raise Missing(f"{reference.name} has no entry {here} along {axis.label}", reference.at)
        return number(whole.entries[at[0], at[1] if len(at) == 2 else 1])

    def _scalar(self, reference: Reference, env: Environment) -> Value:
        """A constant such as η, a size, or an index as a number."""
        name = reference.name
        if name in self.given.constants:
            return number(sp.Symbol(name, real=True))
        try:
            return number(self.place(Place(name), env, reference.at))
        except Missing:
            names = ", ".join(sorted({*self.given.arrays, *self.given.constants, *self.given.sizes}))
            raise Missing(f"{name} is not given; there are {names}", reference.at) from None

    def _symbols(self, key: Key) -> Value:
        rows, columns = self.shape(key)
        name = self.symbol_name(*key)
        free = "°" * (key in self.free)  # not the symbol of an array that nothing defines

        def symbol(i: int, j: int) -> Expr:
            indices = [i] * (rows is not ONE) + [j] * (columns is not ONE)
            return sp.Symbol(
                f"{name}{free}" + (f"[{','.join(map(str, indices))}]" if indices else ""), real=True
            )

        return matrix(rows, columns, symbol)

    def _made(self, key: Key) -> Value:
        """The value of an array by its definition, or symbols where it has none."""
        rows, columns = self.shape(key)
        for claim in self.definitions(key):
            target = claim.left
            assert isinstance(target, Reference)
            env = self.layer_env(target, key)
            places = self.places(target)
            if not places:
                value = self.value(claim.right, env)
                self.same(value, Value(rows, columns, {}), claim.right.at, f"{target.name} is")
                return Value(rows, columns, value.entries)

            def entry(i: int, j: int, claim: Claim = claim, env: Any = env, places: Any = places) -> Expr:
                indices = zip((place.name for place in places), (i, j), strict=False)
                return self.value(claim.right, {**env, **dict(indices)}).number

            return matrix(rows, columns, entry)
        return self._symbols(key)

    def same(self, left: Value, right: Value, at: int, what: str) -> None:
        """Raise Misfit where two shapes differ in number, note one where they differ in name only."""
        if (left.rows, left.columns) == (right.rows, right.columns):
            return
        problem = f"{what} {left.shape} on one side and {right.shape} on the other"
        self._misfit(Misfit(problem, at), left.rows.size, right.rows.size)
        self._misfit(Misfit(problem, at), left.columns.size, right.columns.size, note=False)

    def _misfit(self, misfit: Misfit, left: int, right: int, *, note: bool = True) -> None:
        if left != right:
            raise misfit
        if note:
            self.misfits.append(misfit)

    def _power(self, formula: Power, env: Environment) -> Value:
        base, exponent = self.value(formula.base, env), self.value(formula.exponent, env)
        if not exponent.is_number:
            raise Misfit(f"an exponent is a number, not {exponent.shape}", formula.exponent.at)
        if not base.is_number:
            raise Misfit(
                f"the power of a {base.shape} is not said: write it entry by entry, or @", formula.at
            )
        return number(base.number**exponent.number)

    def _binary(self, formula: Binary, left: Value, right: Value) -> Value:
        operation = formula.operation
        if operation == "@":
            return self.product(left, right, formula.at)
        if operation in "*/" and (left.is_number or right.is_number):
            if operation == "/" and not right.is_number:
                raise Misfit(f"division by a {right.shape}", formula.at)
            if left.is_number:
                factor = left.number
                return right.mapped(lambda e: factor / e if operation == "/" else factor * e)
            other = right.number
            return left.mapped(lambda e: e / other if operation == "/" else e * other)
        self.same(left, right, formula.at, f"'{operation}' has")
        join: Callable[[Expr, Expr], Expr] = {
            "+": lambda a, b: a + b,
            "-": lambda a, b: a - b,
            "*": lambda a, b: a * b,
            "/": lambda a, b: a / b,
        }[operation]
        entries = {place: join(left.entries[place], right.entries[place]) for place in left.entries}
        return Value(left.rows, left.columns, entries)

    def product(self, left: Value, right: Value, at: int) -> Value:
        """The matrix product; numbers multiply anything."""
        if left.is_number or right.is_number:
            one, other = (left, right) if left.is_number else (right, left)
            factor = one.number
            return other.mapped(lambda entry: factor * entry)
        if left.columns != right.rows:
            problem = f"a {left.shape} and a {right.shape} have no product"
            self._misfit(Misfit(problem, at), left.columns.size, right.rows.size)
        inner = range(1, left.columns.size + 1)
        return matrix(
            left.rows,
            right.columns,
            lambda i, j: sp.Add(*(left.entries[i, k] * right.entries[k, j] for k in inner)),
        )

    def _total(self, formula: Total, env: Environment) -> Value:
        if formula.last is not None and formula.first is not None:
            first, last = (self.place(end, env, formula.at) for end in (formula.first, formula.last))
        else:
            first, last = 1, self.range_of(formula.index, formula.body, env, formula.at).size
        terms = [self.value(formula.body, {**env, formula.index: n}) for n in range(first, last + 1)]
        if not terms:
            return number(0)
        head = terms[0]
        return Value(
            head.rows,
            head.columns,
            {place: sp.Add(*(term.entries[place] for term in terms)) for place in head.entries},
        )

    def range_of(self, index: str, body: Formula, env: Environment, at: int) -> Axis:
        """The axis along which an index runs. Misfit where there are two, Missing where there is none."""
        found: dict[str, Axis] = {}
        for node in every(body):
            if isinstance(node, Reference) and node.name in self.given.arrays:
                places = self.places(node)
                if any(place.name == index for place in places):
                    axes = self._axes_or_none(node, env)
                    for place, axis in zip(places, axes, strict=False):
                        if place.name == index:
                            found.setdefault(axis.label, axis)
            of_slice = (Reference(index),)
            if isinstance(node, Call) and node.function in SLICES and node.arguments[1:] == of_slice:
                with suppress(Missing):  # an array of which a sum further in says what it is
                    axis = self.sliced(node, env).columns
                    found.setdefault(axis.label, axis)
        if not found:
            raise Missing(f"nothing says what {index} runs over", at)
        axis, *others = found.values()
        for other in others:
            problem = f"{index} runs over {axis.label} in one place and over {other.label} in another"
            self._misfit(Misfit(problem, at), axis.size, other.size)
        return axis

    def sliced(self, call: Call, env: Environment) -> Value:
        """The array that col(A, c) or row(A, i) takes a column of."""
        array = self.value(call.arguments[0], env)
        return array if call.function == "col" else array.turned

    def _axes_or_none(self, reference: Reference, env: Environment) -> tuple[Axis, ...]:
        """The axes, none where the layer is bound by a sum further in."""
        bound = {place.name for group in reference.groups[:1] for place in group}
        array = self.given.arrays[reference.name]
        if array.layers and not bound <= {None, "L", *env}:
            return ()
        return self.axes(reference, env)

    def _partial(self, formula: Partial, env: Environment) -> Value:
        array, layer = self.array_of(formula.by, env)
        key = (array.name, layer)
        inside = self.freed(key)
        of = inside.value(formula.of, env)
        symbols, here = inside.array(key), self.array(key)
        back = {
            symbol: here.entries[place] for place, symbol in symbols.entries.items() if key in inside.free
        }
        wanted = inside.value(formula.by, env)
        self.misfits += inside.misfits
        if not of.is_number:
            if not wanted.is_number:
                raise Misfit(f"the derivative of a {of.shape} by a {wanted.shape} is no matrix", formula.at)
            return of.mapped(lambda entry: entry.diff(wanted.number).xreplace(back))
        return wanted.mapped(lambda symbol: of.number.diff(symbol).xreplace(back))

    def freed(self, key: Key) -> World:
        """The world in which an array is made of symbols, whatever defines it."""
        if self.array(key) == self._symbols(key):
            return self  # it is already
        return World(self.given, self.sizes, self.free | {key})

    def _call(self, call: Call, env: Environment) -> Value:
        if call.function in SPECIAL:
            return SPECIAL[call.function](self, call, env)
        name = call.function.rstrip("'")
        order = len(call.function) - len(name)
        if name in self.given.functions and self.given.functions[name].whole:
            return self._whole(call, order, env)
        if len(call.arguments) != 1:
            raise Missing(f"{call.function} takes one argument, not {len(call.arguments)}", call.at)
        argument = self.value(call.arguments[0], env)
        return argument.mapped(self.function_of(call, name, order, env))

    def _whole(self, call: Call, order: int, env: Environment) -> Value:
        """A number made of all entries of the arguments."""
        if order:
            raise Missing(
                f"{call.function} has several slopes; write D({call.function[:-order]}(…), …)", call.at
            )
        values = [self.value(argument, env) for argument in call.arguments]
        entries = [value.entries[place] for value in values for place in sorted(value.entries)]
        return number(undefined(call.function, len(entries))(*entries))
