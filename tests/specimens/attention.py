"""Softmax over an axis of a graph, its logarithm, and attention with and without a mask; samples last."""

import numpy as np

import backproof as bp
from tests.specimens.graphs import above_dense, dense, network
from tests.specimens.specimen import Specimen, causal


def softmax(z, axis):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def jacobian(a, g, axis):
    return a * (g - (a * g).sum(axis=axis, keepdims=True))


def softmax_layer(axis, back=jacobian):
    def layer(h, params, t):
        a = softmax(h, axis)
        return a, lambda g: (back(a, g, axis), {})

    return above_dense(layer)


def log_softmax_layer(axis, back=lambda s, g, axis: g - s * g.sum(axis=axis, keepdims=True)):
    def layer(h, params, t):
        s = softmax(h, axis)
        return np.log(s), lambda g: (back(s, g, axis), {})

    return above_dense(layer)


def attend(scores, mask):
    return softmax(np.where(mask > 0, scores, -np.inf), 1)


def attention(
    *,
    attended=attend,
    dscores=lambda a, g: jacobian(a, g, 1),
    scale=np.sqrt,
    dkeys="tuc,dtc->duc",
    dvalues="tuc,etc->euc",
    reached=lambda name, grad: grad,
):
    """Y = A V with A = softmax(Qᵀ K/√d) over the places looked at; Q, K and V are dense layers of x."""

    def gradient(params, x, t):
        (q, q_back), (k, k_back), (v, v_back) = (
            dense(params[f"{n}.W"], params[f"{n}.b"], x["x"]) for n in "qkv"
        )
        _, places, m = q.shape
        mask = t.get("n.M", np.ones((places, places)))[:, :, None]
        a = attended(np.einsum("dtc,duc->tuc", q, k) / np.sqrt(len(q)), mask)
        g = (np.einsum("tuc,euc->etc", a, v) - t["t"]) / m
        ds = dscores(a, np.einsum("etc,euc->tuc", g, v)) / scale(len(q))
        ways = {
            "q": q_back(np.einsum("tuc,duc->dtc", ds, k)),
            "k": k_back(np.einsum(dkeys, ds, q)),
            "v": v_back(np.einsum(dvalues, a, g)),
        }
        return {f"{n}.{p}": reached(n, ways[n][place]) for n in "qkv" for place, p in enumerate("Wb")}

    return gradient


def family(layer):
    def build():
        nodes = {name: bp.node("dense", "x", units=units) for name, units in (("q", 2), ("k", 2), ("v", 3))}
        return bp.graph(
            inputs={"x": (3, 4, "m")},
            nodes={**nodes, "n": bp.node(layer, "q", "k", "v")},
            losses={"E": bp.loss("half-squared", "n")},
        )

    return build


def masked_after(scores, mask):
    """What must not be seen is set to 0 in the weights, which then add up to less than 1."""
    return softmax(scores, 1) * mask


def not_masked(scores, mask):
    return softmax(scores, 1)


def little_masked(scores, mask):
    """-1 for -∞: what must not be seen is seen a little less."""
    return softmax(np.where(mask > 0, scores, scores - 1), 1)


def over_the_asking(scores, mask):
    return softmax(scores, 0)


SOFTMAX, LOG = network("softmax", 2, 3, units=4), network("log-softmax", 2, 3, units=4)
PLAIN, MASKED = family("attention"), family("masked-attention")
DIAGONAL, AXIS = ("diagonal",), ("axis", "index", "sum")
MASK = ("mask", "M[")
SUM = ("sum", "path", "term")


def plain(number, bug, hidden_when, *expected, **wrong):
    return Specimen(number, bug, PLAIN, attention(), attention(**wrong), hidden_when, expected, None)


def masked(number, bug, hidden_when, *expected, **wrong):
    given = {"n.M": causal}
    return Specimen(
        number, bug, MASKED, attention(), attention(**wrong), hidden_when, expected, None, given=given
    )


def softmaxes(number, bug, hidden_when, expected, back):
    return Specimen(
        number, bug, SOFTMAX, softmax_layer(0), softmax_layer(0, back), hidden_when, expected, None
    )


def logs(number, bug, hidden_when, expected, back):
    return Specimen(
        number, bug, LOG, log_softmax_layer(0), log_softmax_layer(0, back), hidden_when, expected, None
    )


SPECIMENS = (
    softmaxes(33, "softmax diagonal only, over time", "one class vs rest", DIAGONAL,
        lambda a, g, axis: a * (1 - a) * g),
    softmaxes(51, "softmax: <g, s> over the wrong axis", "equal sums", AXIS,
        lambda a, g, axis: jacobian(a, g, 1)),
    Specimen(51, "softmax over time, not over units", SOFTMAX, softmax_layer(0), softmax_layer(1), "never",
        AXIS, None),
    Specimen(51, "softmax over samples, not over units", SOFTMAX, softmax_layer(0), softmax_layer(2), "never",
        AXIS, None),
    logs(34, "log-softmax: g - s g", "one class", SUM, lambda s, g, axis: g - s * g),
    logs(34, "log-softmax: g - Σ g", "never", (*SUM, "factor exp"),
        lambda s, g, axis: g - g.sum(axis=axis, keepdims=True)),
    logs(34, "log-softmax: its sum forgotten", "Σ g = 0", SUM, lambda s, g, axis: g),
    logs(34, "log-softmax: softmax's rule", "never", (*SUM, "softmax"), jacobian),
    Specimen(34, "log-softmax: summed over time", LOG, log_softmax_layer(0),
        log_softmax_layer(0, lambda s, g, axis: g - s * g.sum(axis=1, keepdims=True)), "equal sums", AXIS,
        None),
    plain(33, "attention: softmax diagonal only", "never", *DIAGONAL, dscores=lambda a, g: a * (1 - a) * g),
    plain(51, "attention: softmax over the places that ask", "one place", *AXIS, attended=over_the_asking),
    plain(0, "attention: 1/√d left out of dQ and dK", "d = 1", "sqrt", "N_d", "scale", scale=lambda d: 1),
    plain(0, "attention: 1/d for 1/√d in dQ and dK", "d = 1", "sqrt", "N_d", "scale", scale=lambda d: d),
    plain(9, "attention: dK with t and u swapped", "one place", "transpose", "index", dkeys="utc,dtc->duc"),
    plain(9, "attention: dV from A for Aᵀ", "A is symmetric", "transpose", "index", dvalues="utc,etc->euc"),
    plain(55, "attention: the keys get no gradient", "never", "zero", "path", "missing",
        reached=lambda name, grad: 0 * grad if name == "k" else grad),
    masked(51, "mask after softmax", "all is seen", *MASK, attended=masked_after),
    masked(51, "mask forgotten", "all is seen", *MASK, attended=not_masked),
    masked(51, "mask of -1 for -∞", "all is seen", *MASK, attended=little_masked),
    masked(51, "mask the wrong way round", "symmetric mask", *MASK,
        attended=lambda scores, mask: attend(scores, mask.swapaxes(0, 1))),
)  # fmt: skip
