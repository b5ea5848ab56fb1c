"""Losses that a framework differentiates: PyTorch, JAX, HIPS autograd, and engines of scalar values.

The subject computes E, or an output that a loss is taken of, from the framework's own arrays. What is checked
is the backward pass it brings: a torch.autograd.Function, a custom_vjp, a primitive with defvjp, an engine.
"""

from __future__ import annotations

from typing import Any, Callable, List

import numpy as np

from . import binding
from .containers import mapped, pack, unpack
from .functions import Answer, Ask
from .misfit import Misfit

Loss = Callable[[List[Any]], Any]


def torch_function(subject: Any, form: Any, find: Callable[[str], Any]) -> Ask:
    """A function of tensors, or a torch.autograd.Function that is the whole loss, or every layer."""
    import torch

    is_function = isinstance(subject, type) and issubclass(subject, torch.autograd.Function)
    call = subject.apply if is_function else subject

    def differentiate(loss: Loss, arrays: list[Any]) -> tuple[Any, list[Any]]:
        tensors = [torch.as_tensor(array).requires_grad_() for array in arrays]
        value = loss(tensors)
        if not isinstance(value, torch.Tensor) or value.grad_fn is None:
            raise Misfit(f"its loss is a {type(value).__name__} that hangs on no parameter")
        slopes = torch.autograd.grad(value, tensors, allow_unused=True)
        return value.detach().numpy()[()], [_numpy(slope, array) for slope, array in zip(slopes, arrays)]

    return _differentiated(call, form, find, differentiate, torch.as_tensor)


def jax_function(subject: Any, form: Any, find: Callable[[str], Any]) -> Ask:
    """A function of JAX arrays, differentiated by jax.value_and_grad."""
    import jax

    if form.dtype != "float32":
        jax.config.update("jax_enable_x64", True)

    def differentiate(loss: Loss, arrays: list[Any]) -> tuple[Any, list[Any]]:
        value, slopes = jax.value_and_grad(loss)([jax.numpy.asarray(array) for array in arrays])
        return np.asarray(value)[()], [np.array(slope) for slope in slopes]

    return _differentiated(subject, form, find, differentiate, jax.numpy.asarray)


def autograd_function(subject: Any, form: Any, find: Callable[[str], Any]) -> Ask:
    """A function of arrays, differentiated by HIPS autograd."""
    import autograd  # type: ignore[import-untyped]

    def differentiate(loss: Loss, arrays: list[Any]) -> tuple[Any, list[Any]]:
        value, slopes = autograd.value_and_grad(loss)(arrays)
        return value, slopes

    return _differentiated(subject, form, find, differentiate, lambda array: array)


def scalar_engine(subject: Any, form: Any, find: Callable[[str], Any]) -> Ask:
    """A function of nested lists of values that have data, grad and backward(), as micrograd's."""
    engine = find(form.value)

    def differentiate(loss: Loss, arrays: list[Any]) -> tuple[Any, list[Any]]:
        values = [_nested(array.tolist(), engine) for array in arrays]
        value = loss(values)
        if not hasattr(value, "backward"):
            text = "its loss is a {}; expected a {}"
            raise Misfit(text.format(type(value).__name__, form.value))
        value.backward()
        slopes = [_nested(each, lambda one: float(one.grad)) for each in values]
        return float(value.data), [np.array(slope) for slope in slopes]

    return _differentiated(subject, form, find, differentiate, lambda array: np.asarray(array).tolist())


def torch_module(subject: Any, form: Any, find: Callable[[str], Any]) -> Ask:
    """An nn.Module: parameters are loaded in the order of its own, and their gradients read back."""
    import torch

    from .objects import Maker

    maker, wanted = Maker(subject, form), binding.arguments(form.arguments)
    finish = _finish(form, find)
    precision = {"float32": torch.float32}.get(form.dtype, torch.float64)

    def ask(values: binding.Values, keywords: dict[str, Any]) -> Answer:
        params = values["given"]
        module = maker.make(values, keywords).to(precision)
        is_named, own = isinstance(params, dict), dict(module.named_parameters())
        given: list[Any] = []
        mapped(params, given.append)
        tensors = [own[name] for name in params] if is_named else list(own.values())
        shapes = [tuple(tensor.shape) for tensor in tensors]
        if shapes != [np.shape(array) for array in given]:
            text = "the module has parameters of shapes {}; expected {}"
            raise Misfit(text.format(shapes, [np.shape(array) for array in given]))
        module.zero_grad(set_to_none=True)
        with torch.no_grad():
            for tensor, array in zip(tensors, given):
                tensor.copy_(torch.as_tensor(array))
        values["x"], values["t"] = mapped(values["x"], torch.as_tensor), mapped(values["t"], torch.as_tensor)
        places, named = binding.bind(wanted, values)
        out = module(*places, **named)
        loss = finish(out, values["t"])
        loss.backward()
        slopes = [_numpy(tensor.grad, array) for tensor, array in zip(tensors, given)]
        each = iter(slopes)
        return loss.detach().numpy()[()], mapped(params, lambda _: next(each))

    return ask


def _differentiated(
    subject: Callable[..., Any],
    form: Any,
    find: Callable[[str], Any],
    differentiate: Callable[[Loss, list[Any]], tuple[Any, list[Any]]],
    convert: Callable[[Any], Any],
) -> Ask:
    """E and its gradient with respect to every array in the subject's container of them."""
    wanted = binding.arguments(form.arguments)
    finish = _finish(form, find)

    def ask(values: binding.Values, keywords: dict[str, Any]) -> Answer:
        params = values["given"]
        arrays: list[Any] = []
        container = pack(params, form)
        mapped(container, arrays.append)
        values["x"], values["t"] = mapped(values["x"], convert), mapped(values["t"], convert)

        def loss(leaves: list[Any]) -> Any:
            each = iter(leaves)
            values["params"] = mapped(container, lambda _: next(each))
            if form.role == "layer":
                return finish(_layered(subject, wanted, values, keywords), values["t"])
            places, named = binding.bind(wanted, values)
            value = subject(*places, **named, **keywords)
            return finish(value, values["t"])

        value, slopes = differentiate(loss, arrays)
        each = iter(slopes)
        grads = mapped(container, lambda _: next(each))
        return value, unpack(grads, params, form, form.params, of_gradient=True)

    return ask


def _layered(
    subject: Callable[..., Any],
    wanted: list[binding.Argument],
    values: binding.Values,
    keywords: dict[str, Any],
) -> Any:
    """The output of a network each of whose layers is the subject."""
    a = values["x"]
    for w, b in values["params"]:
        places, named = binding.bind(wanted, binding.Values(x=a, weight=w, bias=b))
        a = subject(*places, **named, **keywords)
    return a


def _finish(form: Any, find: Callable[[str], Any]) -> Any:
    """E of what the subject computes: itself, or a loss of PyTorch's or of the subject's file."""
    if not form.loss:
        return lambda value, t: value
    if form.kind.startswith("torch"):
        import torch

        if hasattr(torch.nn.functional, form.loss):
            return getattr(torch.nn.functional, form.loss)
    return find(form.loss)


def _numpy(slope: Any, array: Any) -> Any:
    """A parameter that the loss does not depend on has no gradient there, which is 0."""
    return np.zeros_like(array) if slope is None else slope.detach().cpu().numpy().copy()


def _nested(value: Any, function: Callable[[Any], Any]) -> Any:
    return [_nested(each, function) for each in value] if isinstance(value, list) else function(value)
