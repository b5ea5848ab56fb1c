"""JAX: its reverse mode is right, and a custom_vjp is what it is."""

import sys
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import backproof as bp
from backproof.forms import Form
from backproof.strategies import networks
from backproof.subjects import FileSubject
from symbolic.conventions import Layout
from symbolic.network import mlp
from tests.real.expressed import asked

SOURCE = Path(__file__).parent / "jax_losses.py"


@pytest.fixture(scope="module")
def framework(require):
    require("jax")
    return import_module("tests.real.jax_tables").JAX


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    network=networks(max_depth=5, min_width=1, unequal=False),
    samples=st.integers(1, 6),
    seed=st.integers(0, 999),
)
def test_jax_is_right_on_drawn_networks(framework, network, samples, seed):
    for dtype in ("float64", "float32"):
        outcomes = asked(framework, network, samples, dtype, seed)
        assert not [found for outcome in outcomes for found in outcome.findings]


@pytest.mark.parametrize(("name", "verdict"), [("right", "right"), ("wrong", "wrong")])
def test_a_custom_vjp_is_judged_and_its_slope_named(require, name, verdict):
    require("jax")
    family = mlp("3-4-2", hidden="silu", output="softmax", loss="cross-entropy", scale="1/m")
    with FileSubject(SOURCE, name, python=Path(sys.executable), form=Form("jax")) as subject:
        report = bp.check(subject, family, layout=Layout("in-out", "rows"), max_examples=5)
    assert report.verdict == verdict, report.text()
    assert bool(report.explanations) == (verdict == "wrong")
    if report.explanations:
        assert "slope" in report.explanations[0].bug, report.text()
