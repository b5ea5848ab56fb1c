"""What holds the arrays: pairs, a list, two lists, a vector, a dict, objects; and how to get them out again.

pairs              [(W1, b1), (W2, b2)]             list       [W1, b1, W2, b2]
separate           ([W1, W2], [b1, b2])             dict       {"W1": W1, "b1": b1, …}
flat               W1, b1, W2, b2 in one vector     objects    [layer with .W and .b, …]
flat-weights-first W1, W2, b1, b2 in one vector     as-is      whatever was given
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Callable, Iterator, List, Tuple

import numpy as np

from . import paths
from .biases import Pairs, Stored, numeric, restored, stored
from .misfit import Misfit

Patterns = List[Tuple[str, str]]
NAMES = {"dict": ("W{l}", "b{l}"), "objects": ("W", "b")}


def pack(params: Any, form: Any, layer: Callable[..., Any] = SimpleNamespace) -> Any:
    """The subject's own container of these parameters; `layer` makes the objects of a list of them."""
    if form.params == "as-is":
        return params
    held = stored(params, form)
    if form.params == "objects":
        return [_object(pair, layer, form) for pair in held.layers]
    return PACKERS[form.params](held, form)


def unpack(value: Any, params: Any, form: Any, container: str, *, of_gradient: bool) -> Any:
    """The pairs that a container holds, with `params` for their shapes. Raises Misfit."""
    if container == "as-is" or (container == "pairs" and form.biases == "array"):
        return value
    like = stored(params, form)
    patterns = [names(container, form, of_gradient=False)]
    if of_gradient:
        patterns.insert(0, names(container, form, of_gradient=True))
    return restored(UNPACKERS[container](value, like, form, patterns), params, form)


def mapped(container: Any, function: Callable[[Any], Any]) -> Any:
    """The same container with every array replaced."""
    if isinstance(container, np.ndarray):
        return function(container)
    if isinstance(container, (list, tuple)):
        return type(container)([mapped(item, function) for item in container])
    if isinstance(container, dict):
        return {key: mapped(item, function) for key, item in container.items()}
    return None if container is None else function(container)


def names(container: str, form: Any, *, of_gradient: bool) -> tuple[str, str]:
    """The patterns of the keys or attributes of W and b, or of their gradients."""
    w, b = NAMES.get(container, ("", ""))
    w, b = form.weight or w, form.bias or b
    if not of_gradient:
        return w, b
    return form.weight_gradient or "d" + w, form.bias_gradient or "d" + b


def _each(held: Stored) -> Iterator[Any]:
    for pair in held.layers:
        yield from (array for array in pair if array is not None)
    if held.shared is not None:
        yield held.shared


def _weights_first(held: Stored) -> Iterator[Any]:
    yield from (w for w, _ in held.layers)
    yield from (b for _, b in held.layers if b is not None)
    if held.shared is not None:
        yield held.shared


def _separate(held: Stored, form: Any) -> Any:
    biases = [b for _, b in held.layers] if held.shared is None else held.shared
    return [w for w, _ in held.layers], biases


def _dict(held: Stored, form: Any) -> Any:
    w_name, b_name = names("dict", form, of_gradient=False)
    made = {}
    for l, (w, b) in enumerate(held.layers):
        made[paths.numbered(w_name, l, form)] = w
        if b is not None:
            made[paths.numbered(b_name, l, form)] = b
    if held.shared is not None:
        made[b_name.replace("{l}", "")] = held.shared
    return made


def _vector(arrays: Iterator[Any]) -> Any:
    return np.concatenate([np.ravel(array) for array in arrays])


def _object(pair: Any, layer: Callable[..., Any], form: Any) -> Any:
    w, b = pair
    made = layer()
    w_name, b_name = names("objects", form, of_gradient=False)
    setattr(made, w_name, w)
    if b is not None:
        setattr(made, b_name, b)
    return made


PACKERS: dict[str, Callable[[Stored, Any], Any]] = {
    "pairs": lambda held, form: list(held.layers),
    "list": lambda held, form: list(_each(held)),
    "separate": _separate,
    "flat": lambda held, form: _vector(_each(held)),
    "flat-weights-first": lambda held, form: _vector(_weights_first(held)),
    "dict": _dict,
}


