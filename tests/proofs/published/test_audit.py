"""The audit of all documents: the stored verdicts are what the machine says, and each place occurs once."""

import re
from collections import Counter

import pytest

from proofs.claims.judging import judge
from proofs.claims.parsing import parse_claims
from proofs.published.audit import DOCUMENTS, as_json, audit, rows, shown_by, stored
from proofs.published.audit import STORED as FILE
from proofs.published.entry import CHECK

PLACES = {
    "regression_network": 51,
    "backward_network": 33,
    "batch_form": 16,
    "matrix_question": 27,
    "four_equations": 56,
}
VERDICTS = {"definition", "correct", "wrong", "ambiguous", "derived", "not-formal"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_stored_verdicts_are_what_the_machine_says(document):
    own = [row for row in stored() if row["document"] == document]
    assert own == rows(audit(document))


def test_the_file_is_written_as_the_command_writes_it():
    assert FILE.read_text(encoding="utf-8") == as_json(stored())


def test_each_of_183_places_occurs_once():
    assert Counter(row["document"] for row in stored()) == PLACES
    assert len({row["id"] for row in stored()}) == sum(PLACES.values()) == 183
    assert {name: len(entries) for name, entries in DOCUMENTS.items()} == PLACES


def test_every_place_is_decided_and_says_how():
    for row in stored():
        assert row["verdict"] in VERDICTS, row["id"]
        if row["verdict"] in ("correct", "wrong", "ambiguous", "derived"):
            assert row["checked_by"] == CHECK, row["id"]
        if row["verdict"] == "not-formal":
            assert row["reason"], row["id"]


def test_what_is_wrong_has_a_class_a_correction_and_what_shows_it():
    for row in stored():
        faulty = row["verdict"] in ("wrong", "ambiguous")
        assert bool(row["error_class"]) >= faulty, row["id"]
        assert bool(row["shown_by"]) == faulty, row["id"]
        if faulty:
            assert row["corrected"] and row["corrected_claim"], row["id"]


def test_a_counterexample_gives_each_quantity_one_value():
    for row in stored():
        named = Counter(re.findall(r"([^ ;,]+(?:\[[^ ]*\])?) = ", row["shown_by"]))
        assert max(named.values(), default=1) == 1, (row["id"], row["shown_by"])


def test_a_flipped_sign_in_every_true_equation_is_seen():
    """Canary: of each document the first equation that is true as it stands, with the other sign."""
    for entries in DOCUMENTS.values():
        for entry in entries:
            text, *more = entry.readings or ("",)
            if (
                entry.kind == "claim"
                and not entry.corrected
                and text.count("=") == 1
                and "D(" in text
                and not more
            ):
                (claim,) = parse_claims(text)
                left, right = text.partition(" for ")[0].split(" = ")
                (flipped,) = parse_claims(f"{left} = -({right}){text.removeprefix(f'{left} = {right}')}")
                given = next(iter(entry.conventions.values()))
                assert (judge(claim, given).answer, judge(flipped, given).answer) == ("true", "false"), (
                    entry.id
                )
                break


def test_what_is_correct_is_shown_by_nothing():
    verdicts = audit("batch_form")["batch_form"]
    assert not any(shown_by(each) for each in verdicts if each.name in ("correct", "definition", "derived"))
