"""Dense chains of any depth in the catalogue's notation: samples as rows, Z = A W + b.

A wrong pass is the right one with one piece replaced.
"""

import numpy as np

from tests.specimens.specimen import Specimen, chain

TANH = (np.tanh, lambda z, a: 1 - a**2)


def identity(z):
    return z


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def backprop(
    *,
    hidden=TANH,
    output=identity,
    error=lambda a, t: a - t,  # ∂e/∂z of the output for each of the three usual pairs
    scale=lambda m: 1 / m,
    weights=lambda a, d, w: a.T @ d,
    bias=lambda a, d: d.sum(axis=0),
    back=lambda d, w, dw: d @ w.T,
    slope_times=lambda g, slope: g * slope,
    decay=lambda w, lam, m: 0.0,
    bias_decay=lambda b, lam, m: 0.0,
    finish=lambda grads, m: grads,
):
    g, slope = hidden

    def gradient(params, x, t, lam=0.0):
        m, zs, activations = len(x), [], [x]
        for l, (w, b) in enumerate(params, start=1):
            zs.append(activations[-1] @ w + b)
            activations.append((output if l == len(params) else g)(zs[-1]))
        d = scale(m) * error(activations[-1], t)
        grads = []
        for l in reversed(range(len(params))):
            w, b = params[l]
            dw = weights(activations[l], d, w) + decay(w, lam, m)
            grads.insert(0, (dw, bias(activations[l], d) + bias_decay(b, lam, m)))
            if l:
                d = slope_times(back(d, w, dw), slope(zs[l - 1], activations[l]))
        return finish(grads, m)

    return gradient


REGRESSION = (chain(hidden="tanh"), {})
LOGISTIC = (chain(hidden="tanh", output="sigmoid", loss="binary-cross-entropy"), {"output": sigmoid})
CLASSES = (chain(hidden="tanh", output="softmax", loss="cross-entropy"), {"output": softmax})
SQUARED = (chain(hidden="tanh", loss="squared"), {"error": lambda a, t: 2 * (a - t)})
SQUARE = (chain(4, 4, 4, 4, hidden="tanh"), {})
DECAYED = (
    chain(hidden="tanh", l2="lambda/(2*m)"),
    {"decay": lambda w, lam, m: lam / m * w},
)
DECAYED_CLASSES = (
    chain(hidden="tanh", output="softmax", loss="cross-entropy", l2="lambda/2"),
    {"output": softmax, "decay": lambda w, lam, m: lam * w},
)
PLAIN_SQUARES = (
    chain(hidden="tanh", l2="lambda"),  # λ Σ W², whose slope is 2 λ W
    {"decay": lambda w, lam, m: 2 * lam * w},
)
ALL_DECAYED = (
    chain(hidden="tanh", l2="lambda/(2*m)", penalize_biases=True),
    {"decay": lambda w, lam, m: lam / m * w, "bias_decay": lambda b, lam, m: lam / m * b},
)
LASSO = (chain(hidden="tanh", l1="lambda"), {"decay": lambda w, lam, m: lam * np.sign(w)})


def replaced(number, bug, base, hidden_when, *expected, **wrong):
    """A specimen that is the base's right pass with some pieces replaced."""
    family, right = base
    return Specimen(
        number, bug, family, backprop(**right), backprop(**{**right, **wrong}), hidden_when, expected
    )


def each_layer_again(grads, m):
    """As if every layer had divided its δ by m: m^(L-l+1) in all."""
    depth = len(grads)
    return [(dw / m ** (depth - 1 - l), db / m ** (depth - 1 - l)) for l, (dw, db) in enumerate(grads)]


def only_bias(factor):
    return lambda grads, m: [(dw, factor(m) * db) for dw, db in grads]


def only_weights(factor):
    return lambda grads, m: [(factor(m) * dw, db) for dw, db in grads]


def only_last(piece):
    """A change of the last layer's pair alone."""
    return lambda grads, m: [*grads[:-1], piece(*grads[-1], m)]


