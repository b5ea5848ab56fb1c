"""Every row of LAYERS: derived gradients against a scalar reverse mode, JAX and differences; H v."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pytest
import sympy as sp

from numeric.arrays import evaluate_arrays
from numeric.numbers import Floats
from symbolic import accumulation
from symbolic.cost import operations
from symbolic.derivation import Derivation, derive
from symbolic.errors import Unsupported
from symbolic.evaluate import evaluate, shape_of
from symbolic.grammar.indices import Holds, is_index
from symbolic.graph import graph, loss, node
from symbolic.hoisting import hoisted
from symbolic.layers import LAYERS
from symbolic.losses import SAMPLES
from symbolic.notation import Equation, Step
from symbolic.second_order import HessianVector, hessian_vector
from symbolic.straight_line import straight_line
from tests import agreement
from tests.layer_cases import CASES, Case, Values, by_straight_line, generic, rows_of

HUGE = 1e3  # a logit whose exponential overflows


@dataclass(frozen=True)
class Worked:
    """A case with what is computed once for all of its tests."""

    case: Case

    @cached_property
    def derivation(self) -> Derivation:
        return derive(self.case.graph, wrt=self.case.wrt)

    @cached_property
    def values(self) -> Values:
        return self.case.values()

    @cached_property
    def found(self) -> Values:
        return evaluate_arrays(self.derivation.steps, self.values, self.case.scalars)

    @cached_property
    def gradient(self) -> Values:
        return {array: self.found[array.bar] for array in self.case.wrt}

    @cached_property
    def second(self) -> HessianVector:
        return hessian_vector(self.derivation, self.case.wrt)

    @cached_property
    def directions(self) -> Values:
        random = np.random.default_rng(1)
        return {array: generic(random, self.values[array].shape) for array in self.case.wrt}

    @cached_property
    def by_jax(self) -> tuple[Values, Values]:
        """The gradient, and H v."""
        from tests import jax_route

        steps = self.case.graph.steps
        return jax_route.second_order(steps, self.values, self.case.scalars, self.directions)

    def evaluated(self, steps: Sequence[Step]) -> Values:
        named = {v: self.directions[array] for array, v in self.second.directions.items()}
        return evaluate_arrays(steps, {**self.values, **named}, self.case.scalars)


@pytest.fixture(scope="module", params=CASES)
def worked(request: pytest.FixtureRequest) -> Worked:
    return Worked(CASES[request.param])


def test_every_row_has_a_case() -> None:
    assert set.union(*map(rows_of, CASES.values())) == LAYERS.keys()


def test_gradient_is_that_of_a_scalar_reverse_mode(worked: Worked) -> None:
    agreement.check(worked.gradient, by_straight_line(worked.case, worked.values), flat=worked.case.flat)


def test_straight_line_program_does_not_guess_where_a_maximum_lies() -> None:
    case = CASES["max-pool1d"]
    with pytest.raises(Unsupported, match=r"^these numbers leave open where a maximum lies"):
        straight_line(case.graph.steps, wrt=case.wrt, sizes={SAMPLES: case.samples})


def test_gradient_is_that_of_jax(require: Callable[[str], None], worked: Worked) -> None:
    require("jax")
    agreement.check(worked.gradient, worked.by_jax[0], flat=worked.case.flat)


def test_hessian_vector_product_is_that_of_jax(require: Callable[[str], None], worked: Worked) -> None:
    require("jax")
    found = worked.evaluated(worked.second.steps)
    products = {
        array: found.get(product, np.zeros_like(worked.values[array]))
        for array, product in worked.second.products.items()
    }
    agreement.check(products, worked.by_jax[1], flat=worked.case.flat, within=1e-10, least=0)


def test_gradient_is_the_slope_of_the_forward_pass(worked: Worked) -> None:
    random = np.random.default_rng(2)
    direction = {array: random.choice([-1.0, 1.0], worked.values[array].shape) for array in worked.case.wrt}
    derived = sum(float(np.sum(worked.gradient[array] * direction[array])) for array in direction)
    assert slope_along(worked, direction) == pytest.approx(derived, rel=1e-7, abs=1e-9)


def slope_along(worked: Worked, direction: Values, step: float = 2e-3) -> float:
    """Central differences of E with two steps, the h² of their error taken out (Richardson)."""

    def error(moved: float) -> float:
        values = worked.values | {a: worked.values[a] + moved * along for a, along in direction.items()}
        return worked.case.error(evaluate_arrays(worked.case.graph.steps, values, worked.case.scalars))

    wide, narrow = ((error(h) - error(-h)) / (2 * h) for h in (step, step / 2))
    return (4 * narrow - wide) / 3


def test_arrays_hold_what_the_loops_over_every_index_give(worked: Worked) -> None:
    lists = {array: found.ravel().tolist() for array, found in worked.values.items()}
    looped = evaluate(worked.derivation.steps, lists, worked.case.scalars, Floats())
    assert looped.keys() == worked.found.keys()
    for array, found in worked.found.items():
        assert found.shape == shape_of(array, {SAMPLES: worked.case.samples})
        np.testing.assert_allclose(found.ravel(), looped[array], rtol=1e-12, atol=1e-13, err_msg=array.label)


def test_hoisted_sums_change_no_value(worked: Worked) -> None:
    for steps in (worked.derivation.steps, worked.second.steps):
        plain, short = worked.evaluated(steps), worked.evaluated(hoisted(steps))
        assert plain.keys() <= short.keys()
        for array, found in plain.items():
            np.testing.assert_allclose(short[array], found, rtol=1e-12, atol=1e-13, err_msg=array.label)


def test_hoisted_program_costs_a_constant_and_the_same_for_each_sample(worked: Worked) -> None:
    steps = hoisted(worked.derivation.steps)
    costs = [operations(steps, {SAMPLES: samples}) for samples in (8, 16, 24, 32)]
    assert np.diff(costs, n=2).tolist() == [0, 0]


def test_batch_norm_of_256_samples_costs_some_hundred_operations_a_sample() -> None:
    network = graph(
        inputs={"x": (8, "m")},
        nodes={"a": node("dense", "x", units=8), "y": node("batch-norm", "a")},
        losses={"E": loss("half-squared", "y")},
    )
    cost = operations(hoisted(derive(network).steps), {SAMPLES: 256})
    assert 256 * 100 < cost < 256 * 700


def test_stable_forms_give_the_values_of_the_definitions(worked: Worked) -> None:
    stable = evaluate_arrays(worked.case.graph.stable_steps, worked.values, worked.case.scalars)
    for step in worked.case.graph.steps:
        if step.target in stable:
            found, defined = stable[step.target], worked.found[step.target]
            np.testing.assert_allclose(found, defined, rtol=1e-12, atol=1e-13)


OVERFLOWING = [
    "softmax",
    "softmax, of the second axis",
    "log-softmax",
    "attention",
    "masked-attention",
    "multi-head-attention",
    "masked-multi-head-attention",
    "softmax-cross-entropy",
    "softmax-cross-entropy over time",
]


@pytest.mark.parametrize("name", OVERFLOWING)
def test_stable_forms_and_their_gradients_are_finite_at_huge_logits(name: str) -> None:
    worked = Worked(CASES[name])
    given = worked.case.given
    values = {a: value if a.name in given else HUGE * value for a, value in worked.values.items()}
    naive = evaluate_arrays(worked.derivation.steps, values, worked.case.scalars)
    assert not all(np.isfinite(found).all() for found in naive.values())
    steps = (*worked.case.graph.stable_steps, *worked.derivation.backward)
    found = evaluate_arrays(steps, values, worked.case.scalars)
    for step in steps:
        assert np.isfinite(found[step.target]).all(), step.target
    moderate = evaluate_arrays(steps, worked.values, worked.case.scalars)
    agreement.check({a: moderate[a.bar] for a in worked.case.wrt}, worked.gradient, flat=worked.case.flat)


Rules = Callable[[Equation, str], tuple[Equation, ...]]


def every_bracket_holds(equation: Equation) -> Equation:
    """Without the conditions on indices."""
    return replace(equation, value=equation.value.replace(Holds, lambda _: sp.S.One))


def positions_shifted(equation: Equation) -> Equation:
    """Computed positions are one further."""
    entries = [e for e in equation.value.atoms(sp.Indexed) if not all(map(is_index, e.indices))]
    moved = {e: e.func(e.base, *(p if is_index(p) else p + 1 for p in e.indices)) for e in entries}
    return replace(equation, value=equation.value.xreplace(moved))


def scatter_elsewhere(equation: Equation) -> Equation:
    """What belongs to a repeated place lands one further."""
    if not equation.scatters:
        return equation
    target = equation.target
    places = (place if is_index(place) else place + 1 for place in target.indices)
    return replace(equation, target=target.func(target.base, *places))


def repeated_place_is_dropped(equation: Equation) -> Equation:
    """Of what lands at one entry, the last loop's first value alone."""
    if not equation.scatters:
        return equation
    return replace(equation, value=equation.value * Holds(sp.Eq(equation.loops[-1][0], 1)))


