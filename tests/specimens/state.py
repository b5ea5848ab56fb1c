"""Passes that are wrong for what they keep, share or narrow. Samples as rows; one hidden tanh layer or more.

What keeps something between calls is an object, and a copy of it is as good as new.
"""

import numpy as np

from tests.specimens.dense import backprop
from tests.specimens.specimen import Specimen, chain

FAMILY = chain(hidden="tanh")
RELU = chain(hidden="relu")
right = backprop()
right_relu = backprop(hidden=(lambda z: np.maximum(z, 0), lambda z, a: z > 0))


def output(params, x):
    for w, b in params[:-1]:
        x = np.tanh(x @ w + b)
    w, b = params[-1]
    return x @ w + b


class Accumulating:
    """grad += without a reset: the second call has the first one's gradient in it."""

    def __init__(self):
        self.grads = {}

    def __call__(self, params, x, t):
        for l, pair in enumerate(right(params, x, t)):
            for name, value in zip("Wb", pair, strict=True):
                key = (l, name, value.shape)
                self.grads[key] = self.grads.get(key, 0) + value
        return [
            (self.grads[l, "W", w.shape].copy(), self.grads[l, "b", b.shape].copy())
            for l, (w, b) in enumerate(params)
        ]


class AccumulatingBiases:
    """Only the biases' gradients are not reset."""

    def __init__(self):
        self.grads = {}

    def __call__(self, params, x, t):
        grads = []
        for l, (dw, db) in enumerate(right(params, x, t)):
            self.grads[l, len(db)] = self.grads.get((l, len(db)), 0) + db
            grads.append((dw, self.grads[l, len(db)].copy()))
        return grads


class Momentum:
    """What an optimiser with momentum moves by, returned for the gradient."""

    def __init__(self):
        self.velocity = {}

    def __call__(self, params, x, t):
        return [(self.step(l, dw), self.step(l, db)) for l, (dw, db) in enumerate(right(params, x, t))]

    def step(self, l, grad):
        key = (l, grad.shape)
        self.velocity[key] = 0.9 * self.velocity.get(key, 0) + grad
        return self.velocity[key]


class CacheOfAnotherBatch:
    """The activations are those of the call before, where they fit."""

    def __init__(self):
        self.activations = []

    def __call__(self, params, x, t):
        fresh = [x]
        for w, b in params:
            fresh.append(np.tanh(fresh[-1] @ w + b))
        fits = [a.shape for a in self.activations] == [a.shape for a in fresh]
        used, self.activations = self.activations if fits else fresh, fresh
        d = (output(params, x) - t) / len(x)
        grads = []
        for l in reversed(range(len(params))):
            grads.insert(0, (used[l].T @ d, d.sum(axis=0)))
            d = d @ params[l][0].T * (1 - used[l] ** 2)
        return grads


class Buffers:
    """One buffer for each layer and shape, given away at every call."""

    def __init__(self):
        self.buffers = {}

    def __call__(self, params, x, t):
        return [(self.written(l, dw), self.written(l, db)) for l, (dw, db) in enumerate(right(params, x, t))]

    def written(self, l, value):
        buffer = self.buffers.setdefault((l, value.shape), np.empty_like(value))
        buffer[...] = value
        return buffer


def one_scratch_array(params, x, t):
    """Every layer's activation is written into the same array, where widths agree: the last one is left."""
    scratch, activations = {}, [x]
    for w, b in params:
        z = activations[-1] @ w + b
        activations.append(np.tanh(z, out=scratch.setdefault(z.shape, np.empty_like(z))))
    w, b = params[-1]
    d = (output(params, x) - t) / len(x)
    grads = []
    for l in reversed(range(len(params))):
        grads.insert(0, (activations[l].T @ d, d.sum(axis=0)))
        d = d @ params[l][0].T * (1 - activations[l] ** 2)
    return grads


def activated_in_place(params, x, t):
    """np.tanh(z, out=z): the saved z is a, and 1 - tanh²(z) is taken at a."""
    zs, a = [], x
    for w, b in params[:-1]:
        z = a @ w + b
        a = np.tanh(z, out=z)
        zs.append(z)
    d = (a @ params[-1][0] + params[-1][1] - t) / len(x)
    grads = []
    for l in reversed(range(len(params))):
        grads.insert(0, ((zs[l - 1] if l else x).T @ d, d.sum(axis=0)))
        if l:
            d = d @ params[l][0].T * (1 - np.tanh(zs[l - 1]) ** 2)
    return grads


def inputs_changed(params, x, t):
    """The error is computed in the caller's t."""
    grads = right(params, x, t)
    t -= output(params, x)
    return grads


