"""Two layers written out as tutorials do, samples as rows; in each wrong pass one line is another.

a1 = tanh(x W1 + b1),  a2 = tanh(a1 W2 + b2),  E = Σ (a2 - t)²/(2m)
"""

import numpy as np

from tests.specimens.specimen import Specimen, chain

ANY = chain(None, None, None, hidden="tanh", output="tanh")
EQUAL = chain(3, 3, 3, hidden="tanh", output="tanh")
DEEP = chain(3, 4, 4, 4, hidden="tanh")


def forward(params, x):
    (w1, b1), (w2, b2) = params
    a1 = np.tanh(x @ w1 + b1)
    return a1, np.tanh(a1 @ w2 + b2)


def right(params, x, t):
    a1, a2 = forward(params, x)
    w2, m = params[1][0], len(x)
    d2 = (a2 - t) / m * (1 - a2**2)
    d1 = d2 @ w2.T * (1 - a1**2)
    return [(x.T @ d1, d1.sum(axis=0)), (a1.T @ d2, d2.sum(axis=0))]


def slope_of_the_output_in_the_hidden_layer(params, x, t):
    a1, a2 = forward(params, x)
    w2, m = params[1][0], len(x)
    d2 = (a2 - t) / m * (1 - a2**2)
    d1 = d2 @ w2.T * (1 - a2**2)
    return [(x.T @ d1, d1.sum(axis=0)), (a1.T @ d2, d2.sum(axis=0))]


def raw_error_passed_back(params, x, t):
    a1, a2 = forward(params, x)
    w2, m = params[1][0], len(x)
    error = (a2 - t) / m
    d2 = error * (1 - a2**2)
    d1 = error @ w2.T * (1 - a1**2)
    return [(x.T @ d1, d1.sum(axis=0)), (a1.T @ d2, d2.sum(axis=0))]


def error_of_the_output_reused(params, x, t):
    a1, a2 = forward(params, x)
    error = (a2 - t) / len(x)
    d2 = error * (1 - a2**2)
    d1 = error * (1 - a1**2)
    return [(x.T @ d1, d1.sum(axis=0)), (a1.T @ d2, d2.sum(axis=0))]


def no_slope_at_the_output(params, x, t):
    a1, a2 = forward(params, x)
    w2, m = params[1][0], len(x)
    d2 = (a2 - t) / m
    d1 = d2 @ w2.T * (1 - a1**2)
    return [(x.T @ d1, d1.sum(axis=0)), (a1.T @ d2, d2.sum(axis=0))]


def no_slope_in_the_hidden_layer(params, x, t):
    a1, a2 = forward(params, x)
    w2, m = params[1][0], len(x)
    d2 = (a2 - t) / m * (1 - a2**2)
    d1 = d2 @ w2.T
    return [(x.T @ d1, d1.sum(axis=0)), (a1.T @ d2, d2.sum(axis=0))]


def own_activation_for_the_one_before(params, x, t):
    a1, a2 = forward(params, x)
    w2, m = params[1][0], len(x)
    d2 = (a2 - t) / m * (1 - a2**2)
    d1 = d2 @ w2.T * (1 - a1**2)
    return [(a1.T @ d1, d1.sum(axis=0)), (a2.T @ d2, d2.sum(axis=0))]


def input_for_the_hidden_activation(params, x, t):
    a1, a2 = forward(params, x)
    w2, m = params[1][0], len(x)
    d2 = (a2 - t) / m * (1 - a2**2)
    d1 = d2 @ w2.T * (1 - a1**2)
    return [(x.T @ d1, d1.sum(axis=0)), (x.T @ d2, d2.sum(axis=0))]


def delta_of_the_layer_above(params, x, t):
    a1, a2 = forward(params, x)
    d2 = (a2 - t) / len(x) * (1 - a2**2)
    return [(x.T @ d2, d2.sum(axis=0)), (a1.T @ d2, d2.sum(axis=0))]


def bias_of_the_layer_above(params, x, t):
    a1, a2 = forward(params, x)
    w2, m = params[1][0], len(x)
    d2 = (a2 - t) / m * (1 - a2**2)
    d1 = d2 @ w2.T * (1 - a1**2)
    return [(x.T @ d1, d2.sum(axis=0)), (a1.T @ d2, d2.sum(axis=0))]


def first_weights_on_the_way_back(params, x, t):
    a1, a2 = forward(params, x)
    w1, m = params[0][0], len(x)
    d2 = (a2 - t) / m * (1 - a2**2)
    d1 = d2 @ w1.T * (1 - a1**2)
    return [(x.T @ d1, d1.sum(axis=0)), (a1.T @ d2, d2.sum(axis=0))]


