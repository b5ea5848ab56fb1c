"""A baseline: what was known does not fail, what is new does."""

import json
import os
from dataclasses import replace

import pytest

from backproof.report import ContractCheck, Finding
from backproof.reports.baseline import InvalidBaseline, exit_status, known, new, read_baseline, write_baseline
from backproof.reports.writing import refuse_unwritable, write_reports
from symbolic.errors import BackproofError
from symbolic.network import mlp
from tests.backproof.reports.cases import CASES, EVERY_ARRAY, SMALL, counterexample, explanation, wrong


@pytest.mark.parametrize(
    ("name", "fingerprints"),
    [
        ("right", ()),
        ("inconclusive", ()),
        ("right with a broken contract", ("contract: no aliases",)),
        ("right, unstable", ("right, unstable",)),
        ("right up to a convention", ("right up to a convention: data times m, penalty times 2*m",)),
        ("explained", ("wrong gradient: missing 1/m in W, b",)),
        ("unexplained", ("wrong gradient: W, b",)),
        ("in-out", ("wrong gradient: W",)),
        ("graph wrong", ("wrong gradient: h.W, k.b",)),
        ("failed", ("failed: raised",)),
    ],
)
def test_fingerprint_says_what_is_wrong(name, fingerprints):
    assert known(CASES[name]) == fingerprints


def test_fingerprint_does_not_depend_on_the_network_that_was_found():
    deep = mlp(2, 3, 3, 1, hidden="tanh")
    ours, theirs = (
        wrong(counterexample(network, EVERY_ARRAY), explanations=(replace(explanation(), parameters=arrays),))
        for network, arrays in ((SMALL, ("W1", "b1")), (deep, ("W1", "b1", "W2", "b2", "W3", "b3")))
    )
    assert known(ours) == known(replace(theirs, seed=7))


@pytest.mark.parametrize("name", CASES)
def test_what_was_known_does_not_fail(name, tmp_path):
    path, report = tmp_path / "baseline.json", CASES[name]
    write_baseline(path, report)
    baseline = read_baseline(path)
    assert new(report, baseline) == ()
    assert exit_status(report, baseline) == (4 if report.verdict == "inconclusive" else 0)


@pytest.mark.parametrize("name", CASES)
def test_json_report_is_a_baseline(name, tmp_path):
    write_reports(CASES[name], json=tmp_path / "report.json")
    told = {text.encode("utf-8", "backslashreplace").decode() for text in known(CASES[name])}
    assert read_baseline(tmp_path / "report.json") == told


def test_what_is_new_fails():
    before = CASES["explained"]
    baseline = known(before)
    other = replace(before, explanations=(replace(explanation(), bug="slope dropped"),))
    assert new(other, baseline) == ("wrong gradient: slope dropped in W, b",)
    assert exit_status(other, baseline) == 1
    also = replace(before, contract=(ContractCheck("no aliases", "failed"),))
    assert new(also, baseline) == ("contract: no aliases",)
    assert exit_status(also, baseline) == 1
    worse = replace(before, findings=(Finding("wrong loss", "E", tally=(("E", 1, 1),)), *before.findings))
    assert new(worse, baseline) == ("wrong loss: E",)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"fingerprints": [1]}', '{"fingerprints": "x"}', "[" * 100_000, "\xff"]
)
def test_what_is_no_baseline_is_refused(content, tmp_path):
    path = tmp_path / "baseline.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(InvalidBaseline, match="is no baseline: expected JSON"):
        read_baseline(path)


def test_missing_baseline_is_refused(tmp_path):
    with pytest.raises(InvalidBaseline, match="there is no file"):
        read_baseline(tmp_path / "none.json")
    with pytest.raises(InvalidBaseline, match="cannot be read"):
        read_baseline(tmp_path)


def test_reports_that_are_asked_for_are_written(tmp_path):
    report = CASES["explained"]
    write_reports(report, html=tmp_path / "a.html", junit=tmp_path / "a.xml")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.xml"]
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == report.to_html()
    write_reports(report, json=tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["verdict"] == "wrong"


@pytest.mark.parametrize("name", CASES)
def test_every_report_can_be_written_to_files(name, tmp_path):
    write_reports(CASES[name], html=tmp_path / "a", json=tmp_path / "b", junit=tmp_path / "c")
    assert all(path.stat().st_size for path in tmp_path.iterdir())


def test_folder_that_does_not_exist_is_named(tmp_path):
    refuse_unwritable(None, tmp_path / "a.html")
    with pytest.raises(BackproofError, match=r"there is no folder .*/nowhere; make it first"):
        refuse_unwritable(None, tmp_path / "nowhere" / "a.html")
    with pytest.raises(BackproofError, match="is a folder; give the path of a file"):
        refuse_unwritable(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_read_only_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(BackproofError, match=r"cannot be written: the folder .* is read-only"):
        refuse_unwritable(tmp_path / "a.html")
