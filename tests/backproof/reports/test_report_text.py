"""A report in lines: the verdict first, the formula named, lists cut, nothing that steers a terminal."""

import math
from dataclasses import replace

import numpy as np
import pytest

from backproof.report import Convention, Power
from backproof.reports import words
from backproof.reports.snippet import reproduced
from symbolic.conventions import INTERNAL
from tests.backproof.reports.cases import CASES, EVIDENCE, HOSTILE, POWER, report


@pytest.mark.parametrize("name", CASES)
def test_verdict_comes_first(name):
    first = CASES[name].text().splitlines()[0]
    assert first.startswith(f"{CASES[name].verdict}: ")


@pytest.mark.parametrize("name", CASES)
def test_nothing_in_a_report_steers_a_terminal(name):
    lines = CASES[name].text().split("\n")
    assert all(line.isprintable() for line in lines)


def test_wrong_formula_is_named_below_its_disagreement():
    lines = CASES["explained"].text().splitlines()
    start = next(i for i, line in enumerate(lines) if "disagrees on" in line)
    assert lines[start + 1].startswith("  derived: 0.41997434161402")
    assert "bound: 3.1e-16" in lines[start + 1]
    assert lines[start + 2 : start + 6] == [
        "  W1 6 of 6, b1 3 of 3, W2 3 of 3, b2 1 of 1",
        "  explained by: missing 1/m in W1, b1, W2, b2 (all 87 counted entries, on 4 networks)",
        "    the formula as derived: δ2[i,c] = (1/m)·(A2[i,c] − T[i,c])",
        "    as the subject has it:  δ2[i,c] = A2[i,c] − T[i,c]",
    ]


def test_what_nothing_explains_is_said_and_localised():
    text = CASES["unexplained"].text()
    assert "explained by: no wrong formula that was tried" in text
    assert "where it is wrong:\n  the first wrong layer" in text


def test_convention_is_told_with_its_factors():
    text = CASES["right up to a convention"].text()
    assert "found out: weights in-out, samples as rows" in text
    assert "the data term times m, the penalty times 2*m" in text


def test_second_explanation_is_told_too():
    first = CASES["explained"].explanations[0]
    other = replace(first, bug="mean over outputs", formula="δ2 = 0", constants=("c = 3",), entries=1)
    lines = replace(CASES["explained"], explanations=(first, other)).text().splitlines()
    start = next(i for i, line in enumerate(lines) if "or by:" in line)
    assert lines[start : start + 3] == [
        "  or by: mean over outputs in W1, b1, W2, b2, with c = 3 (the one counted entry, on 4 networks)",
        "    as the subject has it:  δ2 = 0",
        "",
    ]


@pytest.mark.parametrize(
    ("data", "penalty", "told"),
    [("1", "1", ""), ("m", "m", "the derived one times m"), ("-1", "1", "the data term times -1, the")],
)
def test_factor_is_told_once_where_it_is_one(data, penalty, told):
    convention = Convention(INTERNAL, data, penalty)
    assert told in words.factors(convention)
    assert bool(words.factors(convention)) == bool(told)
    assert words.factors(convention) in report("right up to a convention", convention=convention).text()


def test_grey_zone_is_not_counted():
    grey = report("right", evidence=replace(EVIDENCE, grey=1)).text()
    assert "not counted: 1 value between the bound of what is right and that of what is wrong" in grey


def test_power_leaves_out_what_is_the_same_formula():
    lines = CASES["right"].text().splitlines()
    start = lines.index("power: 30 of 33 wrong formulas would have been seen")
    assert lines[start + 1 : start + 4] == [
        "  the same formula here: softmax for sigmoid on two outputs",
        "  not seen: λ/m on biases, ε in the logarithm",
        "  undecided: δ twice",
    ]
    assert "an error of 3e-13 would have been seen in half of the entries, 1e-11 in 99 %" in "\n".join(lines)


def test_contract_takes_one_line_only_where_all_of_it_passed():
    assert "contract: 2 checks passed" in CASES["right"].text()
    broken = CASES["right with a broken contract"].text()
    assert "  failed          no aliases: grads[0][1] and grads[1][1] share memory" in broken
    assert "  passed          inputs not changed" in broken


def test_long_lists_are_cut_with_a_count():
    many = report("right", power=replace(POWER, not_seen=tuple(f"mutant {i}" for i in range(40))))
    assert "mutant 11 and 28 more" in many.text().replace("\n    ", " ")


def test_lines_of_prose_fit_a_page():
    lines = report("right", power=Power(not_seen=("a wrong formula of some words",) * 40)).text().splitlines()
    assert all(len(line) <= words.WIDTH for line in lines if not line.startswith("again"))


def test_points_of_ones_own_are_not_printed_again():
    assert "np.array" not in CASES["one point"].text()
    assert "what this one point cannot show:" in CASES["one point"].text()


def test_large_counterexample_is_left_to_json():
    assert "# 1512 numbers, which are in the JSON report" in CASES["large"].text()


@pytest.mark.parametrize("name", ["explained", "in-out", "graph wrong", "failed"])
def test_snippet_gives_the_subject_the_values_of_the_counterexample(name):
    found = CASES[name]
    code = [line for line in reproduced(found) if not line.startswith(("from ", "print("))]
    given = {}
    exec("\n".join(code), {"gradient": lambda params, x, t: given.update(params=params, x=x, t=t)})
    point = found.counterexample.point
    if name == "graph wrong":
        assert all((given["params"][key] == array).all() for key, array in point.params.items())
        assert (given["x"]["x"] == point.x["x"]).all()
    else:
        turned = found.layout.weights == "in-out"
        assert all(
            (w == (own.T if turned else own)).all() and (b == bias).all()
            for (w, b), (own, bias) in zip(given["params"], point.params, strict=True)
        )
        assert (given["x"] == (point.x.T if turned else point.x)).all()
        assert np.asarray(given["t"]).size == point.t.size


def test_name_that_is_no_identifier_is_not_imported():
    assert not [line for line in reproduced(CASES["hostile"]) if line.startswith("from ")]


def test_hostile_name_is_shown_as_it_is_written():
    assert words.printable(HOSTILE) in CASES["hostile"].text()
    assert "subject: nan" in CASES["hostile"].text()
    assert f"subject: {-math.inf}" in CASES["hostile"].text()
