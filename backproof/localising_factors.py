"""Which factor of the chain rule a subject has wrong, told by what it says at one sample.

The errors that it has there (`localising_probe`) are held against

    δ_l = (W_{l+1}ᵀ δ_{l+1}) ∘ f′(z_l),     ∂E/∂W_l = δ_l a_{l-1}ᵀ,     ∂E/∂b_l = δ_l,

each equation with the subject's own right side, so that one fault is not seen again in every layer before it.
What fails is explained by another known matrix or slope, by where z lies, by a matrix that is the same at
every input, or by a ratio that depends on z alone: each has far fewer unknowns than there are equations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from backproof.localising_probe import Probe, Rows, outer, probed, slope_of
from backproof.session import Session
from numeric.problem import Problem
from symbolic.activations import ACTIVATIONS, Activation, activation
from symbolic.grammar.formula import to_text

DEGREE: Final = 8  # of the polynomial that stands for any function of z
NEAR: Final = 3.0  # |z| up to which it is fitted
SMOOTH: Final = 0.02  # of what such a polynomial may leave unexplained
SHORT: Final = 16  # characters of a slope's formula beyond which its name says more
FEW: Final = 16  # entries of a matrix that are shown


class Reason(NamedTuple):
    """What is wrong in words that hold for any layer l, and what is so in this one."""

    text: str
    detail: str = ""


def in_factors(session: Session, problem: Problem) -> Iterator[str]:
    """One sentence for each equation of the chain rule that fails, from the output back."""
    probe = probed(session, problem)
    if probe is None:
        return
    told: dict[str, list[tuple[int, str]]] = {}
    for l in range(probe.network.depth, 0, -1):
        for reason in (*_recursion(probe, l), *_weights(probe, l), *_biases(probe, l)):
            told.setdefault(reason.text, []).append((l, reason.detail))
    for text, ((l, detail), *others) in told.items():
        likewise = ", ".join(str(other) for other, _ in others)
        more = f"; likewise in layer{'s' * (len(others) > 1)} {likewise}" if others else ""
        yield (text + detail).format(l=l, after=l + 1, before=l - 1) + more


def _recursion(probe: Probe, l: int) -> Iterator[Reason]:
    """What is wrong with δ_l, given the subject's own δ_{l+1}."""
    found, own = probe.deltas[l], probe.own(l, probe.deltas)
    if probe.is_close(found, own):
        return
    is_output = l == probe.network.depth
    name = probe.network.layers[l - 1].activation.name
    has_slope = probe.slope(l) is not None
    cotangent = "∂E/∂a{l}" if is_output else "W{after}ᵀδ{after}"
    if not has_slope:
        claim = "δ{l} is not what softmax makes of " + cotangent
    elif name == "identity":
        claim = "δ{l} is not " + cotangent
    else:
        claim = f"δ{{l}} is not {cotangent if is_output else f'({cotangent})'} ∘ {name}′(z{{l}})"
    with_own = "" if is_output else "with the subject's own δ{after}, "
    why = next(_reasons(probe, l, found, own), Reason("no constant, slope or fixed matrix explains it"))
    yield Reason(f"{with_own}{claim}: {why.text}", why.detail)


def _reasons(probe: Probe, l: int, found: Rows, own: Rows) -> Iterator[Reason]:
    """Why an error is not its own recursion, the simplest first."""
    is_output, slope = l == probe.network.depth, probe.slope(l)
    if not found.any():
        yield Reason("it is 0")
    if c := probe.ratio(found, own):
        yield Reason(f"it is {probe.written(c)} times that")
    if slope is None:
        yield from _places(probe, l, found, own)
    elif is_output:
        cotangent = _divided(own, slope)
        yield from _slopes(probe, l, found, cotangent)
        yield from _places(probe, l, found, own)
        yield from _fitted_slope(probe, l, found, cotangent)
    else:
        delta = probe.deltas[l + 1]
        cotangent = probe.passed(l, delta)
        yield from _slopes(probe, l, found, cotangent)
        yield from _matrices(probe, l, found, slope)
        yield from _places(probe, l, found, own)
        yield from _fitted_matrix(probe, found, slope, delta)
        yield from _fitted_slope(probe, l, found, cotangent)
    matrix = np.linalg.lstsq(own, found, rcond=None)[0].T
    if probe.is_close(own @ matrix.T, found):
        yield Reason("it is a matrix times that, the same at every input", _shown(matrix))


