"""Formulas of claims written down: in the grammar they are read in, and in LaTeX.

`text` writes what `parse_formula` reads: reading it gives the same tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import sympy as sp

from proofs.claims.formula import (
    Binary,
    Call,
    Claim,
    Formula,
    Negative,
    Number,
    Partial,
    Place,
    Power,
    Reference,
    Total,
    Transpose,
    children,
)
from proofs.claims.given import Given
from proofs.claims.kinds import ARRAYS, NUMBERS, is_number

ADD, ENTRIES, MUL, UNARY, POW, ATOM = range(6)  # how tightly the outermost operation binds
Source: TypeAlias = tuple[str, int]
_LEVELS: Final[Mapping[str, int]] = {"+": ADD, "-": ADD, "*": MUL, "/": MUL, "@": MUL}
_GREEK: Final = re.compile(
    "alpha|beta|gamma|delta|epsilon|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi|chi|psi|omega"
)
_ACCENTED: Final = re.compile("([A-Za-z])(hat|tilde|bar)")


def claim_text(claim: Claim) -> str:
    """A claim in the grammar of claims."""
    ranges = ", ".join(f"{each.name} in {each.first}..{each.last}" for each in claim.ranges)
    return f"{text(claim.left)} = {text(claim.right)}" + (f" for {ranges}" if ranges else "")


def text(formula: Formula) -> str:
    """A formula in the grammar of claims.

    >>> from proofs.claims.parsing import parse_formula
    >>> text(parse_formula("-(a - b)@W[l+1].T/2 - Sum(x[i]**2, i)"))
    '-(a - b) @ W[l+1].T/2 - Sum(x[i]**2, i)'
    """
    return _text(formula)[0]


def _text(node: Formula) -> Source:
    match node:
        case Number():
            return _number(node.value)
        case Reference():
            groups = "".join(f"[{','.join(map(str, group))}]" for group in node.groups)
            return f"{node.name}{groups}", ATOM
        case Negative():
            return f"-{_bracket(_text(node.body), UNARY)}", UNARY
        case Power():
            return f"{_bracket(_text(node.base), ATOM)}**{_bracket(_text(node.exponent), UNARY)}", POW
        case Transpose():
            return f"{_bracket(_text(node.body), ATOM)}.T", ATOM
        case Binary():
            return _binary(node)
        case Total():
            ends = f"={node.first}..{node.last}" if node.last is not None else ""
            return f"Sum({text(node.body)}, {node.index}{ends})", ATOM
        case Partial():
            return f"D({text(node.of)}, {text(node.by)})", ATOM
        case Call():
            layer = f"[{node.layer}]" if node.layer is not None else ""
            return f"{node.function}{layer}({', '.join(map(text, node.arguments))})", ATOM
    raise TypeError(f"no text for {type(node).__name__}")


def _number(value: sp.Rational) -> Source:
    if value.q != 1:
        return f"{value.p}/{value.q}", MUL
    return str(value), UNARY if value < 0 else ATOM


def _binary(node: Binary) -> Source:
    level = _LEVELS[node.operation]
    sign = node.operation if node.operation in "*/" else f" {node.operation} "
    return f"{_bracket(_text(node.left), level)}{sign}{_bracket(_text(node.right), level + 1)}", level


def _bracket(source: Source, least: int) -> str:
    written, level = source
    return written if level >= least else f"({written})"


def claim_latex(claim: Claim, given: Given) -> str:
    """A claim in LaTeX."""
    writer = _Latex(given)
    ranges = "".join(rf",\quad {each.name} = {each.first}, \dots, {each.last}" for each in claim.ranges)
    return f"{writer.formula(claim.left)} = {writer.formula(claim.right)}{ranges}"


def latex(formula: Formula, given: Given) -> str:
    r"""A formula in LaTeX, layers above and indices below: what `readings` reads.

    >>> from proofs.claims.parsing import parse_formula
    >>> from proofs.claims.given import given
    >>> layers = {"W": "n[l], n[l-1] for l in 1..L", "d": "n[l] for l in 1..L", "C": ""}
    >>> context = given(sizes={"n": True}, arrays=layers, functions={"sigma": ""}, depth=2)
    >>> print(latex(parse_formula("D(C, W[l][j,k])*W[l].T @ sigma'(d[l])"), context))
    \frac{\partial C}{\partial W^{[l]}_{jk}} W^{[l]T} \sigma'(d^{[l]})
    """
    return _Latex(given).formula(formula)


@dataclass(frozen=True, slots=True)
class _Latex:
    """Writes LaTeX of formulas about what is given."""

    given: Given

    def formula(self, node: Formula) -> str:
        return self._formula(node)[0]

    def _formula(self, node: Formula) -> Source:
        match node:
            case Number():
                size = abs(node.value)
                written = rf"\tfrac{{{size.p}}}{{{size.q}}}" if size.q != 1 else str(size)
                return (f"-{written}", ADD) if node.value.p < 0 else (written, ATOM)
            case Reference():
                return self._reference(node), ATOM
            case Negative():
                body = _round(self._formula(node.body), ENTRIES)
                return "-" + (rf"\left({body}\right)" if body.startswith("-") else body), UNARY
            case Power():
                return f"{self._base(node.base)}^{{{self.formula(node.exponent)}}}", POW
            case Transpose(body=Reference() as body) if self._layered(body) and len(body.groups) == 1:
                return self._reference(body).removesuffix("}") + "T}", ATOM
            case Transpose():
                return f"{self._base(node.body)}^{{T}}", ATOM
            case Binary():
                return self._binary(node)
            case Total():
                ends = f"^{{{_size(node.last)}}}" if node.last is not None else ""
                start = f"={node.first}" if node.first is not None else ""
                body, level = self._formula(node.body)
                least = MUL if level != UNARY else ATOM  # a sum of what begins with a minus
                return rf"\sum_{{{node.index}{start}}}{ends} {_round((body, level), least)}", MUL
            case Partial():
                of = _round(self._formula(node.of), ATOM)
                return rf"\frac{{\partial {of}}}{{\partial {self._reference(node.by)}}}", ATOM
            case Call():
                return self._call(node)
        raise TypeError(f"no LaTeX for {type(node).__name__}")

    def _binary(self, node: Binary) -> Source:
        if node.operation == "/":
            return rf"\frac{{{self.formula(node.left)}}}{{{self.formula(node.right)}}}", ATOM
        level = _LEVELS[node.operation]
        sign = f" {node.operation} "
        numbers = is_number(node.left, self.given) or is_number(node.right, self.given)
        if level == MUL:
            sign = r" \odot " if node.operation == "*" and not numbers else " "
            level = ENTRIES if sign != " " else MUL
        left, right = self._formula(node.left), self._formula(node.right)
        before = _round(left, ATOM if level != ADD and _is_open(node.left) else level)
        after = _round(right, level if level != ADD and isinstance(node.right, Total) else level + 1)
        if after.startswith("-"):
            after = rf"\left({after}\right)"
        if sign == " " and after.startswith((r"\tfrac", *"0123456789")):
            sign = r" \cdot "
        return f"{before}{sign}{after}", level

    def _base(self, node: Formula) -> str:
        """What a superscript can stand on: nothing that has one."""
        written, level = self._formula(node)
        plain = isinstance(node, Reference | Number) and "^" not in written and "\\tfrac" not in written
        return written if plain and level == ATOM else rf"\left({written}\right)"

    def _layered(self, node: Reference) -> bool:
        array = self.given.arrays.get(node.name)
        return array is not None and array.layers is not None and bool(node.groups)

    def _reference(self, node: Reference) -> str:
        groups = list(node.groups)
        above = f"^{{[{groups.pop(0)[0]}]}}" if self._layered(node) else ""
        return _name(node.name) + above + "".join(f"_{{{_indices(group)}}}" for group in groups)

    def _call(self, node: Call) -> Source:
        arguments = [self.formula(argument) for argument in node.arguments]
        if node.function == "outer" and len(arguments) == 2:
            left, right = (_round(self._formula(argument), ATOM) for argument in node.arguments)
            return rf"{left} \otimes {right}", ENTRIES
        if node.function == "vector":
            return _matrix((argument,) for argument in arguments), ATOM
        if node.function == "rows" and all(map(_is_vector, node.arguments)):
            return _matrix(map(self.formula, children(row)) for row in node.arguments), ATOM
        if node.function == "delta" and "delta" not in self.given.arrays:
            return rf"\delta_{{{','.join(arguments)}}}", ATOM
        bare = node.function.rstrip("'")
        layer = f"^{{[{node.layer}]}}" if node.layer is not None else ""
        name = rf"\mathrm{{{bare}}}" if bare in ARRAYS | NUMBERS else _name(bare)
        return f"{name}{layer}{node.function[len(bare) :]}({', '.join(arguments)})", ATOM


def _matrix(rows: Iterable[Iterable[str]]) -> str:
    written = r" \\ ".join(" & ".join(row) for row in rows)
    return rf"\begin{{pmatrix}} {written} \end{{pmatrix}}"


def _is_vector(node: Formula) -> bool:
    return isinstance(node, Call) and node.function == "vector"


def _size(place: Place) -> str:
    if place.layer is None:
        return str(place)
    return f"{place.name}^{{[{place.layer}]}}" + (f"{place.offset:+d}" if place.offset else "")


def _indices(group: tuple[Place, ...]) -> str:
    plain = all(not place.offset and place.name and len(place.name) == 1 for place in group)
    return ("" if plain else ",").join(map(str, group))


def _name(name: str) -> str:
    bare = name.rstrip("'")
    primes = name[len(bare) :]
    accented = _ACCENTED.fullmatch(bare)
    if accented:
        return rf"\{accented[2]}{{{accented[1]}}}{primes}"
    if _GREEK.fullmatch(bare):
        return f"\\{bare}{primes}"
    return (bare if len(bare) == 1 else rf"\mathrm{{{bare}}}") + primes


def _is_open(node: Formula) -> bool:
    """Whether a formula ends in a sum, which would take in what comes behind it."""
    match node:
        case Total():
            return True
        case Binary(operation="*" | "@"):
            return _is_open(node.right)
        case Negative():
            return _is_open(node.body)
    return False


def _round(source: Source, least: int) -> str:
    written, level = source
    return written if level >= least else rf"\left({written}\right)"
