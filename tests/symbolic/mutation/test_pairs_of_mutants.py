from __future__ import annotations

from functools import cache
from itertools import combinations

import pytest
import sympy as sp

from symbolic.derivation import derive
from symbolic.mutation import Mutant, combined, mutants
from symbolic.mutation.pairs import merged
from symbolic.network import mlp
from symbolic.plain import PlainSum
from symbolic.writing.latex import index_latex

A, B, C, D = sp.symbols("a b c d", real=True)


@cache
def found() -> tuple[Mutant, ...]:
    return mutants(
        derive(mlp(3, 4, 2, hidden="tanh", output="sigmoid", loss="half-squared", l2="lambda/(2*m)"))
    )


def the(bug: str, where: str) -> Mutant:
    return next(mutant for mutant in found() if mutant.bug == bug and mutant.where == where)


def both(one: Mutant, other: Mutant) -> Mutant:
    pair = combined(one, other)
    assert pair is not None
    return pair


def test_bugs_of_different_steps_are_both_there() -> None:
    pair = both(the("f′ missing", "layer 1"), the("gradient missing", "biases, output layer"))
    assert [str(step) for step in pair.changed] == [
        "δ1[i,c] = Σ_k W2[k,i]·δ2[k,c]",
        "∂E/∂b2[i] = 0",
    ]


def test_two_changes_of_one_step_are_put_together() -> None:
    pair = both(the("missing 1/m", "output layer"), the("slope f′ of tanh", "output layer"))
    assert str(pair.changed[0]) == "δ2[i,c] = (A2[i,c] − T[i,c])·tanh′(Z2[i,c])"
    pair = both(the("sign of the penalty", "weights, layer 1"), the("missing 1/m", "weights, layer 1"))
    assert str(pair.changed[0]) == "∂E/∂W1[i,j] = m·Σ_c δ1[i,c]·X[j,c] − (λ/m)·W1[i,j]"


def test_two_changes_of_one_part_make_no_pair() -> None:
    assert combined(the("slope f′ of tanh", "output layer"), the("slope f′ of relu", "output layer")) is None


def test_a_second_constant_gets_a_name_of_its_own() -> None:
    pair = both(
        the("constant factor of the penalty", "weights, all layers"), the("constant factor", "output layer")
    )
    assert pair.constants == ("kappa", "kappa2")


@pytest.mark.parametrize(
    ("right", "one", "other", "expected"),
    [
        (A + B, A, A - B, None),
        (A + B, -A - B, A, -A),
        (A * B * C, A * C, A * B * C * 2, 2 * A * C),
        (A * (B + C), A * B, A * (B - C), None),
        (A * (B + C) + D, B + C + D, A * (B + 2 * C) + D, None),
        (A + B * C, A + B, 2 * A + B * C, 2 * A + B),
    ],
    ids=str,
)
def test_changes_of_different_parts_merge(
    right: sp.Expr, one: sp.Expr, other: sp.Expr, expected: sp.Expr | None
) -> None:
    assert merged(right, one, other) == expected
    assert merged(right, other, one) == expected


def test_changes_within_a_sum_merge() -> None:
    k = sp.Symbol("k", integer=True)
    total = PlainSum(A * B * C, (k, 1, 3))
    assert merged(total, PlainSum(A * B, (k, 1, 3)), PlainSum(B * C, (k, 1, 3))) == PlainSum(B, (k, 1, 3))


def test_every_pair_of_a_sample_is_in_both_orders_the_same_and_can_be_written() -> None:
    sample = found()[::18]
    pairs = 0
    for one, other in combinations(sample, 2):
        pair, turned = combined(one, other), combined(other, one)
        assert (pair is None) == (turned is None)
        if pair is not None and turned is not None and not {"kappa"} <= {*one.constants, *other.constants}:
            assert {str(step) for step in pair.changed} == {str(step) for step in turned.changed}
        for step in pair.changed if pair else ():
            assert index_latex(step)
        pairs += pair is not None
    assert pairs > len(sample)