def decayed_in_place(params, x, t, lam=0.0):
    """dw = w is no copy: the caller's weights become the gradient."""
    grads = []
    for (w, _), (dw_data, db) in zip(params, right(params, x, t), strict=True):
        dw = w
        dw *= lam / len(x)
        dw += dw_data
        grads.append((dw, db))
    return grads


def integer_buffer(params, x, t):
    grads = [(np.zeros(w.shape, dtype=int), np.zeros(b.shape, dtype=int)) for w, b in params]
    for buffers, values in zip(grads, right(params, x, t), strict=True):
        for buffer, value in zip(buffers, values, strict=True):
            buffer[...] = value
    return [(dw.astype(float), db.astype(float)) for dw, db in grads]


def integer_error(params, x, t):
    """The errors go into an array made like the labels were: whole numbers."""
    errors = np.zeros(t.shape, dtype=int)
    errors[:] = output(params, x) - t
    return backprop(error=lambda a, t: errors)(params, x, t)


def rounded_to_float32(params, x, t):
    return [tuple(v.astype(np.float32).astype(float) for v in pair) for pair in right(params, x, t)]


def float32_throughout(params, x, t):
    narrow = [tuple(v.astype(np.float32) for v in pair) for pair in params]
    grads = right(narrow, x.astype(np.float32), t.astype(np.float32))
    return [tuple(v.astype(float) for v in pair) for pair in grads]


TENTH = np.float64(np.float32(0.1))
float32_constant = backprop(
    hidden=(lambda z: np.where(z > 0, z, 0.1 * z), lambda z, a: np.where(z > 0, 1, TENTH))
)
right_leaky = backprop(hidden=(lambda z: np.where(z > 0, z, 0.1 * z), lambda z, a: np.where(z > 0, 1, 0.1)))
float32_mask = backprop(
    hidden=(
        lambda z: np.maximum(z, 0),
        lambda z, a: (z > 0).astype(np.float32),
    ),
    slope_times=lambda g, s: (g.astype(np.float32) * s).astype(float),
)
SPECIMENS = (
    Specimen(46, "grads carried over between calls", FAMILY, right, Accumulating(), "one call",
        ("carried", "state", "earlier", "same answer"), seen="second call"),
    Specimen(46, "grads of the biases carried over", FAMILY, right, AccumulatingBiases(), "one call",
        ("carried", "state", "earlier", "same answer"), seen="second call"),
    Specimen(46, "momentum in the gradient", FAMILY, right, Momentum(), "one call",
        ("carried", "state", "earlier", "same answer"), seen="second call"),
    Specimen(0, "a cache of another batch", FAMILY, right, CacheOfAnotherBatch(), "one call",
        ("carried", "kept between calls", "state", "earlier", "same answer"), seen="second call"),
    Specimen(52, "buffers given away", FAMILY, right, Buffers(), "one call", ("alias", "buffer", "share"),
        seen="kept answer"),
    Specimen(52, "one scratch array for all layers", chain(4, 4, 4, 4, hidden="tanh"), right,
        one_scratch_array, "widths differ", ("layer", "alias", "activation")),
    Specimen(52, "activated in place", FAMILY, right, activated_in_place, "z near 0",
        ("at a", "f′(a)", "g'(a)", "g′(a)")),
    Specimen(52, "the caller's targets are overwritten", FAMILY, right, inputs_changed, "one call",
        ("input", "changed"), seen="inputs"),
    Specimen(52, "the caller's weights become the gradient", chain(hidden="tanh", l2="lambda/(2*m)"),
        backprop(decay=lambda w, lam, m: lam / m * w), decayed_in_place, "one call",
        ("input", "changed", "alias"), seen="inputs"),
    Specimen(53, "integer buffer", FAMILY, right, integer_buffer, "|gradient| ≫ 1",
        ("integer", "truncated", "whole")),
    Specimen(53, "integer errors", FAMILY, right, integer_error, "whole errors",
        ("integer", "truncated", "whole")),
    Specimen(54, "result rounded to float32", FAMILY, right, rounded_to_float32, "a float32 run",
        ("float32",)),
    Specimen(54, "float32 throughout", FAMILY, right, float32_throughout, "a float32 run", ("float32",)),
    Specimen(54, "a float32 constant", chain(hidden="leaky_relu(1/10)"), right_leaky, float32_constant,
        "a float32 run", ("float32",)),
    Specimen(54, "a float32 mask", RELU, right_relu, float32_mask, "a float32 run", ("float32",)),
)  # fmt: skip
