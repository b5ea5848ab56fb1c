r"""Matrices in LaTeX.

\begin{pmatrix} a_1 \\ a_2 \end{pmatrix}               vector(a[1], a[2])
\begin{pmatrix} a & b \\ c & d \end{pmatrix}           rows(vector(a, b), vector(c, d))
\begin{pmatrix} a_1 \\ \vdots \\ a_n \end{pmatrix}     a, where n is the size of a
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from proofs.claims.formula import Call, Formula, Place, Reference, Transpose
from proofs.claims.latex_items import Item, Sum

if TYPE_CHECKING:  # a reader reads matrices, and a matrix its entries
    from proofs.claims.latex import Reader


def matrix(reader: Reader, item: Item) -> Formula:
    """A matrix by its entries, or the array whose first and last entry are written. Raises FormulaError."""
    rows = [row[0][1][0].parts for row in item.parts]
    if any(_is_dots(cell) for row in rows for cell in row):
        return _whole(reader, rows, item)
    if len({len(row) for row in rows}) != 1:
        raise reader.names.error("the rows of a matrix are of one length", item.at)
    entries = [tuple(reader.sum(cell) for cell in row) for row in rows]
    if len(rows[0]) == 1:
        return Call("vector", tuple(row[0] for row in entries), at=item.at)
    vectors = tuple(Call("vector", row, at=item.at) for row in entries)
    return Transpose(vectors[0], at=item.at) if len(rows) == 1 else Call("rows", vectors, at=item.at)


def _is_dots(cell: Sum) -> bool:
    return cell[0][1][0].kind == "dots"


def _whole(reader: Reader, rows: list[tuple[Sum, ...]], item: Item) -> Formula:
    """The array with the entry 1, or 1,1, first and the entry of its sizes last."""
    cells = [cell for row in rows for cell in row if not _is_dots(cell)]
    first, last = (reader.sum(cell) for cell in (cells[0], cells[-1]))
    array = reader.names.given.arrays.get(first.name) if isinstance(first, Reference) else None
    if array is None or not isinstance(first, Reference) or not isinstance(last, Reference):
        raise reader.names.error("with dots, the entries are those of one array that is given", item.at)
    layer = first.groups[0][0] if array.layers is not None and first.groups else None
    head = first.groups[:1] if layer is not None else ()
    sizes = tuple(_size(axis, layer) for axis in array.axes)
    ends = tuple(Place(None, 1) for _ in sizes), sizes
    if (first.groups, last.groups) != tuple((*head, end) for end in ends) or first.name != last.name:
        said = ", ".join(map(str, sizes))
        raise reader.names.error(
            f"with dots, a matrix goes from the first entry to the entry {said}", item.at
        )
    whole = replace(first, groups=head)
    return Transpose(whole, at=item.at) if len(rows) == 1 and len(sizes) == 1 else whole


def _size(axis: Reference, layer: Place | None) -> Place:
    """The size of an axis such as n[l-1], in a layer, as the last index along it."""
    if not axis.groups:
        return Place(axis.name)
    at = axis.groups[0][0]
    if layer is not None and at.name == "l":
        at = replace(layer, offset=layer.offset + at.offset)
    return Place(axis.name, 0, at)