def sum_is_left_out(equation: Equation) -> Equation:
    """The first term alone of what a sum adds up."""
    return replace(equation, value=equation.value.replace(lambda e: isinstance(e, sp.Sum), first_term))


def first_term(total: sp.Expr) -> sp.Expr:
    return total.function.xreplace({index: sp.S.One for index, *_ in total.limits})


@pytest.mark.parametrize(
    ("tamper", "name"),
    [
        (every_bracket_holds, "conv1d, strided, padded, dilated"),
        (every_bracket_holds, "slice"),
        (positions_shifted, "conv1d, strided, padded, dilated"),
        (positions_shifted, "average-pool1d"),
        (positions_shifted, "flatten"),
        (scatter_elsewhere, "embedding"),
        (scatter_elsewhere, "gather"),
        (scatter_elsewhere, "max-pool1d, overlapping, padded"),
        (repeated_place_is_dropped, "embedding"),
        (repeated_place_is_dropped, "max-pool1d, overlapping, padded"),
        (sum_is_left_out, "dense"),
        (sum_is_left_out, "batch-norm"),
        (sum_is_left_out, "softmax"),
    ],
)
def test_tampered_rule_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tamper: Callable[[Equation], Equation], name: str
) -> None:
    right: Rules = accumulation.cotangent_rules
    monkeypatch.setattr(accumulation, "cotangent_rules", lambda *given: tuple(map(tamper, right(*given))))
    worked = Worked(CASES[name])
    with pytest.raises(AssertionError, match="is off by"):
        agreement.check(worked.gradient, by_straight_line(worked.case, worked.values))
