"""Power: which wrong formulas the points taken would have shown, and what is known of the others."""

import pytest

from backproof.power import power
from numeric.envelope import PRECISIONS
from symbolic.network import mlp
from tests.backproof.on_designed_points import groups
from tests.backproof.textbook import textbook
from tests.implementations import in_single_precision

TANH = mlp(hidden="tanh", loss="half-squared", scale="1/m")


def test_the_designed_points_show_nearly_everything():
    found = power(groups(textbook(hidden="tanh"), TANH))
    assert len(found.seen) > 200
    assert len(found.not_seen) + len(found.undecided) <= len(found.seen) / 50, found


def test_single_precision_shows_as_much():
    single = PRECISIONS["float32"]
    subject = in_single_precision(textbook(hidden="tanh"))
    found = power(groups(subject, TANH, precision=single))
    assert len(found.seen) > 200
    assert len(found.not_seen) + len(found.undecided) <= len(found.seen) / 20


def test_the_four_lists_share_no_name():
    found = power(groups(textbook(hidden="tanh"), TANH))
    names = [*found.seen, *found.same, *found.not_seen, *found.undecided]
    assert len(names) == len(set(names))


def test_one_sample_hides_the_factor_of_the_samples():
    network = mlp(2, 3, 2, hidden="tanh", scale="1/m")
    every = groups(textbook(hidden="tanh"), network)
    assert any("1/m" in name for name in power(every).seen)
    alone = [one_sample(network)]
    found = power(alone)
    assert not any(name.startswith("missing 1/m") for name in found.seen)
    assert any(name.startswith("missing 1/m") for name in (*found.not_seen, *found.undecided))


def one_sample(network):
    from backproof.designed import points_of
    from backproof.evidence import groups_of
    from backproof.judging import judged
    from numeric.envelope import DOUBLE
    from numeric.problem import problem_of
    from tests.backproof.on_designed_points import judge_of

    judge = judge_of(textbook(hidden="tanh"))
    asked = [judge.ask(problem_of(network), point) for point in points_of(network, 1)]
    (group,) = groups_of(judged(asked, DOUBLE, judge), DOUBLE)
    return group


@pytest.mark.parametrize("bug", ["f′(a) for f′(z)", "W for Wᵀ", "sign"])
def test_a_bug_of_the_catalogue_is_seen(bug):
    found = power(groups(textbook(hidden="tanh"), TANH))
    assert any(name.startswith(bug) for name in found.seen)
