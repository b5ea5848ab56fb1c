"""An equation in index form as it is read.

Indices bear the names that the definition gives them, options and sizes are put in as far as they are
numbers, and where an equation computes with indices they count from 0:

    X[h, 1 + s·(q - 1) + d·(k - 1) - p, c]      is     X[h, s·q + d·k - p, c]
    [(u - 1 + p - d·(i - 1)) mod s = 0]         is     [s divides u + p - d·k]

A bracket that holds for all indices in their ranges is left out, and a quotient beside the bracket that says
it is whole is a fraction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Final

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.core.relational import Relational

from symbolic.expressions import LETTERS, Expr, scalars_of
from symbolic.grammar.indices import Holds, Place, Quotient, Remainder, calculates, from_zero, is_index
from symbolic.notation import Equation, Step
from symbolic.plain import PlainSum

Names = Mapping[sp.Symbol, Expr]
_IN_DEFINITION: Final = re.compile(r"\[[^]]*[-+*/%[]")  # a position that is no name
_COMPUTED: Final = "uvwxyz"  # letters for an axis that the definition reads at computed positions only


class Exactly(sp.Function):  # type: ignore[misc]  # SymPy has no type information
    """a/b where b is known to divide a."""

    is_integer = True


class Divides(sp.Function):  # type: ignore[misc]
    """The condition that b divides a, as `Divides(b, a)`; it stands in brackets alone."""


@dataclass(frozen=True, slots=True)
class IndexForm:
    """A step as it is written; its indices and those of its sums begin at `first`."""

    step: Step
    first: int


def index_form(step: Step) -> IndexForm:
    """The step as it is read; arrays and their bindings stay the same."""
    tidy = named_as_defined(step)
    equation = tidy.equation
    numbers = numbers_of(tidy)
    target, value = equation.target.xreplace(numbers), equation.value.xreplace(numbers)
    first = 1
    if _counts_from_zero(equation):
        first = 0
        ranges = {index: tidy.size(index) for index in _every_index(tidy)}
        target, value = from_zero(target), _ranges_from_zero(from_zero(value))
        value = _with_conditions(value, ranges)
    return IndexForm(replace(tidy, equation=replace(equation, target=target, value=value)), first)


def _counts_from_zero(equation: Equation) -> bool:
    """Whether an equation or its definition computes with indices; one entry, W1[2,1], counts from 1."""
    is_entry = any(place.is_Integer for place in equation.positions) and not equation.scatters
    computes = calculates(equation.target, equation.value) or equation.value.has(Place)
    is_defined_so = _IN_DEFINITION.search(equation.rule) is not None
    return equation.scatters or ((computes or is_defined_so) and not is_entry)


def numbers_of(step: Step) -> dict[Expr, Expr]:
    """What the scalars, options and sizes of a step stand for here."""
    symbols = scalars_of(step.equation.value) | scalars_of(step.equation.target)
    bound = {symbol: step.bindings.get(symbol.name) for symbol in symbols}
    return {symbol: value for symbol, value in bound.items() if isinstance(value, sp.Expr)}


def indices_in(expr: Expr) -> set[sp.Symbol]:
    """The indices that an expression writes, free or bound."""
    return {symbol for symbol in expr.atoms(sp.Symbol) if is_index(symbol)}


def _every_index(step: Step) -> set[sp.Symbol]:
    return indices_in(step.equation.value) | indices_in(step.equation.target)


# the names of indices


def named_as_defined(step: Step) -> Step:
    """An index that runs up to N_k is called k where k is free; an axis without a name gets a letter."""
    equation = step.equation
    words = words_of(equation.rule)
    scope = frozenset(index for index in equation.indices if isinstance(index, sp.Symbol))
    equation = replace(equation, value=_renamed(equation.value, scope, words))
    moving = [i for i in equation.indices if isinstance(i, sp.Symbol) and i.name not in words]
    taken = (indices_in(equation.value) | indices_in(equation.target)) - set(moving)
    names: dict[sp.Symbol, Expr] = {}
    ends = dict(equation.loops)
    for index in moving:
        pool = _wanted(ends[index]) if equation.scatters else _for_computed(words)
        names[index] = next((s for s in pool if s not in taken and s not in names.values()), index)
    target, value = equation.target.xreplace(names), equation.value.xreplace(names)
    loops = tuple((names.get(index, index), end) for index, end in equation.loops)
    return replace(step, equation=replace(equation, target=target, value=value, loops=loops))


def words_of(rule: str) -> dict[str, int]:
    """The names in a definition's text, each with the place where it first stands."""
    found: dict[str, int] = {}
    for word in re.finditer(r"[A-Za-z]\w*", rule):
        found.setdefault(word[0], word.start())
    return found


