"""Changes of a formula that people make by mistake: a sign, a factor, a transposition, an index, a layer, f
for f', a product that goes entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import combinations, product
from typing import Any, Literal

import sympy as sp

from proofs.claims.formula import (
    Binary,
    Call,
    Claim,
    Formula,
    Negative,
    Node,
    Number,
    Partial,
    Place,
    Power,
    Reference,
    Total,
    Transpose,
    every,
)
from proofs.claims.given import Given
from proofs.claims.kinds import ARRAYS, NUMBERS
from proofs.claims.writing import text

ErrorClass = Literal[
    "sign",
    "factor",
    "index",
    "range",
    "layer",
    "transposition",
    "derivative",
    "sum",
    "product",
    "order",
    "term",
    "quantity",
]


@dataclass(frozen=True, slots=True)
class Change:
    """A formula in place of another one, and what was wrong, in words."""

    error_class: ErrorClass
    words: str
    formula: Formula


def changes(formula: Formula, claim: Claim, given: Given) -> Iterator[Change]:
    """Every formula that differs from this one by one change."""
    yield from _whole(formula, claim, given)
    for node, put in _inside(formula):
        for change in _at(node, claim, given):
            yield replace(change, formula=put(change.formula))


def _inside(
    formula: Formula, put: Callable[[Any], Formula] = lambda node: node
) -> Iterator[tuple[Formula, Callable[[Any], Formula]]]:
    """Every node within a formula, with what puts another one in its place."""
    yield formula, put
    for each in fields(formula):
        value = getattr(formula, each.name)
        if isinstance(value, Node):
            yield from _inside(value, partial(_put, put, formula, each.name, None))  # type: ignore[arg-type]
        elif isinstance(value, tuple):
            for number, part in enumerate(value):
                if isinstance(part, Node):
                    yield from _inside(part, partial(_put, put, formula, each.name, number))  # type: ignore[arg-type]


def _put(put: Callable[[Any], Formula], formula: Any, name: str, number: int | None, new: Formula) -> Formula:
    """The whole with another part in one field of a formula, or at one place of the field."""
    if number is None:
        return put(replace(formula, **{name: new}))
    parts = getattr(formula, name)
    return put(replace(formula, **{name: (*parts[:number], new, *parts[number + 1 :])}))


def _whole(formula: Formula, claim: Claim, given: Given) -> Iterator[Change]:
    """Changes of the whole right side: its sign and its factor."""
    negated = formula.body if isinstance(formula, Negative) else Negative(formula)
    yield _change("sign", "the sign", formula, negated)
    scalars: list[Formula] = [Number(sp.Integer(2))]
    scalars += [Reference(name) for name, layered in given.sizes.items() if not layered]
    scalars += [Reference(name) for name in given.constants]
    for scalar in scalars:
        yield _change("factor", f"a factor {text(scalar)} is missing", formula, Binary("*", scalar, formula))
        yield _change("factor", f"a factor {text(scalar)} is too many", formula, Binary("/", formula, scalar))
    for factor in _slopes(claim.left, given):
        yield _change("derivative", f"{text(factor)} is missing", formula, Binary("*", factor, formula))
    if not (isinstance(formula, Call) and formula.function == "outer"):  # of that it is the order
        yield _change("transposition", "the transposition of all", formula, Transpose(formula))
    for one, other in combinations(_index_names(claim), 2):
        exchanged = _renamed(formula, {one: other, other: one})
        yield _change("index", f"{one} and {other} exchanged", formula, exchanged)
    yield from _sums(formula, claim)


def _sums(formula: Formula, claim: Claim) -> Iterator[Change]:
    """Sums over the indices of the right side that the left one does not have."""
    bound = {node.index for node in every(claim.right) if isinstance(node, Total)}
    used = _places(formula) - _places(claim.left) - bound - {"l", "L"}
    for name in sorted(used):
        yield _change("sum", f"the sum over {name} is missing", formula, Total(formula, name))


def _places(formula: Formula) -> set[str]:
    references = (node for node in every(formula) if isinstance(node, Reference))
    return {place.name for node in references for group in node.groups for place in group if place.name}


def _slopes(left: Formula, given: Given) -> Iterator[Formula]:
    """f'(z) for all functions, of the arrays with the axes of the left side, at its layer and indices."""
    target = left.by if isinstance(left, Partial) else left
    if not isinstance(target, Reference) or target.name not in given.arrays:
        return
    own = given.arrays[target.name]
    layer = target.groups[0][0] if own.layers and target.groups else None
    for name, function in given.functions.items():
        for other in given.arrays.values():
            alike = other.axes == own.axes and bool(other.layers) == bool(own.layers)
            if alike and not function.whole and other.name != target.name:
                argument = replace(target, name=other.name)
                yield Call(f"{name}'", (argument,), layer if function.layered else None)


def _renamed(formula: Any, names: Mapping[str, str]) -> Any:
    """A formula with other names of indices."""
    if isinstance(formula, Place):
        return replace(formula, name=names.get(str(formula.name), formula.name))
    if isinstance(formula, tuple):
        return tuple(_renamed(part, names) for part in formula)
    if not isinstance(formula, Node):
        return formula
    parts = {each.name: _renamed(getattr(formula, each.name), names) for each in fields(formula)}
    if isinstance(formula, Total):
        parts["index"] = names.get(formula.index, formula.index)
    return replace(formula, **parts)


