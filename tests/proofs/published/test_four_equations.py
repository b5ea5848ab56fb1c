"""The audit of the derivation by four equations: what the machine decides, and what it must not accept."""

from collections import Counter
from dataclasses import replace

import pytest

from proofs.published.audit import verdict_on
from proofs.published.entry import CHECK, Inconsistent, verdict
from proofs.published.four_equations import ENTRIES

IDS = """
    E01 P01 P02 P02b P03 E02 E03 E04 E05 E06 P05 E07 E08 E09 E10 P06 E11 E12 P07 E13 E14 P07b
    E15 P08 E16 E17 E18 P09 E19 E20 E21 P16 P10 E22 P17 E23 E24 P11 E25
    P12 E26 E27 E28 E29 P13 E30 E31 E32 E33 E34 E35 A1 A2 A3 P14 P15
"""
WRONG = {
    "S4-P01": "overclaim",
    "S4-P02": "overclaim",
    "S4-E02": "index",
    "S4-E04": "index",
    "S4-E07": "function",
    "S4-E12": "missing-square",
    "S4-P08": "dependence",
    "S4-P09": "dependence",
    "S4-P10": "dependence",
    "S4-P17": "range",
    "S4-P12": "layer",
    "S4-E29": "layer",
    "S4-E35": "layer",
    "S4-A1": "layer",
}
AMBIGUOUS = {"S4-P02b": "derivative", "S4-P06": "undefined", "S4-P16": "notation", "S4-P14": "dependence"}
WITHOUT_HALF, MEAN = "C of one sample, without 1/2", "C of one sample, with 1/2, mean over outputs"
AVERAGED, ANY_COST = "C averaged over the samples, δ of one sample", "any cost Σρ(a − y)"
SOFTMAX = "softmax in layer L"
ENTRY = {entry.id: entry for entry in ENTRIES}
CORRECTED = [entry.id for entry in ENTRIES if entry.corrected]


@pytest.fixture(scope="module")
def verdicts():
    return {entry.id: verdict_on(entry.id) for entry in ENTRIES}


def test_every_place_of_the_document_occurs_once_and_in_its_order():
    assert [entry.id for entry in ENTRIES] == [f"S4-{each}" for each in IDS.split()]
    assert len(ENTRIES) == 56


def test_the_machine_decides_every_one_of_them(verdicts):
    counts = Counter(found.name for found in verdicts.values())
    assert counts == {"correct": 29, "wrong": 14, "definition": 9, "ambiguous": 4}
    assert all(found.checked_by == CHECK for found in verdicts.values())


def test_wrong_and_ambiguous_places_have_a_class_and_a_correction(verdicts):
    for name, expected in {"wrong": WRONG, "ambiguous": AMBIGUOUS}.items():
        found = {id: each.entry for id, each in verdicts.items() if each.name == name}
        assert {id: entry.error_class for id, entry in found.items()} == expected
        assert all(entry.latex for entry in found.values())


def test_what_is_false_has_a_counterexample_and_what_does_not_fit_a_place(verdicts):
    for found in verdicts.values():
        for (reading, _), judgement in found.judgements.items():
            if judgement.answer == "false" and "not " not in reading:
                assert judgement.counterexample is not None
                assert judgement.counterexample.left != judgement.counterexample.right
            if judgement.answer == "ill-formed":
                assert judgement.at is not None


@pytest.mark.parametrize(
    ("id", "fails"),
    {
        "S4-E21": {AVERAGED},
        "S4-E22": set(),
        "S4-E25": set(),
        "S4-E26": {AVERAGED, SOFTMAX},
        "S4-E28": {WITHOUT_HALF, MEAN, AVERAGED, ANY_COST},
        "S4-P13": {WITHOUT_HALF, MEAN, ANY_COST, SOFTMAX},
        "S4-E31": {"σ is tanh", "any σ"},
    }.items(),
)
def test_which_scaling_cost_and_activation_makes_an_equation_false(verdicts, id, fails):
    assert set(verdicts[id].fails_under) == fails
    assert set(verdicts[id].holds_under) == set(ENTRY[id].conventions) - fails


@pytest.mark.parametrize("id", CORRECTED)
def test_a_correction_in_place_of_what_is_printed_is_correct(id):
    own = dict([next(iter(ENTRY[id].conventions.items()))])
    entry = replace(ENTRY[id], conventions=own, readings=(ENTRY[id].corrected,), corrected="")
    assert verdict(entry).name == "correct"


@pytest.mark.parametrize("id", ["S4-E18", "S4-E21", "S4-E25", "S4-E28", "S4-E31"])
def test_audit_rejects_a_minus_sign(id):
    left, right = ENTRY[id].readings[0].split(" = ")
    entry = replace(ENTRY[id], readings=(f"{left} = -({right})",), corrected=ENTRY[id].readings[0])
    assert verdict(entry).name == "wrong"


def test_audit_rejects_a_correction_with_a_minus_sign():
    entry = ENTRY["S4-E29"]
    with pytest.raises(Inconsistent, match=r"S4-E29: the correction .* is false"):
        verdict(replace(entry, corrected="delta[L][j] = (y[j] - a[L][j])*sigma'(z[L][j])"))


def test_audit_rejects_a_correction_of_what_is_correct():
    with pytest.raises(Inconsistent, match="S4-E18 is correct, but its correction is"):
        verdict(replace(ENTRY["S4-E18"], corrected="D(C, b[l][j]) = delta[l][j]"))


def test_audit_rejects_what_is_wrong_without_a_correction():
    with pytest.raises(Inconsistent, match="S4-E12 is wrong, but its correction is 'missing'"):
        verdict(replace(ENTRY["S4-E12"], corrected=""))
