"""The audit of the slides on the backward network of linear neurons."""

from collections import Counter
from dataclasses import replace

import pytest

from proofs.published.audit import verdict_on
from proofs.published.backward_network import ENTRIES
from proofs.published.backward_network_errors import OUTPUT, RECURSION
from proofs.published.entry import CHECK, Inconsistent, verdict

IDS = """
    D1 E01 D2 E02 D3 P02 CR1 CR2 E03 E04 E05 E06 E07 E08 E09 E10 P05 E11 E12 E13 E14 E15 E16 E17 E18
    E19 E20 E21 E22 E23 E24 G1 G2
"""
SOFTMAX, SUM, ANY = "softmax in layer L", "C is the sum of norms", "C is the mean of any cost"
ENTRY = {entry.id: entry for entry in ENTRIES}


def found(id):
    return verdict_on(id)


def test_every_place_of_the_slides_occurs_once_and_in_their_order():
    assert [entry.id for entry in ENTRIES] == [f"S1-{each}" for each in IDS.split()]
    assert len(ENTRIES) == 33


def test_the_machine_decides_all_that_is_formal():
    counts = Counter(found(id).name for id in ENTRY)
    assert counts == {"correct": 18, "definition": 11, "derived": 2, "wrong": 1, "not-formal": 1}
    assert [id for id in ENTRY if found(id).checked_by != CHECK] == ["S1-D2", "S1-P02"]


def test_only_the_layer_of_the_output_error_is_wrong_and_the_summary_has_it_right():
    (wrong,) = (found(id) for id in ENTRY if found(id).name == "wrong")
    assert (wrong.entry.id, wrong.entry.error_class) == ("S1-E12", "layer")
    assert wrong.entry.latex and wrong.entry.corrected == OUTPUT
    assert all(judgement.if_square == "false" for judgement in wrong.judgements.values())
    assert OUTPUT in ENTRY["S1-E18"].readings[0] and found("S1-E18").name == "correct"


@pytest.mark.parametrize(
    ("id", "fails"),
    {
        "S1-E01": {ANY, SUM},
        "S1-E02": {SUM},
        "S1-E03": set(),
        "S1-E10": {SOFTMAX},
        "S1-E17": set(),
        "S1-E22": {SOFTMAX},
        "S1-G2": set(),
    }.items(),
)
def test_which_cost_and_activation_makes_an_equation_false(id, fails):
    assert set(found(id).fails_under) == fails
    assert set(found(id).holds_under) == set(ENTRY[id].conventions) - fails


@pytest.mark.parametrize(
    ("id", "reading"),
    {
        "S1-CR1": "D(z, x) = D(z, y) + D(y, x)",
        "S1-CR2": "D(z, s) = D(z, x)*D(x, s)",
        "S1-E10": "delta[L][n] = -sigma'(z[L][n])*D(C, y[n])",
        "S1-P05": "D(C_norm, y[n]) = D(C_square, y[n])",
        "S1-E12": "delta[L] = sigma(z[L])*D(C, y)",
        "S1-E15": "delta[l][i] = sigma'(z[l][i])*Sum(w[l+1][i,k]*delta[l+1][k], k) for l in 1..L-1",
        "S1-E16": "back[l][i] = Sum(u[l+1][k], k)",
        "S1-E17": RECURSION.replace(".T", ""),
        "S1-G1": "D(C, b[l][i]) = -delta[l][i]",
        "S1-G2": "D(C, w[l]) = a[l-1] @ delta[l].T for l in 2..L",
    }.items(),
)
def test_audit_rejects_a_wrong_formula(id, reading):
    own = dict([next(iter(ENTRY[id].conventions.items()))])
    with pytest.raises(Inconsistent, match=f"{id} is wrong, but its correction is 'missing'"):
        verdict(replace(ENTRY[id], conventions=own, readings=(reading,), corrected=""))
