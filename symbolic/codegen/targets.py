"""Targets as rows, and `generate`, which asks one of them.

A row says who writes, and whether there is a choice of forms. What it can express no row claims: its
writer raises Unsupported, which names the layer, and then the other writers are tried, so that what is
offered instead is what works.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from symbolic.codegen.arrays.dialect import Target as ArrayTarget
from symbolic.codegen.names import Language, identifier
from symbolic.codegen.request import Dtype, Form, Generated, Request
from symbolic.codegen.request import optimizer as optimizer_called
from symbolic.conventions import INTERNAL, Layout
from symbolic.errors import InvalidNetwork, Unsupported
from symbolic.graph import Graph
from symbolic.network import Network


@dataclass(frozen=True, slots=True)
class Target:
    """A row: the suffix of the code's file, its language, its printer, and whether there are forms."""

    name: str
    suffix: str
    language: Language
    write: Callable[[Request], Generated]
    has_forms: bool = False


def _c(request: Request) -> Generated:
    from symbolic.codegen.c.source_file import c_module  # a target costs those who ask for it

    return c_module(request)


def _arrays(target: ArrayTarget, request: Request) -> Generated:
    from symbolic.codegen.arrays.modules import array_module

    return array_module(request, target)


TARGETS: Final[Mapping[str, Target]] = {
    row.name: row
    for row in (
        Target("numpy", ".py", "python", partial(_arrays, "numpy")),
        Target("jax", ".py", "python", partial(_arrays, "jax")),
        Target("torch", ".py", "python", partial(_arrays, "torch")),
        Target("c", ".c", "c", _c, has_forms=True),  # C99, and C++: header, source and self-test
    )
}


def generate(
    network: Network | Graph,
    target: str = "numpy",
    *,
    layout: Layout = INTERNAL,
    dtype: Dtype = "float64",
    batch: int = 1,
    name: str = "network",
    form: Form | None = None,
    hvp: bool = False,
    optimizer: str | None = None,
) -> Generated:
    """The files of a network or graph in a target language: forward, loss, gradient, loss_and_gradient.

    `batch` is the number of samples to be fast for; any other works too. `name` begins the names of C; what
    the language reserves is escaped. Raises InvalidNetwork for a request that cannot be, and Unsupported
    where the target cannot express the network, which names the targets that can.

    >>> from symbolic.network import mlp
    >>> list(generate(mlp(2, 3, 1, hidden="tanh"), "c", name="while").files)
    ['while_1.h', 'while_1.c', 'while_1_selftest.c']
    """
    if target not in TARGETS:
        raise InvalidNetwork(f"no target {target!r}; choose from {', '.join(TARGETS)}")
    chosen = optimizer_called(optimizer) if optimizer is not None else None
    row = TARGETS[target]
    request = Request(network, layout, dtype, name, batch, form, hvp, chosen)
    if form is not None and not row.has_forms:
        able = [other.name for other in TARGETS.values() if other.has_forms]
        raise InvalidNetwork(f"form is a choice of target {' or '.join(able)}, which {target} has not")
    try:
        return _written(row, request)
    except Unsupported as error:
        others = [other.name for other in TARGETS.values() if other is not row and _can(other, request)]
        if not others:
            raise
        raise Unsupported(f"target {target}: {error}; {' and '.join(others)} can") from None


def _written(row: Target, request: Request) -> Generated:
    prefix = identifier(request.name, row.language, beside=frozenset())  # of names, and so beside none
    return row.write(replace(request, name=prefix))


def _can(row: Target, request: Request) -> bool:
    if request.form is not None and not row.has_forms:
        return False
    try:
        _written(row, request)
    except Unsupported:
        return False
    return True
