"""From a network to its forward equations, each at its place."""

from __future__ import annotations

from typing import TypeAlias

import sympy as sp

from symbolic.layers import LAYERS
from symbolic.losses import SAMPLES, Penalty
from symbolic.network import Dense, Network, Objective
from symbolic.notation import Array, Layer, Slot, Step, placed

Size: TypeAlias = int | sp.Expr


def forward(network: Network) -> tuple[Step, ...]:
    """Every layer's pre-activation and activation in order, then the loss and the penalties."""
    steps: list[Step] = []
    sizes = network.sizes
    for number, layer in enumerate(network.layers, start=1):
        steps += layer_steps(layer, number, rows=sizes[number], columns=sizes[number - 1])
    last = activation_array(network.depth, sizes[-1])
    steps.append(loss_step(network.objective, last))
    for number, layer in enumerate(network.layers, start=1):
        steps += penalty_steps(
            network.objective.penalties, layer, number, rows=sizes[number], columns=sizes[number - 1]
        )
    return tuple(steps)


def activation_array(layer: Layer, width: Size) -> Array:
    """a^[l]; the input x is a^[0]."""
    return Array("X", None, (width, SAMPLES)) if layer == 0 else Array("A", layer, (width, SAMPLES))


def layer_steps(layer: Dense, number: Size, *, rows: Size, columns: Size) -> tuple[Step, Step]:
    """The dense equation and the activation of layer `number` (which may be the symbol l)."""
    z, a = Array("Z", number, (rows, SAMPLES)), activation_array(number, rows)
    before = activation_array(number - 1, columns)
    weights, bias = parameter_arrays(number, rows=rows, columns=columns)
    (dense,) = LAYERS["dense" if layer.bias else "dense-no-bias"].equations()
    arrays = {"Z": z, "W": weights, "A": before} | ({"b": bias} if layer.bias else {})
    kind = "softmax" if layer.activation.layer == "softmax" else "activation"
    (activation,) = LAYERS[kind].equations()
    bindings = {"A": a, "Z": z} | ({"g": Slot("g", number, layer.activation)} if kind == "activation" else {})
    return placed(dense, arrays, "pre-activation"), placed(activation, bindings, "activation")


def parameter_arrays(number: Layer, *, rows: Size, columns: Size) -> tuple[Array, Array]:
    """W^[l] and b^[l]."""
    return Array("W", number, (rows, columns)), Array("b", number, (rows,))


def loss_step(objective: Objective, output: Array) -> Step:
    """scale · Σ_c Σ_i e(a, t)."""
    (loss,) = LAYERS["loss"].equations()
    target = Array("T", None, output.shape)
    slot = Slot("e", None, objective.loss)
    bindings = {"D": Array("D"), "s": objective.scale, "e": slot, "A": output, "T": target}
    return placed(loss, bindings, "loss")


def penalty_steps(
    penalties: tuple[Penalty, ...], layer: Dense, number: Layer, *, rows: Size, columns: Size
) -> tuple[Step, ...]:
    """factor · Σ p(w) for the parameters of one layer that a penalty covers."""
    weights, bias = parameter_arrays(number, rows=rows, columns=columns)
    steps = []
    for penalty in penalties:
        covered = [("weight-penalty", weights)] + [("bias-penalty", bias)] * (penalty.biases and layer.bias)
        for row, array in covered:
            (equation,) = LAYERS[row].equations()
            local = equation.inputs[0]
            target = Array(f"R{penalty.norm}{array.name}", number)
            bindings = {"R": target, local: array, "f": penalty.factor, "p": Slot("p", None, penalty)}
            steps.append(placed(equation, bindings, "penalty"))
    return tuple(steps)
