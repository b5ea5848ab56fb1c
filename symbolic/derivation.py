"""The derivation: every ∂E/∂w of a network by the chain rule, equation by equation.

The general equations hold for a generic layer l, with the layers they hold for; a network's own equations are
instances of the same rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Final

import sympy as sp

from symbolic.accumulation import backward as backward
from symbolic.accumulation import used_of, varying
from symbolic.activations import AT_KINKS, Activation, AtKinks, activation, unknown
from symbolic.errors import InvalidNetwork
from symbolic.expressions import entry_of, fresh_indices, name_of
from symbolic.forward import activation_array, forward, layer_steps, loss_step, penalty_steps
from symbolic.grammar.indices import is_index, option, positions
from symbolic.graph import Graph
from symbolic.layer import Layer, is_place
from symbolic.losses import loss
from symbolic.network import Chain, Dense, Family, Network
from symbolic.notation import Array, Binding, Equation, Slot, Step, local_names, size_of
from symbolic.unification import sized
from symbolic.writing.jupyter import ShowsLatex

GENERIC, LAST = sp.symbols("l L", integer=True, positive=True)
WIDTHS: Final = sp.IndexedBase("n", integer=True)


@dataclass(frozen=True)
class Derivation(ShowsLatex):
    """`general` holds for a generic layer; `forward` and `backward` are a network's own steps, empty where
    its depth is open.

    `at_kinks` names the slope that is taken where two one-sided slopes differ; of several places of a
    maximum, the first counts.
    """

    chain: Chain | Graph
    general: tuple[Step, ...]
    forward: tuple[Step, ...] = ()
    backward: tuple[Step, ...] = ()
    at_kinks: AtKinks = "definition"

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.forward + self.backward

    def gradient(self, array: Array) -> Step:
        """The step that gives ∂E/∂(array)."""
        return next(step for step in self.backward if step.target == array.bar)


def derive(
    chain: Chain | Graph, *, wrt: Iterable[Array] = (), at_kinks: AtKinks = "definition"
) -> Derivation:
    """Derive ∂E/∂w for every parameter of a network, or in general for a family whose depth is open.

    For a graph, `wrt` are other arrays to differentiate by, such as its inputs. `at_kinks` chooses the slope
    at a kink: that of the piece which holds there by the definition, of the left, the right, or their mean.

    >>> from symbolic.network import mlp
    >>> [step.role for step in derive(mlp(2, 3, 1)).backward]
    ['output error', 'weight gradient', 'bias gradient', 'recursion', 'weight gradient', 'bias gradient']
    """
    if at_kinks not in AT_KINKS:
        raise InvalidNetwork(unknown("slope at kinks", at_kinks, list(AT_KINKS)))
    found = _derive(chain, tuple(wrt))
    if at_kinks == "definition":
        return found
    general, forward, backward = (
        tuple(_with_slopes(step, at_kinks) for step in steps)
        for steps in (found.general, found.forward, found.backward)
    )
    return Derivation(chain, general, forward, backward, at_kinks)


def _with_slopes(step: Step, at_kinks: AtKinks) -> Step:
    """The step with another choice of slopes at the kinks of its activations."""
    bindings = {
        name: replace(bound, source=replace(bound.source, at_kinks=at_kinks))
        if isinstance(bound, Slot) and isinstance(bound.source, Activation)
        else bound
        for name, bound in step.bindings.items()
    }
    return replace(step, bindings=bindings)


def _derive(chain: Chain | Graph, wrt: tuple[Array, ...]) -> Derivation:
    if isinstance(chain, Graph):
        return Derivation(chain, (), chain.steps, _of_graph(chain, wrt or chain.parameters))
    if isinstance(chain, Family) and chain.sizes is None:
        return Derivation(chain, general(chain))
    network = chain.symbolic() if isinstance(chain, Family) else chain
    steps = forward(network)
    return Derivation(chain, general(network), steps, backward(steps))


def _of_graph(graph: Graph, wrt: tuple[Array, ...]) -> tuple[Step, ...]:
    known = varying(graph.steps, wrt)
    if strangers := [array.label for array in wrt if array not in graph.arrays.values()]:
        raise InvalidNetwork(unknown("array", strangers[0], sorted(graph.arrays)))
    found = backward(graph.steps, constants=lambda array: array not in known, roles={})
    wanted = dict.fromkeys(array.bar for array in wrt)
    made = {step.target for step in found}
    unread = [_zero(target) for target in wanted if target not in made] if graph.losses else []
    return (
        *(replace(step, role="gradient") if step.target in wanted else step for step in found),
        *unread,
    )


def _zero(gradient: Array) -> Step:
    """∂E/∂w = 0, for what E does not depend on."""
    indices = islice(fresh_indices(()), len(gradient.shape))
    equation = Equation(entry_of("G", indices), sp.S.Zero, "G = 0")
    return sized(Step(equation, {"G": gradient}, "gradient", "E does not depend on it"))


def derive_layer(layer: Layer) -> tuple[Step, ...]:
    """Forward and backward equations of a layer by itself, the cotangent of its result given from outside."""
    equations = layer.equations()
    undefined: dict[str, Binding] = {
        s.symbol: Slot(s.symbol, None, activation("g") if s.name != "loss" else loss("E"))
        for s in layer.of_kind("function")
    }
    numbers: dict[str, Binding] = {s.symbol: sp.Symbol(s.symbol, real=True) for s in layer.of_kind("real")}
    numbers |= {s.symbol: option(s.symbol) for s in layer.of_kind("whole")}
    arrays, sizes = _symbolic_shapes(layer)
    steps = [
        Step(each, used_of({**sizes, **arrays, **undefined, **numbers}, each), "definition", "definition")
        for each in equations
    ]
    trained = {*layer.inputs, *layer.parameters, *(each.name for each in equations if not is_place(each))}
    trained -= {name_of(e) for each in equations for e in _every_place(each)}
    seeds = [steps[-1].target]
    return (*steps, *backward(steps, seeds=seeds, constants=lambda array: array.name not in trained))


def _symbolic_shapes(layer: Layer) -> tuple[dict[str, Array], dict[str, sp.Expr]]:
    """Arrays of symbolic shape, and sizes: N_j for an axis that an index j runs along, N_X2 for any other."""
    axes: dict[tuple[str, int], sp.Expr] = {
        (name, axis): sp.Add(*(size_of(sp.Symbol(letter)) for letter in letters.split("+")))
        for name, sums in layer.declared(1, 0).items()
        for axis, letters in enumerate(sums)
    }
    ranks: dict[str, int] = {}
    free = {size_of(index) for each in layer.equations() for index in each.indices}
    same: dict[sp.Expr, sp.Expr] = {}  # a size, and the one that it equals because they share an axis
    for each in layer.equations():
        chosen = {e for cases in each.value.atoms(sp.Piecewise) for e in cases.atoms(sp.Indexed)}
        for entry in (each.target, *sorted(each.value.atoms(sp.Indexed), key=str)):
            name, places = name_of(entry), entry.indices if isinstance(entry, sp.Indexed) else ()
            ranks[name] = len(places)
            for axis, place in enumerate(places):
                own = same.get(size_of(place), size_of(place)) if is_index(place) else None
                if own is not None and axes.setdefault((name, axis), own) != own and entry not in chosen:
                    kept = axes[name, axis].xreplace(same)
                    is_free = own in free and kept.is_Symbol and kept not in free
                    old, new = (kept, own) if is_free else (own, kept)
                    same = {size: value.xreplace({old: new}) for size, value in same.items()} | {old: new}
    shapes = {
        name: tuple(axes.get((name, axis), _length(name, axis)).xreplace(same) for axis in range(rank))
        for name, rank in ranks.items()
    }
    named = {name for each in layer.equations() for name in local_names(each) if name.startswith("N_")}
    named |= {symbol.name for shape in shapes.values() for size in shape for symbol in size.free_symbols}
    sizes = {name: same.get(option(name), option(name)) for name in named}
    return {name: Array(name, None, shape) for name, shape in shapes.items()}, sizes


def _length(name: str, axis: int) -> sp.Expr:
    return size_of(sp.Symbol(f"{name}{axis + 1}"))


def _every_place(each: Equation) -> Iterator[sp.Indexed]:
    """Entries that stand in the positions of others: whole numbers."""
    for expr in (each.value, each.target):
        yield from (entry for place in positions(expr) for entry in place.atoms(sp.Indexed))


def general(chain: Chain) -> tuple[Step, ...]:
    """Forward and backward equations for a generic layer l, one of each kind, with their ranges."""
    places = _Places(chain)
    before, width, output = WIDTHS[GENERIC - 1], WIDTHS[GENERIC], WIDTHS[LAST]
    steps: list[Step] = []
    for pick, kind in enumerate((_has_bias, _activation_layer)):
        for layer, held in places.grouped(kind):
            pair = layer_steps(layer, GENERIC, rows=width, columns=before)
            steps.append(replace(pair[pick], layers=held))
    objective = loss_step(chain.objective, activation_array(LAST, output))
    steps.append(objective)
    penalties = chain.objective.penalties
    for parameter, layer, held in places.with_parameter():
        found = penalty_steps(penalties, layer, GENERIC, rows=width, columns=before)
        steps += [replace(step, layers=held) for step in found if parameter in step.equation.inputs]

    output_activation = layer_steps(places.last, LAST, rows=output, columns=WIDTHS[LAST - 1])[1]
    steps += [replace(step, layers="l = L") for step in backward([output_activation, objective])]
    for layer, held in places.grouped(_activation_layer, hidden=True):
        here = layer_steps(layer, GENERIC, rows=width, columns=before)[1]
        after = layer_steps(layer, GENERIC + 1, rows=WIDTHS[GENERIC + 1], columns=width)[0]
        window = backward([here, after], seeds=[after.target], constants=lambda array: array.name in "WbXT")
        steps += [replace(step, layers=held) for step in window]
    for parameter, layer, held in places.with_parameter():
        dense = layer_steps(layer, GENERIC, rows=width, columns=before)[0]
        parts = [dense, *penalty_steps(penalties, layer, GENERIC, rows=width, columns=before)]
        found = backward(parts, seeds=[dense.target], constants=partial(_is_other, parameter))
        steps += [replace(step, layers=held) for step in found]
    return tuple(steps)


def _is_other(parameter: str, array: Array) -> bool:
    return array.name != parameter


def _has_bias(layer: Dense) -> bool:
    return layer.bias


def _activation_layer(layer: Dense) -> str:
    return layer.activation.layer


class _Places:
    """Which layers are of one kind, and how to say so: 1 ≤ l < L, l = L, l = 1, 3."""

    def __init__(self, chain: Chain) -> None:
        if isinstance(chain, Network):
            self.layers = dict(enumerate(chain.layers, start=1))
        else:
            hidden, output = chain.hidden[0], chain.output
            width = WIDTHS[GENERIC]
            self.layers = {1: Dense(width, hidden, chain.bias[0]), 2: Dense(width, output, chain.bias[-1])}

    @property
    def last(self) -> Dense:
        return self.layers[len(self.layers)]

    def grouped(self, kind: Callable[[Dense], object], *, hidden: bool = False) -> list[tuple[Dense, str]]:
        """One layer of each kind with the range of its kind; `hidden` leaves the last layer out."""
        groups: dict[object, list[int]] = defaultdict(list)
        for number, layer in self.layers.items():
            if not (hidden and number == len(self.layers)):
                groups[kind(layer)].append(number)
        return [(self._common(numbers), self._range(numbers)) for numbers in groups.values()]

    def with_parameter(self) -> Iterator[tuple[str, Dense, str]]:
        """W and b, each with a layer that has it and the range of those that do."""
        yield "W", self.last, self._range(list(self.layers))
        if biased := [number for number, layer in self.layers.items() if layer.bias]:
            yield "b", self.layers[biased[0]], self._range(biased)

    def _common(self, numbers: list[int]) -> Dense:
        """A layer that stands for several: its activation is theirs where they agree, else an undefined g."""
        first, *rest = (self.layers[number] for number in numbers)
        if all(layer.activation == first.activation for layer in rest) or first.activation.layer == "softmax":
            return first
        return replace(first, activation=activation("g"))

    def _range(self, numbers: list[int]) -> str:
        depth = len(self.layers)
        if numbers == [depth]:
            return "l = L"
        if numbers[0] == 1 and numbers == list(range(1, numbers[-1] + 1)) and numbers[-1] >= depth - 1:
            return "1 ≤ l ≤ L" if numbers[-1] == depth else "1 ≤ l < L"
        return "l = " + ", ".join(map(str, numbers))
