"""When two routes to the same arrays agree."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from symbolic.notation import Array

ROUNDING = 1e-12  # of the largest entry of an array: float64 through some dozens of operations


def check(
    found: Mapping[Array, Any],
    expected: Mapping[Array, Any],
    *,
    within: float = ROUNDING,
    least: float = 1e-6,
    flat: Collection[str] = (),
) -> None:
    """Every array agrees to within a share of its own largest entry, which is not below `least`.

    What `flat` names is 0, so that rounding is all it holds.
    """
    assert found.keys() == expected.keys()
    for array, values in expected.items():
        error, largest = np.abs(found[array] - values).max(), np.abs(values).max()
        if array.name in flat:
            assert max(error, largest) <= within, array.label
            continue
        assert largest >= least, f"{array.label}: nothing to compare, all entries are below {least}"
        assert error <= within * largest, f"{array.label} is off by {error} of {largest}"


def check_as_a_whole(
    found: Mapping[Array, Any], expected: Mapping[Array, Any], *, within: float = 10 * ROUNDING
) -> None:
    """All arrays agree to within a share of the largest entry of them all: of a drawn network, some are 0."""
    assert found.keys() == expected.keys()
    largest = max(np.abs(values).max() for values in expected.values())
    for array, values in expected.items():
        error = np.abs(found[array] - values).max()
        assert error <= within * max(largest, 1), f"{array.label} is off by {error} of {largest}"
