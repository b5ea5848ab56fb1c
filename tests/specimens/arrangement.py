"""What reorders, repeats, drops and picks: axes put back, masks, repeated indices; samples last."""

from functools import partial

import numpy as np

import backproof as bp
from tests.specimens.graphs import above_dense, half_squared, network, specimen
from tests.specimens.specimen import whole


def layer(forward, back):
    """A layer without parameters: forward(h, constants), back(g, h, constants)."""
    return above_dense(lambda h, params, t: (forward(h, t), lambda g: (back(g, h, t), {})))


def kept(g, h, t):
    return g * t["n.D"] / 0.75


dropout = partial(layer, lambda h, t: h * t["n.D"] / 0.75)


def mask_of_nonzero_output(g, h, t):
    return g * (h * t["n.D"] / 0.75 != 0) / 0.75


def whole_gradient_where_input_is_zero(g, h, t):
    return np.where(h == 0, g, kept(g, h, t))


NOISE = np.random.default_rng(1)  # drawn from at every call, as by the module's own generator


def fresh_mask(g, h, t):
    return g * (NOISE.random(g.shape) > 0.25) / 0.75


def random_relu_family():
    rrelu = bp.Layer.from_equations("Y[i,c] = where(X[i,c] > 0, X[i,c], R[i,c]*X[i,c])", constants=["R"])
    nodes = {"h": bp.node("dense", "x", units=3), "n": bp.node(rrelu, "h")}
    return bp.graph(inputs={"x": (2, "m")}, nodes=nodes, losses={"E": bp.loss("half-squared", "n")})


random_relu = partial(layer, lambda h, t: np.where(h > 0, h, t["n.R"] * h))


def drawn_slope(g, h, t):
    return np.where(h > 0, g, t["n.R"] * g)


def fresh_slope(g, h, t):
    return np.where(h > 0, g, NOISE.uniform(1 / 8, 1 / 3, g.shape) * g)


def prelu(slope):
    """`slope(g, h)` is the gradient of a, one for each entry of h."""

    def one(h, params, t):
        a = params["n.a"][:, None]

        def back(g):
            return np.where(h > 0, g, a * g), {"n.a": slope(g, h).sum(axis=1)}

        return np.where(h > 0, h, a * h), back

    return above_dense(one)


def embedding_family():
    nodes = {"n": bp.node("embedding", "x", width=3, vocabulary=4)}
    return bp.graph(inputs={"x": (5, "m")}, nodes=nodes, losses={"E": bp.loss("half-squared", "n")})


def embedding(put):
    def gradient(params, x, t):
        tokens, dw = x["x"].astype(int), np.zeros_like(params["n.W"])
        put(dw, tokens, half_squared(params["n.W"][:, tokens], t))
        return {"n.W": dw}

    return gradient


def added_at(dw, tokens, g):
    np.add.at(dw, (slice(None), tokens), g)


def buffered(dw, tokens, g):
    dw[:, tokens] += g


def assigned(dw, tokens, g):
    dw[:, tokens] = g


def mean_of_repeats(dw, tokens, g):
    added_at(dw, tokens, g)
    dw /= np.maximum(np.bincount(tokens.ravel(), minlength=dw.shape[1]), 1)


def first_token_skipped(dw, tokens, g):
    """Token 0 taken for padding, which this network does not have."""
    added_at(dw, tokens, g)
    dw[:, 0] = 0


gather = partial(layer, lambda h, t: h[t["n.J"].astype(int)])


def gathered_add_at(g, h, t):
    dh = np.zeros_like(h)
    np.add.at(dh, t["n.J"].astype(int), g)
    return dh


def gathered_buffered(g, h, t):
    dh = np.zeros_like(h)
    dh[t["n.J"].astype(int)] += g
    return dh


def gathered_again(g, h, t):
    return g[t["n.J"].astype(int)]


MEAN = network("mean", 2, 3, axis=1)
BROADCAST = network("broadcast", 2, size=2)
DROPOUT, PRELU = network("dropout", 2, rate="1/4"), network("prelu-trained", 2)
GATHER = network("gather", 2, units=4, length=4)


def summed_twice_family():
    """Three axes of 3; the first and the last of them are summed over."""
    nodes = {"h": bp.node("dense", "x", units=3), "u": bp.node("sum", "h"), "n": bp.node("sum", "u", axis=1)}
    return bp.graph(inputs={"x": (2, 3, 3, "m")}, nodes=nodes, losses={"E": bp.loss("half-squared", "n")})


mean_over_time = partial(layer, lambda h, t: h.mean(axis=1))
sum_of_first_and_last = partial(layer, lambda h, t: h.sum(axis=(0, 2)))
repeated = partial(layer, lambda h, t: np.stack([h, h]))
MASK = {"n.D": whole(2)}
NO_DROPOUT, UNIQUE = "p = 0", "unique indices"
DROPPED, REPEAT, AXIS = (
    ("mask", "D[", "dropout", "rate"),
    ("repeat", "add.at", "+=", "scatter"),
    ("axis", "index", "order", "transposed"),
)


