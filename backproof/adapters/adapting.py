"""From a subject and its form to `(params, x, t, **keywords) -> grads | (loss, grads)`."""

from __future__ import annotations

import importlib
import inspect
import os
import random
from types import SimpleNamespace
from typing import Any, Callable, Mapping

import numpy as np

from . import binding, estimators, foreign, frameworks, functions, objects
from .biases import numeric
from .misfit import Misfit

Find = Callable[[str], Any]

KINDS: dict[str, Callable[[Any, Any, Find], functions.Ask]] = {
    "function": functions.function,
    "update": functions.update,
    "object": objects.stateful,
    "object-update": objects.stepping,
    "torch-function": frameworks.torch_function,
    "torch-module": frameworks.torch_module,
    "jax": frameworks.jax_function,
    "autograd": frameworks.autograd_function,
    "scalars": frameworks.scalar_engine,
    "sklearn": estimators.estimator,
    "c": foreign.c_function,
    "command": foreign.program,
}
FOREIGN = ("c", "command")  # no objects of Python
SEEDS: dict[str, Callable[[], Any]] = {
    "random": lambda: random.seed(0),
    "numpy": lambda: np.random.seed(0),
    "torch": lambda: importlib.import_module("torch").manual_seed(0),
}


def prepare(config: Mapping[str, Any]) -> None:
    """What has to be said before the subject's file is run: its constants are to have the precision asked."""
    if config["kind"] == "jax" and config["dtype"] != "float32":
        os.environ.setdefault("JAX_ENABLE_X64", "1")


def adapt(subject: Any, config: Mapping[str, Any], namespace: Mapping[str, Any]) -> Callable[..., Any]:
    """The canonical callable; names in the form are looked up in the namespace of its file."""
    form = SimpleNamespace(**config)

    def find(name: str) -> Any:
        if name not in namespace:
            raise Misfit(f"there is no '{name}' beside it")
        return namespace[name]

    ask = KINDS[form.kind](subject, form, find)
    seeds = [SEEDS.get(name) or find(name) for name in map(str.strip, form.seed.split(",")) if name]
    renamed = {argument.name: argument.word for argument in binding.arguments(form.keywords)}

    def call(params: Any, x: Any, t: Any, **keywords: Any) -> Any:
        for seed in seeds:
            seed()
        if form.dtype:
            params, x, t = (_cast(value, form.dtype) for value in (params, x, t))
        eta = keywords.pop("eta", form.eta)
        given = {renamed.get(name, name): value for name, value in keywords.items()}

        def once(x: Any, t: Any) -> functions.Answer:
            return ask(binding.Values(given=params, x=x, t=t, eta=eta), dict(given))

        loss, grads = once(x, t) if form.batch == "batch" else _each(once, params, x, t, form)
        return grads if loss is None else (loss, grads)

    call.__signature__ = _signature(subject, form, renamed, ask)  # type: ignore[attr-defined]  # for inspect
    return call


def _each(once: Callable[..., functions.Answer], params: Any, x: Any, t: Any, form: Any) -> functions.Answer:
    """One sample after another: the sum of their losses and gradients, or the mean."""
    count = x.shape[-1]
    loss: Any = None
    total = [(np.zeros_like(w), None if b is None else np.zeros_like(b)) for w, b in params]
    for c in range(count):
        own, grads = once(_sample(x[..., c], form.batch), _sample(t[..., c], form.batch))
        loss = own if loss is None else loss + own
        total = [
            tuple(_sum(*arrays) for arrays in zip(*layers)) for layers in zip(total, _pairs(grads, total))
        ]
    if form.reduce == "sum" or not count:
        return loss, total
    mean = [(w / count, None if b is None else b / count) for w, b in total]
    return None if loss is None else loss / count, mean


def _sample(values: Any, batch: str) -> Any:
    """One sample as a vector, a column or a row; a class number as it is."""
    if np.ndim(values) == 0 or batch == "single":
        return values
    return values[:, None] if batch == "single-column" else values[None, :]


def _pairs(grads: Any, like: list[Any]) -> list[tuple[Any, Any]]:
    try:
        pairs = [(layer[0], layer[1] if len(layer) > 1 else None) for layer in grads]
    except (TypeError, LookupError):
        raise Misfit(f"for one sample it returned a {type(grads).__name__}; expected pairs") from None
    if len(pairs) != len(like):
        raise Misfit(f"for one sample it returned {len(pairs)} layers; expected {len(like)}")
    return pairs


def _sum(total: Any, value: Any) -> Any:
    if total is None:
        return None
    value = numeric(value)
    if value.shape != total.shape:
        text = "for one sample it returned an array of shape {}; expected {}"
        raise Misfit(text.format(value.shape, total.shape))
    return total + value


def _cast(value: Any, dtype: str) -> Any:
    if isinstance(value, dict):
        return {key: _cast(item, dtype) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cast(item, dtype) for item in value)
    return (
        value.astype(dtype, copy=False)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f"
        else value
    )


def _signature(subject: Any, form: Any, renamed: dict[str, str], ask: Any) -> inspect.Signature:
    """params, x, t, and by keyword what the subject takes beside them, under our names."""
    kind = inspect.Parameter
    theirs = {name: ours for ours, name in renamed.items()}
    if form.kind == "sklearn":
        free = [kind("lam", kind.KEYWORD_ONLY)]
    elif form.kind in FOREIGN:
        free = ask.accepted
    elif form.kind in ("object", "object-update", "torch-module"):
        free = objects.Maker(subject, form).accepted
    else:
        free = binding.free_keywords(subject, binding.arguments(form.arguments))
    names = {theirs.get(p.name, p.name) for p in free if p.kind != kind.VAR_KEYWORD} | set(renamed)
    if _settable(form):
        names.add("eta")
    parameters = [kind(name, kind.POSITIONAL_OR_KEYWORD) for name in ("params", "x", "t")]
    parameters += [kind(name, kind.KEYWORD_ONLY) for name in sorted(names - {"params", "x", "t"})]
    rest = [p for p in free if p.kind == kind.VAR_KEYWORD]
    return inspect.Signature(parameters + rest[:1])


def _settable(form: Any) -> bool:
    wanted = binding.arguments(form.arguments) + binding.arguments(form.init)
    wanted += [argument for call in objects.calls(form.calls) for argument in call.wanted]
    return form.eta_path != "" or any(argument.word == "eta" for argument in wanted)
