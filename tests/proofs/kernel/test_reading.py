"""Reading: what is written back has the value of what was read, and rules of functions hold as they are."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from sympy.codegen.cfunctions import log1p

from proofs.kernel.balls import Point, Unclear, order
from proofs.kernel.exponentials import Exponentials
from proofs.kernel.polynomials import Plan, Restart, Ring
from proofs.kernel.reading import Reader
from symbolic.grammar.functions import undefined
from symbolic.plain import PlainSum

Expr = Any
x, y, z = sp.symbols("x y z", real=True)
c, d = sp.symbols("c d", integer=True)
m, n = sp.symbols("m n", integer=True, positive=True)
W, X = (sp.IndexedBase(name, real=True) for name in "WX")
f, g = undefined("f", 2), undefined("g")
HALF, THIRD = sp.Rational(1, 2), sp.Rational(1, 3)


def samples(body: Expr) -> Expr:
    return PlainSum(body, (c, 1, m))


def reader() -> Reader:
    return Reader(Exponentials(Ring(Plan(), time.monotonic() + 60)))


def written(expr: Expr) -> Expr:
    """An expression as it is written after it has been read."""
    plan = Plan()
    while True:
        read = Reader(Exponentials(Ring(plan, time.monotonic() + 60)))
        with suppress(Restart):
            return read.ring.expression(read(expr))


def orders(left: Expr, right: Expr) -> list[int]:
    """Which side is greater at some points; those at which one has no value are left out."""
    found = []
    for seed in range(6):
        with suppress(Unclear):
            found.append(order(left, right, Point(seed), precisions=(128,)))
    return found


PARTS = {
    "sines": sp.sin(x) + 2 * sp.sin(y - x) ** 3 + sp.sin(x * y),
    "cosines": sp.cos(x) - sp.cos(x * (x - y)) * sp.cos(y),
    "tangent": sp.tan(x / 2),
    "hyperbolic": sp.sinh(x) + 2 * sp.cosh(x / 2) - sp.tanh(y),
    "odd functions": sp.atan((x - y) * (x + y)) + sp.erf(y**2 - x) - sp.erfc(-x),
    "powers of logarithms": sp.exp(2 * log1p(x**2) - 3 * log1p(1 + y**2) / 2 + x),
    "a power of what has a sign": (x + y) ** z,
    "roots": sp.sqrt(2 * x**2 + 3) * sp.sqrt(1 + y**2) + sp.cbrt(sp.Rational(12, 5)) / sp.sqrt(6),
    "a root in a denominator": (1 + x**2) ** -sp.Rational(5, 3),
    "logarithms of unknown signs": sp.log(x * y) + sp.log((x + 1) / (1 + y**2)),
    "a logarithm of a negative": sp.log(-2 * x) - sp.log(-x - y / 3),
    "a number in a logarithm": sp.log(sp.Rational(12, 25)) * x + sp.pi * sp.E,
    "functions": f(x + y, g(x / (1 + y**2))) - g(x).diff(x),
    "an exponential in a sum": samples(sp.exp(y + 2 * X[c]) + sp.exp(x)),
    "an exponential of quotients in a sum": samples(sp.exp((y + X[c]) / (1 + X[c] ** 2)) + sp.exp(y / x)),
    "denominators in a sum": samples(x / X[c] + y / (1 + X[c] ** 2)),
    "a factor of a denominator in a sum": samples(X[c] / (x * X[c] ** 2 + x)),
    "a denominator alone in a sum": samples(x / X[c] ** 2),
    "a sum in a sum": samples(X[c] * (1 + PlainSum(W[c, d] * X[d], (d, 1, n)) ** 2)),
    "sums over both": PlainSum(W[c, d] ** 2, (d, 1, n), (c, 1, m)),
    "a sum up to an index": samples(x * PlainSum(X[d], (d, 1, c))),
    "a sum that begins late": PlainSum(x * X[c], (c, 2, m + 1)) + PlainSum(y, (c, 3, 7)),
}


@pytest.mark.parametrize("name", PARTS)
def test_what_is_written_has_the_value_of_what_was_read(name: str) -> None:
    seen = orders(PARTS[name], written(PARTS[name]))
    assert seen and set(seen) == {0}


@given(
    st.lists(st.sampled_from(sorted(PARTS)), min_size=2, max_size=2), st.sampled_from([g, sp.exp, sp.atan])
)
def test_so_has_what_is_made_of_several_parts(names: list[str], function: Any) -> None:
    first, second = (PARTS[name] for name in names)
    whole = function(first / (1 + x**2)) * second
    assert set(orders(whole, written(whole))) <= {0}


def test_what_is_off_by_a_millionth_would_be_seen() -> None:
    assert 1 in orders(PARTS["roots"] + sp.Rational(1, 10**6), written(PARTS["roots"]))


ARGUMENTS = [x, x - y, (x - y) * (x + y), x**2 - x, (x - y**3) / (1 + z**2), -x / 3 - y]


@pytest.mark.parametrize("argument", ARGUMENTS, ids=str)
def test_even_and_odd_functions(argument: Expr) -> None:
    read = reader()
    u = read(argument)
    assert read.cos(-u).key == read.cos(u).key
    assert (read.sin(-u) + read.sin(u)).is_zero
    for function in (sp.atan, sp.erf, sp.tan, sp.sinh, sp.tanh):
        assert (read(function(-argument)) + read(function(argument))).is_zero
    assert (read.sin(u) ** 2 + read.cos(u) ** 2).constant == 1
    assert read.sin(read.ring.zero).is_zero and read.cos(read.ring.zero).constant == 1


@pytest.mark.parametrize(("a", "b"), [("2", "3"), ("6", "15"), ("4", "7"), ("1/2", "8"), ("1/3", "5/4")])
def test_roots_of_products_of_numbers(a: str, b: str) -> None:
    read, first, second = reader(), sp.Rational(a), sp.Rational(b)
    for root in (HALF, THIRD):
        assert (read(first**root) * read(second**root) - read((first * second) ** root)).is_zero


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (samples(sp.exp(y + X[c])), sp.exp(y) * samples(sp.exp(X[c]))),
        (samples(sp.exp(m * y - W[d, d] + 2 * X[c])), sp.exp(m * y - W[d, d]) * samples(sp.exp(X[c]) ** 2)),
        (
            samples(sp.exp((y + X[c]) / (1 + x**2))),
            sp.exp(y / (1 + x**2)) * samples(sp.exp(X[c] / (1 + x**2))),
        ),
    ],
)
def test_an_exponential_that_does_not_depend_on_the_index_stands_before_the_sum(
    left: Expr, right: Expr
) -> None:
    read = reader()
    assert (read(left) - read(right)).is_zero


def test_a_large_number_stays_whole_where_its_primes_are_large() -> None:
    """To find them would take years."""
    large = sp.nextprime(10**40) * sp.nextprime(10**41)
    read = reader()
    both = read(sp.log(4 * large))
    assert (both - read(sp.log(large)) - read.two * read(sp.log(2))).is_zero
    assert len(read.ring.generators) == 2
