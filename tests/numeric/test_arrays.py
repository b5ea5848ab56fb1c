"""Steps over arrays: what does not fit is refused and never read as zeros."""

from __future__ import annotations

import numpy as np
import pytest

from numeric.arrays import evaluate_arrays
from symbolic.errors import InvalidNetwork
from symbolic.graph import graph, node
from symbolic.losses import SAMPLES


def test_values_of_another_shape_are_refused() -> None:
    network = graph(inputs={"x": (3, "m")}, nodes={"y": node("tanh", "x")})
    with pytest.raises(InvalidNetwork, match=r"^x is of shape .3, 2., but values of shape .2, 2. are given$"):
        evaluate_arrays(network.steps, {network.arrays["x"]: np.ones((2, 2))}, {SAMPLES: 2})
