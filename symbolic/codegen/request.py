"""What is to be written, and what was: the values between whoever wants code and the printers.

Request  ->  a target's printer  ->  Generated
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from symbolic.codegen.optimizers import OPTIMIZERS, Optimizer
from symbolic.conventions import INTERNAL, Layout
from symbolic.errors import InvalidNetwork
from symbolic.graph import Graph
from symbolic.network import Network

Dtype: TypeAlias = Literal["float64", "float32"]
Form: TypeAlias = Literal["loops", "blocks", "straight-line"]
DTYPES: Final[tuple[Dtype, ...]] = get_args(Dtype)
FORMS: Final[tuple[Form, ...]] = get_args(Form)


@dataclass(frozen=True, slots=True)
class Request:
    """Code for a network or a graph, in one layout and precision.

    `batch` is the number of samples that the code is made to be fast for; it works for any. `form` is how
    C is written, None where the printer is to choose by widths and batch. `hvp` asks for Hessian-vector
    products, `optimizer` for a training step.
    """

    network: Network | Graph
    layout: Layout = INTERNAL
    dtype: Dtype = "float64"
    name: str = "network"
    batch: int = 1
    form: Form | None = None
    hvp: bool = False
    optimizer: Optimizer | None = None

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise InvalidNetwork(f"no dtype {self.dtype!r}; choose from {', '.join(DTYPES)}")
        if self.form is not None and self.form not in FORMS:
            raise InvalidNetwork(f"no form {self.form!r}; choose from {', '.join(FORMS)}")
        if not isinstance(self.batch, int) or self.batch < 1:
            raise InvalidNetwork(f"batch is {self.batch!r}; it counts samples, from 1")
        if isinstance(self.network, Graph) and self.layout != INTERNAL:
            raise InvalidNetwork("a layout is one of chains; the equations of a graph say the axes")


@dataclass(frozen=True, slots=True)
class Generated:
    """The files of one answer, by name, the first of them the one to read; `choice` says which form was
    chosen, and why, where there was a choice.
    """

    files: Mapping[str, str]
    choice: str = ""

    @property
    def source(self) -> str:
        """The text of the first file."""
        return next(iter(self.files.values()))


def optimizer(name: str) -> Optimizer:
    """An optimizer of the table. Raises InvalidNetwork for another name."""
    if name not in OPTIMIZERS:
        raise InvalidNetwork(f"no optimizer {name!r}; choose from {', '.join(OPTIMIZERS)}")
    return OPTIMIZERS[name]
