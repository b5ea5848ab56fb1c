"""The envelope: beyond it lies no correct implementation, at any scale and in either precision."""

from collections.abc import Callable

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from backproof.strategies import networks
from numeric.algebra import PLAIN, Algebra, function
from numeric.comparison import compare
from numeric.envelope import PRECISIONS, Envelope, Envelopes
from numeric.problem import problem_of
from numeric.references import References, references
from tests.implementations import by_name, cast, implementations, scaled_points, textbook_networks

SINGLE = PRECISIONS["float32"]


def references_of(problem, point, precision) -> References:
    values = {array: value[None].astype(float) for array, value in point.values(problem).items()}
    return references(problem, values, point.samples, PRECISIONS[precision], lam=[point.lam])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # saturated units overflow in naive forms
@settings(max_examples=40)
@given(st.data())
def test_no_correct_implementation_is_beyond_the_worst_case(data):
    drawn = textbook_networks() | networks(max_depth=4, max_width=8, min_width=1, unequal=False)
    network = data.draw(drawn)
    problem = problem_of(network)
    point = data.draw(scaled_points(network))
    for precision in ("float64", "float32"):
        found = references_of(problem, point, precision)
        given_point = cast(point, precision)
        lam = np.dtype(precision).type(point.lam)
        every = dict(implementations(network))
        assert len(every) >= 3
        for name, gradient in every.items():
            answer = by_name(gradient(given_point.params, given_point.x, given_point.t, lam), problem)
            for array, entries in answer.items():
                bounded = found.gradient[array].at(0)
                seen = compare(bounded, entries)
                alarms = seen.disagrees | seen.ill_conditioned
                assert not alarms.any(), (name, precision, array.label, float(seen.excess.max()))


@settings(max_examples=30)
@given(st.data(), st.sampled_from(["float64", "float32"]))
def test_three_times_the_worst_case_is_beyond_it(data, precision):
    network = data.draw(networks(max_depth=3))
    problem = problem_of(network)
    found = references_of(problem, data.draw(scaled_points(network)), precision)
    for array in problem.parameters:
        bounded = found.gradient[array].at(0)
        seen = compare(bounded, bounded.value - 3 * bounded.worst)
        assert (seen.disagrees == seen.counted).all()


FUNCTIONS = ["exp", "log", "sin", "cos", "sinh", "cosh", "tanh", "atan", "erf", "erfc", "log1p", "expm1"]


@given(st.sampled_from(FUNCTIONS), st.floats(1 / 512, 4, width=32), st.floats(0, 1), st.sampled_from((-1, 1)))
def test_a_function_of_what_is_off_is_off_by_no_more(name, x, share, sign):
    precision = PRECISIONS["float32"]
    if name not in ("log", "log1p"):
        x *= sign
    off = 0.01 * abs(x)
    bounded = Envelopes(precision).call(name, enveloped(x, off))
    with ctx.workprec(120):
        true = float(getattr(arb(x + share * sign * off), name)())
    assert abs(float(function(name, np.array(x))) - bounded.value) == 0
    assert abs(true - bounded.value) <= 1.02 * bounded.worst  # the steepest of three points, for it is smooth


def enveloped(x: float, off: float) -> Envelope:
    value = np.asarray(x, float)
    return Envelope(value, np.full_like(value, off), np.full_like(value, off**2), SINGLE)


def chain(algebra: Algebra, x, y):
    """Sums, products, powers, a case and a sum of products."""
    third = algebra.constant(1 / 3, is_exact=False)
    s = x * y + third * x
    p = algebra.power(s * s + algebra.constant(1.0, is_exact=True), -0.5) * algebra.power(x, 3.0)
    q = algebra.power(x * x + third, 0.5) + algebra.power(y, 2.0)
    w = algebra.where(*held(algebra, p, q), p, q)
    return algebra.einsum("ij,ij,kj->ik", (w, s, x), 4)


def held(algebra: Algebra, p, q):
    left, right = algebra.raw(p), algebra.raw(q)
    spread = algebra.spread(p) + algebra.spread(q)
    return left > right, np.any(spread) and np.abs(left - right) <= spread


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.sampled_from([0.01, 1.0, 30.0]))
def test_float32_stays_within_its_envelope_of_every_operation(seed, scale):
    rng = np.random.default_rng(seed)
    x, y = (scale * rng.normal(size=(3, 4)).astype(np.float32) for _ in range(2))
    algebra = Envelopes(SINGLE)
    found = chain(algebra, algebra.lift(x), algebra.lift(y))

    class Narrow(type(PLAIN)):
        def constant(self, value, *, is_exact):
            return np.float32(value)

    narrow = chain(Narrow(), x, y)
    assert narrow.dtype == np.float32
    exact = chain(PLAIN, x.astype(float), y.astype(float))
    assert (np.abs(narrow - exact) <= found.worst).all()
    assert (found.variance <= found.worst**2).all()


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda a, x: a.call("exp", x * a.constant(400.0, is_exact=True)), "out of range"),
        (lambda a, x: a.call("log", x + a.constant(-1.0, is_exact=True)), "at a pole"),
        (lambda a, x: a.power(x + a.constant(-1.0, is_exact=True), -1.0), "at a pole"),
        (lambda a, x: a.doubt(x, np.array(True)), "in doubt"),
    ],
)
def test_where_nothing_is_known_the_bound_is_infinite(make: Callable, why: str):
    algebra = Envelopes(SINGLE)
    with np.errstate(all="ignore"):
        assert np.isinf(make(algebra, enveloped(1.0, 1e-3)).worst), why


def test_nothing_times_what_is_unknown_is_nothing():
    algebra = Envelopes(SINGLE)
    unknown = algebra.doubt(algebra.lift(np.array([1.0, 2.0])), np.array([True, False]))
    found = algebra.einsum("i,ij->j", (unknown, algebra.lift(np.array([[0.0, 1.0], [1.0, 1.0]]))), 2)
    assert np.isfinite(found.worst).tolist() == [True, False]


def test_a_case_that_rounding_may_decide_either_way_is_off_by_both_sides():
    algebra = Envelopes(SINGLE)
    sides = enveloped(1.0, 1e-3), enveloped(3.0, 1e-2)
    found = algebra.where(np.array(True), np.array(True), *sides)
    assert (found.value, found.worst) == (1.0, 2.0 + 1e-2)
    sure = algebra.where(np.array(True), np.array(False), *sides)
    assert sure.worst == 1e-3


def test_adding_at_one_place_rounds_and_at_its_own_does_not():
    algebra = Envelopes(SINGLE)
    places = (np.array([0, 0, 2]),)
    found = algebra.add_at((3,), places, algebra.lift(np.array([1.0, 2.0, 4.0])))
    assert found.value.tolist() == [3, 0, 4]
    assert found.worst[0] > 0 and found.worst[1:].tolist() == [0, 0]
