"""Paths into somebody's object: weights[0], layers[2].W, params[W1]; {l} is the number of a layer.

A dot leads to an attribute, brackets to an item: of a list by its number, of a dict by its key.
"""

from __future__ import annotations

import re
from typing import Any, Tuple, Union

from .misfit import Misfit

Step = Tuple[str, Union[str, int]]
STEP = re.compile(r"\.?([^.\[\]]+)|\[([^\[\]]+)\]")


def numbered(pattern: str, layer: int, form: Any) -> str:
    """The pattern for the layer at this place, counted from 0 here and as the subject counts in the path."""
    return pattern.replace("{l}", str(form.first + form.step * layer))


def get(root: Any, path: str) -> Any:
    """What lies at a path."""
    for step in _steps(path):
        root = _next(root, step, path)
    return root


def put(root: Any, path: str, value: Any) -> None:
    """Set what there is at a path; a list grows by one where its end is named."""
    *before, last = _steps(path)
    for step in before:
        root = _next(root, step, path)
    how, name = last
    if isinstance(root, list) and name == len(root):
        root.append(value)
        return
    _next(root, last, path)  # an attribute that nobody reads would be set as well
    if how == "attribute":
        setattr(root, str(name), value)
    else:
        root[name] = value


def _steps(path: str) -> list[Step]:
    steps: list[Step] = []
    for attribute, item in STEP.findall(path):
        if attribute:
            steps.append(("attribute", attribute))
        else:
            steps.append(("item", int(item) if item.isdigit() else item))
    return steps


def _next(root: Any, step: Step, path: str) -> Any:
    how, name = step
    try:
        return getattr(root, str(name)) if how == "attribute" else root[name]
    except (AttributeError, LookupError, TypeError):
        raise Misfit(f"there is no {name}, of {path}, in a {type(root).__name__}") from None
