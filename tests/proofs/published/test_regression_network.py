"""The audit of the derivation for a regression network with one hidden layer."""

from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from proofs.published.audit import verdict_on
from proofs.published.entry import Inconsistent, verdict
from proofs.published.regression_network import ENTRIES
from proofs.published.regression_network_contexts import MEAN, MEAN_OVER_K, SUM, scales

BY_ID = {entry.id: entry for entry in ENTRIES}
CORRECTED = [entry.id for entry in ENTRIES if entry.corrected]
FAULTS = {
    "S0-E03": "transposition",
    "S0-E06": "range",
    "S0-E07": "range",
    "S0-E08": "transposition",
    "S0-P06": "shape",
    "S0-E11": "index",
    "S0-E12": "layer",
    "S0-E13": "layer",
    "S0-E14": "notation",
    "S0-E16": "factor",
    "S0-E17": "factor",
    "S0-E18": "sign",
    "S0-E18b": "layer",
    "S0-E19": "layer",
    "S0-E20": "layer",
    "S0-E21": "index",
    "S0-E22": "sign",
    "S0-E24b": "derivative",
    "S0-E24c": "derivative",
    "S0-E27": "factor",
    "S0-E28": "layer",
}


@cache
def found(name):
    return verdict_on(name)


def flipped(text):
    """A text whose first equation has the other sign on its right side."""
    equation, separator, ranges = text.split(";")[0].partition(" for ")
    left, right = equation.rsplit(" = ", 1)
    return f"{left} = -({right}){separator}{ranges}"


def test_every_place_of_the_document_is_judged_once():
    assert len(ENTRIES) == len(BY_ID) == 51
    assert Counter(found(name).name for name in BY_ID) == {
        "definition": 10,
        "correct": 13,
        "wrong": 20,
        "ambiguous": 1,
        "derived": 5,
        "not-formal": 2,
    }


def test_every_fault_has_its_class_its_correction_and_a_machine_that_found_it():
    faulty = {name for name in BY_ID if found(name).name in ("wrong", "ambiguous")}
    assert faulty == FAULTS.keys() == set(CORRECTED)
    for name, error_class in FAULTS.items():
        assert BY_ID[name].error_class == error_class
        assert BY_ID[name].latex and found(name).checked_by


def test_what_no_machine_judges_says_why():
    assert all(BY_ID[name].reason for name in BY_ID if found(name).name == "not-formal")


@pytest.mark.parametrize(
    ("name", "scaling"),
    [
        ("S0-P12", SUM),
        ("S0-E16", MEAN),
        ("S0-E17", MEAN_OVER_K),
        ("S0-E27", MEAN_OVER_K),
        ("S0-G1", MEAN),
        ("S0-G2", MEAN),
        ("S0-G3", MEAN),
    ],
)
def test_a_formula_with_a_factor_holds_under_one_scaling_of_E(name, scaling):
    assert found(name).holds_under == (scaling,)
    assert len(found(name).fails_under) == 2


def test_repairing_the_layer_of_28_leaves_its_factor_wrong():
    repaired = BY_ID["S0-E28"].readings[0].replace("a[2]", "a[1]")
    assert verdict(replace(BY_ID["S0-E28"], readings=(repaired,))).holds_under == (MEAN_OVER_K,)


def test_repairing_one_index_of_21_leaves_the_other_wrong():
    for printed, meant in (("a[2]", "a[1]"), ("y[i,m]", "y[k,m]")):
        repaired = BY_ID["S0-E21"].readings[0].replace(printed, meant)
        assert verdict(replace(BY_ID["S0-E21"], readings=(repaired,))).name == "wrong"


@pytest.mark.parametrize("name", CORRECTED)
def test_a_correction_with_the_other_sign_is_wrong_and_refused(name):
    entry = BY_ID[name]
    wrong = flipped(entry.corrected)
    assert verdict(replace(entry, readings=(wrong,))).name == "wrong"
    with pytest.raises(Inconsistent, match="the correction"):
        verdict(replace(entry, corrected=wrong))


@pytest.mark.parametrize("name", ["S0-E26", "S0-G2", "S0-G3", "S0-G4", "S0-G5", "S0-P11"])
def test_a_true_formula_with_the_other_sign_is_wrong(name):
    (true,) = BY_ID[name].readings
    assert verdict(replace(BY_ID[name], readings=(flipped(true),), corrected=true)).name == "wrong"


def test_a_fault_without_a_correction_is_refused():
    with pytest.raises(Inconsistent, match="missing"):
        verdict(replace(BY_ID["S0-E18"], corrected=""))


def test_without_labels_that_add_up_softmax_and_cross_entropy_keep_a_factor():
    general = replace(BY_ID["S0-G4"], readings=("D(Em[m], z[2][k,m]) = y[k,m]*Sum(t[j,m], j) - t[k,m]",))
    assert len(verdict(general).holds_under) == 2


def test_scales_begin_with_their_own():
    assert next(iter(scales(MEAN_OVER_K))) == MEAN_OVER_K