def _letter_of(end: Expr) -> sp.Symbol | None:
    """k for the size N_k, and for N_k_2, another of that name."""
    found = re.fullmatch(r"N_([A-Za-z]\w*?)(_\d+)?", end.name) if isinstance(end, sp.Symbol) else None
    return sp.Symbol(found[1], integer=True) if found else None


def _renamed(expr: Expr, scope: frozenset[sp.Symbol], words: Mapping[str, int]) -> Expr:
    """Bound indices by the names of their sizes; `scope` are the indices that mean something around here."""
    if isinstance(expr, ExprWithLimits):
        names: dict[sp.Symbol, Expr] = {}
        inner = indices_in(expr.function)
        for index, _, end in expr.limits:
            used = scope | (inner - {index}) | set(names.values()) | (set(expr.bound_symbols) - {index})
            first, *others = _wanted(end) or [index]
            pool = [first, *[index] * (index.name in words), *others]
            names[index] = next((symbol for symbol in pool if symbol not in used), index)
        limits = [(names[index], first, end) for index, first, end in expr.limits]
        body = expr.function.xreplace(names)
        return expr.func(_renamed(body, scope | set(names.values()), words), *limits)
    return expr.func(*(_renamed(part, scope, words) for part in expr.args)) if expr.args else expr


def _for_computed(words: Mapping[str, int]) -> Iterator[sp.Symbol]:
    return (sp.Symbol(letter, integer=True) for letter in _COMPUTED if letter not in words)


def _wanted(end: Expr) -> list[sp.Symbol]:
    """The letter of a size, then others; none for a range without a letter."""
    letter = _letter_of(end)
    return [] if letter is None else [letter, *(sp.Symbol(other, integer=True) for other in LETTERS)]


# indices from 0


def _ranges_from_zero(expr: Expr) -> Expr:
    """Every range 1…N as 0…N - 1."""
    if not expr.args:
        return expr
    if isinstance(expr, ExprWithLimits):
        body = _ranges_from_zero(expr.function)
        return expr.func(body, *((index, 0, end - 1) for index, _, end in expr.limits))
    return expr.func(*map(_ranges_from_zero, expr.args))


def _with_conditions(value: Expr, ranges: Mapping[sp.Symbol, int | Expr]) -> Expr:
    """Conditions in their simplest form, and exact quotients as fractions."""
    value = value.replace(lambda node: isinstance(node, Quotient | Remainder), _expanded)
    divided = {
        tuple(relation.lhs.args)
        for holds in value.atoms(Holds)
        for relation in holds.atoms(sp.Eq)
        if isinstance(relation.lhs, Remainder) and relation.rhs == 0
    }
    exact = {q: Exactly(*q.args) for q in value.atoms(Quotient) if tuple(q.args) in divided}

    def simpler(holds: Expr) -> Expr:
        parts = holds.args[0].args if isinstance(holds.args[0], sp.And) else holds.args
        kept = [part for part in parts if not (_always(part, ranges) or _is_implied(part, parts))]
        return Holds(sp.And(*kept))

    value = value.replace(lambda node: isinstance(node, Holds), simpler)
    return value.xreplace(exact)


