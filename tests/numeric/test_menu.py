"""The menu: no form in which people write an activation or its slope rounds by more than it says."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy import special

from numeric.envelope import PRECISIONS, Envelopes
from numeric.menu import REACH, menu
from symbolic.activations import ACTIVATIONS, ALPHA, VALUE, Z, activation
from symbolic.grammar.formula import parse_scalar

ROWS = [row.name for row in ACTIVATIONS.values() if row.definition]
CASES = [*ROWS, "elu(3/10)", "leaky_relu(1/5)", "z*tanh(z)"]
REACHED = np.concatenate([np.linspace(-50, 50, 201), np.geomspace(1e-6, 1, 12), -np.geomspace(1e-6, 1, 12)])
BITS = 250  # 1 - tanh² is 2^-142 at 50
NUMPY = [{"erf": special.erf, "erfc": special.erfc}, "numpy"]


def forms_of(source, wanted):
    """Every way of writing a value, or a slope in z and a, the definition first."""
    row = source.row
    own = source.definition if wanted == "value" else source.slope
    if row is None:
        return [own]
    texts = row.forms if wanted == "value" else [*row.slope_forms, *filter(None, [row.slope_by_value])]
    names = ("z", "alpha") if wanted == "value" else ("z", "a", "alpha")
    read = [parse_scalar(text, names=names) for text in texts]
    return [own, *(form if source.alpha is None else form.xreplace({ALPHA: source.alpha}) for form in read)]


def evaluated(form, z, a):
    with np.errstate(all="ignore"):
        found = sp.lambdify([Z, VALUE], form, NUMPY)(z, a)
    return np.broadcast_to(np.asarray(found), z.shape)


def errors(found, form, z):
    """How far floats are from a formula's true values; 0 where they are not finite."""
    with mpmath.workprec(BITS):
        true = sp.lambdify(Z, form, "mpmath")
        pairs = zip(found.tolist(), z.tolist(), strict=True)
        off = (abs(mpmath.mpf(f) - true(mpmath.mpf(at))) if np.isfinite(f) else 0 for f, at in pairs)
        return np.array(list(map(float, off)))


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_every_form_is_within_the_menu(name, precision):
    source = activation(name)
    z = REACHED.astype(precision)
    values = [evaluated(form, z, z) for form in forms_of(source, "value")]
    bound = menu(source, "value", PRECISIONS[precision]).rounding(z.astype(float))
    for form, found in zip(forms_of(source, "value"), values, strict=True):
        assert (errors(found, source.definition, z) <= bound).all(), form
    bound = menu(source, "slope", PRECISIONS[precision]).rounding(z.astype(float))
    for form in forms_of(source, "slope"):
        for a in values if form.has(VALUE) else values[:1]:
            found = evaluated(form, z, a.astype(precision))
            assert (errors(found, source.slope, z) <= bound).all(), form


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_the_menu_excuses_rounding_alone(name, precision):
    source, known = activation(name), PRECISIONS[precision]
    z = np.linspace(-3, 3, 101)
    for wanted in ("value", "slope"):
        bound = menu(source, wanted, known).rounding(z)
        assert (bound <= 500 * known.u * np.maximum(1, np.abs(z))).all()


WRONG = [("tanh", "1 - a"), ("sigmoid", "a*(1 + a)"), ("relu", "1"), ("elu", "where(z > 0, 1, a)")]


@pytest.mark.parametrize(("name", "wrong"), WRONG)
def test_a_wrong_slope_is_beyond_the_menu(name, wrong):
    source, z = activation(name), np.linspace(-3, 3, 20)
    a = evaluated(source.definition, z, z)
    found = evaluated(parse_scalar(wrong, names=("z", "a")), z, a)
    bound = menu(source, "slope", PRECISIONS["float32"]).rounding(z)
    assert (errors(found, source.slope, z) > 100 * bound).mean() >= 0.45


@pytest.mark.parametrize("name", CASES)
def test_steepness_bounds_what_an_error_of_z_does(name):
    source = activation(name)
    rng = np.random.default_rng(0)
    z = rng.uniform(-20, 20, 300)
    for reach in (1e-3, 1e-2, 1.0):
        off = reach * rng.uniform(0, 1, z.shape)
        there = z + off * rng.choice((-1, 1), z.shape)
        for wanted, form in (("value", source.definition), ("slope", source.slope)):
            known = menu(source, wanted, PRECISIONS["float64"])
            here, moved = (evaluated(form, at, at) for at in (z, there))
            jumps = [abs(kink - z) <= off for kink in map(float, source.kinks)] if wanted == "slope" else []
            smooth = ~np.any(jumps, axis=0) if jumps else np.ones(z.shape, bool)
            allowed = 1.05 * off * known.steepness(z, off) + 1e-9  # it is looked at on a grid
            assert (np.abs(moved - here) <= allowed)[smooth].all(), (wanted, reach)


def test_a_slope_within_reach_of_its_kink_is_not_known():
    algebra = Envelopes(PRECISIONS["float32"])
    z = algebra.lift(np.array([1e-3, 0.0, 1.0])) * algebra.constant(1 / 3, is_exact=False)
    z = z + algebra.lift(np.zeros(3))
    relu = activation("relu")
    stable = lambda wanted, at: np.where(at > 0, 1.0, 0.0)  # noqa: E731
    assert np.isfinite(algebra.activation(relu, "slope", z, stable).worst).tolist() == [True, False, True]


def test_beyond_the_table_every_z_is_looked_at_by_itself():
    known = menu(activation("softplus"), "value", PRECISIONS["float64"])
    near, far = known.rounding(np.array([REACH - 0.1, REACH + 0.1]))
    assert 0.5 < far / near < 2
    assert np.isinf(known.rounding(np.array([np.nan, np.inf]))).all()
