"""A claim in index notation, its sizes symbols: one expression for all worlds.

    W[2]                  W2[i, j]             i = 1, …, N_n[2]     j = 1, …, N_n[1]
    W[2] @ a[1]           Σ_k W2[i, k] a1[k]   k = 1, …, N_n[1]
    Sum(x[k]**2, k)       Σ_k x[k]²
    D(f(W[1]), W[1])      ∂f/∂W1[i, j]         with ∂W1[p, q]/∂W1[i, j] = δ(p, i) δ(q, j)

Statement. Let the entry of a formula in the world with sizes N be what `World` says, and let `Field` be what
`IndexWorld` makes of the formula. Put N for the sizes in the field, whole numbers for its indices, and write
its sums out: that is the entry, for every N ≥ 1.

Proof, by induction over the formula. No rule here looks at the number that a size is. An array that nothing
defines is an entry with its indices in both. Sums, products, functions and transposes are the same formula of
their parts in both, as an index runs over the whole axis along which it stands, from 1 to the size of that
axis: every place where it stands is checked for that. A derivative is linear and goes into a sum; that of an
entry by another one of the same array is 1 where all of their indices agree, else 0, which is the product of
deltas; the chain rule is the same. A definition is put in place of what it defines, in both. ∎

What would make the formula another one for other sizes is refused (`NotUniform`): an index that is a number,
is moved, ends before the size of its axis, or is used as a number; a layer that is given by a size; an
exponent that is no number; and kinks, for want of rules further on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import sympy as sp

from proofs.claims.array_functions import SPECIAL
from proofs.claims.fields import Field, NotUniform, Scope, constant, size
from proofs.claims.formula import (
    Binary,
    Call,
    Partial,
    Place,
    Power,
    Reference,
    Total,
)
from proofs.claims.index_functions import FUNCTIONS_OF_FIELDS, entry_by_entry, product
from proofs.claims.index_lookup import IndexLookup
from proofs.claims.interpreter import Interpreter
from proofs.claims.lookup import Key
from proofs.claims.values import ONE
from proofs.claims.whole_functions import whole
from symbolic.expressions import Expr, entry_of, name_of
from symbolic.plain import PlainSum


@dataclass
class IndexWorld(IndexLookup, Interpreter[Field, Scope]):
    """Formulas as fields; `free` are arrays that are entries here although they are defined."""

    free: frozenset[Key] = frozenset()
    known: dict[Key, Field] = field(default_factory=dict)

    def array(self, key: Key) -> Field:
        """A whole array: its entry at indices of its own, in place of which others are put."""
        if key not in self.known:
            rows, columns = self.world.shape(key)
            own = self.index(rows), self.index(columns)
            entry = self._entry(key, *own) if self._is_free(key) else self._defined(key, *own)

            def at(i: Expr, j: Expr) -> Expr:
                places = zip(own, (i, j), strict=True)
                return entry.xreplace({index: place for index, place in places if index in self.axes})

            self.known[key] = Field(rows, columns, at)
        return self.known[key]

    def _is_free(self, key: Key) -> bool:
        return key in self.free or not self.world.definitions(key)

    def _entry(self, key: Key, *places: Expr) -> Expr:
        axes = zip(places, self.world.shape(key), strict=True)
        return entry_of(self._name(key), [index for index, axis in axes if axis != ONE])

    def _name(self, key: Key) -> str:
        return self.world.symbol_name(*key) + "°" * (key in self.free)

    def _defined(self, key: Key, *own: Expr) -> Expr:
        definition, *_ = self.world.definitions(key)
        target = definition.left
        assert isinstance(target, Reference)
        scope = Scope(self.world.layer_env(target, key))
        places = self.world.places(target)
        names = [place.name for place in places if not place.offset]
        if len({*names} - {None}) != len(places):
            raise NotUniform(f"{definition.text} defines some entries")
        for name, index in zip(names, own, strict=False):
            scope = scope.with_index(str(name), index)
        value = self.value(definition.right, scope)
        return value.number if places else value.at(*own)

    def _number(self, value: sp.Rational) -> Field:
        return constant(value)

    def _reference(self, reference: Reference, scope: Scope) -> Field:
        if not reference.groups and reference.name not in self.world.given.arrays:
            return constant(self._scalar(reference, scope))
        array, layer = self.array_of(reference, scope)
        whole = self.array((array.name, layer))
        places = self.world.places(reference)
        if not places:
            return whole
        axes = [self.world.axis(each, layer) for each in array.axes]
        at = [self.at(place, axis, scope) for place, axis in zip(places, axes, strict=True)]
        return constant(whole.at(at[0], at[1] if len(at) == 2 else sp.S.One))

    def _scalar(self, reference: Reference, scope: Scope) -> Expr:
        name = reference.name
        if name in self.world.given.constants:
            return sp.Symbol(name, real=True)
        if name in scope.layers or name == "L":
            return sp.Integer(self.world.place(Place(name), scope.layers))
        if name in scope.indices or name in self.world.given.widths:
            raise NotUniform(f"{name} is used as a number")
        if name in self.world.given.fixed:
            return sp.Integer(self.world.given.fixed[name])
        return size(self.world.axis(reference, None))

    def _power(self, formula: Power, scope: Scope) -> Field:
        exponent = self.value(formula.exponent, scope).number
        if not exponent.is_Rational:
            raise NotUniform("an exponent is no number")
        return self.value(formula.base, scope).mapped(lambda entry: entry**exponent)

    def _binary(self, formula: Binary, left: Field, right: Field) -> Field:
        operation = formula.operation
        if operation in "+-":
            sign = 1 if operation == "+" else -1
            return Field(left.rows, left.columns, lambda i, j: left.at(i, j) + sign * right.at(i, j))
        if operation == "/":
            right = right.mapped(lambda entry: 1 / entry)
        if left.is_number:
            return right.mapped(lambda entry: left.number * entry)
        if right.is_number:
            return left.mapped(lambda entry: entry * right.number)
        return product(self, left, right) if operation == "@" else entry_by_entry(left, right)

    def _total(self, formula: Total, scope: Scope) -> Field:
        if formula.first is None or formula.last is None:
            axis = self.world.range_of(formula.index, formula.body, scope.numbers, formula.at)
        else:
            found = self.whole_axis(formula.first, formula.last, scope)
            if found is None:
                return self._layer_total(formula, scope)
            axis = found
        index = self.index(axis)
        body = self.value(formula.body, scope.with_index(formula.index, index))
        if axis == ONE:
            return body
        return body.mapped(lambda entry: PlainSum(entry, (index, 1, size(axis))))

    def _layer_total(self, formula: Total, scope: Scope) -> Field:
        """A sum over layers; what else runs from 1 to 3 is refused where it stands as an index."""
        ends = [end for end in (formula.first, formula.last) if end is not None]
        if any(end.name not in (None, "L", *scope.layers) for end in ends):
            raise NotUniform(f"{formula.index} does not run over a whole axis")
        first, last = (self.world.place(end, scope.layers) for end in ends)
        scopes = [scope.with_layer(formula.index, layer) for layer in range(first, last + 1)]
        terms = [self.value(formula.body, each) for each in scopes]
        if not terms:
            return constant(sp.S.Zero)
        return Field(terms[0].rows, terms[0].columns, lambda i, j: sp.Add(*(term.at(i, j) for term in terms)))

    def _partial(self, formula: Partial, scope: Scope) -> Field:
        array, layer = self.array_of(formula.by, scope)
        key = (array.name, layer)
        inside = self if self._is_free(key) else replace(self, free=self.free | {key}, known={})
        of, by = inside.value(formula.of, scope), inside.value(formula.by, scope)

        def slope(i: Expr, j: Expr) -> Expr:
            above, below = (of.at(i, j), by.number) if by.is_number else (of.number, by.at(i, j))
            return self._back(above.diff(below), key, inside)

        shape = of if by.is_number else by
        return Field(shape.rows, shape.columns, slope)

    def _back(self, value: Expr, key: Key, inside: IndexWorld) -> Expr:
        """The value with the definition of an array in place of what is free inside."""
        if inside is self:
            return value
        shape = self.world.shape(key)
        name, array = inside._name(key), self.array(key)

        def defined(entry: Expr) -> Expr:
            places = iter(entry.indices if isinstance(entry, sp.Indexed) else ())
            return array.at(*(sp.S.One if axis == ONE else next(places) for axis in shape))

        kind = sp.Symbol if shape == (ONE, ONE) else sp.Indexed
        return value.xreplace({each: defined(each) for each in value.atoms(kind) if name_of(each) == name})

    def _call(self, call: Call, scope: Scope) -> Field:
        if call.function in FUNCTIONS_OF_FIELDS:
            return FUNCTIONS_OF_FIELDS[call.function](self, call, scope)
        if call.function in SPECIAL:
            raise NotUniform(f"{call.function} writes out some entries")
        name = call.function.rstrip("'")
        function = self.world.given.functions.get(name)
        if function is not None and function.whole:
            return constant(whole(name, [self.value(argument, scope) for argument in call.arguments]))
        if call.layer is not None:
            self.check_layer(call.layer, scope)
        made = self.world.function_of(call, name, len(call.function) - len(name), scope.layers)
        return self.value(call.arguments[0], scope).mapped(made)
