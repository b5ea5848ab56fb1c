"""A generated module is itself a subject: right in the layout it was generated for, and in no other."""

from itertools import product

import pytest

from backproof.checking import check
from numeric.native.compiled import compiled
from symbolic.conventions import CHOICES, Layout
from symbolic.network import mlp

LAYOUTS = [Layout(*choice) for choice in product(*CHOICES.values())]
NETWORK = mlp(3, 4, 2, hidden="tanh", output="softmax", loss="cross-entropy", l2="lambda/(2*m)")


@pytest.mark.parametrize("layout", LAYOUTS[::5], ids=str)  # these have every convention among them
def test_generated_module_is_right_in_its_own_layout(layout):
    report = check(compiled(NETWORK, layout).gradient, NETWORK, layout=layout, max_examples=3)
    assert report.verdict == "right", report.text()


@pytest.mark.parametrize("layout", LAYOUTS[1:], ids=str)
def test_generated_module_is_not_right_in_another_layout(layout):
    report = check(compiled(NETWORK, LAYOUTS[0]).gradient, NETWORK, layout=layout, max_examples=3)
    assert report.verdict in ("wrong", "subject failed"), report.text()


def test_loss_and_gradient_are_both_compared():
    module = compiled(NETWORK)

    def both(params, x, t, *, lam):
        return module.loss(params, x, t, lam=lam), module.gradient(params, x, t, lam=lam)

    def wrong_loss(params, x, t, *, lam):
        return 2 * module.loss(params, x, t, lam=lam), module.gradient(params, x, t, lam=lam)

    assert check(both, NETWORK, max_examples=5).verdict == "right"
    report = check(wrong_loss, NETWORK, max_examples=5)
    assert report.verdict == "wrong"
    assert report.findings[0].kind == "wrong loss"