def updated_weights(params, x, t, eta=0.5):
    a1, a2 = forward(params, x)
    w2, m = params[1][0].copy(), len(x)
    d2 = (a2 - t) / m * (1 - a2**2)
    dw2 = a1.T @ d2
    w2 -= eta * dw2
    d1 = d2 @ w2.T * (1 - a1**2)
    return [(x.T @ d1, d1.sum(axis=0)), (dw2, d2.sum(axis=0))]


def sample_after_sample(params, x, t, eta=0.1):
    """Stochastic descent over the batch, and what all of its steps add up to."""
    w = [[w.copy(), b.copy()] for w, b in params]
    for xi, ti in zip(x, t, strict=True):
        for pair, (dw, db) in zip(w, right(w, xi[None], ti[None]), strict=True):
            pair[0] -= eta * dw
            pair[1] -= eta * db
    m = len(x)
    return [
        ((w0 - w1) / (eta * m), (b0 - b1) / (eta * m)) for (w0, b0), (w1, b1) in zip(params, w, strict=True)
    ]


def zero_for_the_first_layer(params, x, t):
    (_, _), last = right(params, x, t)
    return [(np.zeros_like(params[0][0]), np.zeros_like(params[0][1])), last]


def biases_never_written(params, x, t):
    return [(dw, np.zeros_like(db)) for dw, db in right(params, x, t)]


def deep(params, x, t, *, slope_of=lambda z, layer: 1 - np.tanh(z[layer]) ** 2):
    """Three layers, the last one linear."""
    z, a = [], [x]
    for w, b in params:
        z.append(a[-1] @ w + b)
        a.append(np.tanh(z[-1]))
    d = (z[-1] - t) / len(x)
    grads = [None] * 3
    for l in (2, 1, 0):
        grads[l] = (a[l].T @ d, d.sum(axis=0))
        d = d @ params[l][0].T * slope_of(z, l - 1) if l else d
    return grads


def slope_one_layer_up(params, x, t):
    return deep(params, x, t, slope_of=lambda z, layer: 1 - np.tanh(z[layer + 1]) ** 2)


def pre_activation_for_activation(params, x, t):
    (w1, b1), (w2, _) = params
    z1 = x @ w1 + b1
    a1, a2 = forward(params, x)
    d2 = (a2 - t) / len(x) * (1 - a2**2)
    d1 = d2 @ w2.T * (1 - a1**2)
    return [(x.T @ d1, d1.sum(axis=0)), (z1.T @ d2, d2.sum(axis=0))]


LINEAR_OUT = "the output is linear"
ZERO = ("zero", "missing", "no gradient")
CRASHES = "never; crashes at unequal widths"
SPECIMENS = (
    Specimen(10, "f' missing at the output", ANY, right, no_slope_at_the_output, LINEAR_OUT,
        ("f′", "slope", "g'", "g′")),
    Specimen(10, "f' missing in the hidden layer", ANY, right, no_slope_in_the_hidden_layer, "z near 0",
        ("f′", "slope", "g'", "g′")),
    Specimen(13, "f' of the output's z in the hidden layer", EQUAL, right,
        slope_of_the_output_in_the_hidden_layer, CRASHES, ("another layer", "layer")),
    Specimen(13, "f' of the next layer's z", DEEP, deep, slope_one_layer_up, CRASHES,
        ("another layer", "layer")),
    Specimen(14, "raw error passed back instead of delta", ANY, right, raw_error_passed_back, LINEAR_OUT,
        ("error", "slope")),
    Specimen(14, "the output's error reused", EQUAL, right, error_of_the_output_reused, CRASHES,
        ("error", "reused")),
    Specimen(16, "updated weights used in backward", ANY, right, updated_weights, "η small", ("updated",)),
    Specimen(16, "weights updated after every sample", ANY, right, sample_after_sample, "η small, or m = 1",
        ("updated", "sequential")),
    Specimen(18, "A_l for A_(l-1)", EQUAL, right, own_activation_for_the_one_before, CRASHES,
        ("layer", "index", "a^")),
    Specimen(18, "x for a1", EQUAL, right, input_for_the_hidden_activation, CRASHES,
        ("layer", "index", "a^")),
    Specimen(18, "D_(l+1) for D_l", EQUAL, right, delta_of_the_layer_above, CRASHES, ("layer", "index")),
    Specimen(18, "bias from the δ of the layer above", EQUAL, right, bias_of_the_layer_above, CRASHES,
        ("layer", "index")),
    Specimen(18, "W1 for W2 on the way back", EQUAL, right, first_weights_on_the_way_back, CRASHES,
        ("layer", "index")),
    Specimen(18, "z for a in the weights", ANY, right, pre_activation_for_activation, "z near 0",
        ("activation", "z for a", "pre-activation")),
    Specimen(55, "the first layer gets no gradient", ANY, right, zero_for_the_first_layer, "never", ZERO),
    Specimen(55, "the biases get no gradient", ANY, right, biases_never_written, "never", ZERO),
)  # fmt: skip
