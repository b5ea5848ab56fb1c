"""The output and its loss: fused and unfused forms, clips, logarithms of 0, shapes. Samples as rows.

One hidden tanh layer or none; what differs is ∂E/∂z of the output, and sometimes E itself.
"""

import numpy as np

from tests.specimens.dense import backprop, identity, sigmoid, softmax
from tests.specimens.specimen import Specimen, chain

TINY = 1e-7
MODERATE = "moderate logits"
SLOPE = ("f′", "slope", "g'", "g′")
UNSTABLE = ("unstable", "not finite", "inf in E", "nan", "log")
FACTOR = ("factor", "1/2", "half", "twice", "2·")

SIGMOID_SQUARED = chain(hidden="tanh", output="sigmoid")
TANH_SQUARED = chain(hidden="tanh", output="tanh")
RELU_SQUARED = chain(hidden="tanh", output="relu")
SOFTMAX_SQUARED = chain(hidden="tanh", output="softmax")
LOGISTIC = chain(hidden="tanh", output="sigmoid", loss="binary-cross-entropy")
CLASSES = chain(hidden="tanh", output="softmax", loss="cross-entropy")
SMOOTHED = chain(hidden="tanh", output="softmax", loss="label-smoothing(0.1)")
ONE_OUTPUT = chain(None, None, 1, hidden="tanh")
LINEAR = chain(None, 1)
HUBER = chain(hidden="tanh", loss="huber")


def fused(a, t):
    return a - t


def through_softmax(a, g):
    return a * (g - (g * a).sum(axis=1, keepdims=True))


def smoothed(t):
    return 0.9 * t + 0.1 / t.shape[1]


def output(number, bug, family, g, right, wrong, hidden_when, expected, seen="anywhere"):
    """The same network with another ∂e/∂z at the output."""
    return Specimen(
        number,
        bug,
        family,
        backprop(output=g, error=right),
        backprop(output=g, error=wrong),
        hidden_when,
        expected,
        seen=seen,
    )


def unfused_logistic(a, t):
    """(a - t)/(a(1 - a)) by a(1 - a): 0/0 where a rounds to 0 or 1."""
    return (a - t) / (a * (1 - a)) * (a * (1 - a))


def unfused_softmax(a, t):
    return through_softmax(a, -t / a)


def clipped_logistic(a, t):
    """The loss is clipped to [ε, 1 - ε], and its slope 1/ε goes on where the loss is flat."""
    p = np.clip(a, TINY, 1 - TINY)
    return (p - t) / (p * (1 - p)) * (a * (1 - a))


def with_loss(gradient, value, penalty=lambda params, lam, m: 0.0):
    """(loss, grads); `value` is e summed, from the output's z and t."""

    def loss_and_gradient(params, x, t, lam=0.0):
        a = x
        for l, (w, b) in enumerate(params, start=1):
            z = a @ w + b
            a = z if l == len(params) else np.tanh(z)
        return value(z, t) / len(x) + penalty(params, lam, len(x)), gradient(params, x, t, lam)

    return loss_and_gradient


def half_squares(z, t):
    return ((z - t) ** 2).sum() / 2


def squares(z, t):
    return ((z - t) ** 2).sum()


def decay(params, lam, m):
    return lam / (2 * m) * sum((w**2).sum() for w, b in params)


def from_logits(z, t):
    return (np.maximum(z, 0) - t * z + np.log1p(np.exp(-np.abs(z)))).sum()


def from_clipped(z, t):
    p = np.clip(sigmoid(z), TINY, 1 - TINY)
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).sum()


def from_probabilities(z, t):
    a = sigmoid(z)
    return -(t * np.log(a) + (1 - t) * np.log(1 - a)).sum()


def mean_over_outputs_too(z, t):
    return from_logits(z, t) / t.shape[1]


def flat_minus_column(a, t):
    """(m,) - (m, 1) is (m, m); its mean over t's axis has the shape that was expected."""
    return (a.ravel() - t).mean(axis=0)[:, None]


def square_error(a, t):
    """(m, 1) - (m,) is (m, m)."""
    return a - t.ravel()


