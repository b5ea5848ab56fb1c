"""What formulas and equations mean: Python's arithmetic, exact numbers, and texts that give them back."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import pytest
import sympy as sp
from hypothesis import assume, example, given, reject
from hypothesis import strategies as st

from symbolic.errors import FormulaError, Unsupported
from symbolic.grammar.bounds import checked
from symbolic.grammar.formula import parse_equation, parse_scalar, size_of, to_text
from symbolic.grammar.functions import FUNCTIONS, Impossible, compare, undefined, written_out
from symbolic.grammar.values import MAX_ARGUMENT, chosen
from symbolic.plain import PlainSum

NAMES = ("z", "a", "lambda")
UNDEFINED = ("g", "e")
z, a, lam = (sp.Symbol(name, real=True) for name in NAMES)
i, j, r, c = (sp.Symbol(name, integer=True) for name in "ijrc")
W, A, b = (sp.IndexedBase(name, real=True) for name in "WAb")


def read(text: str) -> sp.Expr:
    return parse_scalar(text, names=NAMES, functions=UNDEFINED)


def read_value(text: str) -> sp.Expr:
    return parse_equation(f"Z[i,c] = {text}", scalars=NAMES, functions=UNDEFINED).value


# arithmetic: the reference is Python's own parser, evaluated over fractions

OPERATIONS: dict[type, Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: lambda x, y: x + y,
    ast.Sub: lambda x, y: x - y,
    ast.Mult: lambda x, y: x * y,
    ast.Div: lambda x, y: x / y,
}


def python_value(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=int(number)):
            return Fraction(number)
        case ast.UnaryOp(op=ast.USub()):
            return -python_value(node.operand)
        case ast.BinOp(op=ast.Pow()):
            base, exponent = python_value(node.left), python_value(node.right)
            if (
                exponent.denominator != 1
                or abs(exponent) > 8
                or max(abs(base.numerator), base.denominator) > 99
            ):
                raise OverflowError
            return base ** int(exponent)
        case ast.BinOp():
            return OPERATIONS[type(node.op)](python_value(node.left), python_value(node.right))
    raise AssertionError(ast.dump(node))


def joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "/", "**", " - ", "*-", "**-", "/-", "--"])
    return (
        st.tuples(inner, operators, inner).map("".join) | inner.map("-{}".format) | inner.map("({})".format)
    )


arithmetic = st.recursive(st.integers(0, 6).map(str), joined, max_leaves=8)


@given(text=arithmetic)
@example(text="-2**2")
@example(text="2**3**2")
@example(text="2**-1")
@example(text="2-3-4")
@example(text="2/3/4*5")
@example(text="-2**-2*3")
def test_arithmetic_is_that_of_python(text: str) -> None:
    try:
        expected = python_value(ast.parse(text, mode="eval").body)
    except ZeroDivisionError:
        with pytest.raises(FormulaError, match="division by zero"):
            parse_scalar(text, names=())
    except OverflowError:
        reject()
    else:
        assert parse_scalar(text, names=()) == sp.Rational(expected.numerator, expected.denominator)


def test_comparison_with_python_rejects_another_associativity() -> None:
    assert python_value(ast.parse("2**2**3", mode="eval").body) != (2**2) ** 3


@given(text=st.from_regex(r"([0-9]{1,20}\.?[0-9]{0,20}|\.[0-9]{1,20})([eE][+-]?[0-9]{1,2})?", fullmatch=True))
def test_numbers_are_exact(text: str) -> None:
    exact = Fraction(text.rstrip("."))
    assert parse_scalar(text, names=()) == sp.Rational(exact.numerator, exact.denominator)


# functions and conditions: the reference is Python's parser and mpmath

mp = mpmath.MPContext()
mp.dps = 60
MPMATH: dict[str, Callable[..., Any]] = {
    **{name: getattr(mp, name) for name in FUNCTIONS if hasattr(mp, name)},
    "abs": abs,
    "Heaviside": lambda x: mp.mpf(x > 0),
    "max": max,
    "min": min,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log(1 + mp.exp(x)),
    "relu": lambda x: max(x, mp.mpf(0)),
}
COMPARED: dict[type, Callable[[Any, Any], bool]] = {
    ast.Lt: lambda x, y: x < y,
    ast.LtE: lambda x, y: x <= y,
    ast.Gt: lambda x, y: x > y,
    ast.GtE: lambda x, y: x >= y,
    ast.Eq: lambda x, y: x == y,
    ast.NotEq: lambda x, y: x != y,
}


KINKED = {"abs", "sign", "Heaviside", "max", "min", "relu"}


class Unclear(Exception):
    """A value that is not finite and real, or two values that rounding keeps from being compared."""


def compared(x: Any, y: Any) -> None:
    if 0 < abs(x - y) < 1e-20:
        raise Unclear


def mpmath_value(node: ast.expr, point: dict[str, Any]) -> Any:
    def of(part: ast.expr) -> Any:
        value = mpmath_value(part, point)
        if not isinstance(value, bool | mp.mpf) or not mp.isfinite(value):
            raise Unclear
        return value

    match node:
        case ast.Constant():
            return mp.mpf(node.value)
        case ast.Name():
            return point[node.id]
        case ast.UnaryOp(op=ast.Not()):
            return not of(node.operand)
        case ast.UnaryOp():
            return -of(node.operand)
        case ast.BinOp(op=ast.Pow()):
            return of(node.left) ** of(node.right)
        case ast.BinOp():
            return OPERATIONS[type(node.op)](of(node.left), of(node.right))
        case ast.BoolOp():
            return (all if isinstance(node.op, ast.And) else any)([of(part) for part in node.values])
        case ast.Compare(ops=[operator], comparators=[right]):
            x, y = of(node.left), of(right)
            compared(x, y)
            return COMPARED[type(operator)](x, y)
        case ast.Call(func=ast.Name(id="where"), args=[*cases, otherwise]):
            chosen = [value for case, value in zip(cases[::2], cases[1::2], strict=True) if of(case)]
            return of((chosen or [otherwise])[0])
        case ast.Call(func=ast.Name(id=name)):
            arguments = [of(argument) for argument in node.args]
            if name in KINKED:
                compared(arguments[0], (*arguments, 0)[1])
            return MPMATH[name](*arguments)
    raise AssertionError(ast.dump(node))


SHAPES = (
    *(f"{name}({{x}})" for name, row in FUNCTIONS.items() if row.arity == 1),
    *("{x} + {y}", "{x} - {y}", "{x}*{y}", "{x}/{y}", "{x}**{y}", "{x}**2*{y}", "({x})", "-{x}"),
    *("max({x}, {y})", "min({x}, {y})", "where({p}, {x}, {y})", "where({p}, {x}, {q}, {y}, {x})"),
)
CONDITIONS = (
    *("{x} < {y}", "{x} <= {y}", "{x} > {y}", "{x} >= {y}", "{x} == {y}", "{x} != {y}"),
    *("not {p}", "{p} and {q}", "{p} or {q}", "({p})", "not ({p} and {q})"),
)


@st.composite
def composed(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    def condition(depth: int) -> str:
        shape = draw(st.sampled_from(CONDITIONS if depth else CONDITIONS[:6]))
        return filled(shape, depth - 1)

    def filled(shape: str, depth: int) -> str:
        values = {name: draw(inner) for name in "xy" if f"{{{name}}}" in shape}
        conditions = {name: condition(depth) for name in "pq" if f"{{{name}}}" in shape}
        return shape.format(**values, **conditions)

    return filled(draw(st.sampled_from(SHAPES)), 2)


formulas = st.recursive(
    st.sampled_from(["z", "a", "pi", "0", "1", "2", "0.5", "1/3"]), composed, max_leaves=6
)


@given(text=formulas, x=st.integers(-30, 30), y=st.integers(-30, 30))
@example(text="where(not z < a and a > 0 or z == 1, 1, a > 2, 2, 3)", x=10, y=-5)
@example(text="max(abs(z), a)**0.5", x=-20, y=10)
def test_value_of_a_formula_is_that_of_its_python_reading(text: str, x: int, y: int) -> None:
    point = {"z": mp.mpf(x) / 10, "a": mp.mpf(y) / 10, "pi": +mp.pi}
    try:
        expected = mpmath_value(ast.parse(f"({text}) + 0", mode="eval").body, point)
        expr = read(text)
    except (Unclear, ZeroDivisionError, OverflowError, FormulaError):
        reject()  # the formula need not have a value, here or anywhere
    assume(abs(expected) < 1e12)
    try:
        value = expr.xreplace({z: sp.Rational(x, 10), a: sp.Rational(y, 10)}).evalf(30)
    except TypeError:  # SymPy computes pieces that do not hold here as well, and they may be complex
        reject()
    assert value.is_Float or value.is_Rational
    assert abs(value - sp.Float(expected, 30)) <= 1e-20 * max(1, abs(expected))


# the text of an expression gives the expression back


def built(build: Callable[..., sp.Expr], *parts: sp.Expr) -> sp.Expr:
    """What SymPy's own operators make, if a formula can say it."""
    try:
        return sayable(build(*parts))
    except Impossible:
        reject()


