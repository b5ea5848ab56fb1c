"""What the names of a claim stand for: sizes and axes, layers and indices, arrays and what defines them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from proofs.claims.formula import Call, Claim, Place, Reference
from proofs.claims.given import Array, Given
from proofs.claims.values import ONE, Axis, Environment, Missing, fixed
from symbolic.activations import Z
from symbolic.expressions import Expr
from symbolic.grammar.functions import FUNCTIONS, undefined

Key: TypeAlias = tuple[str, int | None]


@dataclass
class Lookup:
    """A context with sizes as numbers, by label such as `m` and `n[1]`."""

    given: Given
    sizes: Mapping[str, int]

    def place(self, place: Place, env: Environment, at: int = 0) -> int:
        """An index or a layer as a number."""
        if place.name is None:
            return place.offset
        if place.name == "L":
            return self.given.depth + place.offset
        if place.name in env:
            return env[place.name] + place.offset
        if place.layer is not None:
            layer = Place(None, self.place(place.layer, env, at))
            return self.axis(Reference(place.name, ((layer,),), at=at), None).size + place.offset
        if place.name in self.sizes:
            return self.sizes[place.name] + place.offset
        raise Missing(f"{place.name} is no index that runs here, no layer and no size", at)

    def axis(self, size: Reference, layer: int | None) -> Axis:
        """An axis such as n[l-1] in a layer. Raises Missing."""
        env = {} if layer is None else {"l": layer}
        label = size.name
        if self.given.sizes.get(size.name, False) and size.groups:
            label += f"[{self.place(size.groups[0][0], env)}]"
        label = self.given.widths.get(label, label)
        if label == ONE.label:
            return ONE
        if label in self.given.fixed:
            return fixed(self.given.fixed[label])
        if label not in self.sizes:
            raise Missing(f"there is no size {label}; there are {', '.join(self.sizes)}", size.at)
        return Axis(label, self.sizes[label])

    def axes(self, reference: Reference, env: Environment) -> tuple[Axis, ...]:
        """The axes of the array that a reference speaks of."""
        array, layer = self.array_of(reference, env)
        return tuple(self.axis(size, layer) for size in array.axes)

    def shape(self, key: Key) -> tuple[Axis, Axis]:
        """The axes of the rows and the columns of an array."""
        axes = [self.axis(size, key[1]) for size in self.given.arrays[key[0]].axes]
        rows, columns, *_ = (*axes, ONE, ONE)
        return rows, columns

    def symbol_name(self, name: str, layer: int | None) -> str:
        """What the symbols of an array or a function are called: W2 for W[2], where W2 is nothing else."""
        plain = name if layer is None else f"{name}{layer}"
        others = (*self.given.arrays, *self.given.functions, *self.given.constants)
        return plain if layer is None or plain not in others else f"{name}[{layer}]"

    def places(self, reference: Reference) -> tuple[Place, ...]:
        """The places of an entry that a reference names, none where it names a whole array."""
        array = self.given.arrays.get(reference.name)
        groups = reference.groups[1:] if array and array.layers else reference.groups
        return groups[0] if groups else ()

    def array_of(self, reference: Reference, env: Environment) -> tuple[Array, int | None]:
        """The array that a reference speaks of, and its layer. Raises Missing."""
        array = self.given.arrays.get(reference.name)
        if array is None:
            names = ", ".join(sorted(self.given.arrays))
            raise Missing(f"{reference.name} is not given; there are {names}", reference.at)
        if array.layers is None:
            return array, None
        if not reference.groups or len(reference.groups[0]) != 1:
            raise Missing(f"{reference.name} is one for each layer; say which: {array.name}[l]", reference.at)
        layer = self.place(reference.groups[0][0], env, reference.at)
        first, last = (self.place(end, {}, reference.at) for end in array.layers)
        if not first <= layer <= last:
            raise Missing(
                f"there is no {reference.name}[{layer}]; its layers are {first} to {last}", reference.at
            )
        return array, layer

    def definitions(self, key: Key) -> list[Claim]:
        """Those that fit a name and layer, one of a single layer before one of all."""
        found = []
        for claim in self.given.definitions:
            target = claim.left
            assert isinstance(target, Reference)
            if target.name != key[0]:
                continue
            if key[1] is None:
                found.append((0, claim))
                continue
            place = target.groups[0][0]
            if place.name in (None, "L"):
                if self.place(place, {}) == key[1]:
                    found.append((0, claim))
                continue
            layer = key[1] - place.offset
            inside = all(
                self.place(each.first, {}) <= layer <= self.place(each.last, {})
                for each in claim.ranges
                if each.name == place.name
            )
            if inside:
                found.append((1, claim))
        return [claim for _, claim in sorted(found, key=lambda each: each[0])]

    def layer_env(self, target: Reference, key: Key) -> dict[str, int]:
        """What the name of a layer is in a definition, when it defines this one."""
        if key[1] is None:
            return {}
        place = target.groups[0][0]
        return {} if place.name in (None, "L") else {str(place.name): key[1] - place.offset}

    def function_of(self, call: Call, name: str, order: int, env: Environment) -> Callable[[Expr], Expr]:
        """What a call makes of each entry: the function, its slope for order 1, and so on. Raises Missing."""
        row = self.given.functions.get(name)
        if row is None:
            if name not in FUNCTIONS or FUNCTIONS[name].arity != 1 or order:
                names = ", ".join(sorted(self.given.functions))
                raise Missing(f"no function {call.function}; there are {names}", call.at)
            return FUNCTIONS[name].build
        if row.formula is not None:
            formula = row.formula.diff(Z, order)
            return lambda entry: formula.xreplace({Z: entry})
        if row.layered and call.layer is None:
            raise Missing(f"each layer has its own {name}; say which: {name}[l](…)", call.at)
        layer = self.place(call.layer, env, call.at) if row.layered and call.layer is not None else None
        made = undefined(self.symbol_name(name, layer), 1, (order,))
        return lambda entry: made(entry)
