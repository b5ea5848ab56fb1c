"""Python that calls a subject on a counterexample's values, in the subject's own layout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from backproof import layouts
from backproof.report import Counterexample, Report
from symbolic.conventions import Layout
from symbolic.network import Network

Array: TypeAlias = npt.NDArray[Any]
Named: TypeAlias = dict[str, Array]
PRINTED: Final = 400  # numbers: a counterexample with more is left to JSON
Arguments: TypeAlias = tuple[layouts.Params | Named, Array | Named, Array | Named]


def arguments(found: Counterexample, layout: Layout) -> Arguments:
    """params, x and t as the subject takes them: pairs and arrays for a chain, by name for a graph."""
    if isinstance(found.network, Network):
        return layouts.to_subject(found.point, layout)
    named: Any = found.point  # the point of a graph: its three parts are mappings
    return dict(named.params), dict(named.x), dict(named.t)


def snippet(found: Counterexample, subject: str, layout: Layout) -> Iterator[str]:
    """The lines: imports, values, the call."""
    file, _, function = subject.rpartition(".py:")
    params, x, t = arguments(found, layout)
    yield "import numpy as np"
    if file.isidentifier() and function.isidentifier():
        yield f"from {file} import {function}"
    yield ""
    if isinstance(params, dict):
        yield from _named("params", params)
    else:
        yield "params = ["
        yield from (f"    ({_literal(w)}, {'None' if b is None else _literal(b)})," for w, b in params)
        yield "]"
    for name, value in (("x", x), ("t", t)):
        yield from _named(name, value) if isinstance(value, dict) else (f"{name} = {_literal(value)}",)
    yield from found.call.splitlines()


def reproduced(report: Report) -> Iterator[str]:
    """The snippet of the counterexample, and a last line that prints the first value that is wrong."""
    found = report.counterexample
    if found is None:
        return
    count = sum(array.size for part in arguments(found, report.layout) for array in _arrays(part))
    if count > PRINTED:
        yield f"# {count} numbers, which are in the JSON report"
    else:
        yield from snippet(found, report.subject, report.layout)
        first = next((f.disagreements[0] for f in report.findings if f.disagreements), None)
        if first:
            yield f"print({first.path})  # derived: {first.derived!r}"


def _named(name: str, arrays: Mapping[str, Array]) -> Iterator[str]:
    yield f"{name} = {{"
    yield from (f"    {key!r}: {_literal(array)}," for key, array in arrays.items())
    yield "}"


def _arrays(part: layouts.Params | Array | Named) -> Iterator[Array]:
    if isinstance(part, dict):
        yield from part.values()
    elif isinstance(part, list):
        yield from (array for pair in part for array in pair if array is not None)
    else:
        yield part


def _literal(array: Array) -> str:
    return f"np.array({np.asarray(array).tolist()})"
