"""Wrong slopes of activations: f′ at another place, another function's, and every mistake in its formula."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, get_args

import sympy as sp

from symbolic.activations import ACTIVATIONS, ALPHA, VALUE, Activation, AtKinks, Z, activation
from symbolic.expressions import Expr, all_indices, fresh_indices
from symbolic.grammar.formula import parse_scalar, to_text
from symbolic.grammar.functions import undefined
from symbolic.grammar.indices import is_index
from symbolic.mutation.places import Call, Edit, Place, scalar
from symbolic.mutation.rewriting import rewritings
from symbolic.notation import Array, Binding, Step, size_of
from symbolic.plain import PlainSum


@dataclass(frozen=True, slots=True)
class WrongSlope:
    """What has been taken for the slope of an activation, in z, a and alpha."""

    activation: str
    formula: str
    number: int | None


_NUMBERS: Final = {"tanh": 31, "elu": 30, "selu": 30, "leaky_relu": 28, "prelu": 28}
_ROWS: Final = (
    WrongSlope("tanh", "a", 31),
    WrongSlope("tanh", "a**2", 31),
    WrongSlope("tanh", "(1 - a)**2", 31),
    WrongSlope("tanh", "1 - z**2", 12),
    WrongSlope("sigmoid", "z*(1 - z)", 12),
    WrongSlope("softsign", "(1 - abs(z))**2", 12),
    WrongSlope("exp", "z", 12),
    WrongSlope("elu", "where(z > 0, 1, z + alpha)", 30),
    WrongSlope("elu", "where(z > 0, 1, a)", 30),
    WrongSlope("elu", "where(z > 0, 1, alpha)", 30),
    WrongSlope("selu", "where(z > 0, 1.0507009873554805, z + 1.0507009873554805*1.6732632423543772)", 30),
    WrongSlope("selu", "where(z > 0, 1, 1.6732632423543772*exp(z))", 30),
    WrongSlope("selu", "where(z > 0, 1, 1.0507009873554805*1.6732632423543772*exp(z))", 30),
    WrongSlope("selu", "where(z > 0, 1, a + 1.6732632423543772)", 30),
    WrongSlope("selu", "where(z > 0, 1.0507009873554805, a + 1.6732632423543772)", 30),
    WrongSlope("leaky_relu", "where(z > 0, 1, alpha*z)", 28),
    WrongSlope("prelu", "where(z > 0, 1, alpha*z)", 28),
    WrongSlope("softplus", "a", None),
    WrongSlope("silu", "sigmoid(z)", None),
    WrongSlope("silu", "a*(1 - a)", None),
    WrongSlope("gelu", "(1 + erf(z/sqrt(2)))/2", None),
)
_STEEP: Final = "kappa"


def moved(place: Place) -> Iterator[Edit]:
    """f′(a) for f′(z), f′ of z in another layer, f′ applied twice."""
    for call in place.calls(Activation):
        z, value = _arrays(place, call)
        if value:
            yield from _at_value(place, call, value)
        elif call.source.name != "identity":
            inner = undefined(call.name, 1, (0,))(*call.node.args)
            yield Edit("f′(a) for f′(z)", 12, place.put(call.node, call.node.func(inner)))
        bug = "f′ twice" if call.source.name != "identity" else "extra f′"
        yield Edit(bug, 11, place.put(call.node, call.node**2))
        for said, factor in (("times 2", sp.Integer(2)), ("halved", sp.S.Half)):
            number = _NUMBERS.get(call.source.name)
            yield Edit(f"slope f′ {said}", number, place.put(call.node, factor * call.node))
        for other in place.around.makers:
            if other != z and other.shape == z.shape and other.name == z.name and z.layer is not None:
                variant = f"{_layer(other) - _layer(z):+d}"
                yield Edit(f"f′ of layer l{variant}", 13, _at(place, call, other), variant)


def _at_value(place: Place, call: Call[Activation], value: Array) -> Iterator[Edit]:
    """f′(a) for f′(z); where f has a kink that is a mask read off a, with either slope where a = 0."""
    if not call.source.kinks:
        yield Edit("f′(a) for f′(z)", 12, _at(place, call, value))
        return
    yield Edit("f′(a) for f′(z), the mask of a", 29, _at(place, call, value))
    slot, step = place.step.slot(call.name), _at(place, call, value)
    for choice in ("left", "right"):
        source = replace(call.source, at_kinks=choice)
        chosen = replace(step, bindings={**step.bindings, call.name: replace(slot, source=source)})
        yield Edit(f"f′(a) for f′(z), the mask of a, at 0 from the {choice}", 29, chosen)


def other_functions(place: Place) -> Iterator[Edit]:
    """The slope of every other activation of the table; another parameter; another side of a kink."""
    for call in place.calls(Activation):
        source = call.source
        for name, row in ACTIVATIONS.items():
            if row.definition and name not in (source.name, "identity"):
                yield _sourced(place, call, activation(name), f"slope f′ of {name}", 32)
        for choice in get_args(AtKinks) if source.kinks else ():
            if choice != source.at_kinks:
                chosen = replace(source, at_kinks=choice)
                yield _sourced(place, call, chosen, f"slope f′ at a kink: {choice}", 27)
        if source.alpha is not None:
            yield from _other_parameters(place, call, source.alpha)


def _other_parameters(place: Place, call: Call[Activation], alpha: sp.Rational) -> Iterator[Edit]:
    values = {"0": 0, "1": 1, "1 - alpha": 1 - alpha, "-alpha": -alpha}
    values |= {"1/alpha": 1 / alpha} if alpha else {}
    for said, value in values.items():
        yield _sourced(
            place, call, _with_alpha(call.source, sp.Rational(value)), f"slope f′ with alpha {said}", 28
        )
    narrow = to_float32(alpha)
    if narrow != alpha:
        rounded = _with_alpha(call.source, narrow)
        yield _sourced(place, call, rounded, "slope f′ with alpha rounded to float32", 54)
    row = call.source.row
    assert row is not None  # only a row has a parameter
    slope = parse_scalar(row.definition, names=("z", "alpha")).diff(Z).xreplace({ALPHA: scalar(_STEEP)})
    z, bindings = call.node.args[0], {_STEEP: scalar(_STEEP)}
    step = place.put(call.node, slope.xreplace({Z: z}), bindings)
    yield Edit("slope f′ with another alpha", 28, step, constants=(_STEEP,))


def formulas(place: Place) -> Iterator[Edit]:
    """Mistakes in the formula of the slope, in a where the table knows one, else in z; at a linear output the
    rule of any other function.
    """
    for call in place.calls(Activation):
        _, value = _arrays(place, call)
        for other in ACTIVATIONS.values() if call.source.name == "identity" else ():
            if other.slope_by_value and other.alpha is None:
                rule = parse_scalar(other.slope_by_value, names=("a",))
                step = place.put(call.node, rule.xreplace({VALUE: call.node.args[0]}))
                yield Edit(f"extra slope f′ by the rule of {other.name}, {to_text(rule)}", 11, step)
        for text, formula, number in wrong_formulas(call.source):
            if formula.has(VALUE) and value is None:
                continue
            swaps: dict[Expr, Expr] = {Z: call.node.args[0]}
            bindings: dict[str, Binding] = {}
            if formula.has(VALUE) and value is not None:
                swaps[VALUE], bindings = place.entry(value, call.node.args[0].indices)
            step = place.put(call.node, formula.xreplace(swaps), bindings)
            yield Edit(f"slope f′ written as {text}", number, step, f"{call.source.name} {text}")


def dotted(place: Place) -> Iterator[Edit]:
    """1 - a·a for 1 - a∘a: what is elementwise in the formula of the slope, summed over units or samples."""
    for call in place.calls(Activation):
        _, value = _arrays(place, call)
        formula, axes = call.source.slope_by_value, call.node.args[0].indices
        if formula is None or value is None or not all(map(is_index, axes)):
            continue
        entry, bindings = place.entry(value, axes)
        other = next(fresh_indices(all_indices(place.value) | set(place.step.equation.indices)))
        products = {VALUE**2} & formula.atoms(sp.Pow) or {formula}
        for part in products if isinstance(formula, sp.Add | sp.Mul) else ():
            for axis in axes:
                moved = part.xreplace({VALUE: entry.xreplace({axis: other})})
                whole = formula.xreplace({part: PlainSum(moved, (other, 1, size_of(axis))), VALUE: entry})
                bug = f"slope f′ by a dot product over {axis}, not elementwise"
                yield Edit(bug, 17, place.put(call.node, whole, bindings), str(axis))


@cache
def wrong_formulas(source: Activation) -> tuple[tuple[str, Expr, int | None], ...]:
    """Each wrong formula in z and a with its text and its number, none of them the slope itself."""
    right = source.slope_by_value if source.slope_by_value is not None else source.slope
    if right is None or right.is_number:
        return ()
    number = _NUMBERS.get(source.name)
    found: dict[Expr, int | None] = {}
    said: dict[Expr, str] = {}
    for row in _ROWS:
        if row.activation == source.name:
            read = parse_scalar(row.formula, names=("z", "a", "alpha"))
            wrong = read if source.alpha is None else read.xreplace({ALPHA: source.alpha})
            found[wrong], said[wrong] = row.number, row.formula
    for other in ACTIVATIONS.values():  # the rule of another function, applied to a of this one
        if other.slope_by_value and other.name != source.name and other.alpha is None:
            found.setdefault(parse_scalar(other.slope_by_value, names=("a",)), 32)
    for _, wrong in rewritings(right, ()):
        found.setdefault(wrong, number)
    usual = {right, source.slope}
    return tuple(
        (said.get(wrong) or to_text(wrong), wrong, row)
        for wrong, row in found.items()
        if wrong not in usual and not wrong.is_number and sp.expand(wrong - right) != 0
    )


def to_float32(value: sp.Rational) -> sp.Rational:
    """The nearest number with 24 bits."""
    (narrow,) = struct.unpack("f", struct.pack("f", float(value)))
    return sp.Rational(narrow)


def _with_alpha(source: Activation, alpha: sp.Rational) -> Activation:
    return replace(source, text=f"{source.name}({to_text(alpha)})", alpha=alpha)


def _sourced(place: Place, call: Call[Activation], source: Activation, bug: str, number: int) -> Edit:
    slot = place.step.slot(call.name)
    return Edit(bug, number, place.rebound({call.name: replace(slot, source=source)}))


def _arrays(place: Place, call: Call[Activation]) -> tuple[Array, Array | None]:
    """z, and a = f(z) where the forward pass keeps it."""
    z = place.step.array(call.node.args[0].base.label.name)
    return z, place.around.value_of(z)


def _at(place: Place, call: Call[Activation], array: Array) -> Step:
    entry, bindings = place.entry(array, call.node.args[0].indices)
    return place.put(call.node, call.node.func(entry), bindings)


def _layer(array: Array) -> int:
    assert isinstance(array.layer, int)
    return array.layer
