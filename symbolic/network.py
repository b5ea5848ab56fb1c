"""Networks: a chain of fully connected layers, a loss and penalties; and families, whose sizes are left open.

z^[l] = W^[l] a^[l-1] + b^[l],   a^[l] = g^[l](z^[l]),   a^[0] = x
E     = scale · Σ_c Σ_i e(a_i^[L], t_i) + Σ penalties
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, TypeVar

import sympy as sp

from symbolic import losses
from symbolic.activations import Activation, activation
from symbolic.errors import InvalidNetwork
from symbolic.losses import Loss, Penalty
from symbolic.network_text import activations_text, bias_text, objective_text
from symbolic.writing.jupyter import ShowsLatex

Size: TypeAlias = int | sp.Symbol
FREE: Final = "?"
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Dense:
    """z = W a + b followed by an activation; `width` counts its units."""

    width: Size
    activation: Activation
    bias: bool = True


@dataclass(frozen=True, slots=True)
class Objective:
    """E as a function of the output: a loss, its scale in m and k, and the penalties.

    `is_declared` where the scale was said and not assumed: another factor is then an error, no convention.
    """

    loss: Loss
    scale: sp.Expr
    penalties: tuple[Penalty, ...] = ()
    is_declared: bool = field(default=False, compare=False)

    @property
    def has_lambda(self) -> bool:
        return any(penalty.factor.has(losses.LAMBDA) for penalty in self.penalties)


@dataclass(frozen=True, slots=True)
class Network(ShowsLatex):
    """A chain of layers with an objective. Raises InvalidNetwork when its parts do not fit together."""

    inputs: Size
    layers: tuple[Dense, ...]
    objective: Objective

    def __post_init__(self) -> None:
        if not self.layers:
            raise InvalidNetwork("a network needs an input width and at least one layer, such as 2-3-1")
        for position, width in enumerate(self.sizes):
            if isinstance(width, int) and width < 1:
                raise InvalidNetwork(
                    f"width {position} of {self.shape} is {width}; widths count units, from 1"
                )
        for number, layer in enumerate(self.layers, start=1):
            if layer.activation.layer == "softmax" and layer.width == 1:
                raise InvalidNetwork(
                    f"layer {number}: softmax on width 1 is the constant 1; use sigmoid, or 2 units or more"
                )
        losses.check_output(self.layers[-1].activation, self.objective.loss)
        counted = self.objective.loss.of_outputs(self.sizes[-1])
        object.__setattr__(self, "objective", replace(self.objective, loss=counted))

    @property
    def sizes(self) -> tuple[Size, ...]:
        return (self.inputs, *(layer.width for layer in self.layers))

    @property
    def depth(self) -> int:
        return len(self.layers)

    @property
    def shape(self) -> str:
        return "-".join(str(size) for size in self.sizes)

    @property
    def parameter_count(self) -> Size:
        pairs = zip(self.sizes, self.layers, strict=False)
        return sum(layer.width * (before + int(layer.bias)) for before, layer in pairs)

    @property
    def is_symbolic(self) -> bool:
        """Whether a width is left open as a symbol."""
        return not all(isinstance(size, int) for size in self.sizes)

    def __str__(self) -> str:
        *hidden, output = (layer.activation for layer in self.layers)
        biases = bias_text([layer.bias for layer in self.layers])
        return f"{self.shape}, {activations_text(hidden, output)}{biases}, {objective_text(self.objective)}"


@dataclass(frozen=True, slots=True)
class Family(ShowsLatex):
    """Networks that differ in their sizes: `sizes` holds None where a width is free, and is None where the
    depth is too.
    """

    sizes: tuple[int | None, ...] | None
    hidden: tuple[Activation, ...]
    output: Activation
    objective: Objective
    bias: tuple[bool, ...] = (True,)

    def __post_init__(self) -> None:
        losses.check_output(self.output, self.objective.loss)
        if not all(isinstance(bias, bool) for bias in self.bias):
            raise InvalidNetwork(
                f"bias is {list(self.bias)}; it takes true or false, for all layers or for each"
            )
        if self.sizes is None:
            depth = self._told_depth()
            if depth is None:
                return
            object.__setattr__(self, "sizes", (None,) * (depth + 1))
        network = self.symbolic()
        *hidden, _ = (layer.activation for layer in network.layers)
        object.__setattr__(self, "hidden", _shortest(hidden))  # two ways of saying the same are one value
        object.__setattr__(self, "bias", _shortest([layer.bias for layer in network.layers]))

    def _told_depth(self) -> int | None:
        """The depth that several activations or biases tell, one for each layer; None where it is open."""
        for what, values in (("hidden", self.hidden), ("bias", self.bias)):
            if not values:
                raise InvalidNetwork(f"{what} gives no value; give one, or one for each layer")
        if len(self.hidden) > 1:
            return len(self.hidden) + 1
        return len(self.bias) if len(self.bias) > 1 else None

    def network(self, sizes: Sequence[Size]) -> Network:
        """The member with these sizes, inputs first. Raises InvalidNetwork for sizes it does not have."""
        for position, size in enumerate(sizes):
            if not isinstance(size, int | sp.Symbol) or isinstance(size, bool):
                raise InvalidNetwork(f"width {position} is {size!r}; widths are whole numbers from 1")
        if self.sizes is not None:
            fits = len(sizes) == len(self.sizes) and all(
                free is None or free == size for size, free in zip(sizes, self.sizes, strict=False)
            )
            if not fits:
                raise InvalidNetwork(f"{'-'.join(map(str, sizes))} is not one of {self}")
        depth = len(sizes) - 1
        if depth < 1:
            raise InvalidNetwork("a network needs an input width and at least one layer, such as 2-3-1")
        activations = [*per_layer("hidden", self.hidden, depth - 1), self.output]
        biases = per_layer("bias", self.bias, depth)
        layers = map(Dense, sizes[1:], activations, biases)
        return Network(sizes[0], tuple(layers), self.objective)

    def symbolic(self) -> Network:
        """The member whose free widths are the symbols n0, n1, …; for a family of one depth."""
        assert self.sizes is not None
        symbols = (sp.Symbol(f"n{i}", integer=True, positive=True) for i in range(len(self.sizes)))
        return self.network(
            [symbol if size is None else size for size, symbol in zip(self.sizes, symbols, strict=True)]
        )

    @property
    def shape(self) -> str:
        if self.sizes is None:
            return f"{FREE}-…-{FREE}"
        return "-".join(FREE if size is None else str(size) for size in self.sizes)

    def __str__(self) -> str:
        if self.sizes is not None:
            return str(self.symbolic()).replace(self.symbolic().shape, self.shape, 1)
        activations = activations_text(self.hidden, self.output) + bias_text(self.bias)
        return f"{self.shape}, {activations}, {objective_text(self.objective)}"


Chain = Network | Family


def mlp(
    *sizes: int | str | None,
    hidden: str | Sequence[str] = "g",
    output: str = "identity",
    loss: str = "half-squared",
    scale: str | None = None,
    l2: str | None = None,
    l1: str | None = None,
    penalize_biases: bool = False,
    bias: bool | Sequence[bool] = True,
) -> Chain:
    """A fully connected network, or the family of them where sizes are left out or free.

    `mlp(2, 3, 1)` and `mlp("2-3-1")` are a network, `mlp(2, None, 1)` draws a width, `mlp()` draws the depth
    too. `hidden` and `bias` take one value for all layers or one for each. `l2` and `l1` are factors in
    lambda and m, such as "lambda/(2*m)". Raises InvalidNetwork or FormulaError.

    >>> print(mlp(2, 3, 1, hidden="tanh"))
    2-3-1, tanh then identity, half-squared/m
    """
    hidden_names = (hidden,) if isinstance(hidden, str) else tuple(hidden)
    if not isinstance(bias, bool | Sequence):
        raise InvalidNetwork(f"bias is {bias!r}; it takes True or False, for all layers or for each")
    biases = (bias,) if isinstance(bias, bool) else tuple(bias)
    penalties = tuple(
        losses.penalty(norm, factor, biases=penalize_biases)
        for norm, factor in (("l2", l2), ("l1", l1))
        if factor is not None
    )
    if penalize_biases and not penalties:
        raise InvalidNetwork("penalize_biases was given without a penalty; give l2 or l1 too")
    given = read_sizes(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], str) else _free_sizes(sizes)
    family = Family(
        given or None,
        tuple(map(activation, hidden_names)),
        activation(output),
        objective(loss, scale, penalties),
        biases,
    )
    if family.sizes is None or None in family.sizes:
        return family
    return family.network([size for size in family.sizes if size is not None])


def objective(loss: str, scale: str | None, penalties: tuple[Penalty, ...]) -> Objective:
    """Read an objective; the scale is 1/m where none is given, and in `half-mse` always."""
    default = losses.scale("1/m")
    given = default if scale is None else losses.scale(scale)
    if loss.strip() == "half-mse":
        if given != default:
            raise InvalidNetwork(
                f"half-mse is half-squared with scale 1/m, but scale {scale} was given; use half-squared"
            )
        return Objective(losses.loss("half-squared"), given, penalties, is_declared=True)
    return Objective(losses.loss(loss), given, penalties, is_declared=scale is not None)


def read_sizes(text: str) -> tuple[int | None, ...] | None:
    """The widths in `2-3-1` or `2-?-1`; None for `?-…-?` and for the symbolic `n0-…-nL`, where depth is free
    too.
    """
    words = [word.strip() for word in text.replace("...", "…").split("-")]
    if "…" in words or ".." in words:
        if len(words) == 3 and words[1] == "…" and (words[0], words[2]) in ((FREE, FREE), ("n0", "nL")):
            return None
        raise InvalidNetwork(
            f"'{text}' leaves the depth open in a way that is not known; write ?-…-? or n0-…-nL"
        )
    for position, word in enumerate(words):
        if not (word == FREE or (word.isascii() and word.isdigit() and len(word) < 7)):
            fault = "is missing" if not word else f"is '{word}'"
            raise InvalidNetwork(
                f"width {position} of '{text}' {fault}; widths are whole numbers from 1, or ? for a free one"
            )
    if len(words) < 2:
        raise InvalidNetwork(
            f"'{text}' has one width; a network needs an input width and an output width, such as 2-3-1"
        )
    return tuple(None if word == FREE else int(word) for word in words)


def per_layer(what: str, values: tuple[Value, ...], count: int) -> tuple[Value, ...]:
    """One value for each of `count` layers: a single value serves all of them."""
    if len(values) == 1:
        return values * count
    if len(values) != count:
        raise InvalidNetwork(
            f"{what} gives {len(values)} values for {count} layers; give one, or one for each"
        )
    return values


def _free_sizes(sizes: tuple[int | str | None, ...]) -> tuple[int | None, ...]:
    for position, size in enumerate(sizes):
        if not (size is None or size == FREE or (isinstance(size, int) and not isinstance(size, bool))):
            raise InvalidNetwork(
                f"width {position} is {size!r}; widths are whole numbers from 1, or None for a free one"
            )
    return tuple(size if isinstance(size, int) else None for size in sizes)


def _shortest(values: list[Value]) -> tuple[Value, ...]:
    """One value where all layers have the same."""
    return tuple(values[:1]) if len(set(values)) == 1 else tuple(values)
