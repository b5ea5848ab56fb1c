"""A certificate that a network's derived ∂E/∂w are the derivatives of E, for `proofs/checker.py`.

It holds the network (widths, and the formulas of its activations, loss, scale and penalties as terms) and
what the derivation says: every entry of its arrays as a term over earlier ones, and for each parameter w
which two of them give ∂E/∂w = Σ_c sample + whole. How a derivative is found is not in it: the checker
differentiates E itself. Terms are described there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import product
from typing import Any, Final, TypeAlias

import sympy as sp
from sympy.core.relational import Relational

from proofs.checker import FORMAT, RULES
from symbolic.activations import Activation
from symbolic.derivation import Derivation
from symbolic.errors import Unsupported
from symbolic.expressions import Expr, name_of, peeled
from symbolic.grammar.functions import undefined_parts
from symbolic.losses import OUTPUTS, SAMPLES
from symbolic.network import Network
from symbolic.notation import Array, Slot, Step
from symbolic.slots import SLOT_ARGUMENTS, slot_formula

Term: TypeAlias = str | int | list[Any]
Place: TypeAlias = tuple[int, ...]
GIVEN: Final = ("X", "T", "W", "b")
ONE: Final[Term] = ["number", "1"]
ZERO: Final[Term] = ["number", "0"]


def certificate(network: Network, derivation: Derivation) -> dict[str, Any]:
    """The certificate as a JSON object. Raises Unsupported for what its terms cannot say.

    >>> from symbolic.derivation import derive
    >>> from symbolic.network import mlp
    >>> chain = mlp(1, 1, output="tanh", loss="squared")
    >>> said = certificate(chain, derive(chain))
    >>> said["layers"], said["gradient"]["b1[1]"]
    ([{'activation': ['tanh', 'z'], 'bias': True}], {'sample': 5, 'whole': 6})
    """
    numbers = {OUTPUTS: sp.Integer(network.sizes[-1])}
    nodes = _Nodes(numbers)
    for step in derivation.steps:
        nodes.write(step)
    return {
        "format": FORMAT,
        "network": str(network),
        "widths": [int(size) for size in network.sizes],
        "layers": [
            {"activation": _activation(layer.activation, number), "bias": layer.bias}
            for number, layer in enumerate(network.layers, start=1)
        ],
        "loss": _applied(Slot("e", None, network.objective.loss), (0, 0), ["a", "t"]),
        "scale": formula(network.objective.scale.xreplace(numbers)),
        "penalties": [
            {"factor": formula(each.factor), "value": formula(each.definition), "biases": each.biases}
            for each in network.objective.penalties
        ],
        "nodes": nodes.terms,
        "gradient": nodes.gradient,
    }


def written(said: Mapping[str, Any]) -> str:
    """A certificate as JSON, a line for each node and each claim."""
    parts = []
    for key, value in said.items():
        lines = (
            [json.dumps(each) for each in value]
            if key == "nodes"
            else [json.dumps(value, ensure_ascii=False)]
        )
        if key == "gradient":
            lines = [f"{json.dumps(name)}: {json.dumps(claim)}" for name, claim in value.items()]
        joined = ",\n  ".join(lines)
        ends = {"nodes": "[]", "gradient": "{}"}.get(key)
        parts.append(f'"{key}": ' + (f"{ends[0]}\n  {joined}\n {ends[1]}" if ends else joined))
    return "{" + ",\n ".join(parts) + "}\n"


def formula(expr: Any, inside: Callable[[Any], Term | None] = lambda expr: None) -> Term:
    """An expression as a term; `inside` says what else than numbers and functions some of its parts are."""
    found = inside(expr)
    if found is not None:
        return found

    def parts(exprs: Any) -> list[Term]:
        return [formula(part, inside) for part in exprs]

    match expr:
        case sp.Rational():
            return ["number", str(expr)]
        case sp.Symbol() | sp.NumberSymbol():
            return str(expr)
        case sp.Add():
            return ["+", *parts(expr.args)]
        case sp.Mul():
            return ["*", *parts(expr.args)]
        case sp.Pow() if expr.exp.is_Integer:
            return ["^", formula(expr.base, inside), int(expr.exp)]
        case sp.Pow() if expr.exp.is_Rational and expr.exp.q == 2:
            return ["^", ["sqrt", formula(expr.base, inside)], int(expr.exp.p)]
        case sp.Piecewise():
            cases = [(formula(value, inside), _holds(condition, inside)) for value, condition in expr.args]
            return reduce(_else, reversed(cases), ZERO)
    if type(expr).__name__ in RULES:
        return [type(expr).__name__, *parts(expr.args)]
    raise Unsupported(f"{expr}: a certificate has no word for it; it knows {', '.join(RULES)}")


def _else(otherwise: Term, case: tuple[Term, Term]) -> Term:
    value, condition = case
    return value if condition == ONE else ["+", ["*", condition, value], ["*", _not(condition), otherwise]]


def _not(condition: Term) -> Term:
    return ["+", ONE, ["*", ["number", "-1"], condition]]


def _holds(condition: Any, inside: Callable[[Any], Term | None]) -> Term:
    """1 where a condition holds and 0 where it does not, off the places where the two sides are equal."""
    match condition:
        case sp.And():
            return ["*", *(_holds(part, inside) for part in condition.args)]
        case sp.Or():
            return _not(["*", *(_not(_holds(part, inside)) for part in condition.args)])
        case sp.Not():
            return _not(_holds(condition.args[0], inside))
        case Relational() if not isinstance(condition, sp.Eq | sp.Ne):
            return ["positive", formula(condition.gts - condition.lts, inside)]
    if condition == sp.true:
        return ONE
    raise Unsupported(f"{condition}: a certificate has no word for this condition")


def _activation(activation: Activation, number: int) -> Term:
    return (
        "softmax" if activation.layer == "softmax" else _applied(Slot("g", number, activation), (0,), ["z"])
    )


def _applied(slot: Slot, orders: tuple[int, ...], arguments: list[Term]) -> Term:
    """An activation, loss or penalty, or its derivative of the given orders."""
    written = slot_formula(slot.source, orders)
    if written is None:
        return ["of", f"{slot.name}{slot.layer or ''}", list(orders), *arguments]
    known = dict(zip(SLOT_ARGUMENTS[type(slot.source)], arguments, strict=True))
    return formula(written, known.get)


@dataclass
class _Nodes:
    """The entries of a derivation's arrays, each a term over earlier ones."""

    numbers: Mapping[sp.Symbol, Expr]
    terms: list[Term] = field(default_factory=list)
    places: dict[tuple[Array, Place], int] = field(default_factory=dict)
    gradient: dict[str, dict[str, int]] = field(default_factory=dict)

    def write(self, step: Step) -> None:
        """Add the entries of a step's array; a gradient's are what Σ_c is of, and what stands beside it."""
        if not step.target.shape:
            return  # E itself, which the checker builds
        target, value = step.target, step.equation.value
        axes = [index for index in step.equation.indices if step.size(index) != SAMPLES]
        for place in product(*(range(1, int(step.size(index)) + 1) for index in axes)):
            entry = _Entry(step, dict(zip(axes, place, strict=True)), self.places, self.numbers)
            if SAMPLES in target.shape:
                self.places[target, place] = self._add(entry(value))
                continue
            parts: dict[bool, list[Term]] = {True: [], False: []}
            for part in sp.Add.make_args(value):
                summand = entry.summand(part)
                parts[summand is not None].append(entry(part if summand is None else summand))
            name = f"{target.name}{target.layer}[{','.join(map(str, place))}]"
            sample, whole = (self._add(["+", *parts[kind]]) for kind in (True, False))
            self.gradient[name] = {"sample": sample, "whole": whole}

    def _add(self, term: Term) -> int:
        self.terms.append(term)
        return len(self.terms) - 1


