"""The languages of arrays, as tests use them: arrays made and read back, functions compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np

from symbolic.codegen.arrays.dialect import Target
from symbolic.codegen.arrays.modules import array_module
from symbolic.codegen.request import Dtype, Request


@dataclass(frozen=True)
class Language:
    """`array` makes an array of a NumPy array, `compiled` a function that is made for these shapes."""

    target: Target
    array: Callable[[Any], Any]
    compiled: Callable[[Any], Any]

    def given(self, value: Any, dtype: Dtype) -> Any:
        """Numbers of the precision, whole numbers as they are, in the same containers."""
        if value is None:
            return None
        if isinstance(value, Mapping):
            return {name: self.given(each, dtype) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.given(each, dtype) for each in value)
        found = np.array(value)  # of its own: torch shares memory
        return self.array(found.astype(dtype) if found.dtype.kind == "f" else found)


def language(target: Target, require: Callable[[str], None]) -> Language:
    """A target's language, where it is installed."""
    if target == "numpy":
        return Language(target, lambda value: value, lambda function: function)
    require(target)
    if target == "torch":
        return Language(target, import_module("torch").as_tensor, lambda function: function)
    jax = import_module("jax")
    jax.config.update("jax_enable_x64", True)
    options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    return Language(target, jax.numpy.asarray, lambda function: jax.jit(function, compiler_options=options))


def load(source: str) -> Any:
    """The names of a generated module; it finds nothing of ours but its own text."""
    names: dict[str, Any] = {"__name__": "generated"}
    exec(compile(source, "<generated>", "exec"), names)
    return SimpleNamespace(**names)


def module(request: Request, target: Target) -> Any:
    return load(array_module(request, target).source)


def leaves(value: Any) -> list[Any]:
    """The arrays of a result as NumPy arrays, containers opened, what is None left out."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [leaf for each in value.values() for leaf in leaves(each)]
    if isinstance(value, list | tuple):
        return [leaf for each in value for leaf in leaves(each)]
    return [np.asarray(value.detach() if hasattr(value, "detach") else value)]