def sayable(expr: sp.Expr) -> sp.Expr:
    """An expression that SymPy builds again from its parts, with constants that a formula may hold."""
    nodes = list(sp.preorder_traversal(expr))
    assume(len(nodes) < 200 and written_out(expr) == expr)
    assume(all(node.func(*node.args) == node for node in nodes if node.args))  # 3**(1/9)*3**(4/9) is 3**(5/9)
    try:
        checked(expr)
    except Impossible:
        reject()
    assume(all(abs(node.evalf(2)) < MAX_ARGUMENT for node in nodes if node.is_number))
    return expr


def one_of_two(x: sp.Expr, y: sp.Expr) -> sp.Basic:
    return sp.And(compare(sp.Lt, x, sp.S.One), sp.Or(compare(sp.Ge, y, x), compare(sp.Ne, y, sp.Integer(3))))


BUILDS: tuple[tuple[int, Callable[..., sp.Expr]], ...] = (
    *((row.arity, row.build) for row in FUNCTIONS.values() if row.arity < 3),
    *((1, undefined("g", 1, (order,))) for order in range(3)),
    *((2, undefined("e", 2, orders)) for orders in [(0, 0), (1, 0), (0, 2), (1, 1)]),
    *((1, lambda x, n=n: x**n) for n in (-3, -2, -1, 2, 3, sp.Rational(-1, 2), sp.Rational(2, 3))),
    (2, lambda x, y: x + y),
    (2, lambda x, y: x - y),
    (2, lambda x, y: x * y),
    (2, lambda x, y: x / y),
    (2, lambda x, y: x**y),
    (3, lambda x, y, w: x * y * w),
    (3, lambda x, y, w: chosen([(x, compare(sp.Gt, y, w)), (w, one_of_two(x, y))], y)),
    (3, lambda x, y, w: chosen([(x, sp.Not(one_of_two(y, w))), (y, compare(sp.Eq, x, w))], w)),
)
rationals = st.builds(sp.Rational, st.integers(-9, 9), st.integers(1, 9))
scalars = rationals | st.sampled_from([z, a, lam, sp.pi])
elements = st.sampled_from([A[j, c], W[i, j], A[2 * i - 3, j + c], b[1], b[size_of(j) - j + 1]])


