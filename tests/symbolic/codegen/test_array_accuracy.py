"""Activations of generated torch and JAX code against ball arithmetic, as those of NumPy are."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import arb

from symbolic.activations import activation
from symbolic.codegen.arrays.dialect import Target, dialect
from symbolic.codegen.arrays.helpers import Helpers
from tests.symbolic.codegen.array_targets import language, load
from tests.symbolic.test_numpy_accuracy import ELEMENTWISE, errors, exact, points

ULP = {"torch": 8, "jax": 16}  # JAX's own erfc is off by ten where it is one minus erf

DELICATE = ["gelu", "mish", "silu", "tanh"]  # compensated sums, which a compiler might reorder


def worst(found: Any, name: str, order: int, alpha: arb, z: np.ndarray) -> tuple[float, float]:
    """The largest error in ulp, and where."""
    at, error = max(errors(np.asarray(found), exact(name, alpha)[order], z), key=lambda pair: pair[1])
    return error, at


@pytest.mark.parametrize(
    ("target", "text"),
    [*(("torch", text) for text in ELEMENTWISE), *(("jax", text) for text in DELICATE)],
)
def test_generated_activation_is_within_ulps_of_the_exact_one(
    require: Callable[[str], None], target: Target, text: str
) -> None:
    chosen, known = language(target, require), activation(text)
    row, helpers = dialect(target, "float64"), Helpers(dialect=dialect(target, "float64"))
    value, both = helpers.value(known, "z"), helpers.value_and_slope(known)
    code = "\n\n".join([*helpers.sources(value), f"def value(z):\n    return {value}"])
    names = load(f"{row.header(code)}\n\n{code}")
    z = points()
    z = z[np.abs(z) > sys.float_info.min]  # XLA flushes what is smaller to 0
    at = chosen.array(z)
    found = chosen.compiled(names.value)(at), chosen.compiled(getattr(names, both))(at)[1]
    alpha = arb(0) if known.alpha is None else arb(int(known.alpha.p)) / int(known.alpha.q)
    for order, result in enumerate(found):
        error, place = worst(result, known.name, order, alpha, z)
        assert error <= ULP[target], f"{text}: {error:.1f} ulp at z = {place!r}"
