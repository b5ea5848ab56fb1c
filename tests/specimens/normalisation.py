"""Norms over the batch, over units and over groups: their three terms, their scale and their width.

x̂ = (x - mean)/s,  u = γ∘g,  ∂E/∂x = (u - mean(u) - x̂ mean(u∘x̂))/s
"""

import numpy as np

from tests.specimens.graphs import above_dense, network, over_units
from tests.specimens.specimen import Specimen

EPSILON = 1e-5


def batch(x):
    return tuple(range(1, x.ndim))


def units(x):
    return (0,)


def three_terms(u, xh, s, mean):
    return (u - mean(u) - xh * mean(u * xh)) / s


def norm(
    over,
    *,
    dx=three_terms,
    scaled=lambda g, gamma: gamma * g,
    width=lambda x: 1,  # by how much the mean's divisor is too large
    dgamma=lambda g, xh, x: g * xh,
):
    def layer(x, params, t):
        axes, others = over(x), tuple(range(1, x.ndim))
        gamma = over_units(params["n.gamma"], x)
        s = np.sqrt(x.var(axis=axes, keepdims=True) + EPSILON)
        xh = (x - x.mean(axis=axes, keepdims=True)) / s

        def back(g):
            u = scaled(g, gamma)
            grads = {"n.gamma": dgamma(g, xh, x).sum(axis=others), "n.beta": g.sum(axis=others)}
            return dx(u, xh, s, lambda v: v.mean(axis=axes, keepdims=True) / width(x)), grads

        return gamma * xh + over_units(params["n.beta"], x), back

    return above_dense(layer)


def rms(
    *,
    dx=lambda u, xh, r, mean: (u - xh * mean(u * xh)) / r,
    scaled=lambda g, gamma: gamma * g,
    dgamma=lambda g, xh, x: g * xh,
):
    def layer(x, params, t):
        gamma = params["n.gamma"][:, None]
        r = np.sqrt((x**2).mean(axis=0) + EPSILON)
        xh = x / r

        def back(g):
            dh = dx(scaled(g, gamma), xh, r, lambda v: v.mean(axis=0))
            return dh, {"n.gamma": dgamma(g, xh, x).sum(axis=1)}

        return gamma * xh, back

    return above_dense(layer)


def group(groups, dx=three_terms):
    def layer(x, params, t):
        gamma, beta = params["n.gamma"][:, None], params["n.beta"][:, None]
        grouped = x.reshape(groups, -1, x.shape[-1])
        s = np.sqrt(grouped.var(axis=1, keepdims=True) + EPSILON)
        xh = (grouped - grouped.mean(axis=1, keepdims=True)) / s
        flat = xh.reshape(x.shape)

        def back(g):
            u = (gamma * g).reshape(grouped.shape)
            grads = {"n.gamma": (g * flat).sum(axis=1), "n.beta": g.sum(axis=1)}
            return dx(u, xh, s, lambda v: v.mean(axis=1, keepdims=True)).reshape(x.shape), grads

        return gamma * flat + beta, back

    return above_dense(layer)


def mean_missing(u, xh, s, mean):
    return (u - xh * mean(u * xh)) / s


def variance_missing(u, xh, s, mean):
    return (u - mean(u)) / s


def constants(u, xh, s, mean):
    """Mean and variance taken for constants, as at inference."""
    return u / s


def twice(u, xh, s, mean):
    """An extra term: the variance's, once more."""
    return (u - mean(u) - 2 * xh * mean(u * xh)) / s


def root_forgotten(u, xh, s, mean):
    return (u - mean(u) - xh * mean(u * xh)) / s**2


def one_less(u, xh, s, mean):
    """The variance's term with n - 1 for n, over the samples."""
    n = u.shape[-1]
    return (u - mean(u) - xh * mean(u * xh) * n / (n - 1)) / s


def scaled_late(u, xh, s, mean):
    """x for x̂ in the last term: the order of normalising and weighing."""
    return (u - mean(u) - s * xh * mean(u * xh)) / s


def mean_twice(u, xh, s, mean):
    return (u - 2 * mean(u) - xh * mean(u * xh)) / s


def epsilon_forgotten(u, xh, s, mean):
    return three_terms(u, xh, np.sqrt(s**2 - EPSILON), mean)


def whole_numel(x):
    """N taken as numel/samples, where only the units are summed over."""
    return x.size // (x.shape[0] * x.shape[-1])


