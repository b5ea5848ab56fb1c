"""The audit of the derivation for a batch with E = 1/(2m)."""

from collections import Counter
from dataclasses import replace

import pytest

from proofs.published.audit import verdict_on
from proofs.published.batch_form import BATCH, ENTRIES
from proofs.published.entry import CHECK, Inconsistent, verdict

IDS = "D1 D2 D3 E04 D5 P02 E05 E06 E07 P03 E08 E09 P04 P05 P06 G1"
OWN, SOFTMAX = "E has 1/(2m)", "softmax in layer L"
ENTRY = {entry.id: entry for entry in ENTRIES}


def found(id):
    return verdict_on(id)


def test_every_place_of_the_document_occurs_once_and_in_its_order():
    assert [entry.id for entry in ENTRIES] == [f"S2-{each}" for each in IDS.split()]
    assert len(ENTRIES) == 16


def test_the_machine_decides_all_that_is_formal():
    counts = Counter(found(id).name for id in ENTRY)
    assert counts == {"correct": 7, "definition": 5, "not-formal": 2, "wrong": 1, "derived": 1}
    assert [id for id in ENTRY if found(id).checked_by != CHECK] == ["S2-P03", "S2-P06"]


def test_only_the_range_of_the_output_slope_is_wrong():
    (wrong,) = (found(id) for id in ENTRY if found(id).name == "wrong")
    assert (wrong.entry.id, wrong.entry.error_class) == ("S2-E09", "range")
    assert wrong.entry.latex
    (reading,) = wrong.entry.readings
    assert wrong.judgements[reading, OWN].if_square == "true"  # the formula itself is right
    assert wrong.judgements[reading, "E has 1/m"].if_square == "false"


@pytest.mark.parametrize("id", ["S2-P04", "S2-G1"])
def test_only_the_scale_of_the_document_makes_the_slopes_true(id):
    assert set(found(id).holds_under) == {OWN}
    assert set(found(id).fails_under) == set(ENTRY[id].conventions) - {OWN}


@pytest.mark.parametrize(
    ("id", "fails"), {"S2-E05": set(), "S2-E06": set(), "S2-E07": {SOFTMAX}, "S2-E08": set()}.items()
)
def test_only_the_slope_of_the_activation_needs_one_that_goes_by_entries(id, fails):
    assert set(found(id).fails_under) == fails
    assert set(found(id).holds_under) == {OWN, SOFTMAX} - fails


@pytest.mark.parametrize(
    ("id", "reading"),
    {
        "S2-P02": "D(Z[l][k,c], W[l][i,j]) = A[l-1][j,c]",
        "S2-E05": "D(E, W[l][i,j]) = Sum(D(E, Z[l][i,c])*A[l-1][j,c], c)/m",
        "S2-E06": "D(E, b[l][i]) = -Sum(D(E, Z[l][i,c]), c)",
        "S2-E07": "D(E, Z[l][i,c]) = D(E, A[l][i,c])*g[l](Z[l][i,c])",
        "S2-E08": "D(E, A[l][i,c]) = Sum(D(E, Z[l+1][j,c])*W[l+1][i,j], j) for l in 1..L-1",
        "S2-P04": "D(E, A[L][i,c]) = (Y[i,c] - A[L][i,c])/m",
        "S2-G1": "D(E, W[l]) = A[l-1] @ D(E, Z[l]).T for l in 1..L",
    }.items(),
)
def test_audit_rejects_a_wrong_formula(id, reading):
    with pytest.raises(Inconsistent, match=f"{id} is wrong"):
        verdict(replace(ENTRY[id], conventions={OWN: BATCH}, readings=(reading,)))


def test_audit_rejects_a_correction_with_another_scale():
    with pytest.raises(Inconsistent, match=r"S2-E09: the correction .* is false"):
        verdict(replace(ENTRY["S2-E09"], corrected="D(E, A[L][i,c]) = 2*(A[L][i,c] - Y[i,c])/m"))
