"""What a form of C code consists of, and the interface that every form has.

    void   NAME_forward(params, x, a, work)
    real   NAME_loss(params, x, t, [lam,] work)
    void   NAME_gradient(params, x, t, [lam,] grad, work)
    real   NAME_loss_and_gradient(params, x, t, [lam,] grad, work)

and each with `_batch` for any number of samples m, given after the data. Parameters lie in one buffer, W then
b of each layer, row by row as the layout stores them; the gradient lies likewise. Nothing is allocated:
`work` has NAME_WORK numbers, NAME_BATCH_WORK for the batch functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symbolic.codegen.request import Request
from symbolic.network import Network


@dataclass(frozen=True, slots=True)
class CParts:
    """Static functions in order, the lines within the braces of each public function, and how many numbers
    of memory the functions work with: integer constant expressions.
    """

    helpers: tuple[str, ...]
    bodies: Mapping[str, tuple[str, ...]]
    work: str
    batch_work: str
    choice: str
    includes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """A public function of a chain: what it returns and takes, as C declares it."""

    name: str
    result: str
    arguments: tuple[str, ...]
    doc: str

    def text(self, request: Request) -> str:
        """`double net_loss(const double *params, …)`."""
        return f"{self.result} {request.name}_{self.name}({', '.join(self.arguments)})"


def real(request: Request) -> str:
    """The type of numbers."""
    return {"float64": "double", "float32": "float"}[request.dtype]


def signatures(request: Request) -> tuple[Signature, ...]:
    """The public functions of a chain, single and batch, those on request included."""
    network = request.network
    assert isinstance(network, Network)
    number = real(request)
    label = "int" if request.layout.labels == "integer" else number
    params, x, t = (
        f"const {kind} *{name}" for kind, name in ((number, "params"), (number, "x"), (label, "t"))
    )
    lam = (f"{number} lam",) * network.objective.has_lambda
    work = f"{number} *work"
    rows = [
        ("forward", "void", (params, x), (f"{number} *a",), "The output a."),
        ("loss", number, (params, x, t), lam, "The error E."),
        ("gradient", "void", (params, x, t), (*lam, f"{number} *grad"), "∂E/∂params."),
        ("loss_and_gradient", number, (params, x, t), (*lam, f"{number} *grad"), "E, and ∂E/∂params."),
    ]
    if request.hvp:
        given = (*lam, f"const {number} *v", f"{number} *product")
        rows.append(("hvp", "void", (params, x, t), given, "(∂²E/∂params²) v."))
    single = [Signature(name, result, (*data, *rest, work), doc) for name, result, data, rest, doc in rows]
    batch = [
        Signature(f"{name}_batch", result, (*data, "size_t m", *rest, work), f"{doc} Of m samples.")
        for name, result, data, rest, doc in rows
    ]
    return (*single, *batch)
