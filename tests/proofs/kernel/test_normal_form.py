"""The normal form: what it proves equal, separates and leaves open, and that it notices its own faults."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from flint import arb, ctx
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy.codegen.cfunctions import expm1, log1p

from proofs.kernel import normal_form, reading
from proofs.kernel.balls import Evaluator, Point, Unclear, equation_of
from proofs.kernel.normal_form import Contradiction, decide
from proofs.kernel.polynomials import rational
from symbolic.activations import ACTIVATIONS, VALUE, Activation, activation
from symbolic.grammar.formula import parse_scalar
from symbolic.grammar.functions import Undefined, absolute, undefined

Expr = Any
x, y, z, w = sp.symbols("x y z w", real=True)
c, d = sp.symbols("c d", integer=True)
m = sp.Symbol("m", integer=True, positive=True)
X = sp.IndexedBase("X", real=True)
f, g = undefined("f", 2), undefined("g")


def sigmoid(u: Expr) -> Expr:
    return 1 / (1 + sp.exp(-u))


def over_samples(term: Expr, index: Expr = c) -> Expr:
    return sp.Sum(term, (index, 1, m))


EQUAL = {
    "expanded": ((x + y) ** 3, x**3 + 3 * x**2 * y + 3 * x * y**2 + y**3),
    "quotients": (1 / (x + y) + 1 / (x - y), 2 * x / (x**2 - y**2)),
    "arguments in normal form": (g(x * (x + y)), g(y * x + x**2)),
    "arguments of arguments": (g(x + g(2 * (x + y) / 2)), g(g(y + x) + x)),
    "quotients in arguments": (g((x**2 - 1) / (x - 1)), g(1 + x)),
    "two arguments": (f(x + y, x - x * y), f(y + x, x * (1 - y))),
    "slope of a composition": (g(g(x)).diff(x), g(g(x)).diff(x).expand()),
    "exponents add": (sp.exp(x + y) * sp.exp(x - y), sp.exp(x) ** 2),
    "exponents over the rationals": (sp.exp(x / 2) ** 4 * sp.exp(x / 3) ** 3, sp.exp(3 * x)),
    "exponents of exponents": (sp.exp(sp.exp(x) + x / 2), sp.exp(sp.exp(x)) * sp.exp(x / 2)),
    "sigmoid of the double": (
        sigmoid(2 * z),
        sigmoid(z) ** 2 / (sigmoid(z) ** 2 + (1 - sigmoid(z)) ** 2),
    ),
    "tanh and cosh": (1 - sp.tanh(z) ** 2, 1 / sp.cosh(z) ** 2),
    "tanh of the double": (sp.tanh(2 * z), 2 * sp.tanh(z) / (1 + sp.tanh(z) ** 2)),
    "sinh": (sp.sinh(2 * z), 2 * sp.sinh(z) * sp.cosh(z)),
    "sine and cosine": (sp.sin(x - y) ** 2 + sp.cos(y - x) ** 2, sp.Integer(1)),
    "tangent": (sp.tan(z).diff(z), 1 / sp.cos(z) ** 2),
    "arcus tangens is odd": (sp.atan((x - y) ** 3), -sp.atan((y - x) ** 3)),
    "error function": (sp.erfc(y - x), 1 + sp.erf(x - y)),
    "square roots": (1 / (1 + sp.sqrt(x)), (1 - sp.sqrt(x)) / (1 - x)),
    "square roots in arguments": (g(1 / (1 + sp.sqrt(x))), g((1 - sp.sqrt(x)) / (1 - x))),
    "roots of numbers": (sp.sqrt(2 * sp.pi) / sp.sqrt(6), sp.sqrt(sp.pi) / sp.sqrt(3)),
    "cube roots": ((x + y) ** sp.Rational(4, 3), (y + x) ** sp.Rational(1, 3) * (x + y)),
    "powers": (x**y, sp.exp(y * sp.log(x))),
    "exponentials of logarithms": (sp.exp(2 * log1p(sp.exp(x)) - y), (1 + sp.exp(x)) ** 2 / sp.exp(y)),
    "exponentials of halves of logarithms": (sp.exp(sp.log(1 + x**2) / 2), sp.sqrt(1 + x**2)),
    "tanh of a logarithm": (sp.tanh(sp.log(1 + x**2)), ((1 + x**2) ** 2 - 1) / ((1 + x**2) ** 2 + 1)),
    "a condition on an exponential": (
        absolute(1 - sp.exp(-2 * x)),
        absolute(sp.exp(x) - sp.exp(-x)) / sp.exp(x),
    ),
    "a condition on the exponential of a product": (
        absolute(sp.exp(x * (1 + y**2)) - 1) * absolute(x),
        (sp.exp(x + x * y**2) - 1) * x,
    ),
    "logarithm of an exponential": (sp.log(sigmoid(z)), z - sp.log(1 + sp.exp(z))),
    "logarithm of positive factors": (
        sp.log((1 + x**2) * (2 + sp.exp(y))),
        sp.log(1 + x**2) + sp.log(2 + sp.exp(y)),
    ),
    "logarithm of a square": (sp.log((1 + 3 * sp.exp(x)) ** 2), 2 * sp.log(1 + 3 * sp.exp(x))),
    "logarithms of numbers": (sp.log(12), 2 * sp.log(2) + sp.log(3)),
    "log1p and expm1": (log1p(expm1(x)), x),
    "sums": (over_samples(x * X[1, c] + y) / m, x * over_samples(X[1, d], d) / m + y),
    "products of sums": (
        sp.Sum(X[1, c] * X[2, d], (c, 1, m), (d, 1, m)),
        over_samples(X[2, c]) * over_samples(X[1, c]),
    ),
    "sums in arguments": (g(over_samples(x * X[1, c])), g(x * over_samples(X[1, d], d))),
    "denominators in sums": (
        over_samples(X[1, c] / (x * sp.exp(X[2, c]) + x)),
        over_samples(X[1, c] / (1 + sp.exp(X[2, c]))) / x,
    ),
    "square of |z|": (absolute(z) ** 2, z**2),
    "| |z| − 1 |": (absolute(absolute(z) - 1), absolute(1 - absolute(z))),
    "a condition on a square": (absolute(-(x**2) * y), x**2 * absolute(y)),
    "a condition on a quotient": (absolute(x / (1 + y**2)), absolute(2 * x) / (2 + 2 * y**2)),
    "kinks at a product": (absolute(x * y) ** 2, (x * y) ** 2),
    "kinks that are the same in each term": (
        x * (y + over_samples(X[1, c] * absolute(x) ** 2)),
        x * y + x**3 * over_samples(X[1, c]),
    ),
    "kinks inside a sum": (over_samples(absolute(x * X[1, c]) ** 2), x**2 * over_samples(X[1, c] ** 2)),
}


@pytest.mark.parametrize("name", EQUAL)
def test_proves_equal(name: str) -> None:
    decision = decide(*EQUAL[name])
    assert decision.answer == "equal", decision
    assert decision.point is not None  # both sides have a value somewhere


@pytest.mark.parametrize("name", EQUAL)
def test_does_not_prove_what_is_off_by_a_thousandth(name: str) -> None:
    left, right = EQUAL[name]
    assert decide(left, right + sp.Rational(1, 1000)).answer == "different"


DIFFERENT = {
    "square of a sum": ((x + y) ** 2, x**2 + y**2),
    "undefined functions": (g(x) * g(y), g(x * y)),
    "an undefined function and its slope": (g(x), g(x).diff(x)),
    "which argument": (f(x, y).diff(x), f(x, y).diff(y)),
    "exponentials": (sp.exp(x * y), sp.exp(x) * sp.exp(y)),
    "sums of unknown length": (over_samples(X[1, c]), m * X[1, 1]),
    "only at a kink": (
        parse_scalar("where(z > 0, 1, 0)", names=("z",)),
        parse_scalar("where(z >= 0, 1, 0)", names=("z",)),
    ),
    "only at an inner kink": (
        absolute(2 * x + y - 3),
        absolute(2 * x + y - 3) + parse_scalar("where(x == 3/2 - y/2, 1, 0)", names=("x", "y")),
    ),
    "only far out": (
        parse_scalar("where(z > 100, 1, 0)", names=("z",)),
        sp.Integer(0),
    ),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_separates_at_a_point(name: str) -> None:
    left, right = DIFFERENT[name]
    decision = decide(left, right)
    assert decision.answer == "different", decision
    assert decision.point is not None
    evaluate = Evaluator(decision.point)
    assert not arb(evaluate(left)).overlaps(arb(evaluate(right)))


UNDECIDED = {
    "multiples of an angle": (sp.sin(2 * z), 2 * sp.sin(z) * sp.cos(z), "does not reduce"),
    "a logarithm of unknown signs": (sp.log(x * y), sp.log(x) + sp.log(y), "does not reduce"),
    "a function without a rule": (sp.gamma(x + 1), x * sp.gamma(x), "no rule for gamma"),
    "division by zero": (1 / (x * (x + 1) - x**2 - x), sp.Integer(1), "divides by zero"),
    "kinks in a sum that is an argument": (
        g(over_samples(absolute(X[1, c]))),
        g(over_samples(absolute(-X[1, c]))),
        "depends on the index of a sum",
    ),
    "a kink in an entry that a sum binds by the same name": (
        absolute(X[1, c]) + over_samples(X[1, c]),
        absolute(-X[1, c]) + over_samples(X[1, c]),
        "depends on the index of a sum",
    ),
}


@pytest.mark.parametrize("name", UNDECIDED)
def test_says_what_is_missing(name: str) -> None:
    left, right, missing = UNDECIDED[name]
    decision = decide(left, right)
    assert decision.answer == "undecided"
    assert missing in decision.reason
    assert decision.reason.endswith("no point was found that separates the two sides")


def named(*formulas: str) -> tuple[Expr, ...]:
    return tuple(parse_scalar(formula, names=("x", "y", "z")) for formula in formulas)


ASSUMPTIONS = {
    "a denominator": (x / (x * y), 1 / y, ("y ≠ 0",)),
    "no denominator that is positive": (1 / (1 + x**2), 1 / (x**2 + 1), ()),
    "no denominator that is negative": (x / (-1 - x**2), -x / (1 + x**2), ()),
    "no denominator with a small term": (x / (x**2 + sp.Rational(1, 2)), 2 * x / (2 * x**2 + 1), ()),
    "a root": (sp.sqrt(x) * (sp.sqrt(x) + 1), x + sp.sqrt(x), ("x ≥ 0",)),
    "a logarithm": (x**y, sp.exp(y * sp.log(x)), ("x > 0",)),
    "a kink where nothing can be eliminated": (
        *named("where(exp(z) > 2, 1, 0)", "where(exp(z) >= 2, 1, 0)"),
        ("exp(z) ≠ 2",),
    ),
    "two kinks where nothing can be eliminated": (
        *named(
            "where(x + exp(x) > 2, 1, x + exp(x) < -2, -1, 0)",
            "where(x + exp(x) >= 2, 1, x + exp(x) <= -2, -1, 0)",
        ),
        ("x + exp(x) ≠ -2", "x + exp(x) ≠ 2"),
    ),
    "a sum of squares": (
        (x + y) / (x**2 + z**2),
        x / (x**2 + z**2) + y / (x**2 + z**2),
        ("x**2 + z**2 ≠ 0",),
    ),
    "a sum of unknown sign": (
        (x + y) / over_samples(X[1, c]),
        x / over_samples(X[1, c]) + y / over_samples(X[1, c]),
        ("Sum(X[1, _0], (_0, 1, m)) ≠ 0",),
    ),
    "no sum of positive terms": (
        (x + y) / over_samples(sp.exp(X[1, c])),
        x / over_samples(sp.exp(X[1, c])) + y / over_samples(sp.exp(X[1, c])),
        (),
    ),
    "a kink where a symbol is not alone": (
        absolute(x + sp.exp(x)),
        absolute(-x - sp.exp(x)),
        ("x + exp(x) ≠ 0",),
    ),
    "a kink where something can be eliminated, if its coefficient is not 0": (
        absolute(x * y + z * w),
        absolute(-x * y - z * w),
        ("z ≠ 0",),
    ),
    "a kink where something can": (*named("abs(x*y + z)", "abs(-x*y - z)"), ()),
    "nothing that holds in its case": (*named("1/(1 + abs(z))", "where(z > 0, 1/(1 + z), 1/(1 - z))"), ()),
}


@pytest.mark.parametrize("name", ASSUMPTIONS)
def test_names_what_it_takes_for_granted(name: str) -> None:
    left, right, assumptions = ASSUMPTIONS[name]
    decision = decide(left, right)
    assert (decision.answer, decision.assumptions) == ("equal", assumptions)


ROWS = [row.name for row in ACTIVATIONS.values() if row.definition]


def stable(row: Activation) -> dict[str, Expr]:
    """The stable lines as formulas in z; in exact arithmetic nothing rests of a root."""
    assert row.row is not None
    known: dict[Expr, Expr] = {sp.Symbol(root.rest, real=True): sp.Integer(0) for root in row.row.roots}
    for name, formula in row.stable_lines():
        known[sp.Symbol(name, real=True)] = formula.xreplace(known)
    return {name: known[sp.Symbol(name, real=True)] for name in ("value", "slope")}


@pytest.mark.parametrize("name", ROWS)
def test_stable_lines_equal_the_definition_and_its_slope(name: str) -> None:
    row = activation(name)
    assert row.row is not None
    lines = stable(row)
    for formula, meant in ((lines["value"], row.definition), (lines["slope"], row.slope)):
        decision = decide(formula, meant, roots=row.row.roots)
        assert decision.answer == "equal", decision
        assert set(decision.assumptions) <= {f"{equation_of(root)} = 0" for root in row.row.roots}


@pytest.mark.parametrize("name", ROWS)
def test_a_wrong_stable_slope_is_separated(name: str) -> None:
    row = activation(name)
    assert row.row is not None
    wrong = stable(row)["slope"] * (1 + sp.Rational(1, 10**9))
    assert decide(wrong, row.slope, roots=row.row.roots).answer == "different"


@pytest.mark.parametrize("name", [name for name in ROWS if activation(name).slope_by_value is not None])
def test_slope_by_value_equals_the_slope(name: str) -> None:
    row = activation(name)
    assert decide(row.slope_by_value.xreplace({VALUE: row.definition}), row.slope).answer == "equal"


@pytest.mark.parametrize("name", [name for name in ROWS if activation(name).has_logs])
def test_stable_logarithms_equal_those_of_the_value(name: str) -> None:
    row = activation(name)
    for log, inside in zip(row.stable_logs(), (row.definition, 1 - row.definition), strict=False):
        assert decide(log, sp.log(inside)).answer == "equal"


@pytest.mark.parametrize("name", [name for name in ROWS if ACTIVATIONS[name].roots])
def test_without_its_equation_a_root_proves_nothing(name: str) -> None:
    row = activation(name)
    assert decide(stable(row)["slope"], row.slope).answer == "different"


@st.composite
def equal_pairs(draw: st.DrawFn, *, depth: int = 3) -> tuple[Expr, Expr]:
    """Two expressions that are equal by the way they are built, and seldom look it."""
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        leaf = draw(st.sampled_from([x, y, z, sp.Integer(2), sp.Rational(-1, 3), X[1, 1]]))
        return leaf, leaf
    a, b = draw(equal_pairs(depth=depth - 1))
    p, q = draw(equal_pairs(depth=depth - 1))
    u = draw(st.sampled_from([x, y, x - y, 2 * x]))
    kink = a if not a.has(sp.Piecewise) else u
    has_kinks = sp.Tuple(a, p).has(sp.Piecewise)  # and |z|² has one slope, not two
    smooth = (u, y, u, y) if has_kinks else (a, p, b, q)
    ways: list[Callable[[], tuple[Expr, Expr]]] = [
        lambda: (a + p, q + b),
        lambda: (a * (p + z), b * q + z * b),
        lambda: ((a + p) ** 2, b**2 + 2 * b * q + q**2),
        lambda: (a / (1 + p**2), b - b * q**2 / (q**2 + 1)),
        lambda: (a * sp.exp(u + y), b * sp.exp(u) * sp.exp(y)),
        lambda: (a * sp.tanh(u), b - 2 * b / (sp.exp(u) ** 2 + 1)),
        lambda: (g(a + p), g(q + b)),
        lambda: (f(*smooth[:2]).diff(x), f(*smooth[2:]).diff(x)),
        lambda: (absolute(kink) ** 2 + p, kink**2 + q),
        lambda: (over_samples(a * X[1, c] + p), over_samples(q) + over_samples(X[1, c] * b)),
        lambda: (g(over_samples(y * X[1, c])) + a, b + g(y * over_samples(X[1, d], d))),
        lambda: (sp.log(1 + a**2) + sp.log(sp.exp(p)), q + sp.log(b**2 + 1)),
        lambda: (sp.sqrt(1 + a**2) ** 3 + p, sp.sqrt(b**2 + 1) * (1 + b**2) + q),
    ]
    return draw(st.sampled_from(ways))()


@settings(max_examples=60)
@given(equal_pairs())
def test_proves_what_is_equal_by_construction_and_separates_its_neighbours(pair: tuple[Expr, Expr]) -> None:
    left, right = pair
    assume(left.count_ops() < 150)
    decision = decide(left, right)
    # that a cell has no points is not always seen, and nested roots reach high degrees
    limited = " where " in decision.reason or " beyond " in decision.reason
    assert decision.answer == "equal" or (decision.answer == "undecided" and limited)
    assert decide(left, right + sp.Rational(1, 10**6)).answer == "different"


ELEMENTARY = [name for name, (left, _) in EQUAL.items() if not left.atoms(sp.Sum, Undefined, sp.Piecewise)]


@pytest.mark.parametrize("name", ELEMENTARY)
def test_balls_hold_what_sympy_evaluates(name: str) -> None:
    left, _ = EQUAL[name]
    values = {symbol: abs(Point(0).value(symbol)) for symbol in left.free_symbols}
    exact = left.subs({symbol: rational(value) for symbol, value in values.items()})
    with ctx.workprec(200):
        assert arb(Evaluator(Point(0, values))(left)).overlaps(arb(str(exact.evalf(50)), 1e-40))


def test_balls_refuse_what_they_cannot_tell() -> None:
    one = sp.sin(x) ** 2 + sp.cos(x) ** 2
    with pytest.raises(Unclear, match="cannot be told apart"):
        Evaluator(Point(0))(sp.Piecewise((x, one > 1), (y, True)))
    with pytest.raises(Unclear, match="no finite value"):
        Evaluator(Point(0))(sp.log(-(x**2)))
    with pytest.raises(Unclear, match="no piece"):
        Evaluator(Point(0))(sp.Piecewise((x, y > 100)))


def test_a_wrong_rule_of_the_normal_form_is_contradicted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reading.RULES, sp.cosh, reading.RULES[sp.sinh])
    with pytest.raises(
        Contradiction, match=r"cosh\(x\) and sinh\(x\) have one normal form, but they differ at x = "
    ):
        decide(sp.cosh(x), sp.sinh(x))


SWELLING = {
    "many symbols": (sp.Add(*sp.symbols("u:30", real=True)) ** 30, x),
    "a high degree": (
        (x + y) ** 1001 - (x + y) ** 1001 * sp.exp(x) * sp.exp(-x - y) * sp.exp(y),
        sp.Integer(0),
    ),
    "many kinks": (
        sp.Add(*map(absolute, sp.symbols("u:9", real=True))),
        sp.Add(*map(absolute, sp.symbols("u:9", real=True))),
    ),
}


@pytest.mark.parametrize("name", SWELLING)
def test_what_swells_is_answered_in_time(name: str) -> None:
    left, right = SWELLING[name]
    start = time.monotonic()
    decide(left, right, seconds=2)
    assert time.monotonic() - start < 20


def test_the_clock_is_kept() -> None:
    left = sp.Add(*sp.symbols("u:8", real=True)) ** 6
    decision = decide(left, left.expand(), seconds=0)
    assert decision.answer == "undecided"
    assert decision.reason.startswith("the time is up")


def test_a_decision_is_the_same_each_time() -> None:
    left, right = DIFFERENT["undefined functions"]
    assert str(decide(left, right).point) == str(decide(left, right).point)


def test_two_points_stand_beside_what_is_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def counted(left: Expr, right: Expr, point: Point, **options: Any) -> int:
        seen.append(point.seed)
        return 0

    monkeypatch.setattr(normal_form, "order", counted)
    assert decide(x + y, y + x).answer == "equal"
    assert seen == [0, 1]


def test_the_number_of_cases_is_limited_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    sides = absolute(x) ** 2, x**2
    monkeypatch.setattr(normal_form, "MAX_CASES", 3)
    assert decide(*sides).reason == "the difference reduces to 0 in each of 3 cases"
    assert decide(x, x).reason == "the difference reduces to 0"
    monkeypatch.setattr(normal_form, "MAX_CASES", 2)
    assert decide(*sides).reason.startswith("there are more than 2 cases")
