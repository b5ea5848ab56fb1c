"""The audit of the question about matrix expressions and of its answer."""

from collections import Counter
from dataclasses import replace

import pytest

from proofs.claims.judging import judge
from proofs.claims.parsing import parse_claims
from proofs.published.audit import verdict_on
from proofs.published.entry import CHECK, Inconsistent, verdict
from proofs.published.matrix_question import ENTRIES
from proofs.published.matrix_question_contexts import EQUAL, LINE

IDS = "Q1 Q2 Q3 Q4 Q5 Q6 Q7 Q8 Q9 A1 A2 A3 A4a A4b A5 A5b A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 G1"
WRONG = {
    "S3-Q7": "layer",
    "S3-Q8": "index",
    "S3-A4b": "order",
    "S3-A5": "order",
    "S3-A6": "order",
    "S3-A7": "order",
    "S3-A9": "order",
    "S3-A10": "order",
    "S3-A13": "order",
    "S3-A14": "order",
}
AMBIGUOUS = {
    "S3-Q2": "index",
    "S3-Q4": "transposition",
    "S3-Q6": "transposition",
}
ENTRY = {entry.id: entry for entry in ENTRIES}


def found(id):
    return verdict_on(id)


def judged(text, context):
    (claim,) = parse_claims(text)
    return judge(claim, context).answer


def test_every_place_of_the_document_occurs_once_and_in_its_order():
    assert [entry.id for entry in ENTRIES] == [f"S3-{each}" for each in IDS.split()]
    assert len(ENTRIES) == 27


def test_the_machine_decides_all_that_is_formal():
    counts = Counter(found(id).name for id in ENTRY)
    assert counts == {
        "wrong": 10,
        "correct": 8,
        "definition": 4,
        "ambiguous": 3,
        "derived": 1,
        "not-formal": 1,
    }
    assert [id for id in ENTRY if found(id).checked_by != CHECK] == ["S3-A11"]


@pytest.mark.parametrize(("name", "expected"), [("wrong", WRONG), ("ambiguous", AMBIGUOUS)])
def test_wrong_and_ambiguous_places_have_a_class_and_a_correction(name, expected):
    entries = {id: found(id).entry for id in ENTRY if found(id).name == name}
    assert {id: entry.error_class for id, entry in entries.items()} == expected
    assert all(entry.latex for entry in entries.values())


@pytest.mark.parametrize(
    ("id", "holds"),
    {
        "S3-Q7": set(),
        "S3-Q8": {"k_i belongs to W_i"},
        "S3-Q9": {"MSE adds over the outputs"},
        "S3-A9": set(),
        "S3-A12": {"columns, l = Wh"},
        "S3-A13": {"rows, l = hW"},
        "S3-A14": {"rows, l = hW"},
    }.items(),
)
def test_which_convention_makes_an_equation_true(id, holds):
    assert set(found(id).holds_under) == holds
    assert set(found(id).fails_under) == set(ENTRY[id].conventions) - holds


@pytest.mark.parametrize("id", [*WRONG, *AMBIGUOUS])
def test_a_correction_in_place_of_what_is_printed_is_correct(id):
    own = dict([next(iter(ENTRY[id].conventions.items()))])
    entry = replace(ENTRY[id], conventions=own, readings=(ENTRY[id].corrected,), corrected="")
    assert verdict(entry).name == "correct"


@pytest.mark.parametrize("id", WRONG)
def test_no_correction_is_accepted_in_place_of_what_is_wrong(id):
    with pytest.raises(Inconsistent, match=f"{id}: the correction"):
        verdict(replace(ENTRY[id], corrected=ENTRY[id].readings[0]))


@pytest.mark.parametrize("id", ["S3-A2", "S3-A4a", "S3-A12"])
def test_audit_rejects_a_minus_sign(id):
    left, right = ENTRY[id].readings[0].split(" = ")
    right, separator, ranges = right.partition(" for ")
    entry = replace(
        ENTRY[id], readings=(f"{left} = -({right}){separator}{ranges}",), corrected=f"{left} = {left}"
    )
    assert verdict(entry).name == "wrong"


def test_the_product_binds_more_tightly_than_the_product_by_entries_in_the_answer():
    """With the other precedence the slope by a layer would be true, but neither the differential of a layer,
    nor the line before, nor the slope by a matrix, nor the closed form.
    """
    down = "W[i+1].T @ (D(MSE, z[i+1])*f'(W[i+1] @ z[i]))"
    inner = "for i in 1..L-2"
    assert judged(f"D(MSE, z[i]) = {down} {inner}", EQUAL) == "true"
    assert judged("dz[i] = (f'(W[i] @ z[i-1])*dW[i]) @ z[i-1] for i in 1..L", LINE) == "ill-formed"
    line = f"dot(D(MSE, z[i]), dz[i]) = dot(D(MSE, z[i+1]), (f'(W[i+1] @ z[i])*W[i+1]) @ dz[i]) {inner}"
    assert judged(line, EQUAL) == "ill-formed"
    everything = down.replace("@ z[i]))", "@ z[i])*f'(W[i] @ z[i-1]))")
    assert judged(f"D(MSE, W[i]) = ({everything}) @ z[i-1].T {inner}", EQUAL) == "false"
    factors = "slope*f'(W[L-1] @ z[L-2])*f'(W[L-2] @ z[L-3])"
    assert judged(f"D(MSE, z[L-3]) = W[L-2].T @ W[L-1].T @ ({factors})", EQUAL) == "false"


def test_the_vector_of_the_last_layer_has_no_matrix_product_with_a_vector():
    assert judged("dz[L] = f'(dot(v, z[L-1]))*(v @ dz[L-1])", EQUAL) == "ill-formed"