def expressions(leaves: st.SearchStrategy[sp.Expr]) -> st.SearchStrategy[sp.Expr]:
    @st.composite
    def composed(draw: st.DrawFn, inner: st.SearchStrategy[sp.Expr]) -> sp.Expr:
        count, build = draw(st.sampled_from(BUILDS))
        return built(build, *(draw(inner) for _ in range(count)))

    return st.recursive(leaves, composed, max_leaves=6)


@given(expr=expressions(scalars))
@example(expr=-a * (z + 1))
@example(expr=1 / (2 * (z + 1)))
@example(expr=sp.Rational(-2, 3) * sp.sqrt(2) * z / (a * sp.sqrt(z + 1)))
@example(expr=(-2) ** z * sp.Rational(2, 3) ** a)
@example(expr=sp.E * sp.exp(-(z**2)))
@example(expr=(z**3) ** a * z**lam**2)
@example(expr=sp.Piecewise((z, z > 0), (sp.Piecewise((a, a > 0), (0, True)), True)))
def test_text_of_an_expression_gives_it_back(expr: sp.Expr) -> None:
    assert read(to_text(expr)) == expr


@given(text=formulas)
def test_text_of_a_slope_gives_it_back(text: str) -> None:
    try:
        slope = read(text).diff(z)
    except FormulaError:
        reject()
    sayable(slope)
    assert read(to_text(slope)) == slope


@given(body=expressions(rationals | elements), outside=expressions(elements))
def test_text_of_an_equation_gives_it_back(body: sp.Expr, outside: sp.Expr) -> None:
    assume(size_of(j) not in outside.free_symbols)
    outside = outside.xreplace({j: i})
    for value in (
        PlainSum(body, (j, 1, size_of(j))) + outside,
        outside * PlainSum(body, (j, 1, size_of(j)), (r, 1, size_of(r))),
    ):
        sayable(value)
        assert read_value(to_text(value)) == value


