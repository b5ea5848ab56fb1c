"""Blocks of which the graphs' passes are made: a layer is a value and the way back from it, samples last."""

import numpy as np

import backproof as bp
from tests.specimens.specimen import Specimen


def over_units(b, a):
    """A vector over the first axis, to be broadcast over the others."""
    return b.reshape(-1, *[1] * (a.ndim - 1))


def half_squared(y, t):
    """∂E/∂y for E = Σ (y - t)²/(2m)."""
    return (y - t["t"]) / y.shape[-1]


def dense(w, b, a):
    """w a + b over all further axes; back(g) gives the gradients of w, b and a."""
    others = tuple(range(1, a.ndim))

    def back(g):
        return np.tensordot(g, a, (others, others)), g.sum(axis=others), np.tensordot(w.T, g, 1)

    return np.tensordot(w, a, 1) + over_units(b, a), back


def above_dense(layer):
    """x → dense h → the layer n, half-squared/m; layer(h, params, constants) gives n and its way back."""

    def gradient(params, x, t):
        h, back = dense(params["h.W"], params["h.b"], x["x"])
        n, layer_back = layer(h, params, t)
        dh, grads = layer_back(half_squared(n, t))
        dw, db, _ = back(dh)
        return {**grads, "h.W": dw, "h.b": db}

    return gradient


def network(layer, *shape, units=3, **settings):
    """The graph that `above_dense` is the gradient of."""
    return lambda: bp.graph(
        inputs={"x": (*shape, "m")},
        nodes={"h": bp.node("dense", "x", units=units), "n": bp.node(layer, "h", **settings)},
        losses={"E": bp.loss("half-squared", "n")},
    )


def specimen(number, bug, family, right, wrong, hidden_when, *expected, seen="anywhere", given=None):
    """A row whose subject is that of a graph, which needs no layout."""
    return Specimen(number, bug, family, right, wrong, hidden_when, expected, None, seen, given or {})
