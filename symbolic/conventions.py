"""Conventions are values: how somebody stores weights, samples, biases and labels.

Inside, weights are out×in, samples are columns, biases are vectors and labels one-hot. A layout says which
axes of an array hold which index, so that formulas, code and checks in another convention come from the same
derivation, by permuting axes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, Literal, get_args

from symbolic.errors import InvalidNetwork

Weights = Literal["out-in", "in-out"]
Samples = Literal["columns", "rows"]
BiasShape = Literal["n", "n,1", "1,n"]
Labels = Literal["one-hot", "integer"]

CHOICES: Final = {
    "weights": get_args(Weights),
    "samples": get_args(Samples),
    "bias_shape": get_args(BiasShape),
    "labels": get_args(Labels),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How arrays are stored: weights out×in or in×out, samples as columns or rows, the bias's shape, labels.

    Integer labels are class numbers counted from 0, one for each sample, and stand for one-hot targets.
    """

    weights: Weights = "out-in"
    samples: Samples = "columns"
    bias_shape: BiasShape = "n"
    labels: Labels = "one-hot"

    def __post_init__(self) -> None:
        for field in fields(self):
            given = getattr(self, field.name)
            if given not in CHOICES[field.name]:
                choices = ", ".join(CHOICES[field.name])
                raise InvalidNetwork(
                    f"no {field.name.replace('_', ' ')} convention '{given}'; choose from {choices}"
                )

    def __str__(self) -> str:
        return (
            f"weights {self.weights}, samples as {self.samples}, "
            f"bias ({self.bias_shape + ',' * (self.bias_shape == 'n')}), {self.labels} labels"
        )


INTERNAL: Final = Layout()
