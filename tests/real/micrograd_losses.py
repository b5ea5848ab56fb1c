"""A loss of micrograd's values in which every unit is used more than once: a = z², z = W x + b."""

from __future__ import annotations

from typing import Any

from micrograd.engine import Value


def loss(params: Any, x: Any, t: Any) -> Value:
    total = Value(0.0)
    for row, targets in zip(x, t, strict=True):
        for w, b in params:
            units = zip(zip(*w, strict=True), b, strict=True)
            sums = [sum((wi * a for wi, a in zip(column, row, strict=True)), bias) for column, bias in units]
            row = [z * z for z in sums]
        total = total + sum((a - each) ** 2 for a, each in zip(row, targets, strict=True))
    return total
