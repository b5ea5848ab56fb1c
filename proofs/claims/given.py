"""What a claim speaks of: sizes, arrays, functions and definitions.

    sizes        m; n, one for each layer 0, …, L
    arrays       W over layers 1, …, L with axes n[l] and n[l-1]; x with axes n[0] and m
    functions    g, undefined or a formula in z; one for all layers or one for each; or a whole one, an
                 undefined number made of all entries of its arguments, such as a cost
    definitions  z[l] = W[l] @ a[l-1] for l in 1..L, in the words of claims

A vector is a column. Definitions may be given by entries or by whole arrays; the arrays that they define are
declared like the others, so that every formula has a shape before anything is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sympy as sp

from proofs.claims.formula import Call, Claim, Formula, Place, Range, Reference
from proofs.claims.parsing import parse_claims
from symbolic.errors import InvalidNetwork
from symbolic.grammar.formula import parse_scalar


@dataclass(frozen=True, slots=True)
class Array:
    """An array with its axes as sizes, such as n[l-1] (`Reference`); `layers` where there is one for each."""

    name: str
    axes: tuple[Reference, ...] = ()
    layers: tuple[Place, Place] | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A function of one number: undefined where it has no formula in z; `layered` where each layer has its
    own. A `whole` one is an undefined number made of all entries of its arguments.
    """

    name: str
    formula: sp.Expr | None = None
    layered: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """The context of claims; `sizes` says of each size whether every layer has its own; `depth` is L.

    `widths` names sizes of layers that are other sizes, or 1: with n[3] = 1 the last layer is a number.
    `fixed` are sizes that are numbers.
    """

    sizes: Mapping[str, bool]
    arrays: Mapping[str, Array]
    functions: Mapping[str, Function]
    definitions: tuple[Claim, ...]
    depth: int = 1
    constants: tuple[str, ...] = ()
    assumptions: tuple[Claim, ...] = field(default=())
    widths: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, int] = field(default_factory=dict)

    def with_definitions(self, *texts: str) -> Given:
        """The same with other definitions of what these define."""
        new = [claim for text in texts for claim in parse_claims(text)]
        names = {defined(claim) for claim in new}
        kept = tuple(claim for claim in self.definitions if defined(claim) not in names)
        return replace(self, definitions=(*kept, *new))


def given(
    *,
    sizes: Mapping[str, bool] | None = None,
    arrays: Mapping[str, str] | None = None,
    functions: Mapping[str, str] | None = None,
    definitions: tuple[str, ...] | list[str] = (),
    depth: int = 1,
    constants: tuple[str, ...] = (),
    widths: Mapping[str, str] | None = None,
    fixed: Mapping[str, int] | None = None,
) -> Given:
    """A context from text.

    `arrays` gives axes, and layers where there are any: "n[l], n[l-1] for l in 1..L"; "" is a number.
    `functions` gives "" for an undefined function, "layered" for one undefined for each layer, "whole" for an
    undefined number made of whole arrays, or a formula in z. `fixed` are sizes that are numbers. Raises
    FormulaError and InvalidNetwork.

    >>> found = given(sizes={"n": True}, arrays={"W": "n[l], n[l-1] for l in 1..L"}, depth=2)
    >>> found.arrays["W"].axes[0].name
    'n'
    """
    claims = tuple(claim for text in definitions for claim in parse_claims(text))
    return Given(
        {**(sizes or {}), **dict.fromkeys(fixed or {}, False)},
        {name: _array(name, text) for name, text in (arrays or {}).items()},
        {name: _function(name, text) for name, text in (functions or {}).items()},
        claims,
        depth,
        constants,
        widths=dict(widths or {}),
        fixed=dict(fixed or {}),
    )


def defined(claim: Claim) -> tuple[str, Any]:
    """What a definition defines: the name, and the layer as it is written."""
    target = claim.left
    if not isinstance(target, Reference):
        raise InvalidNetwork(f"{claim.text}: a definition has a name on its left side")
    return target.name, target.groups[0] if target.groups else None


def _array(name: str, text: str) -> Array:
    axes, _, layers = text.partition(" for ")
    if not axes.strip():
        parts: tuple[Formula, ...] = ()
    else:
        call = parse_claims(f"axes({axes}) = 0" + (f" for {layers}" if layers else ""))[0]
        parts = call.left.arguments if isinstance(call.left, Call) else (call.left,)
    for part in parts:
        if not isinstance(part, Reference):
            raise InvalidNetwork(
                f"array {name}: an axis is a size, such as m or n[l-1], not {axes.strip()!r}"
            )
    references = tuple(part for part in parts if isinstance(part, Reference))
    return Array(name, references, _layers(name, layers))


def _layers(name: str, text: str) -> tuple[Place, Place] | None:
    if not text.strip():
        return None
    (found,) = parse_claims(f"0 = 0 for {text}")
    ranges: tuple[Range, ...] = found.ranges
    if len(ranges) != 1 or ranges[0].name != "l":
        raise InvalidNetwork(f"array {name}: layers are given as 'for l in 1..L', not 'for {text.strip()}'")
    return ranges[0].first, ranges[0].last


def _function(name: str, text: str) -> Function:
    if text in ("", "layered", "whole"):
        return Function(name, layered=text == "layered", whole=text == "whole")
    return Function(name, parse_scalar(text, names=("z",)))