SPECIMENS = (
    specimen(8, "un-reducing: time put back as the first axis", MEAN,
        mean_over_time(lambda g, h, t: np.repeat(g[:, None], 3, axis=1) / 3),
        mean_over_time(lambda g, h, t: np.repeat(g[None], 3, axis=0) / 3),
        "equal along both axes; crashes at unequal sizes", *AXIS),
    specimen(8, "un-reducing: axes 0 and 2 put back as 0 and 1", summed_twice_family,
        sum_of_first_and_last(lambda g, h, t: g[None, :, None] + 0 * h),
        sum_of_first_and_last(lambda g, h, t: g[None, None] + 0 * h), "contiguous axes", *AXIS),
    specimen(2, "mean over time divided twice", MEAN,
        mean_over_time(lambda g, h, t: np.repeat(g[:, None], 3, axis=1) / 3),
        mean_over_time(lambda g, h, t: np.repeat(g[:, None], 3, axis=1) / 9), "one place", "1/3", "1/N",
        "mean"),
    specimen(7, "broadcast: one copy's gradient for the sum", BROADCAST,
        repeated(lambda g, h, t: g.sum(axis=0)), repeated(lambda g, h, t: g[0]), "one copy", "sum",
        "broadcast"),
    specimen(4, "broadcast: mean for sum", BROADCAST, repeated(lambda g, h, t: g.sum(axis=0)),
        repeated(lambda g, h, t: g.mean(axis=0)), "one copy", "mean", "1/"),
    specimen(38, "dropout: mask absent", DROPOUT, dropout(kept), dropout(lambda g, h, t: g / 0.75),
        NO_DROPOUT, *DROPPED, given=MASK),
    specimen(38, "dropout: mask and scale absent", DROPOUT, dropout(kept), dropout(lambda g, h, t: g),
        NO_DROPOUT, *DROPPED, given=MASK),
    specimen(38, "dropout: scale absent", DROPOUT, dropout(kept), dropout(lambda g, h, t: g * t["n.D"]),
        NO_DROPOUT, *DROPPED, given=MASK),
    specimen(38, "dropout: scale twice", DROPOUT, dropout(kept),
        dropout(lambda g, h, t: kept(g, h, t) / 0.75), NO_DROPOUT, *DROPPED, given=MASK),
    specimen(39, "mask inferred from y != 0", DROPOUT, dropout(kept), dropout(mask_of_nonzero_output),
        "x is not 0", *DROPPED, seen="at zero", given=MASK),
    specimen(39, "g where x = 0", DROPOUT, dropout(kept), dropout(whole_gradient_where_input_is_zero),
        "x is not 0", *DROPPED, seen="at zero", given=MASK),
    specimen(40, "dropout: fresh noise on the way back", DROPOUT, dropout(kept), dropout(fresh_mask),
        "eval mode", "same answer", "random", "mask", given=MASK),
    specimen(40, "RReLU: fresh noise on the way back", random_relu_family, random_relu(drawn_slope),
        random_relu(fresh_slope), "eval mode", "same answer", "random", "slope"),
    specimen(28, "trained slope: mask of the other side", PRELU, prelu(lambda g, h: g * h * (h <= 0)),
        prelu(lambda g, h: g * h * (h > 0)), "never", "mask", "slope", "case"),
    specimen(26, "trained slope: upstream dropped", PRELU, prelu(lambda g, h: g * h * (h <= 0)),
        prelu(lambda g, h: h * (h <= 0)), "g = 1", "upstream"),
    specimen(55, "trained slope: no gradient", PRELU, prelu(lambda g, h: g * h * (h <= 0)),
        prelu(lambda g, h: 0 * h), "z > 0", "zero", "missing"),
    specimen(47, "embedding: W[idx] += g", embedding_family, embedding(added_at), embedding(buffered), UNIQUE,
        *REPEAT, given={"x": whole(4)}),
    specimen(47, "embedding: W[idx] = g", embedding_family, embedding(added_at), embedding(assigned), UNIQUE,
        *REPEAT, given={"x": whole(4)}),
    specimen(47, "embedding: mean over repeats", embedding_family, embedding(added_at),
        embedding(mean_of_repeats), UNIQUE, *REPEAT, "mean", given={"x": whole(4)}),
    specimen(55, "embedding: token 0 taken for padding", embedding_family, embedding(added_at),
        embedding(first_token_skipped), "token 0 not used", "zero", "missing", given={"x": whole(4)}),
    specimen(47, "gather: dX[J] += g", GATHER, gather(gathered_add_at), gather(gathered_buffered), UNIQUE,
        *REPEAT, given={"n.J": whole(4)}),
    specimen(47, "gather for scatter", GATHER, gather(gathered_add_at), gather(gathered_again),
        "J is its own inverse", *REPEAT, "gather", given={"n.J": whole(4)}),
)  # fmt: skip
