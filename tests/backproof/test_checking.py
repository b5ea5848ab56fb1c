"""Verdicts: right, wrong, failed, inconclusive; what a report says; limits of time; no traces."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import backproof as bp
from backproof.checking import Interrupted, check
from backproof.reports.as_json import SCHEMA
from backproof.subjects import CallableSubject
from symbolic.conventions import Layout
from symbolic.errors import InvalidNetwork, Unsupported
from symbolic.network import mlp
from tests.backproof.textbook import loss_value, textbook

TANH = mlp(hidden="tanh", scale="1/m")
right = textbook(hidden="tanh")
missing_mean = textbook(hidden="tanh", bug="missing 1/m")


@pytest.fixture(scope="module")
def wrong_report():
    return check(missing_mean, TANH)


def with_loss(params, x, t):
    return loss_value(params, x, t), right(params, x, t)


def test_right_gradient_is_right_and_the_report_says_what_was_seen():
    report = check(right, TANH)
    assert (report.verdict, report.exit_status, report.findings) == ("right", 0, ())
    assert report.evidence.points >= 100
    assert report.evidence.networks > 15
    assert report.evidence.entries > 1000
    assert report.evidence.error < 0.1
    assert "compared" in report.text()
    assert "the loss, which the subject does not return" in report.not_shown


def test_a_returned_loss_is_compared_too():
    report = check(with_loss, TANH, max_examples=10)
    assert report.verdict == "right"
    assert report.evidence.losses == report.evidence.points
    assert not any("the loss" in sentence for sentence in report.not_shown)


def test_single_precision_is_right_in_single_precision():
    def narrow(params, x, t):
        params = [(w.astype("f4"), b.astype("f4")) for w, b in params]
        return right(params, x.astype("f4"), t.astype("f4"))

    report = check(narrow, TANH, max_examples=20)
    assert (report.verdict, report.evidence.precision) == ("right", "float32")


def test_single_precision_sees_bugs_too():
    def narrow(params, x, t):
        params = [(w.astype("f4"), b.astype("f4")) for w, b in params]
        return missing_mean(params, x.astype("f4"), t.astype("f4"))

    assert check(narrow, TANH, max_examples=20).verdict == "wrong"


def test_an_error_of_one_in_a_billion_is_wrong():
    def off(params, x, t):
        return [(dw * (1 + 1e-9), db) for dw, db in right(params, x, t)]

    assert check(off, TANH).verdict == "wrong"


def test_wrong_loss_comes_before_the_gradient():
    def both(params, x, t):
        return 2 * loss_value(params, x, t), missing_mean(params, x, t)

    report = check(both, TANH)
    assert report.verdict == "wrong"
    first = report.findings[0]
    assert first.kind == "wrong loss"
    assert first.disagreements[0].subject == pytest.approx(2 * first.disagreements[0].derived)
    assert report.counterexample.call == "loss, grads = both(params, x, t)"


def test_wrong_gradient_is_told_entry_by_entry(wrong_report):
    finding, found = wrong_report.findings[0], wrong_report.counterexample
    assert wrong_report.text().splitlines()[:7] == [
        "wrong: without_penalty against ?-…-?, tanh then identity, half-squared/m",
        "  weights out-in, samples as columns, bias (n,), one-hot labels",
        "  found out: weights, samples, bias_shape",
        "",
        "∂E/∂b1[1] (grads[0][1][0] as returned) disagrees on 1-1, identity, half-squared/m, 2 samples",
        "  derived: 0.07380899999999999   subject: 0.14761799999999997   bound: 3.9e-16",
        "  W1 1 of 1, b1 1 of 1",
    ]
    assert (found.network.shape, found.point.samples) == ("1-1", 2)
    assert [(d.name, d.path) for d in finding.disagreements][1:] == [("∂E/∂W1[1,1]", "grads[0][0][0, 0]")]


def test_the_printed_literals_show_the_bug_again(wrong_report):
    lines = wrong_report.text().split("2 samples:\n")[1].split("\n\ncompared")[0]
    code = "\n".join(line.removeprefix("  ") for line in lines.splitlines())
    names = {"without_penalty": missing_mean}
    exec(code.replace("print(", "shown = ("), names)
    assert names["shown"] == wrong_report.findings[0].disagreements[0].subject


def test_entries_are_named_in_the_layout_of_the_subject():
    layout = Layout("in-out", "rows", "1,n")

    def transposed(params, x, t):
        inside = [(w.T, b.ravel()) for w, b in params]
        gradients = right(inside, x.T, t.T)
        gradients[1][0][0, 2] *= 2
        return [(dw.T, db[None]) for dw, db in gradients]

    finding = check(transposed, mlp(2, 3, 1, hidden="tanh", scale="1/m"), layout=layout).findings[0]
    first = finding.disagreements[0]
    assert (first.name, first.path) == ("∂E/∂W2[3,1]", "grads[1][0][2, 0]")
    assert finding.tally == (("W1", 0, 6), ("b1", 0, 3), ("W2", 1, 3), ("b2", 0, 1))


def test_the_sizes_of_a_network_stay():
    report = check(missing_mean, mlp(2, 3, 1, hidden="tanh", scale="1/m"))
    assert (report.counterexample.network.shape, report.counterexample.point.samples) == ("2-3-1", 2)


def test_free_widths_shrink_and_fixed_ones_stay():
    report = check(missing_mean, mlp("3-?-2", hidden="tanh", scale="1/m"))
    assert report.counterexample.network.shape == "3-1-2"


def test_the_same_seed_gives_the_same_report(wrong_report):
    seed = json.loads(wrong_report.to_json())["seed"]
    assert check(missing_mean, TANH, seed=seed).to_json() == wrong_report.to_json()
    assert json.loads(check(missing_mean, TANH, seed=5, max_examples=3).to_json())["seed"] == 5


def accumulating():
    total = []

    def gradient(params, x, t):
        new = right(params, x, t)
        if total and [w.shape for w, _ in total[-1]] == [w.shape for w, _ in new]:
            new = [(w + v, b + c) for (w, b), (v, c) in zip(new, total[-1], strict=True)]
        total.append(new)
        return new

    return gradient


def noisy(params, x, t):
    return [(dw * np.random.default_rng().uniform(0.9, 1.1), db) for dw, db in right(params, x, t)]


@pytest.mark.parametrize("subject", [accumulating(), noisy])
def test_not_the_same_answer_twice_is_a_finding(subject):
    report = check(subject, TANH)
    assert report.verdict == "wrong"
    assert report.findings[0].kind == "not the same answer twice"
    assert report.findings[0].sentence.startswith("not the same answer twice: grads[")


def raises(params, x, t):
    if x.shape[1] > 1:
        raise ValueError("one sample only")
    return right(params, x, t)


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (raises, "raises raised: ValueError: one sample only"),
        (lambda params, x, t: None, "it returned None; expected a list of"),
        (lambda params, x, t: right(params, x, t)[1:], "gradients for"),
        (lambda params, x, t: [(w + 0j, b) for w, b in right(params, x, t)], "holds complex numbers"),
        (lambda params, x, t: [(w.astype(int), b) for w, b in right(params, x, t)], "holds integers"),
        (lambda params, x, t: [(w, None) for w, b in right(params, x, t)], "grads[0][1] (∂E/∂b1) is None"),
        (lambda params, x, t: [(w, b[:, None]) for w, b in right(params, x, t)], "those of --bias-shape n,1"),
        (lambda params, x, t: [(w.astype(object), b) for w, b in right(params, x, t)], "of dtype object"),
        (lambda params, x, t: [w for w, b in right(params, x, t)], "expected a pair (∂E/∂W, ∂E/∂b)"),
        (lambda params, x, t: ("loss", right(params, x, t)), "the loss is a str"),
        (lambda params, x, t: (np.ones(3), right(params, x, t)), "the loss has shape (3,)"),
    ],
)
def test_unusable_answers_are_failures_with_a_reason(subject, message):
    report = check(subject, TANH, layout=Layout(), max_examples=10)
    assert (report.verdict, report.exit_status) == ("subject failed", 3)
    assert message in report.findings[0].sentence


def test_gradients_of_another_orientation_fail_with_a_hint():
    def transposed(params, x, t):
        return [(w.T, b) for w, b in right(params, x, t)]

    report = check(transposed, mlp(2, 3, 1, hidden="tanh"), layout=Layout(), max_examples=5)
    assert report.verdict == "subject failed"
    assert "those of --weights in-out" in report.findings[0].sentence


def test_half_precision_is_judged_in_half_precision():
    def half(params, x, t):
        return [(w.astype("f2"), b.astype("f2")) for w, b in right(params, x, t)]

    report = check(half, TANH, max_examples=5)
    assert (report.verdict, report.evidence.precision) == ("right", "float16")


def test_the_smallest_failing_network_is_found():
    report = check(raises, TANH)
    assert (report.counterexample.network.shape, report.counterexample.point.samples) == ("1-1", 2)
    assert "raise ValueError" in report.text()


def hangs(params, x, t):
    while x.shape[1] > 1:
        time.sleep(0.01)
    return right(params, x, t)


def crashes(params, x, t):
    if len(t) > 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    return right(params, x, t)


@pytest.mark.parametrize(
    ("function", "message", "shape"),
    [
        (hangs, "hangs hung: no answer within 0.2 s", "3-4-5-2"),
        (crashes, "crashes crashed: signal 11", "1-2"),
    ],
)
def test_a_hang_or_a_crash_is_a_failure_on_the_smallest_network(function, message, shape):
    with CallableSubject(function, timeout=0.2) as subject:
        report = check(subject, TANH, max_time=60)
    assert report.verdict == "subject failed"
    assert report.findings[0].sentence.startswith(message)
    assert report.counterexample.network.shape == shape


def test_nan_is_a_failure_and_names_the_entry():
    def divides(params, x, t):
        with np.errstate(all="ignore"):
            return [(dw, db / np.zeros_like(db)) for dw, db in right(params, x, t)]

    report = check(divides, TANH)
    assert report.verdict == "subject failed"
    assert report.findings[0].sentence.startswith(
        "∂E/∂b1[1] (grads[0][1][0] as returned) is not finite on 1-1"
    )
    assert json.loads(report.to_json())["findings"][0]["disagreements"][0]["subject"] in ("inf", "-inf")


def test_overwriting_the_inputs_is_a_remark():
    def overwrites(params, x, t):
        gradients = right(params, x, t)
        params[0][1][:] = 0
        return gradients

    report = check(overwrites, TANH, max_examples=5)
    assert report.verdict == "right"
    assert report.remarks == ("it overwrites what it is given: params[0][1]",)


def test_relying_on_one_hot_targets_is_a_remark():
    options = {"hidden": "tanh", "output": "softmax", "loss": "cross-entropy"}
    inside = textbook(**options)

    def of_classes(params, x, t):
        return inside(params, x, np.eye(len(t))[:, t.argmax(axis=0)])

    report = check(of_classes, mlp(**options), max_examples=20)
    assert report.verdict == "right, unstable"  # the softmax has no shift
    assert "relies on one-hot targets" in report.remarks[0]
    remarks = check(inside, mlp(**options), max_examples=20).remarks
    assert not any("one-hot" in remark for remark in remarks)


def test_an_objective_that_is_nowhere_finite_is_inconclusive():
    report = check(
        lambda params, x, t: right(params, x, t), mlp(2, 1, loss="log(-1 - (a - t)**2)"), max_examples=3
    )
    assert (report.verdict, report.exit_status) == ("inconclusive", 4)
    assert "nothing was compared" in report.text()
    assert report.evidence.not_counted[0][0] == "at points without a finite loss"


def decaying(params, x, t, *, lam):
    return textbook(hidden="tanh", l2=lambda lam, m: lam / 2)(params, x, t, lam)


def hard_coded(params, x, t):
    return decaying(params, x, t, lam=0.1)


def test_lambda_goes_to_the_parameter_that_is_called_lam():
    chain = mlp(hidden="tanh", scale="1/m", l2="lambda/2")
    assert check(decaying, chain, max_examples=20).verdict == "right"
    report = check(lambda params, x, t, lam: right(params, x, t), chain)
    assert report.verdict == "wrong"
    assert f", lam={report.counterexample.point.lam!r})" in report.text()


def test_lambda_may_be_hard_coded():
    chain = mlp(hidden="tanh", scale="1/m", l2="lambda/2")
    assert check(hard_coded, chain, settings={"lambda": 0.1}, max_examples=20).verdict == "right"
    report = check(hard_coded, chain, settings={"lambda": 0.2}, max_examples=20)
    assert (report.verdict, report.counterexample.point.lam) == ("wrong", 0.2)


def test_lambda_is_zero_where_there_is_no_penalty():
    report = check(decaying, TANH, max_examples=10)
    assert report.verdict == "right"
    assert "lam" in report.remarks[0]


@pytest.mark.parametrize(
    ("chain", "options", "error", "message"),
    [
        (
            mlp(hidden="tanh", scale="1/m", l2="lambda/2"),
            {},
            InvalidNetwork,
            "no parameter lam; give it one, or say what λ is",
        ),
        (TANH, {"settings": {"lambda": 0.1}}, InvalidNetwork, "has no λ; give a penalty"),
        (TANH, {"settings": {"alpha": 0.1}}, InvalidNetwork, "no setting 'alpha'; choose from lambda"),
        (
            mlp(hidden="tanh", l2="lambda"),
            {"settings": {"lambda": np.nan}},
            InvalidNetwork,
            "has to be a finite",
        ),
        (mlp(), {}, Unsupported, "undefined g"),
        (mlp(2, 1), {"layout": Layout(labels="integer")}, InvalidNetwork, "2-1 has one output"),
    ],
)
def test_an_impossible_request_says_what_to_do(chain, options, error, message):
    with pytest.raises(error) as caught:
        check(right, chain, **options)
    assert message in str(caught.value)


def test_time_is_kept():
    def slow(params, x, t):
        time.sleep(0.05)
        return right(params, x, t)

    start = time.monotonic()
    report = check(slow, TANH, layout=Layout(), max_time=1.0)
    assert time.monotonic() - start < 3.0
    assert report.verdict == "right"
    assert "time ran out after" in report.remarks[0]
    assert "time ran out" in {each.sentence for each in report.contract}
    assert any("before large |z| was looked at" in remark for remark in report.remarks)


def test_time_is_kept_while_the_layout_is_looked_for():
    def slow(params, x, t):
        time.sleep(0.2)
        return right(params, x, t)

    start = time.monotonic()
    report = check(slow, TANH, max_time=0.5)
    assert time.monotonic() - start < 2.0  # of 12 layouts and 100 points
    assert (report.verdict, report.evidence.points) == ("inconclusive", 0)
    assert "time ran out after 0 of 100 points; --max-time gives more" in report.remarks


def test_time_is_kept_while_a_fault_is_explained():
    def slow(params, x, t):
        time.sleep(0.05)
        found = right(params, x, t)
        return [(dw + (x[0, 0] > 0) * 0.1 * w**2, db) for (dw, db), (w, _) in zip(found, params, strict=True)]

    start = time.monotonic()
    report = check(slow, TANH, layout=Layout(), max_time=2.0)
    assert time.monotonic() - start < 4.0
    assert (report.verdict, report.explanations) == ("wrong", ())
    assert "time ran out before every wrong formula was tried; --max-time gives more" in report.remarks


def test_in_which_precision_to_judge_is_not_guessed_for_want_of_time():
    def slow(params, x, t):
        time.sleep(0.2)
        narrow = [(w.astype("f4"), b.astype("f4")) for w, b in params]
        found = right(narrow, x.astype("f4"), t.astype("f4"))
        return [(dw.astype(float) + 1e-12, db.astype(float)) for dw, db in found]

    report = check(slow, TANH, layout=Layout(), max_time=0.7)
    assert report.verdict == "inconclusive"


def test_time_is_kept_while_shrinking():
    def slow(params, x, t):
        time.sleep(0.05)
        return missing_mean(params, x, t) if len(params) == 3 else right(params, x, t)

    start = time.monotonic()
    report = check(slow, TANH, layout=Layout(), max_time=2.0)
    assert time.monotonic() - start < 4.0
    assert report.verdict == "wrong"
    assert report.counterexample.network.depth == 3


def test_no_file_is_left_behind_and_nothing_is_printed(tmp_path):
    code = (
        "import symbolic.network, tests.backproof.textbook as book, backproof.checking as checking\n"
        "for bug in (None, 'missing 1/m'):\n"
        "    checking.check(book.textbook(bug=bug), symbolic.network.mlp(hidden='tanh'), max_examples=10)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"", b"")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_brings_the_report_so_far():
    def interrupt(text):
        if text.startswith("6 points"):
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        check(right, TANH, progress=interrupt)
    report = caught.value.report
    assert (report.evidence.points, report.remarks) == (6, ("interrupted",))


def test_ctrl_c_while_shrinking_keeps_the_finding():
    def interrupt(text):
        if "enough" in text:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        check(missing_mean, TANH, progress=interrupt)
    assert caught.value.report.verdict == "wrong"


def test_json_holds_the_whole_report(wrong_report):
    report = json.loads(wrong_report.to_json())
    assert (report["schema"], report["verdict"], report["exit_status"]) == (SCHEMA, "wrong", 1)
    assert report["counterexample"]["sizes"] == [1, 1]
    assert report["counterexample"]["params"] == [{"W": [[0.153]], "b": [0.301]}]
    assert report["findings"][0]["disagreements"][0]["path"] == "grads[0][1][0]"


def test_check_is_a_public_name():
    assert bp.check is check
