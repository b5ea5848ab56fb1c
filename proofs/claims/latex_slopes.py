r"""Slopes: `\frac{\partial E}{\partial w}`, `\frac{dE}{dw}`, `\partial E/\partial w`, `\nabla_w E`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from proofs.claims.formula import Binary, Formula, Partial, Reference
from proofs.claims.latex_items import Item
from proofs.claims.latex_text import bare

if TYPE_CHECKING:  # a reader reads slopes, and a slope what it is of
    from proofs.claims.latex import Reader

MANY = re.compile(r"\^\{?([2-9])\}?")


def slope(reader: Reader, items: Sequence[Item], number: int) -> tuple[Formula, int]:
    r"""`\partial E/\partial w` from an item on, and the number of the item behind it."""
    at = items[number].at
    kinds = [item.kind if item.kind != "operator" else item.text for item in items[number : number + 5]]
    if len(kinds) < 5 or kinds[2:4] != ["/", "partial"]:
        raise reader.names.error(
            r"\partial stands in \frac{\partial …}{\partial …} or \partial …/\partial …", at
        )
    of, _ = reader.factor(items[: number + 2], number + 1)
    return Partial(of, _by(reader, items[number + 4]), at=at), number + 5


def gradient(reader: Reader, items: Sequence[Item], number: int) -> tuple[Formula, int]:
    r"""`\nabla_{W^l} E` and `\partial_{W^l} E`."""
    item = items[number]
    if len(item.scripts) != 1:
        raise reader.names.error(r"\nabla says by what: \nabla_{W}", item.at)
    script, at = item.scripts[0]
    side = reader.within(bare(script), item)
    if len(side) != 1 or len(side[0][1]) != 1:
        raise reader.names.error("a slope is by a quantity with a name", at)
    by = replace(_by(reader, side[0][1][0]), at=at)
    if number + 1 == len(items):
        raise reader.names.error("∇ stands before what it is the slope of", item.at)
    of, end = reader.factor(items, number + 1)
    return Partial(of, by, at=item.at), end


def fraction(reader: Reader, items: Sequence[Item], number: int) -> tuple[Formula, int]:
    """A quotient, or a slope of the first order or a higher one."""
    item, rest = items[number], items[number + 1 :]
    above, below = (_upright(reader, part[0][1]) if len(part) == 1 else [] for part in item.parts)
    if not below or below[0].kind != "partial":
        made = Binary("/", *(reader.sum(part) for part in item.parts), at=item.at)
        return reader.scripted(made, item), number + 1
    if not above or above[0].kind != "partial":
        raise reader.names.error(r"a slope is \frac{\partial …}{\partial …}", item.at)
    order = MANY.fullmatch(above[0].scripts[0][0]) if above[0].scripts else None
    bys = _bys(reader, below, item.at)
    if len(bys) != (int(order[1]) if order else 1):
        raise reader.names.error(f"this is by {len(bys)} quantities; above stands another order", item.at)
    if len(above) > 1:
        of, end = reader.term(above[1:]), number + 1
    elif not rest:
        raise reader.names.error("this stands before what it is the slope of", item.at)
    elif rest[0].kind == "bracket":
        of, end = reader.factor(items, number + 1)
    else:
        of, end = reader.term(rest), len(items)
    for by in reversed(bys):
        of = Partial(of, by, at=item.at)
    return of, end


def _upright(reader: Reader, items: Sequence[Item]) -> list[Item]:
    """Items with ∂ for the d of dE/dw, where d is not given."""
    found = reader.words(items)
    if any(item.kind == "partial" for item in found) or "d" in reader.names.known:
        return found
    return [replace(i, kind="partial") if i.kind in ("name", "word") and i.text == "d" else i for i in found]


def _bys(reader: Reader, below: Sequence[Item], at: int) -> list[Reference]:
    """The quantities of ∂w ∂v or ∂w²."""
    found: list[Reference] = []
    for partial, item in zip(below[::2], below[1::2], strict=False):
        power = MANY.fullmatch(item.scripts[-1][0]) if item.scripts else None
        array = reader.names.given.arrays.get(item.text)
        if power is not None and (array is None or array.layers is None or len(item.scripts) > 2):
            item = replace(item, scripts=item.scripts[:-1])
        else:
            power = None
        if partial.kind != "partial":
            raise reader.names.error(r"a slope is \frac{\partial …}{\partial …}", at)
        found += [_by(reader, item)] * (int(power[1]) if power else 1)
    if len(below) % 2:
        raise reader.names.error(r"a slope is \frac{\partial …}{\partial …}", at)
    return found


def _by(reader: Reader, item: Item) -> Reference:
    by = reader.reference(item) if item.kind in ("name", "word") else None
    if not isinstance(by, Reference):
        given = sorted(reader.names.given.arrays)
        raise reader.names.error(f"a slope is by a quantity that is given: {', '.join(given)}", item.at)
    return by
