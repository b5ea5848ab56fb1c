"""A report as JSON: valid by its published schema, which describes every key, and complete."""

import copy
import json
from dataclasses import asdict, fields, replace

import jsonschema
import pytest
from hypothesis import given

from backproof.report import Report
from backproof.reports.as_json import SCHEMA, schema
from backproof.reports.words import printable
from tests.backproof.reports.cases import ANY_TEXT, CASES, HOSTILE

VALIDATOR = jsonschema.Draft202012Validator(schema())


def written(name):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(CASES[name].to_json().encode("utf-8"), parse_constant=refuse)


def test_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(schema())
    assert schema()["properties"]["schema"]["const"] == SCHEMA


def test_every_key_is_described_and_required():
    def objects(node):
        if isinstance(node, dict):
            if "properties" in node:
                yield node
            for child in node.values():
                yield from objects(child)
        elif isinstance(node, list):
            for child in node:
                yield from objects(child)

    found = list(objects(schema()))
    assert len(found) > 10
    for each in found:
        assert set(each["required"]) == set(each["properties"])
        assert each["additionalProperties"] is False
        assert all(prop.get("description", "").endswith(".") for prop in each["properties"].values())


@pytest.mark.parametrize("name", CASES)
def test_report_is_valid_by_the_schema(name):
    VALIDATOR.validate(written(name))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r.update(verdict="fine"),
        lambda r: r.update(schema=1),
        lambda r: r.update(surprise=1),
        lambda r: r.pop("power"),
        lambda r: r["counterexample"]["params"][0].pop("W"),
        lambda r: r["findings"][0]["disagreements"][0].update(subject="many"),
        lambda r: r["contract"][0].update(passed=True),
    ],
)
def test_schema_rejects_what_is_no_report(spoil):
    report = copy.deepcopy(written("explained"))
    spoil(report)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(report)


def test_every_field_of_a_report_is_written():
    names = {field.name for field in fields(Report)}
    assert set(written("right")) == names | {"schema", "exit_status", "fingerprints"}


def test_arrays_have_the_layout_of_the_subject():
    found = CASES["in-out"].counterexample
    told = written("in-out")["counterexample"]
    assert told["params"][0]["W"] == found.point.params[0][0].T.tolist()
    assert told["x"] == found.point.x.T.tolist()
    assert told["errors"][0]["shape"] == [2, 3]
    graph = written("graph wrong")["counterexample"]
    assert graph["params"]["h.W"] == CASES["graph wrong"].counterexample.point.params["h.W"].tolist()
    assert graph["sizes"] is None


def test_numbers_that_json_lacks_are_texts():
    first, second = written("hostile")["findings"]
    assert first["disagreements"][0]["subject"] == "nan"
    assert second["disagreements"][0]["subject"] == "-inf"


def test_text_of_the_subject_comes_back_as_it_was():
    kept = HOSTILE.replace("\ud800", "\\ud800")
    assert written("hostile")["subject"] == kept
    assert printable(kept) == printable(HOSTILE)


def test_explanations_are_written_whole():
    (told,) = written("explained")["explanations"]
    (own,) = CASES["explained"].explanations
    assert told == json.loads(json.dumps(asdict(own)))


@given(ANY_TEXT)
def test_any_text_is_carried(text):
    told = json.loads(replace(CASES["right"], subject=text, remarks=(text,)).to_json().encode("utf-8"))
    VALIDATOR.validate(told)
    assert told["subject"] == told["remarks"][0] == text.encode("utf-8", "backslashreplace").decode("utf-8")
