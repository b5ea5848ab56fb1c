"""Functions of parameters, inputs and targets: those that return a gradient, and those that take a step.

A step makes W - η·∂E/∂W of W, so that the gradient is (before - after)/η, and its negative where the step is
up; η may be one number, or one for each layer. The parameters after it are what is returned, or what was
given, changed in place.
"""

from __future__ import annotations

import copy
from typing import Any, Callable, Dict, Tuple

import numpy as np

from . import binding
from .biases import numeric
from .containers import pack, unpack
from .misfit import Misfit

Answer = Tuple[Any, Any]
Ask = Callable[[binding.Values, Dict[str, Any]], Answer]


def function(subject: Any, form: Any, find: Callable[[str], Any]) -> Ask:
    """A function that returns the gradient, or leaves it on the objects that it was given."""
    wanted = binding.arguments(form.arguments)

    def ask(values: binding.Values, keywords: dict[str, Any]) -> Answer:
        params = values["given"]
        container = values["params"] = pack(params, form, *([find(form.layer)] if form.layer else []))
        places, named = binding.bind(wanted, values)
        loss, grads = binding.read(form.returns, subject(*places, **named, **keywords))
        if form.grads == "attributes":
            pairs = unpack(container, params, form, form.params, of_gradient=True)
        else:
            pairs = gradient(grads, params, form)
        _show_changes(container, params, form)
        return loss, pairs

    return ask


def _show_changes(container: Any, params: Any, form: Any) -> None:
    """Do to the parameters what was done to their container: whoever asked looks for changes in them."""
    if container is params or form.biases in ("scalar", "shared", "shared-scalar"):
        return
    after = unpack(container, params, form, form.params, of_gradient=False)
    for arrays, others in zip(params, after):
        for array, other in zip(arrays, others):
            if array is not None and other is not array:
                array[...] = other if np.shape(other) == array.shape else np.nan


def update(subject: Any, form: Any, find: Callable[[str], Any]) -> Ask:
    """A function that takes one step of descent."""
    wanted = binding.arguments(form.arguments)

    def ask(values: binding.Values, keywords: dict[str, Any]) -> Answer:
        params = values["given"]
        container = values["params"] = pack(
            copy.deepcopy(params), form, *([find(form.layer)] if form.layer else [])
        )
        places, named = binding.bind(wanted, values)
        loss, after = binding.read(form.returns, subject(*places, **named, **keywords))
        after = container if after is None else after
        return loss, difference(
            params, unpack(after, params, form, form.params, of_gradient=False), form, values
        )

    return ask


def gradient(grads: Any, params: Any, form: Any) -> Any:
    """The pairs of a gradient that was returned."""
    if grads is None:
        raise Misfit("it returned no gradient; expected {}".format(form.returns or "one like params"))
    return unpack(grads, params, form, container_of_gradient(form), of_gradient=True)


def container_of_gradient(form: Any) -> str:
    """What a returned gradient is held by: what the parameters are, unless the form says otherwise."""
    if form.grads:
        return str(form.grads)
    return "separate" if "weights" in form.returns else ("list" if "*grads" in form.returns else form.params)


def difference(before: Any, after: Any, form: Any, values: binding.Values) -> Any:
    """(before - after)/η, or (after - before)/η of a step up."""
    eta, sign = values["eta"], 1 if form.sign == "-" else -1
    if isinstance(before, dict):
        step = sign * eta
        return {name: (value - numeric(after[name])) / step for name, value in before.items()}
    try:
        pairs = [(w, b) for w, b in after]
    except (TypeError, ValueError):
        raise Misfit(f"after the step there is a {type(after).__name__}; expected pairs") from None
    if len(pairs) != len(before):
        raise Misfit(f"after the step there are {len(pairs)} layers of {len(before)}")
    steps = [sign * each for each in (eta if isinstance(eta, (list, tuple)) else [eta] * len(before))]
    return [
        tuple(_slope(*arrays, step) for arrays in zip(old, new))
        for old, new, step in zip(before, pairs, steps)
    ]


def _slope(before: Any, after: Any, step: float) -> Any:
    if before is None:
        return None
    after = numeric(after)
    if np.shape(after) != np.shape(before):
        text = "after the step a parameter has shape {}; it had {}"
        raise Misfit(text.format(np.shape(after), np.shape(before)))
    return (before - after) / step
