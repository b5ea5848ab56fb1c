"""Slopes of activations as people get them wrong: samples as columns, weights out-in, one row a bug.

z = W a + b,  a = g(z) in the hidden layers, a linear output, E = Σ (y - t)²/(2m).
"""

from math import erf

import numpy as np

from tests.specimens.specimen import COLUMNS, Specimen, chain

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
Φ = np.vectorize(lambda z: (1 + erf(z / np.sqrt(2))) / 2, otypes=[float])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def stable_sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def relu(z):
    return np.maximum(z, 0)


def leaky(alpha):
    return lambda z: np.where(z > 0, z, alpha * z), lambda z, a: np.where(z > 0, 1, alpha)


def elu(alpha):
    return (
        lambda z: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))),
        lambda z, a: np.where(z > 0, 1, alpha * np.exp(np.minimum(z, 0))),
    )


def stable_softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def softmax(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


# name: g, and the slope from z and a that is right
RIGHT = {
    "tanh": (np.tanh, lambda z, a: (1 - a) * (1 + a)),
    "sigmoid": (stable_sigmoid, lambda z, a: a * stable_sigmoid(-z)),
    "relu": (relu, lambda z, a: z > 0),
    "leaky_relu": leaky(0.01),
    "leaky_relu(0.2)": leaky(0.2),
    "leaky_relu(-0.5)": leaky(-0.5),
    "leaky_relu(0)": leaky(0),
    "elu": elu(1),
    "elu(0.5)": elu(0.5),
    "elu(-1)": elu(-1),
    "selu": tuple(lambda *z, f=f: SELU_SCALE * f(*z) for f in elu(SELU_ALPHA)),
    "softplus": (stable_softplus, lambda z, a: stable_sigmoid(z)),
    "silu": (lambda z: z * sigmoid(z), lambda z, a: sigmoid(z) * (1 + z * (1 - sigmoid(z)))),
    "gelu": (lambda z: z * Φ(z), lambda z, a: Φ(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)),
    "softsign": (lambda z: z / (1 + np.abs(z)), lambda z, a: 1 / (1 + np.abs(z)) ** 2),
    "relu6": (lambda z: np.clip(z, 0, 6), lambda z, a: (z > 0) & (z < 6)),
    "z**3": (lambda z: z**3, lambda z, a: 3 * z**2),
}


def network(g, slope, *, times=lambda d, s: d * s):
    def gradient(params, x, t):
        zs, activations = [], [x]
        for l, (w, b) in enumerate(params, start=1):
            zs.append(w @ activations[-1] + b[:, None])
            activations.append(zs[-1] if l == len(params) else g(zs[-1]))
        delta = (activations[-1] - t) / x.shape[1]
        grads = []
        for l in reversed(range(len(params))):
            grads.insert(0, (delta @ activations[l].T, delta.sum(axis=1)))
            if l:
                delta = times(params[l][0].T @ delta, slope(zs[l - 1], activations[l]))
        return grads

    return gradient


def at_value(name):
    """f'(a) where f'(z) is meant."""
    g, slope = RIGHT[name]
    return lambda z, a: slope(a, g(a))


NEAR_0, NEGATIVE = "z near 0", "z > 0 everywhere"
KINK, NEVER, LARGE = "z is not 0", "never", "|z| is moderate"
AT_A = ("at a", "f′(a)", "g'(a)", "g′(a)")
SLOPE = ("slope", "derivative", "g′", "g'")
MASK = ("mask", "slope", "at 0")
UNSTABLE = ("unstable", "not finite", "overflow", "nan")

# number, bug, activation, the wrong slope, where it is not seen, words of the explanation[, where it is seen]
WRONG = (
    (12, "f' at a, tanh", "tanh", at_value("tanh"), NEAR_0, AT_A),
    (12, "f' at a, sigmoid", "sigmoid", at_value("sigmoid"), NEVER, AT_A),
    (12, "f' at a, softplus", "softplus", at_value("softplus"), NEVER, AT_A),
    (12, "f' at a, SiLU", "silu", at_value("silu"), NEAR_0, AT_A),
    (12, "f' at a, GELU", "gelu", at_value("gelu"), NEAR_0, AT_A),
    (12, "f' at a, softsign", "softsign", at_value("softsign"), NEAR_0, AT_A),
    (12, "a(1 - a) with z for a", "sigmoid", lambda z, a: z * (1 - z), NEVER, ("activation", *SLOPE)),
    (27, "mask z >= 0", "relu", lambda z, a: z >= 0, KINK, MASK, "at zero"),
    (27, "1/2 at 0", "relu", lambda z, a: np.heaviside(z, 0.5), KINK, MASK, "at zero"),
    (27, "mask z >= 0, leaky", "leaky_relu", lambda z, a: np.where(z >= 0, 1, 0.01), KINK, MASK, "at zero"),
    (28, "leaky slope 0", "leaky_relu", lambda z, a: z > 0, NEGATIVE, SLOPE),
    (28, "leaky slope 1", "leaky_relu", lambda z, a: np.ones_like(z), NEGATIVE, SLOPE),
    (28, "another leaky slope", "leaky_relu(0.2)", lambda z, a: np.where(z > 0, 1, 0.01), NEGATIVE, SLOPE),
    (28, "leaky sides swapped", "leaky_relu", lambda z, a: np.where(z < 0, 1, 0.01), NEVER, SLOPE),
    (28, "α z for α", "leaky_relu(0.2)", lambda z, a: np.where(z > 0, 1, 0.2 * z), NEGATIVE, SLOPE),
    (32, "ReLU's rule for ReLU6", "relu6", lambda z, a: z > 0, "z < 6", SLOPE),
    (29, "mask from output, α < 0", "leaky_relu(-0.5)", lambda z, a: np.where(a > 0, 1, -0.5), "α > 0", MASK),
    (29, "mask from output, ELU α < 0", "elu(-1)", lambda z, a: np.where(a > 0, 1, a - 1), "α > 0", MASK),
    (29, "mask from output, slope 0", "leaky_relu(0)", lambda z, a: np.where(a >= 0, 1, 0), "α > 0", MASK),
    (30, "ELU: z + α", "elu", lambda z, a: np.where(z > 0, 1, z + 1), NEGATIVE, SLOPE),
    (30, "ELU: its α forgotten", "elu(0.5)", lambda z, a: np.where(z > 0, 1, np.exp(z)), NEGATIVE, SLOPE),
    (30, "ELU: f(z) without + α", "elu", lambda z, a: np.where(z > 0, 1, a), NEGATIVE, SLOPE),
    (30, "SELU: f(z) + α, λ missing", "selu", lambda z, a: np.where(z > 0, SELU_SCALE, a + SELU_ALPHA),
        NEGATIVE, SLOPE),
    (30, "SELU: λ missing for z > 0", "selu", lambda z, a: np.where(z > 0, 1, a + SELU_SCALE * SELU_ALPHA),
        "z < 0", SLOPE),
    (31, "tanh for its derivative", "tanh", lambda z, a: a, NEVER, SLOPE),
    (31, "1 - tanh", "tanh", lambda z, a: 1 - a, NEVER, SLOPE),
    (31, "1 + tanh²", "tanh", lambda z, a: 1 + a**2, NEAR_0, SLOPE),
    (31, "(1 - tanh)²", "tanh", lambda z, a: (1 - a) ** 2, NEAR_0, SLOPE),
    (31, "2(1 - tanh²)", "tanh", lambda z, a: 2 * (1 - a**2), NEVER, SLOPE),
    (31, "1 - z²", "tanh", lambda z, a: 1 - z**2, NEAR_0, SLOPE),
    (31, "a·1 - a", "sigmoid", lambda z, a: a * 1 - a, NEVER, (*SLOPE, "no error passed back")),
    (31, "a(1 + a)", "sigmoid", lambda z, a: a * (1 + a), NEVER, SLOPE),
    (32, "ReLU's rule for z³", "z**3", lambda z, a: z > 0, NEVER, SLOPE),
    (32, "n zⁿ for n zⁿ⁻¹", "z**3", lambda z, a: 3 * z**3, NEVER, SLOPE),
    (32, "sigmoid's rule for tanh", "tanh", lambda z, a: a * (1 - a), NEVER, SLOPE),
    (32, "tanh's rule for sigmoid", "sigmoid", lambda z, a: 1 - a**2, NEVER, SLOPE),
    (32, "sigmoid for SiLU's slope", "silu", lambda z, a: sigmoid(z), NEVER, SLOPE),
    (32, "Φ for GELU's slope", "gelu", lambda z, a: Φ(z), NEVER, SLOPE),
    (32, "softplus for its slope", "softplus", lambda z, a: a, NEVER, SLOPE),
    (37, "sigmoid's slope from exp(-z)", "sigmoid", lambda z, a: np.exp(-z) / (1 + np.exp(-z)) ** 2, LARGE,
        UNSTABLE, "saturated"),
    (37, "sigmoid for softplus from exp(z)", "softplus", lambda z, a: np.exp(z) / (1 + np.exp(z)), LARGE,
        UNSTABLE, "saturated"),
    (37, "tanh's slope from cosh", "tanh", lambda z, a: 4 * np.exp(2 * z) / (np.exp(2 * z) + 1) ** 2, LARGE,
        UNSTABLE, "saturated"),
    (37, "ELU's slope as a product", "elu", lambda z, a: (z > 0) + (z <= 0) * np.exp(z), LARGE, UNSTABLE,
        "saturated"),
)  # fmt: skip


def row(number, bug, name, slope, hidden_when, expected, seen="anywhere"):
    g, right = RIGHT[name]
    family = chain(hidden=name)
    return Specimen(
        number, bug, family, network(g, right), network(g, slope), hidden_when, expected, COLUMNS, seen
    )


def upstream_dropped(number, bug, name):
    g, slope = RIGHT[name]
    wrong = network(g, slope, times=lambda d, s: s * np.ones_like(d))
    family = chain(hidden=name)
    return Specimen(
        number, bug, family, network(g, slope), wrong, "g = 1, or one layer", ("upstream",), COLUMNS
    )


def jacobian(a, d):
    return a * (d - (a * d).sum(axis=0))


def hidden_softmax(bug, times, expected):
    """A softmax in the hidden layer: the slope that is handed on is a itself."""
    right = network(softmax, lambda z, a: a, times=lambda d, a: jacobian(a, d))
    wrong = network(softmax, lambda z, a: a, times=times)
    family = chain(None, 3, None, hidden="softmax")
    return Specimen(33, bug, family, right, wrong, "one class vs rest", expected, COLUMNS)


def overflowing_softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=0)


SPECIMENS = (
    *(row(*each) for each in WRONG),
    upstream_dropped(26, "upstream dropped by ReLU", "relu"),
    upstream_dropped(26, "upstream dropped by sigmoid", "sigmoid"),
    hidden_softmax("softmax diagonal only", lambda d, a: d * a * (1 - a), ("diagonal",)),
    hidden_softmax("softmax: s∘g, its sum forgotten", lambda d, a: d * a, ("sum", "diagonal", "slope")),
    hidden_softmax("softmax: g - Σ g, weighted late", lambda d, a: a * (d - d.sum(axis=0)),
        ("sum", "diagonal", "slope")),
    Specimen(37, "softmax without a shift", chain(None, 3, None, hidden="softmax"),
        network(softmax, lambda z, a: a, times=lambda d, a: jacobian(a, d)),
        network(overflowing_softmax, lambda z, a: a, times=lambda d, a: jacobian(a, d)), LARGE, UNSTABLE,
        COLUMNS, "saturated"),
)  # fmt: skip