def _at(node: Formula, claim: Claim, given: Given) -> Iterator[Change]:
    match node:
        case Negative():
            yield _change("sign", "a minus", node, node.body)
        case Binary():
            yield from _operations(node)
            if node.operation == "*" and node != claim.right:
                yield from _sums(node, claim)
        case Transpose():
            yield _change("transposition", "the transposition", node, node.body)
        case Total():
            yield _change("sum", f"the sum over {node.index}", node, node.body)
            yield from _bounds(node)
        case Power():
            yield _change("factor", "the power", node, node.base)
        case Number() if node.value.q == 1 and node.value > 1:
            yield _change("factor", f"the number {node.value}", node, Number(sp.S.One))
        case Call():
            yield from _calls(node)
        case Reference():
            yield from _references(node, claim, given)


def _bounds(node: Total) -> Iterator[Change]:
    if node.first is None or node.last is None:
        return
    whole = Total(node.body, node.index, at=node.at)
    yield _change("range", "all of a sum", node, whole)
    for name, step in product(("last", "first"), (-1, 1)):
        end = getattr(node, name)
        moved = replace(node, **{name: replace(end, offset=end.offset + step)})
        yield _change("range", "the range of a sum", node, moved)


def _operations(node: Binary) -> Iterator[Change]:
    left, right = node.left, node.right
    if node.operation in "+-":
        other = "-" if node.operation == "+" else "+"
        yield _change("sign", "a sign between terms", node, Binary(other, left, right))  # type: ignore[arg-type]
        if node.operation == "-":
            yield _change("sign", "a difference", node, Binary("-", right, left))
        yield _change("term", f"the term {text(right)} is too many", node, left)
        second = right if node.operation == "+" else Negative(right)
        yield _change("term", f"the term {text(left)} is too many", node, second)
        return
    if node.operation in "*/":
        yield _change("factor", f"the factor {text(right)} is too many", node, left)
    if node.operation == "*":
        yield _change("factor", f"the factor {text(left)} is too many", node, right)
        yield _change("product", "the matrix product, not entry by entry", node, Binary("@", left, right))
    if node.operation == "@":
        yield _change("product", "entry by entry, not the matrix product", node, Binary("*", left, right))
        yield _change("order", "the order of a product", node, Binary("@", right, left))
        yield _change("transposition", f"{text(left)} transposed", node, Binary("@", Transpose(left), right))
        yield _change("transposition", f"{text(right)} transposed", node, Binary("@", left, Transpose(right)))
        both = Binary("@", Transpose(right), Transpose(left))
        yield _change("order", "the order of a product", node, both)


def _calls(node: Call) -> Iterator[Change]:
    if node.function.endswith("'"):
        yield _change(
            "derivative", "the function, not its slope", node, replace(node, function=node.function[:-1])
        )
    elif node.function not in ARRAYS | NUMBERS:
        yield _change(
            "derivative", "the slope, not the function", node, replace(node, function=f"{node.function}'")
        )
    if node.function == "outer":
        yield _change(
            "order", "the order of the outer product", node, replace(node, arguments=node.arguments[::-1])
        )
    if node.layer is not None:
        for step in (1, -1):
            moved = replace(node, layer=replace(node.layer, offset=node.layer.offset + step))
            yield _change("layer", "the layer of a function", node, moved)


def _references(node: Reference, claim: Claim, given: Given) -> Iterator[Change]:
    array = given.arrays.get(node.name)
    if array is None:
        return
    if array.layers is not None and node.groups:
        for step in (1, -1, 2, -2):
            (place, *_), *rest = node.groups
            moved = replace(node, groups=((replace(place, offset=place.offset + step),), *rest))
            yield _change("layer", "a layer", node, moved)
        for name in ("l", "L"):
            (place, *_), *rest = node.groups
            if place.name in ("l", "L") and place.name != name:
                moved = replace(node, groups=((replace(place, name=name),), *rest))
                yield _change("layer", "a layer", node, moved)
    places = node.groups[1:] if array.layers is not None else node.groups
    head = node.groups[: len(node.groups) - len(places)]
    if places:
        (group,) = places
        if len(group) == 2:
            yield _change("index", "the order of indices", node, replace(node, groups=(*head, group[::-1])))
        for number, place in enumerate(group):
            for name in _index_names(claim):
                if name != place.name:
                    other = (*group[:number], Place(name, place.offset), *group[number + 1 :])
                    yield _change("index", "an index", node, replace(node, groups=(*head, other)))
    elif len(array.axes) == 2:
        yield _change("transposition", "a transposition", node, Transpose(node))
    for other_name, other_array in given.arrays.items():
        same = other_array.axes == array.axes and (other_array.layers is None) == (array.layers is None)
        if other_name != node.name and same:
            yield _change("quantity", "a quantity", node, replace(node, name=other_name))


def _index_names(claim: Claim) -> list[str]:
    sides = (claim.left, claim.right)
    bound = {node.index for side in sides for node in every(side) if isinstance(node, Total)}
    return sorted((_places(claim.left) | _places(claim.right) | bound) - {"l", "L"})


def _change(error_class: ErrorClass, what: str, before: Formula, after: Formula) -> Change:
    return Change(error_class, f"{what}: {text(after)} for {text(before)}", after)