@dataclass(frozen=True)
class _Entry:
    """Reads a step's equation at one place, for one sample."""

    step: Step
    at: Mapping[sp.Symbol, int]
    places: Mapping[tuple[Array, Place], int]
    numbers: Mapping[sp.Symbol, Expr]

    def __call__(self, expr: Expr) -> Term:
        return formula(expr, self._inside)

    def summand(self, part: Expr) -> Expr | None:
        """What a part of a gradient sums over the samples; None where it sums nothing over them."""
        factors = sp.Mul.make_args(part)
        for total in factors:
            if isinstance(total, sp.Sum) and self.step.size(peeled(total)[1]) == SAMPLES:
                return sp.Mul(peeled(total)[0], *(factor for factor in factors if factor is not total))
        return None

    def _inside(self, expr: Any) -> Term | None:
        match expr:
            case sp.Indexed():
                return self._entry(expr)
            case sp.Sum():
                return self._sum(expr)
            case sp.Symbol():
                return self._scalar(expr)
        found = undefined_parts(expr)
        return found and _applied(self.step.slot(found[0]), found[1], [self(part) for part in expr.args])

    def _scalar(self, symbol: sp.Symbol) -> Term:
        bound = self.step.bindings[symbol.name]
        if not isinstance(bound, sp.Expr):
            raise Unsupported(f"{self.step.target.label} reads {bound}, for which a certificate has no word")
        return formula(bound.xreplace(self.numbers))

    def _entry(self, expr: sp.Indexed) -> Term:
        """The node of what was computed; a symbol for x and t of the sample, and for a parameter."""
        array = self.step.array(name_of(expr))
        axes = [index for index, size in zip(expr.indices, array.shape, strict=True) if size != SAMPLES]
        place = tuple(self.at[index] for index in axes if index in self.at)
        is_given = array.name in GIVEN and not array.cotangent
        if len(place) < len(axes) or not (is_given or (array, place) in self.places):
            raise Unsupported(f"{self.step.target.label} reads {expr}, for which a certificate has no word")
        name = f"{array.name}{array.layer or ''}[{','.join(map(str, place))}]"
        return name if is_given else self.places[array, place]

    def _sum(self, expr: sp.Sum) -> Term:
        inside, index = peeled(expr)
        size = self.step.size(index)
        if size == SAMPLES:
            raise Unsupported(
                f"{self.step.target.label} mixes samples, but a certificate takes each by itself"
            )
        places = range(1, int(size) + 1)
        return ["+", *(replace(self, at={**self.at, index: place})(inside) for place in places)]