def _slopes(probe: Probe, l: int, found: Rows, cotangent: Rows) -> Iterator[Reason]:
    """Slopes of other activations, slopes at a for z, and values for slopes."""
    own, z, a = probe.network.layers[l - 1].activation, probe.value("Z", l), probe.value("A", l)
    for text, slope in _known_slopes(own, z, a):
        if np.isfinite(slope).all() and (c := probe.ratio(found, cotangent * slope)):
            times = "" if abs(c - 1) <= probe.close else f"{probe.written(c)}·"
            yield Reason(f"the slope is {times}{text}")


def _known_slopes(own: Activation, z: Rows, a: Rows) -> Iterator[tuple[str, Rows]]:
    yield "1", np.ones_like(z)
    yield "a{l}", a
    yield "z{l}", z
    yield f"{own.name}′(a{{l}})", slope_of(own, a)
    for row in ACTIVATIONS.values():
        if row.layer == "elementwise" and row.name != own.name:
            other = activation(row.name)
            formula = to_text(other.slope) if other.slope is not None else ""
            written = " = " + re.sub(r"\bz\b", "z{l}", formula) if 0 < len(formula) <= SHORT else ""
            yield f"{row.name}′(z{{l}}){written}", slope_of(other, z)
            yield f"{row.name}′(a{{l}})", slope_of(other, a)


def _matrices(probe: Probe, l: int, found: Rows, slope: Rows) -> Iterator[Reason]:
    """Other weights, or the same ones not transposed."""
    delta = probe.deltas[l + 1]
    for other in range(1, probe.network.depth + 1):
        w = probe.value("W", other)
        for text, matrix in ((f"W{other}ᵀ", w.transpose(0, 2, 1)), (f"W{other}", w)):
            if matrix.shape[1:] == (found.shape[1], delta.shape[1]):
                image = np.einsum("sik,sk->si", matrix, delta)
                if c := probe.ratio(found, image * slope):
                    times = "" if abs(c - 1) <= probe.close else f"{probe.written(c)}·"
                    yield Reason(f"the slope is right; in place of W{{after}}ᵀ stands {times}{text}")


def _places(probe: Probe, l: int, found: Rows, own: Rows) -> Iterator[Reason]:
    """Where it is wrong and where it is right: by z, or by unit."""
    error, tolerance = np.abs(found - own), probe.tolerance(found, own)
    wrong, right = error > tolerance, (error <= tolerance) & (np.abs(own) > tolerance)
    if not right.any():
        return
    z = probe.value("Z", l)
    for text, at in (("z{l}", z), ("|z{l}|", np.abs(z))):
        if at[wrong].max() < at[right].min():
            yield _by_z(text, "≤", at[wrong].max(), "≥", at[right].min())
        if at[wrong].min() > at[right].max():
            yield _by_z(text, "≥", at[wrong].min(), "≤", at[right].max())
    units = np.flatnonzero(wrong.any(axis=0))
    if not right[:, units].any():
        yield Reason(f"only in unit {', '.join(str(unit + 1) for unit in units)} of layer {{l}}")


def _by_z(name: str, side: str, wrong: float, other: str, right: float) -> Reason:
    return Reason(
        f"it is wrong in one range of {name} alone",
        f", wrong where {name} {side} {wrong:.4g} and right where {name} {other} {right:.4g}",
    )