BATCH, BATCH_TIME = network("batch-norm", 3), network("batch-norm", 2, 3)
LAYER, LAYER_TIME = network("layer-norm", 3, units=4), network("layer-norm", 2, 3, units=4)
RMS = network("rms-norm", 3, units=4)
GROUP = network("group-norm", 3, units=6, groups=2)
SUMS, GAMMA_1 = "the sums vanish", "γ = 1"
TERM, SCALE, WIDTH = (
    ("mean", "variance", "term", "path"),
    ("gamma", "scale"),
    ("N_", "mean", "width", "size"),
)


def wrong_norm(number, bug, family, over, hidden_when, expected, **pieces):
    return Specimen(number, bug, family, norm(over), norm(over, **pieces), hidden_when, expected, None)


def wrong_rms(number, bug, hidden_when, expected, **pieces):
    return Specimen(number, bug, RMS, rms(), rms(**pieces), hidden_when, expected, None)


def unscaled(g, gamma):
    return g


SPECIMENS = (
    wrong_norm(41, "batch norm: mean's term missing", BATCH, batch, SUMS, TERM, dx=mean_missing),
    wrong_norm(41, "batch norm: variance's term missing", BATCH, batch, SUMS, TERM, dx=variance_missing),
    wrong_norm(41, "batch norm: mean and variance as constants", BATCH, batch, SUMS, TERM, dx=constants),
    wrong_norm(41, "batch norm: an extra term", BATCH, batch, SUMS, TERM, dx=twice),
    wrong_norm(41, "batch norm: 1/s² for 1/s", BATCH, batch, "s = 1", (*TERM, "sqrt", "slope"),
        dx=root_forgotten),
    wrong_norm(41, "batch norm: n - 1 for n", BATCH, batch, "m large", (*TERM, "m - 1"), dx=one_less),
    wrong_norm(41, "batch norm: x for x̂", BATCH, batch, "s = 1", TERM, dx=scaled_late),
    wrong_norm(41, "batch norm over time: variance's term missing", BATCH_TIME, batch, SUMS, TERM,
        dx=variance_missing),
    wrong_norm(41, "layer norm: mean's term missing", LAYER, units, SUMS, TERM, dx=mean_missing),
    wrong_norm(41, "layer norm: variance's term missing", LAYER, units, SUMS, TERM, dx=variance_missing),
    wrong_norm(41, "batch norm: ε forgotten on the way back", BATCH, batch, "ε = 0", ("epsilon", "variance"),
        dx=epsilon_forgotten),
    wrong_norm(42, "batch norm: γ forgotten", BATCH, batch, GAMMA_1, SCALE, scaled=unscaled),
    wrong_norm(42, "layer norm: γ forgotten", LAYER, units, GAMMA_1, SCALE, scaled=unscaled),
    wrong_norm(42, "batch norm: γ divided by", BATCH, batch, "γ = ±1", SCALE,
        scaled=lambda g, gamma: g / gamma),
    wrong_norm(42, "batch norm: ∂E/∂γ from x, not x̂", BATCH, batch, "x normal already",
        ("gamma", "normalised"), dgamma=lambda g, xh, x: g * x),
    wrong_rms(42, "RMS norm: γ forgotten", GAMMA_1, SCALE, scaled=unscaled),
    wrong_rms(42, "RMS norm: ∂E/∂γ from x, not x̂", "r = 1", ("gamma", "normalised"),
        dgamma=lambda g, xh, x: g * x),
    wrong_rms(41, "RMS norm: its term missing", SUMS, TERM, dx=lambda u, xh, r, mean: u / r),
    wrong_rms(43, "RMS norm: a sum for the mean", "one unit", WIDTH,
        dx=lambda u, xh, r, mean: (u - xh * (u * xh).sum(axis=0)) / r),
    wrong_norm(43, "layer norm: N = numel/samples", LAYER_TIME, units, "rank 2", WIDTH, width=whole_numel),
    wrong_norm(43, "layer norm: mean subtracted twice", LAYER, units, SUMS, (*TERM, "twice"), dx=mean_twice),
    wrong_norm(5, "batch norm: ∂E/∂γ summed over units too", BATCH, batch, "one unit",
        ("units", "axis", "shape", "sum"),
        dgamma=lambda g, xh, x: (g * xh).sum(axis=0, keepdims=True) * np.ones_like(g)),
    Specimen(43, "layer norm over the samples", LAYER, norm(units), norm(batch), "never",
        ("axis", "mean", "sum", "batch-norm for layer-norm"), None),
    Specimen(41, "group norm: variance's term missing", GROUP, group(2), group(2, variance_missing), SUMS,
        TERM, None),
    Specimen(43, "group norm: one group", GROUP, group(2), group(1), "one group", WIDTH, None),
)  # fmt: skip
