"""JAX does not outlive a fork: its threads stay behind, and a child of a process that used it waits for ever.

So a callable that is seen to use JAX is refused before it is forked, once this process has used JAX itself.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

ADVICE: Final = (
    "JAX stops in a child of a process that has used it; "
    "give the function by its file, as FILE.py:NAME or bp.FileSubject(path, name)"
)
PACKAGES: Final = ("jax", "jaxlib")
DEPTH: Final = 4  # functions that call functions


def has_run() -> bool:
    """Whether JAX has started its threads in this process."""
    return bool(getattr(sys.modules.get("jax._src.xla_bridge"), "_backends", None))


def is_used_by(value: Any, depth: int = DEPTH) -> bool:
    """Whether it is an object of JAX's, or a function that names one, or calls one that does."""
    homes = (
        value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None),
        type(value).__module__,
    )
    if any(str(home).partition(".")[0] in PACKAGES for home in homes):
        return True
    return depth > 0 and any(is_used_by(each, depth - 1) for each in _named(value))


def _named(value: Any) -> Iterator[Any]:
    """What a function's code refers to by name."""
    function = getattr(value, "__func__", value)
    if inspect.isfunction(function):
        names = function.__code__.co_names
        yield from (function.__globals__[name] for name in names if name in function.__globals__)
        for cell in function.__closure__ or ():
            if cell != type(cell)():  # one that was not filled yet has no contents
                yield cell.cell_contents