def _is_implied(part: Any, parts: Sequence[Any]) -> bool:
    """Whether a < b stands beside a ≤ b."""
    strict = {sp.Le: sp.Lt, sp.Ge: sp.Gt}.get(part.func)
    return strict is not None and strict(*part.args) in parts


def _expanded(node: Expr) -> Expr:
    return node.func(*map(sp.expand, node.args))


def is_whole(relation: Any) -> bool:
    """Whether a relation compares whole numbers."""
    return bool(relation.lhs.is_integer and relation.rhs.is_integer)


def _always(relation: Any, ranges: Mapping[sp.Symbol, int | Expr]) -> bool:
    """Whether a relation a ≥ b between affine expressions holds for every index from 0 to its size - 1."""
    if not isinstance(relation, sp.Ge | sp.Gt | sp.Le | sp.Lt) or not is_whole(relation):
        return False
    least = sp.expand(relation.gts - relation.lts) - int(isinstance(relation, sp.Gt | sp.Lt))
    for index in indices_in(least):
        scale = least.diff(index)
        if index not in ranges or indices_in(scale) or scale.is_nonnegative is scale.is_nonpositive:
            return False
        least = sp.expand(least.xreplace({index: sp.S.Zero if scale.is_nonnegative else ranges[index] - 1}))
    return bool(least.is_nonnegative)


def sided(relation: Any) -> Any:
    """A relation between whole numbers with its indices on the left: L = c, L ≥ c or L < c."""
    if not isinstance(relation, Relational) or not is_whole(relation):
        return relation
    is_upper = isinstance(relation, sp.Le | sp.Lt)
    difference = sp.expand(relation.lhs - relation.rhs)
    terms = sp.Add.make_args(difference)
    left = sp.Add(*(term for term in terms if indices_in(term) or term.has(sp.Indexed, Quotient, Remainder)))
    positive = [term for term in sp.Add.make_args(left) if not term.could_extract_minus_sign()]
    turned = not positive
    right = left - difference
    if turned:
        left, right = -left, -right
    if isinstance(relation, sp.Eq | sp.Ne):
        return relation.func(left, right, evaluate=False)
    strict = isinstance(relation, sp.Gt | sp.Lt)
    if is_upper != turned:
        return sp.Lt(left, right if strict else right + 1, evaluate=False)
    return sp.Ge(left, right + 1 if strict else right, evaluate=False)


def facing(relation: Any) -> Any:
    """i - r ≥ 0 as r ≤ i, for a relation that `sided` has written."""
    if not isinstance(relation, sp.Ge | sp.Lt | sp.Eq | sp.Ne) or relation.rhs not in (0, 1):
        return relation
    terms = sp.Add.make_args(relation.lhs)
    minus = sp.Add(*(-term for term in terms if term.could_extract_minus_sign()))
    plus = relation.lhs + minus
    is_open = isinstance(relation, sp.Lt) and relation.rhs == 1
    if minus == 0 or (relation.rhs == 1 and not is_open):
        return relation
    if isinstance(relation, sp.Ge):
        return sp.Le(minus, plus, evaluate=False)
    return (sp.Le if is_open else relation.func)(plus, minus, evaluate=False)


def brackets_inside(expr: Expr) -> Expr:
    """Σ_k [P] Σ_l [Q] F as Σ_k Σ_l [P] [Q] F."""
    if not expr.args:
        return expr
    expr = expr.func(*map(brackets_inside, expr.args))
    if not isinstance(expr, sp.Sum):
        return expr
    factors = sp.Mul.make_args(expr.function)
    sums = [factor for factor in factors if isinstance(factor, sp.Sum)]
    others = [factor for factor in factors if not isinstance(factor, sp.Sum)]
    if len(sums) != 1 or not others or not all(isinstance(factor, Holds) for factor in others):
        return expr
    (inner,) = sums
    body = reduce(sp.Mul, others, inner.function)
    return PlainSum(body, *inner.limits, *expr.limits)