def only_first(piece):
    return lambda grads, m: [piece(*grads[0], m), *grads[1:]]


def clipped(grads, m):
    """Gradient clipping by the norm of everything, inside what is called the gradient."""
    norm = np.sqrt(sum((v**2).sum() for pair in grads for v in pair))
    return [(dw / max(1, norm / 0.1), db / max(1, norm / 0.1)) for dw, db in grads]


ONE = "m = 1"
NO_LAMBDA = "λ = 0"
FACTOR = ("factor", "1/2", "half", "twice", "2·")
SPECIMENS = (
    replaced(1, "missing 1/m", REGRESSION, ONE, "1/m", scale=lambda m: 1),
    replaced(1, "missing 1/m, logistic", LOGISTIC, ONE, "1/m", scale=lambda m: 1),
    replaced(1, "missing 1/m, softmax", CLASSES, ONE, "1/m", scale=lambda m: 1),
    replaced(1, "missing 1/m in the biases", REGRESSION, ONE, "1/m", finish=only_bias(lambda m: m)),
    replaced(1, "missing 1/m in the weights", CLASSES, ONE, "1/m", finish=only_weights(lambda m: m)),
    replaced(1, "missing 1/m in the last layer", REGRESSION, ONE, "1/m",
        finish=only_last(lambda dw, db, m: (m * dw, m * db))),
    replaced(2, "1/m twice, loss and optimiser", REGRESSION, ONE, "1/m²", "1/m", scale=lambda m: 1 / m**2),
    replaced(2, "1/m twice, softmax", CLASSES, ONE, "1/m²", "1/m", scale=lambda m: 1 / m**2),
    replaced(2, "1/m at each layer", REGRESSION, ONE, "each layer", "1/m", finish=each_layer_again),
    replaced(2, "1/m twice in the weights", CLASSES, ONE, "1/m", finish=only_weights(lambda m: 1 / m)),
    replaced(4, "bias gradient mean for sum", REGRESSION, ONE, "mean", "1/m",
        bias=lambda a, d: d.mean(axis=0)),
    replaced(4, "bias gradient mean for sum, softmax", CLASSES, ONE, "mean", "1/m",
        bias=lambda a, d: d.mean(axis=0)),
    replaced(4, "bias gradient mean for sum in the last layer", REGRESSION, ONE, "mean", "1/m",
        finish=only_last(lambda dw, db, m: (dw, db / m))),
    replaced(5, "bias gradient summed over units too", REGRESSION, "one unit", "units", "axis",
        bias=lambda a, d: np.sum(d) * np.ones(d.shape[1])),
    replaced(5, "bias gradient summed over units too, in the first layer", LOGISTIC, "one unit", "units",
        "axis", finish=only_first(lambda dw, db, m: (dw, np.full_like(db, db.sum())))),
    replaced(6, "bias gradient multiplied by input", REGRESSION, "the activations are 1", "input",
        "activation", bias=lambda a, d: (d.T @ a).sum(axis=1)),
    replaced(7, "broadcast gradient not reduced", REGRESSION, "never", "shape", "reduced",
        bias=lambda a, d: d),
    replaced(7, "broadcast gradient reduced to one row", CLASSES, "never", "shape", "reduced",
        bias=lambda a, d: d.sum(axis=0, keepdims=True)),
    replaced(9, "W for W^T", SQUARE, "W is symmetric; crashes at unequal widths", "transpose", "Wᵀ",
        back=lambda d, w, dw: d @ w),
    replaced(9, "W for W^T, softmax",
        (chain(3, 3, 3, hidden="tanh", output="softmax", loss="cross-entropy"), CLASSES[1]),
        "W is symmetric; crashes at unequal widths", "transpose", "Wᵀ", back=lambda d, w, dw: d @ w),
    replaced(15, "weight used where activation belongs", REGRESSION, "never", "weight", "activation",
        weights=lambda a, d, w: w * d.sum(axis=0)),
    replaced(17, "activation summed, not matched with δ", REGRESSION, ONE, "activation", "sum",
        weights=lambda a, d, w: np.outer(a.sum(axis=0), d.sum(axis=0))),
    replaced(17, "dW2 for W2 on the way back", REGRESSION, "never", "dW", "∂E/∂W",
        back=lambda d, w, dw: d @ dw.T),
    replaced(17, "1 - a·a for 1 - a∘a", REGRESSION, "one hidden unit", "elementwise", "dot",
        hidden=(np.tanh, lambda z, a: 1 - (a * a).sum(axis=1, keepdims=True))),
    replaced(19, "sign", REGRESSION, "never", "sign", "-1", error=lambda a, t: t - a),
    replaced(19, "sign, softmax", CLASSES, "never", "sign", "-1", error=lambda a, t: t - a),
    replaced(19, "sign of the way back", LOGISTIC, "one layer", "sign", "-1", back=lambda d, w, dw: -d @ w.T),
    replaced(20, "weight-decay sign", DECAYED, NO_LAMBDA, "sign", "penalty", "decay",
        decay=lambda w, lam, m: -lam / m * w),
    replaced(20, "weight-decay sign, softmax", DECAYED_CLASSES, NO_LAMBDA, "sign", "penalty", "decay",
        decay=lambda w, lam, m: -lam * w),
    replaced(21, "L2 factor: λW for 2λW", PLAIN_SQUARES, NO_LAMBDA, "factor", "penalty", "decay",
        decay=lambda w, lam, m: lam * w),
    replaced(21, "L2 factor: 2λW for λW", DECAYED_CLASSES, NO_LAMBDA, "factor", "penalty", "decay",
        decay=lambda w, lam, m: 2 * lam * w),
    replaced(21, "L2 without its 1/m", DECAYED, "λ = 0 or m = 1", "factor", "penalty", "decay",
        decay=lambda w, lam, m: lam * w),
    replaced(21, "L2's slope for L1's", LASSO, NO_LAMBDA, "penalty", "decay", "sign",
        decay=lambda w, lam, m: lam * w),
    replaced(22, "regulariser not in the gradient", DECAYED, NO_LAMBDA, "penalty", "decay",
        decay=lambda w, lam, m: 0),
    replaced(22, "regulariser of the biases not in the gradient", ALL_DECAYED, "λ = 0 or b = 0", "penalty",
        "bias", bias_decay=lambda b, lam, m: 0),
    replaced(22, "only large weights decay", DECAYED_CLASSES, "λ = 0 or all weights large", "penalty",
        "decay", decay=lambda w, lam, m: lam * w * (np.abs(w) > 1)),
    replaced(23, "biases regularised only in gradient", DECAYED, "λ = 0 or b = 0", "bias", "penalty",
        bias_decay=lambda b, lam, m: lam / m * b),
    replaced(23, "biases regularised only in gradient, softmax", DECAYED_CLASSES, "λ = 0 or b = 0", "bias",
        "penalty", bias_decay=lambda b, lam, m: lam * b),
    replaced(24, "squared error without its 2", SQUARED, "never", *FACTOR, error=lambda a, t: a - t),
    replaced(24, "half-squared error with a 2", REGRESSION, "never", *FACTOR, error=lambda a, t: 2 * (a - t)),
    replaced(24, "half twice", REGRESSION, "never", *FACTOR, error=lambda a, t: 0.5 * (a - t)),
    replaced(25, "learning rate folded into the gradient", REGRESSION, "η = 1", "learning rate", "constant",
        scale=lambda m: 0.1 / m),
    replaced(25, "the update -ηdW returned for dW", CLASSES, "never", "learning rate", "constant",
        finish=lambda grads, m: [(-0.01 * dw, -0.01 * db) for dw, db in grads]),
    replaced(26, "upstream dropped by tanh", REGRESSION, "g = 1, or one layer", "upstream",
        slope_times=lambda g, slope: slope),
    replaced(0, "gradient clipped inside", SQUARED, "small gradients", "clip", "norm", "factor",
        finish=clipped),
)  # fmt: skip