def _fitted_matrix(probe: Probe, found: Rows, slope: Rows, delta: Rows) -> Iterator[Reason]:
    """A matrix B with δ_l = (B δ_{l+1}) ∘ f′(z_l) at every input."""
    rows = [np.linalg.lstsq(slope[:, [i]] * delta, found[:, i], rcond=None)[0] for i in range(found.shape[1])]
    matrix = np.array(rows)
    if probe.is_close((delta @ matrix.T) * slope, found):
        text = "the slope is right; in place of W{after}ᵀ stands another matrix, the same at every input"
        yield Reason(text, _shown(matrix))


def _fitted_slope(probe: Probe, l: int, found: Rows, cotangent: Rows) -> Iterator[Reason]:
    """A function of z alone that stands for the slope: a polynomial fits it, and few functions of more do."""
    z = probe.value("Z", l)
    near = np.abs(z) <= NEAR
    if near.sum() < 2 * DEGREE:
        return
    powers = np.polynomial.chebyshev.chebvander(z[near] / NEAR, DEGREE)
    design = powers * cotangent[near][:, None]
    fitted = np.linalg.lstsq(design, found[near], rcond=None)[0]
    if np.abs(design @ fitted - found[near]).max() <= SMOOTH * np.abs(found[near]).max():
        ratio = _divided(found, cotangent)
        shown = [int(np.abs(z - at).argmin()) for at in (-1.0, 0.0, 1.0)]
        values = ", ".join(f"{ratio.flat[n]:.4g} at z = {z.flat[n]:.3g}" for n in dict.fromkeys(shown))
        name = probe.network.layers[l - 1].activation.name
        yield Reason(f"in place of {name}′ stands another function of z{{l}}", f": {values}")


def _weights(probe: Probe, l: int) -> Iterator[Reason]:
    """What is wrong with ∂E/∂W_l, given the subject's own δ_l."""
    found, delta, a = probe.weights_part(l), probe.deltas[l], probe.value("A", l - 1)
    product = outer(delta, a)
    if probe.is_close(found, product):
        return
    if c := probe.ratio(found, product):
        why = f"it is {probe.written(c)} times that"
    elif c := probe.ratio(found - product, probe.value("W", l)):
        why = f"{probe.written(c)}·W{{l}} is added"
    elif probe.is_close(found, outer(probe.by_weights(l, delta), a)):
        why = "its other factor is a{before}, but the first is not δ{l}"
    else:
        square = (delta * delta).sum(axis=1, keepdims=True)
        other = _divided(np.einsum("sij,si->sj", found, delta), square)
        names = [
            (f"{letter}{n}", probe.value(letter, n))
            for n in range(probe.network.depth + 1)
            for letter in ("AZ" if n else "A")
        ]
        same = [n.lower() for n, v in names if v.shape == other.shape and probe.is_close(v, other)]
        if not probe.is_close(found, outer(delta, other)):
            why = "it is no product of δ{l} and a vector"
        else:
            why = "in place of a{before} stands " + (same[0] if same else "another vector")
    yield Reason(
        f"∂E/∂W{{l}} is not the product of its own δ{{l}} and a{{before}}: {why}; "
        "the fault is in the weight gradient of layer {l}"
    )


def _biases(probe: Probe, l: int) -> Iterator[Reason]:
    """Where ∂E/∂b_l is not δ_l."""
    if not probe.has_biases(l):
        return
    found, delta = probe.biases_part(l), probe.deltas[l]
    if not probe.is_close(found, delta):
        c = probe.ratio(found, delta)
        why = f"is {probe.written(c)} times" if c else "is not"
        yield Reason(
            f"∂E/∂b{{l}} {why} the δ{{l}} that ∂E/∂W{{l}} tells: "
            "the fault is in the bias gradient of layer {l}"
        )


def _divided(above: Rows, below: Rows) -> Rows:
    """0 where nothing is divided by."""
    return np.divide(
        above, below, out=np.zeros(np.broadcast_shapes(above.shape, below.shape)), where=below != 0
    )


def _shown(matrix: Any) -> str:
    if matrix.size > FEW:
        return ""
    return ": [" + "; ".join(" ".join(f"{entry:.4g}" for entry in row) for row in matrix) + "]"