def _from_pairs(value: Any, like: Stored, form: Any, patterns: Patterns) -> Stored:
    pairs = sequence(value, len(like.layers), "a list of one entry for each layer")
    return Stored(
        [(p[0], p[1] if len(p) > 1 else None) if isinstance(p, (list, tuple)) else (p, None) for p in pairs]
    )


def _from_list(value: Any, like: Stored, form: Any, patterns: Patterns) -> Stored:
    arrays = iter(sequence(value, len(list(_each(like))), "a list of arrays, as the parameters"))
    layers: Pairs = [(next(arrays), None if b is None else next(arrays)) for _, b in like.layers]
    return Stored(layers, next(arrays, None))


def _from_separate(value: Any, like: Stored, form: Any, patterns: Patterns) -> Stored:
    ws, bs = sequence(value, 2, "weights and biases apart")
    count = len(like.layers)
    ws = sequence(ws, count, "a list of the weights of each layer")
    if like.shared is not None:
        return Stored([(w, None) for w in ws], bs)
    if all(b is None for _, b in like.layers):
        return Stored([(w, None) for w in ws])
    return Stored(list(zip(ws, sequence(bs, count, "a list of the biases of each layer"))))


def _from_vector(value: Any, like: Stored, order: Callable[[Stored], Iterator[Any]]) -> Iterator[Any]:
    vector, sizes = numeric(value).ravel(), [np.size(array) for array in order(like)]
    if vector.size != sum(sizes):
        raise Misfit(f"it returned {vector.size} numbers; expected {sum(sizes)}, in one vector")
    pieces = np.split(vector, np.cumsum(sizes)[:-1])
    return iter([piece.reshape(np.shape(array)) for piece, array in zip(pieces, order(like))])


def _from_flat(value: Any, like: Stored, form: Any, patterns: Patterns) -> Stored:
    return _from_list(list(_from_vector(value, like, _each)), like, form, patterns)


def _from_weights_first(value: Any, like: Stored, form: Any, patterns: Patterns) -> Stored:
    arrays = _from_vector(value, like, _weights_first)
    ws = [next(arrays) for _ in like.layers]
    layers: Pairs = [(w, None if b is None else next(arrays)) for w, (_, b) in zip(ws, like.layers)]
    return Stored(layers, next(arrays, None))


def _from_dict(value: Any, like: Stored, form: Any, patterns: Patterns) -> Stored:
    if not isinstance(value, dict):
        raise Misfit(f"it returned a {type(value).__name__}; expected a dict of arrays")

    def find(letter: int, l: int) -> Any:
        keys = [paths.numbered(pattern[letter], l, form) for pattern in patterns]
        found = next((key for key in keys if key in value), None)
        if found is None:
            text = "it returned a dict with keys {}; expected {}"
            raise Misfit(text.format(", ".join(map(str, value)), " or ".join(keys)))
        return value[found]

    layers: Pairs = [(find(0, l), None if b is None else find(1, l)) for l, (_, b) in enumerate(like.layers)]
    if like.shared is None:
        return Stored(layers)
    name = next((p[1].replace("{l}", "") for p in patterns if p[1].replace("{l}", "") in value), None)
    if name is None:
        raise Misfit("it returned a dict without a shared bias")
    return Stored(layers, value[name])


def _from_objects(value: Any, like: Stored, form: Any, patterns: Patterns) -> Stored:
    objects = sequence(value, len(like.layers), "a list of layers")
    w_name, b_name = patterns[0]
    return Stored(
        [
            (paths.get(each, w_name), None if b is None else paths.get(each, b_name))
            for each, (_, b) in zip(objects, like.layers)
        ]
    )


def sequence(value: Any, length: int, expected: str) -> list[Any]:
    """The entries of a list of this length, or of what is one in another library's clothes. Raises Misfit."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = list(value)
    if not isinstance(value, (list, tuple)):
        raise Misfit(f"it returned a {type(value).__name__}; expected {expected}")
    if len(value) != length:
        raise Misfit(f"it returned {len(value)} entries; expected {length}: {expected}")
    return list(value)


UNPACKERS: dict[str, Callable[[Any, Stored, Any, Patterns], Stored]] = {
    "pairs": _from_pairs,
    "list": _from_list,
    "separate": _from_separate,
    "flat": _from_flat,
    "flat-weights-first": _from_weights_first,
    "dict": _from_dict,
    "objects": _from_objects,
}
