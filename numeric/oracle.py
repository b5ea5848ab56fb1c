"""The values that a subject is held against: loss and gradient of the derivation, entry by entry.

The derivation's own equations are evaluated in index form; no matrix form and no generated code takes part.
Beside each value stands its magnitude S (see `numbers`).

Where |z| is large, textbook formulas such as 1 - tanh² z lose their digits without being wrong. A point is
evidence only if |z| ≤ 4 in every unit whose activation is not piecewise linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import sympy as sp
from flint import arb, ctx

from numeric.numbers import Balls, Floats, Magnitudes, Sized
from symbolic.activations import Activation, Z
from symbolic.derivation import backward
from symbolic.evaluate import evaluate
from symbolic.forward import activation_array, forward, layer_steps, parameter_arrays
from symbolic.losses import LAMBDA, OUTPUTS, SAMPLES
from symbolic.network import Dense, Network
from symbolic.notation import Array as Name
from symbolic.notation import Step

Array = npt.NDArray[np.float64]
Params = Sequence[tuple[Array, Array | None]]
REACH: Final = 4.0  # 1 - tanh² 4 = 1.3e-3 has lost three digits, which the bound allows for
PRECISION: Final = 160  # bits, thrice a float's: what cancels in floats does not cancel here


@dataclass(frozen=True, slots=True)
class Entries:
    """The values of an array's entries, and their magnitudes."""

    value: Array
    magnitude: Array


@dataclass(frozen=True, slots=True)
class Exact:
    """Loss and gradient at one point, and the pre-activations z^[l], l = 1 … L, each of shape (n_l, m)."""

    loss: Entries
    gradient: tuple[tuple[Entries, Entries | None], ...]
    z: tuple[Array, ...]

    def is_evidence(self, network: Network) -> bool:
        """Whether every unit is where textbook formulas keep their digits."""
        layers = zip(network.layers, self.z, strict=True)
        return not any(is_saturated(layer.activation, z).any() for layer, z in layers)


def exact(network: Network, params: Params, x: Array, t: Array, *, lam: float = 0.0) -> Exact:
    """Loss and gradient right to the last bit unless 100 bits cancel, for x of shape (n_0, m), t of (n_L, m).

    Raises Unsupported for an undefined g or E.

    >>> from symbolic.network import mlp
    >>> line = [(np.array([[2.0]]), np.array([5.0]))]
    >>> exact(mlp(1, 1), line, np.array([[3.0]]), np.array([[1.0]])).gradient[0][0]
    Entries(value=array([[30.]]), magnitude=array([[36.]]))
    """
    with ctx.workprec(PRECISION):
        return _exact(network, params, x, t, lam, Magnitudes(Balls()))


def activate(layer: Dense, z: Array) -> Array:
    """a = g(z) in floats, for z of shape (n, m)."""
    rows, samples = z.shape
    _, step = layer_steps(layer, 1, rows=rows, columns=1)
    (read,) = step.inputs
    known = evaluate([step], {read: z.ravel().tolist()}, {SAMPLES: samples}, Floats())
    return np.array(known[step.target]).reshape(z.shape)


def is_saturated(activation: Activation, z: Array) -> npt.NDArray[np.bool_]:
    """Which of these pre-activations are where the activation's textbook formulas may lose their digits."""
    return np.asarray(~(np.abs(z) <= REACH) & is_curved(activation))


@cache
def is_curved(activation: Activation) -> bool:
    """Whether an activation is anything but piecewise linear."""
    return activation.definition is None or bool(activation.definition.diff(Z, 2) != 0)


def _exact(
    network: Network, params: Params, x: Array, t: Array, lam: float, numbers: Magnitudes[arb]
) -> Exact:
    sizes = {_width(l): size for l, size in enumerate(network.sizes)} | {SAMPLES: x.shape[1]}
    values = {_name("X", 0): x, replace(_name("A", network.depth), name="T", layer=None): t}
    for l, (w, b) in enumerate(params, start=1):
        values |= {_name("W", l): w} | ({} if b is None else {_name("b", l): b})
    steps = _steps(_open(network))
    given = {name: [numbers.lift(v) for v in array.ravel().tolist()] for name, array in values.items()}
    scalars = sizes | {OUTPUTS: network.sizes[-1], LAMBDA: numbers.lift(lam)}
    known = evaluate(steps, given, scalars, numbers)

    def entries(name: Name, shape: tuple[int, ...]) -> Entries:
        return _entries(known[name], shape)

    losses = [sized for step in steps if not step.target.shape for sized in known[step.target]]
    return Exact(
        loss=_entries([sum(losses[1:], start=losses[0])], ()),
        gradient=tuple(
            (
                entries(_name("W", l).bar, w.shape),
                None if b is None else entries(_name("b", l).bar, b.shape),
            )
            for l, (w, b) in enumerate(params, start=1)
        ),
        z=tuple(
            entries(_name("Z", l), (size, x.shape[1])).value for l, size in enumerate(network.sizes) if l
        ),
    )


def _entries(found: Sequence[Sized[arb]], shape: tuple[int, ...]) -> Entries:
    value, magnitude = [float(sized.value) for sized in found], [sized.size for sized in found]
    return Entries(np.array(value).reshape(shape), np.array(magnitude).reshape(shape))


def _open(network: Network) -> Network:
    """The network with all its widths left open: networks of one depth share their equations."""
    layers = (replace(layer, width=_width(l)) for l, layer in enumerate(network.layers, start=1))
    return replace(network, inputs=_width(0), layers=tuple(layers))


@cache
def _steps(network: Network) -> tuple[Step, ...]:
    steps = forward(network)
    return steps + backward(steps)


@cache
def _width(l: int) -> sp.Symbol:
    return sp.Symbol(f"n{l}", integer=True, positive=True)


@cache
def _name(letter: str, l: int) -> Name:
    """The array of this letter at layer l, its widths left open."""
    if letter in "Wb":
        return parameter_arrays(l, rows=_width(l), columns=_width(l - 1))["Wb".index(letter)]
    return activation_array(l, _width(l)) if letter in "XA" else Name(letter, l, (_width(l), SAMPLES))