def test_text_tells_different_expressions_apart() -> None:
    assert to_text(a - (z - lam)) != to_text(a - z - lam)
    assert to_text((z**3) ** a) != to_text(z ** (3**a))


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        ((a - z) ** 2 / 2, "(a - z)**2/2"),
        (-z * sp.log(a) - (1 - z) * sp.log(1 - a), "-z*log(a) - (1 - z)*log(1 - a)"),
        (1 / (2 * (z + 1)), "1/(2*z + 2)"),
        (sp.Rational(1, 2) / (z + 1), "1/2/(z + 1)"),
        (undefined("g", 1, (2,))(z), "g''(z)"),
        (undefined("e", 2, (1, 1))(a, z), "e_12(a, z)"),
        (FUNCTIONS["abs"].build(z), "where(z > 0, z, z < 0, -z, 0)"),
        (PlainSum(W[i, j] * A[j, c], (j, 1, size_of(j))), "Sum(A[j,c]*W[i,j], j)"),
    ],
)
def test_text_is_what_one_would_write(expr: sp.Expr, text: str) -> None:
    assert to_text(expr) == text


@pytest.mark.parametrize(
    "expr",
    [
        sp.Abs(a - z),
        sp.Float(0.5) * z,
        sp.Function("f")(z).diff(z),
        sp.oo,
        sp.Piecewise((z, z > 0)),
        sp.Piecewise((z, sp.ITE(z > 0, a > 0, a < 0)), (a, True)),
        PlainSum(A[j], (j, 0, size_of(j))),
    ],
    ids=str,
)
def test_what_a_formula_cannot_say_is_unsupported(expr: sp.Expr) -> None:
    with pytest.raises(Unsupported, match="a formula cannot say"):
        to_text(expr)


PRINT = """
from symbolic.grammar.formula import parse_scalar, to_text
names = "abcdefgh"
text = "where(a < b and b < c or d != 1, sin(a)*cos(b), g(c) + h*(e - f) + a*b*d)"
e = parse_scalar(text, names=names, functions="g")
print(to_text(e.diff(parse_scalar("b", names="b"))))
"""


def test_text_does_not_depend_on_the_hash_seed() -> None:
    texts = {
        subprocess.run(
            [sys.executable, "-c", PRINT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            text=True,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(texts) == 1


# what the words mean


def test_a_python_keyword_names_a_variable() -> None:
    assert read("lambda*z/2") == lam * z / 2


def test_a_name_of_the_caller_hides_the_constant_and_the_function() -> None:
    assert read("pi") is sp.pi
    assert parse_scalar("pi + max", names=("pi", "max")) == sp.Symbol("pi", real=True) + sp.Symbol(
        "max", real=True
    )
    assert parse_scalar("exp(0)", names=(), functions=("exp",)) == undefined("exp")(0)


def test_what_sympy_makes_of_a_formula_on_its_own_is_written_out() -> None:
    assert read("sqrt(z**2)") == FUNCTIONS["abs"].build(z)
    assert read("tan(z + pi/2)") == -1 / sp.tan(z)
    inner = sp.Piecewise((z, a < 0), (a, True))
    assert read("where(z < 1, where(a < 0, z, z < 1, a, 7), 0)") == sp.Piecewise((inner, z < 1), (0, True))


def test_an_equation_sums_over_ranges_named_by_their_index() -> None:
    parsed = parse_equation("Z[i,c] = Sum(W[i,j]*A[j,c], j) + b[i]")
    assert parsed.target == sp.IndexedBase("Z", real=True)[i, c]
    assert (
        parsed.value
        == PlainSum(W[i, j] * A[j, c], (j, 1, sp.Symbol("N_j", integer=True, positive=True))) + b[i]
    )
    assert parsed.text == "Z[i,c] = Sum(W[i,j]*A[j,c], j) + b[i]"


def test_sums_over_two_indices_may_be_written_in_two_ways() -> None:
    assert read_value("Sum(W[j,r]*A[r,c], j, r)") == read_value("Sum(Sum(W[j,r]*A[r,c], j), r)")


def test_a_target_may_be_a_scalar() -> None:
    parsed = parse_equation("E = Sum(e(A[i,c], T[i,c]), i, c)/m", scalars=("m",), functions=("e",))
    assert parsed.target == sp.Symbol("E", real=True)
    assert parsed.value.free_symbols >= {sp.Symbol("m", real=True), size_of(i), size_of(c)}


def test_positions_are_affine_in_indices_and_sizes_and_indices_are_numbers_too() -> None:
    assert (
        read_value("A[-i + 2*c - 1, 3] + W[N_i + 1 - i, c*2]")
        == A[2 * c - i - 1, 3] + W[size_of(i) - i + 1, 2 * c]
    )
    assert read_value("where(c <= i, c/N_c, 0)") == sp.Piecewise((c / size_of(c), c <= i), (0, True))
