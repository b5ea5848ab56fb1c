"""Layers, one row each: their forward equations and nothing else.

Indices: i, j, k, d, e, o, h run over units or channels, q and t, u over places or time, c over samples, r and
v over what is summed within; `...` is all further axes, the samples last. Where an equation computes with
indices, they count from 0. Everything a layer does on the way back is derived from its equations; a row has
no field for a backward rule.
"""

from __future__ import annotations

from typing import Final

from symbolic.layers import arrangement, attention, linear, norms, objectives, recurrent, windows

LAYERS: Final = {
    row.name: row
    for rows in (
        linear.ROWS,
        windows.ROWS,
        norms.ROWS,
        arrangement.ROWS,
        attention.ROWS,
        recurrent.ROWS,
        objectives.ROWS,
    )
    for row in rows
}
