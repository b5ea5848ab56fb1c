"""Objects that keep their parameters and remember their forward pass.

A class or a factory makes one for each call, an object is copied for each call (or one serves all calls of a
run, where what a call leaves behind is to be seen). Then parameters are put in their places, methods are
called in turn, and the gradient is what the last one returned, what lies at a path, or the step taken.
"""

from __future__ import annotations

import copy
import inspect
import re
from typing import Any, Callable, NamedTuple

from . import binding, paths
from .biases import Stored, restored, stored
from .functions import Answer, Ask, difference, gradient
from .misfit import Misfit

CALL = re.compile(r"(?:(loss|out|grads|_)\s*=\s*)?([\w.\[\]]+)\((.*)\)")


class Call(NamedTuple):
    """`word = method(arguments)`; the word is empty for what is returned in the end."""

    word: str
    method: str
    wanted: list[binding.Argument]


def calls(text: str) -> list[Call]:
    """The calls of a text such as "out = forward(x); backward(t)"."""
    found = []
    for piece in filter(None, map(str.strip, text.split(";"))):
        match = CALL.fullmatch(piece)
        if match is None:
            raise Misfit(f"'{piece}' is no call; write method(x, t), or out = method(x)")
        found.append(Call(match[1] or "", match[2], binding.arguments(match[3])))
    return found


class Maker:
    """Makes the object that is asked, out of what the subject is."""

    def __init__(self, subject: Any, form: Any) -> None:
        self._subject, self._form = subject, form
        self._wanted = binding.arguments(form.init)
        self._is_factory = isinstance(subject, type) or inspect.isroutine(subject)
        self._kept: dict[Any, Any] = {}

    @property
    def accepted(self) -> list[inspect.Parameter]:
        """What its factory can be given by keyword."""
        return binding.free_keywords(self._subject, self._wanted) if self._is_factory else []

    def make(self, values: binding.Values, keywords: dict[str, Any]) -> Any:
        if self._form.lifetime == "call":
            return self._new(values, keywords)
        key = (tuple(values["sizes"]), tuple(sorted(keywords.items())))
        if key not in self._kept:
            self._kept[key] = self._new(values, keywords)
        return self._kept[key]

    def _new(self, values: binding.Values, keywords: dict[str, Any]) -> Any:
        accepted = {parameter.name for parameter in self.accepted}
        given = {name: value for name, value in keywords.items() if name in accepted}
        if self._is_factory:
            places, named = binding.bind(self._wanted, values)
            made = self._subject(*places, **named, **given)
        else:
            made = copy.deepcopy(self._subject)
        for name in keywords.keys() - given.keys():
            paths.put(made, name, keywords[name])
        return made


def stateful(subject: Any, form: Any, find: Callable[[str], Any]) -> Ask:
    """An object whose gradient is returned, or left in its attributes."""
    maker, turns = Maker(subject, form), calls(form.calls)

    def ask(values: binding.Values, keywords: dict[str, Any]) -> Answer:
        made = _ready(maker, form, values, keywords)
        loss, grads = _run(made, turns, form, find, values)
        if form.weight_gradient:
            return loss, _read(made, values["given"], form, form.weight_gradient, form.bias_gradient)
        return loss, gradient(grads, values["given"], form)

    return ask


def stepping(subject: Any, form: Any, find: Callable[[str], Any]) -> Ask:
    """An object that takes one step of descent."""
    maker, turns = Maker(subject, form), calls(form.calls)

    def ask(values: binding.Values, keywords: dict[str, Any]) -> Answer:
        before = values["given"]
        values["given"] = copy.deepcopy(before)
        made = _ready(maker, form, values, keywords)
        if form.eta_path:
            paths.put(made, form.eta_path, values["eta"])
        loss, _ = _run(made, turns, form, find, values)
        return loss, difference(before, _read(made, before, form, form.weight, form.bias), form, values)

    return ask


def _ready(maker: Maker, form: Any, values: binding.Values, keywords: dict[str, Any]) -> Any:
    """The object with its parameters in their places."""
    values["params"] = values["given"]
    made = maker.make(values, keywords)
    if form.weight:
        held = stored(values["given"], form)
        for l, (w, b) in enumerate(held.layers):
            paths.put(made, paths.numbered(form.weight, l, form), w)
            if b is not None:
                paths.put(made, paths.numbered(form.bias, l, form), b)
        if held.shared is not None:
            paths.put(made, form.bias, held.shared)
    return made


def _run(
    made: Any, turns: list[Call], form: Any, find: Callable[[str], Any], values: binding.Values
) -> tuple[Any, Any]:
    """Every call in turn; the loss, and what the last one returned of the gradient."""
    named: dict[str, Any] = {}
    result = None
    for word, method, wanted in turns:
        if form.loss_gradient and any(argument.word == "grad" for argument in wanted):
            values["grad"] = find(form.loss_gradient)(values["out"], values["t"])
        places, keywords = binding.bind(wanted, values)
        result = paths.get(made, method)(*places, **keywords)
        named[word] = result
        if word == "out" or not (word or "out" in values):
            values["out"] = result
    loss, grads = binding.read(form.returns, named.get("grads", result))
    if form.loss:
        loss = find(form.loss)(values["out"], values["t"])
    return named.get("loss", loss), grads


def _read(made: Any, params: Any, form: Any, weight: str, bias: str) -> Any:
    """The pairs that lie at these paths."""
    like = stored(params, form)

    def pair(l: int, b: Any) -> tuple[Any, Any]:
        w = paths.get(made, paths.numbered(weight, l, form))
        return w, None if b is None else paths.get(made, paths.numbered(bias, l, form))

    layers = [pair(l, b) for l, (_, b) in enumerate(like.layers)]
    shared = None if like.shared is None else paths.get(made, bias)
    return restored(Stored(layers, shared), params, form)
