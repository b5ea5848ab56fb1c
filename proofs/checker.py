"""Checks a certificate: that in it, for every parameter w of a network, the claimed ∂E/∂w is the derivative.

It needs Python alone: `python proofs/checker.py FILE`. From the certificate it takes the widths, and as terms
the activations, the loss e, the scale s and the penalties. It builds the network by its definition,

    a⁰ = x,  z = W a + b,  a = g(z),      E = s Σ_c Σ_i e(a_i, t_i) + Σ (factor) Σ p(w),

carries (value, derivative by w) through it, and compares with the claim ∂E/∂w = Σ_c sample + whole:

    s ∂(Σ_i e)/∂w = sample   and   ∂(penalties)/∂w = whole.

Both are rational functions of the symbols and of functions applied to terms, such as exp(u) and g′(u), one
unknown for each. They are evaluated in exact fractions, every unknown drawn from 1, …, 2^128. Where two sides
agree there, they are equal rational functions except with a probability that is computed (Schwartz 1980,
Zippel 1979), hence equal functions for every batch size, wherever both have a value and no u in positive(u)
is 0. Relations such as exp(u) exp(−u) = 1 are not known: a true claim may be refused.

Terms: "x" is a symbol, 7 the node of that number; ["number", "-1/2"], ["+", …], ["*", …], ["^", u, n],
["exp", u] (any key of RULES; positive(u) is 1 for u > 0, else 0), ["of", "g1", [1], u] is g1′(u).
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import prod
from pathlib import Path
from secrets import randbelow
from typing import Any

FORMAT = "backproof certificate 1"
BITS, MAX_EXPONENT = 128, 64
Point = defaultdict[Any, Any]  # a value for each symbol, and for each function at an argument

# f′(u) by f = f(u), u, and other functions at u
RULES: dict[str, Callable[[Any, Any, Point], Any]] = {
    "exp": lambda f, u, at: f,
    "log": lambda f, u, at: 1 / u,
    "sqrt": lambda f, u, at: 1 / (2 * f),
    "tanh": lambda f, u, at: 1 + -1 * f * f,
    "sin": lambda f, u, at: at["cos", u],
    "cos": lambda f, u, at: -1 * at["sin", u],
    "atan": lambda f, u, at: 1 / (1 + u * u),
    "positive": lambda f, u, at: 0 * f,
}


class Refused(Exception):
    """A claim that is not accepted, or a certificate that is none."""


@dataclass(frozen=True)
class Dual:
    """A value and its derivative by the parameter."""

    value: Any
    slope: Any = Fraction(0)

    def __add__(self, other: Dual) -> Dual:
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other: Dual) -> Dual:
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def inverse(self) -> Dual:
        one = 1 / self.value
        return Dual(one, -1 * self.slope * one * one)


ZERO, ONE = Dual(Fraction(0)), Dual(Fraction(1))


@dataclass(frozen=True)
class Degree:
    """A bound for the degrees of numerator and denominator, which add up in sums, products and quotients."""

    bound: int = 1

    def __add__(self, other: Any) -> Degree:
        return Degree(self.bound + other.bound if isinstance(other, Degree) else self.bound)

    def __rtruediv__(self, one: Any) -> Degree:
        return self

    __radd__ = __mul__ = __rmul__ = __add__


def term(tree: Any, names: Callable[[Any], Dual], at: Point) -> Dual:
    """The value of a term and its derivative; `names` gives those of symbols and nodes."""
    if not isinstance(tree, list):
        return names(tree)
    head, *rest = tree
    if head == "number":
        return Dual(Fraction(*map(int, rest[0].split("/"))))
    if head == "^":
        base, exponent = term(rest[0], names, at), rest[1]
        if type(exponent) is not int or abs(exponent) > MAX_EXPONENT:
            raise Refused(f"{exponent!r} is no exponent; whole numbers up to {MAX_EXPONENT} are")
        return prod([base if exponent > 0 else base.inverse()] * abs(exponent), start=ONE)
    if head == "of":
        name, orders, *arguments = rest
        duals = [term(argument, names, at) for argument in arguments]
        values, slope = [dual.value for dual in duals], Fraction(0)
        for k, (order, dual) in enumerate(zip(orders, duals, strict=True)):
            slope += at[name, *orders[:k], order + 1, *orders[k + 1 :], *values] * dual.slope
        return Dual(at[name, *orders, *values], slope)
    duals = [term(part, names, at) for part in rest]
    if head in ("+", "*"):
        return sum(duals, ZERO) if head == "+" else prod(duals, start=ONE)
    if head not in RULES or len(duals) != 1:
        raise Refused(f"no function {head!r} of {len(duals)} arguments is known")
    value = at[head, duals[0].value]
    return Dual(value, RULES[head](value, duals[0].value, at) * duals[0].slope)


def parameters(said: Mapping[str, Any]) -> Iterator[str]:
    """The names of all weights and biases."""
    for number, layer in enumerate(said["layers"], start=1):
        rows, columns = (range(1, said["widths"][at] + 1) for at in (number, number - 1))
        yield from (f"W{number}[{i},{j}]" for i in rows for j in columns)
        yield from (f"b{number}[{i}]" for i in rows if layer["bias"])


def slopes(said: Mapping[str, Any], is_moved: Callable[[str], bool], at: Point) -> tuple[Any, Any]:
    """s ∂(Σ_i e)/∂w of one sample and ∂(penalties)/∂w, for the parameter that is moved."""

    def value(tree: Any, **local: Dual) -> Dual:
        return term(tree, lambda name: local.get(name) or Dual(at[name], Fraction(is_moved(name))), at)

    units = [value(f"X[{j}]") for j in range(1, said["widths"][0] + 1)]
    for number, layer in enumerate(said["layers"], start=1):
        sums = []
        for i in range(1, said["widths"][number] + 1):
            weighted = [value(f"W{number}[{i},{j}]") * a for j, a in enumerate(units, start=1)]
            sums.append(sum(weighted, value(f"b{number}[{i}]") if layer["bias"] else ZERO))
        if layer["activation"] == "softmax":
            exps = [value(["exp", "z"], z=z) for z in sums]
            units = [e * sum(exps, ZERO).inverse() for e in exps]
        else:
            units = [value(layer["activation"], z=z) for z in sums]
    losses = [value(said["loss"], a=a, t=value(f"T[{i}]")) for i, a in enumerate(units, start=1)]
    penalties = [
        value(each["factor"]) * value(each["value"], w=value(name))
        for each in said["penalties"]
        for name in parameters(said)
        if name[0] == "W" or each["biases"]
    ]
    return (value(said["scale"]) * sum(losses, ZERO)).slope, sum(penalties, ZERO).slope


def claims(said: Mapping[str, Any], at: Point) -> dict[str, tuple[Any, Any]]:
    """The claimed (sample, whole) of each parameter."""
    nodes: list[Dual] = []
    for tree in said["nodes"]:
        nodes.append(term(tree, lambda name: nodes[name] if type(name) is int else Dual(at[name]), at))
    return {w: (nodes[two["sample"]].value, nodes[two["whole"]].value) for w, two in said["gradient"].items()}


def check(said: Mapping[str, Any]) -> int:
    """Raise Refused, or return k: a false claim would be accepted with a probability below 2^-k."""
    if said["format"] != FORMAT or sorted(parameters(said)) != sorted(said["gradient"]):
        raise Refused(f"this is no {FORMAT} with one claim for each parameter")
    at, degrees = Point(lambda: Fraction(1 + randbelow(2**BITS))), Point(Degree)
    claimed = claims(said, at)
    for w in claimed:
        if claimed[w] != slopes(said, {w}.__contains__, at):
            raise Refused(f"∂E/∂{w} is not as claimed")
    sides = [*claims(said, degrees).values(), *[slopes(said, lambda name: True, degrees)] * len(claimed)]
    total, largest = sum(bounds(*sides)), max(bounds(*degrees), default=0)
    return BITS - (total + len(at) ** 2 * largest).bit_length()  # two arguments may have one value, too


def bounds(*values: Any) -> list[int]:
    """The degrees in some tuples of values."""
    return [value.bound for value in chain(*values) if isinstance(value, Degree)]


def main(path: str) -> int:
    """Print the verdict; 0 for accepted, 1 for refused, 2 for what is no certificate."""
    try:
        said = json.loads(Path(path).read_text(encoding="utf-8"))
        bits = check(said)
    except (Refused, ZeroDivisionError) as refusal:
        print(f"refused: {refusal}")
        return 1
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        print(f"{path} is no certificate: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print(f"accepted: {len(said['gradient'])} derivatives of {said['network']}, but for odds of 2^-{bits}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else "usage: python checker.py FILE")
