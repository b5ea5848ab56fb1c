"""Arguments and results in words: "x, t, *params, lr=eta" is f(x, t, W1, b1, …, lr=eta).

An argument is a word for a value (`WORDS` in backproof.forms), by position or as name=word; one star spreads
a list, two a dict. A result is a list of words as well: grads (params after a step), loss, weights, biases,
*grads for all that is left, _ for what is of no interest. Without words a number stands for the loss, beside
the gradient or alone.
"""

from __future__ import annotations

import inspect
from typing import Any, Callable, Dict, NamedTuple

import numpy as np

from .misfit import Misfit


class Argument(NamedTuple):
    """One argument: its stars, the name it is given by, if any, and the word for its value."""

    stars: str
    name: str
    word: str


class Values(Dict[str, Any]):
    """Words and their values; some are made only when they are asked for."""

    def __missing__(self, word: str) -> Any:
        value = self[word] = DERIVED[word](self["given"], self["x"], self["t"])
        return value


def arguments(text: str) -> list[Argument]:
    """The arguments of a text such as "x, t, *params, lr=eta"."""
    found = []
    for piece in filter(None, map(str.strip, text.split(","))):
        name, _, word = piece.rpartition("=")
        stars = word[: len(word) - len(word.lstrip("*"))]
        found.append(Argument(stars, name.strip(), word.strip().lstrip("*")))
    return found


def bind(wanted: list[Argument], values: Values) -> tuple[list[Any], dict[str, Any]]:
    """What is given by position and by keyword."""
    places: list[Any] = []
    keywords: dict[str, Any] = {}
    for stars, name, word in wanted:
        value = values[word]
        if stars == "*":
            places.extend(value)
        elif stars == "**":
            keywords.update(value)
        elif name:
            keywords[name] = value
        else:
            places.append(value)
    return places, keywords


def read(text: str, value: Any) -> tuple[Any, Any]:
    """The loss, or None, and what holds the gradient, or None."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        return _as_they_come(value)
    if len(words) == 1 and "*" not in text:
        items = [value]
    elif isinstance(value, (list, tuple)):
        items = list(value)
    else:
        raise Misfit(f"it returned a {type(value).__name__}; expected {text}")
    if "*" in text:
        items[len(words) - 1 :] = [items[len(words) - 1 :]]
    if len(items) != len(words):
        raise Misfit(f"it returned {len(items)} values; expected {len(words)}: {text}")
    named = dict(zip((word.lstrip("*") for word in words), items))
    grads = (
        (named["weights"], named.get("biases"))
        if "weights" in named
        else named.get("grads", named.get("params"))
    )
    return named.get("loss"), grads


def free_keywords(function: Callable[..., Any], wanted: list[Argument]) -> list[inspect.Parameter]:
    """The parameters of a function that these arguments leave to be given by keyword."""
    kind = inspect.Parameter
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some compiled functions have no signature
        return []
    places = [p for p in parameters if p.kind in (kind.POSITIONAL_ONLY, kind.POSITIONAL_OR_KEYWORD)]
    spread = any(argument.stars for argument in wanted)
    taken = len(places) if spread else sum(not argument.name for argument in wanted)
    named = {argument.name for argument in wanted}
    rest = [p for p in places[taken:] if p.kind == kind.POSITIONAL_OR_KEYWORD]
    rest += [p for p in parameters if p.kind in (kind.KEYWORD_ONLY, kind.VAR_KEYWORD)]
    return [p for p in rest if p.name not in named]


def _as_they_come(value: Any) -> tuple[Any, Any]:
    if value is None or _is_number(value):
        return value, None
    if isinstance(value, tuple) and len(value) == 2 and _is_number(value[0]) != _is_number(value[1]):
        return value if _is_number(value[0]) else (value[1], value[0])
    return None, value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or getattr(value, "shape", None) == ()


def _sizes(params: Any, x: Any, t: Any) -> list[int]:
    """The widths, from the biases; where there are none, from weights that fit together."""
    pairs = [(w, b) for w, b in params]
    if all(b is not None for _, b in pairs):
        outputs = [b.size for _, b in pairs]
        return [pairs[0][0].size // outputs[0], *outputs]
    shapes = [w.shape for w, _ in pairs]
    in_out = all(one[1] == other[0] for one, other in zip(shapes, shapes[1:])) and shapes[0][0] in x.shape
    out_in = all(one[0] == other[1] for one, other in zip(shapes, shapes[1:])) and shapes[0][1] in x.shape
    if in_out and not out_in:
        return [shapes[0][0], *(shape[1] for shape in shapes)]
    return [shapes[0][1], *(shape[0] for shape in shapes)]


def _samples(params: Any, x: Any, t: Any) -> list[tuple[Any, Any]]:
    """Pairs of one input and one target, as columns; a class number stays one."""
    return [(x[:, c : c + 1], t[:, c : c + 1] if np.ndim(t) == 2 else t[c]) for c in range(x.shape[1])]


DERIVED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "sizes": _sizes,
    "samples": _samples,
    "weights": lambda params, x, t: [w for w, _ in params],
    "biases": lambda params, x, t: [b for _, b in params],
}
