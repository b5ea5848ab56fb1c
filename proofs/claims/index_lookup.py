"""What stands in a place when sizes are symbols: an index that runs along a whole axis, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import sympy as sp

from proofs.claims.array_functions import at_layer
from proofs.claims.fields import NotUniform, Scope, size
from proofs.claims.formula import Formula, Place, Reference
from proofs.claims.given import Array
from proofs.claims.values import ONE, Axis
from proofs.claims.world import World
from symbolic.expressions import Expr
from symbolic.plain import PlainSum


@dataclass
class IndexLookup:
    """`world` is one of the worlds, which says what names stand for and in which all shapes fit; `axes` says
    along which axis an index runs.
    """

    world: World
    axes: dict[Expr, Axis] = field(default_factory=dict)

    def index(self, axis: Axis) -> Expr:
        """A new index that runs along an axis."""
        if axis == ONE:
            return sp.S.One
        made = sp.Symbol(f"i{len(self.axes) + 1}", integer=True)
        self.axes[made] = axis
        return made

    @property
    def sizes(self) -> dict[sp.Symbol, Expr]:
        """The size of the axis along which each index runs."""
        return {index: size(axis) for index, axis in self.axes.items()}

    def whole_axis(self, first: Place, last: Place, scope: Scope) -> Axis | None:
        """The axis of which 1, …, n[l] are all places; None where a range is not of this kind."""
        if first != Place(None, 1) or last.offset or last.name is None or last.name in scope.numbers:
            return None
        if last.layer is not None:
            layer = Place(None, self.world.place(last.layer, scope.layers))
            return self.world.axis(Reference(last.name, ((layer,),)), None)
        return self.world.axis(Reference(last.name), None) if last.name in self.world.sizes else None

    def over(self, axis: Axis, summand: Callable[[Expr], Expr]) -> Expr:
        """Σ over all places along an axis."""
        index = self.index(axis)
        return summand(index) if axis == ONE else PlainSum(summand(index), (index, 1, size(axis)))

    def axis_of(self, size: Reference, scope: Scope) -> Axis:
        """The axis that a size such as m or n[l] is that of."""
        for group in size.groups[:1]:
            self.check_layer(group[0], scope)
        return self.world.axis(at_layer(self.world, size, scope.layers), None)

    def axis_along(self, argument: Formula, scope: Scope) -> Axis:
        """The axis along which an index runs that is an argument, as in delta(i, j)."""
        index = scope.indices.get(argument.name) if isinstance(argument, Reference) else None
        if index is None:
            raise NotUniform("δ is of indices that are numbers")
        return self.axes.get(index, ONE)

    def named(self, argument: Formula, axis: Axis, scope: Scope) -> Expr:
        """The index along an axis that an argument is, such as c in col(A, c)."""
        place = Place(argument.name) if isinstance(argument, Reference) else Place(None, 1)
        return self.at(place, axis, scope)

    def array_of(self, reference: Reference, scope: Scope) -> tuple[Array, int | None]:
        array = self.world.given.arrays.get(reference.name)
        if array is not None and array.layers is not None and reference.groups:
            self.check_layer(reference.groups[0][0], scope)
        return self.world.array_of(reference, scope.layers)

    def check_layer(self, layer: Place, scope: Scope) -> None:
        """No layer is given by a size, nor by an index that runs to one."""
        if layer.name not in (None, "L", *scope.layers):
            raise NotUniform(f"{layer} is no layer for all sizes")

    def at(self, place: Place, axis: Axis, scope: Scope) -> Expr:
        """The index that stands in a place along an axis."""
        if axis == ONE and place == Place(None, 1):
            return sp.S.One
        index = None if place.name is None else scope.indices.get(place.name)
        if place.offset or index is None or self.axes.get(index, ONE) != axis:
            raise NotUniform(f"{place} is no index that runs from 1 to {axis.label}")
        return index