LOGISTIC_PASS = backprop(output=sigmoid)
DECAYED_PASS = backprop(decay=lambda w, lam, m: lam / m * w)
TWICE_THE_ERROR = backprop(error=lambda a, t: 2 * (a - t))
SPECIMENS = (
    output(10, "f' missing at output, sigmoid", SIGMOID_SQUARED, sigmoid, lambda a, t: (a - t) * a * (1 - a),
        fused, "identity output", SLOPE),
    output(10, "f' missing at output, tanh", TANH_SQUARED, np.tanh, lambda a, t: (a - t) * (1 - a**2), fused,
        "identity output", SLOPE),
    output(10, "f' missing at output, ReLU", RELU_SQUARED, lambda z: np.maximum(z, 0),
        lambda a, t: (a - t) * (a > 0), fused, "all outputs > 0", SLOPE),
    output(10, "f' missing at output, softmax", SOFTMAX_SQUARED, softmax,
        lambda a, t: through_softmax(a, a - t), fused, "never", SLOPE),
    output(11, "extra f' at output, sigmoid", LOGISTIC, sigmoid, fused, lambda a, t: (a - t) * a * (1 - a),
        "never", SLOPE),
    output(11, "extra f' at output, softmax", CLASSES, softmax, fused, lambda a, t: (a - t) * a * (1 - a),
        "never", SLOPE),
    output(11, "extra Jacobian at output, softmax", CLASSES, softmax, fused,
        lambda a, t: through_softmax(a, a - t), "never", SLOPE),
    output(11, "extra f' at output, linear", chain(hidden="tanh"), identity, fused,
        lambda a, t: (a - t) * (1 - a**2), "never", SLOPE),
    output(12, "f' at a at the output", SIGMOID_SQUARED, sigmoid, lambda a, t: (a - t) * a * (1 - a),
        lambda a, t: (a - t) * sigmoid(a) * (1 - sigmoid(a)), "never", ("at a", "f′(a)", "g'(a)", "g′(a)")),
    output(24, "squared error of a sigmoid, half twice", SIGMOID_SQUARED, sigmoid,
        lambda a, t: (a - t) * a * (1 - a), lambda a, t: (a - t) * a * (1 - a) / 2, "never", FACTOR),
    output(33, "softmax diagonal only, squared error", SOFTMAX_SQUARED, softmax,
        lambda a, t: through_softmax(a, a - t), lambda a, t: (a - t) * a * (1 - a), "one class vs rest",
        ("diagonal",)),
    output(33, "softmax diagonal only, cross-entropy", CLASSES, softmax, fused,
        lambda a, t: -t / a * a * (1 - a), "one class vs rest", ("diagonal",)),
    output(34, "fused cross-entropy off by 2", CLASSES, softmax, fused, lambda a, t: 2 * (a - t), "never",
        FACTOR),
    output(34, "fused cross-entropy: t for a - t", CLASSES, softmax, fused, lambda a, t: -t, "never",
        ("softmax", "sum", "slope")),
    output(34, "fused cross-entropy: only the class itself", CLASSES, softmax, fused,
        lambda a, t: (a - t) * t, "never", ("diagonal", "slope", "target")),
    output(35, "x/0: slopes of loss and sigmoid apart", LOGISTIC, sigmoid, fused, unfused_logistic, MODERATE,
        UNSTABLE, "saturated"),
    output(35, "x/0: slopes of loss and softmax apart", CLASSES, softmax, fused, unfused_softmax, MODERATE,
        UNSTABLE, "saturated"),
    output(36, "clip in loss, its slope unclipped", LOGISTIC, sigmoid, fused, clipped_logistic, "no clipping",
        ("clip", "unstable"), "saturated"),
    output(0, "label smoothing in the loss only", SMOOTHED, softmax, lambda a, t: a - smoothed(t), fused,
        "ε = 0", ("smoothing", "loss")),
    output(50, "(m,) - (m, 1), averaged", ONE_OUTPUT, identity, fused, flat_minus_column, "m = 1",
        ("mean", "broadcast", "spread", "samples")),
    output(50, "(m, 1) - (m,)", LINEAR, identity, fused, square_error, "m = 1", ("shape", "broadcast")),
    output(0, "Huber without its ends", HUBER, identity, lambda a, t: np.clip(a - t, -1, 1), fused,
        "errors within 1", ("huber", "slope", "loss")),
    Specimen(35, "log(0) in the returned loss", LOGISTIC, with_loss(LOGISTIC_PASS, from_logits),
        with_loss(LOGISTIC_PASS, from_probabilities), MODERATE, UNSTABLE, seen="saturated"),
    Specimen(36, "clip in loss, not in gradient", LOGISTIC, with_loss(LOGISTIC_PASS, from_logits),
        with_loss(LOGISTIC_PASS, from_clipped), "no clipping", ("clip", "cut off", "loss"), seen="saturated"),
    Specimen(0, "the loss is a mean over outputs, the gradient is not", LOGISTIC,
        with_loss(LOGISTIC_PASS, from_logits), with_loss(LOGISTIC_PASS, mean_over_outputs_too), "one output",
        ("loss", "1/k")),
    Specimen(22, "regulariser in loss, not in gradient", chain(hidden="tanh", l2="lambda/(2*m)"),
        with_loss(DECAYED_PASS, half_squares, decay), with_loss(backprop(), half_squares, decay), "λ = 0",
        ("penalty", "decay")),
    Specimen(22, "regulariser in gradient, not in loss", chain(hidden="tanh", l2="lambda/(2*m)"),
        with_loss(DECAYED_PASS, half_squares, decay), with_loss(DECAYED_PASS, half_squares), "λ = 0",
        ("penalty", "decay", "loss")),
    Specimen(24, "squared error beside half its gradient", chain(hidden="tanh", loss="squared"),
        with_loss(TWICE_THE_ERROR, squares), with_loss(backprop(), squares), "never", FACTOR),
    Specimen(24, "half-squared gradient beside the whole loss", chain(hidden="tanh"),
        with_loss(backprop(), half_squares), with_loss(backprop(), squares), "never", (*FACTOR, "loss")),
)  # fmt: skip
