"""The contract: every check passes right subjects in both precisions, and fails one that breaks it."""

import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest

from backproof.checking import check
from backproof.contract import CHECKS, contract
from backproof.designed import points_of
from backproof.forms import Form
from backproof.graph_points import graph_point
from backproof.judging import Judge
from backproof.session import Session
from backproof.subjects import CallableSubject
from numeric.envelope import PRECISIONS
from symbolic.conventions import INTERNAL
from symbolic.errors import BackproofError
from symbolic.graph import graph, loss, node
from symbolic.network import mlp
from tests.backproof.textbook import LOSSES, loss_value, textbook

OPTIONS = {"hidden": "tanh", "output": "sigmoid", "loss": "half-squared"}
NETWORK = mlp(3, 4, 2, scale="1/m", **OPTIONS)
UPSTREAM = mlp(3, 4, 2, hidden="tanh", output="sigmoid", loss="a*t", scale="1/m")
gradient = textbook(**OPTIONS)


def right(params, x, t):
    return loss_value(params, x, t, **OPTIONS), gradient(params, x, t)


def right_upstream(params, x, t):
    """E = (1/m) Σ a t, whose slope by a is t."""
    a, zs = x, []
    for l, (w, b) in enumerate(params):
        z = w @ a + b[:, None]
        zs.append((a, z))
        a = np.tanh(z) if l < len(params) - 1 else 1 / (1 + np.exp(-z))
    delta, gradients = t / x.shape[1] * a * (1 - a), []
    for l in reversed(range(len(params))):
        before, _ = zs[l]
        gradients.insert(0, (delta @ before.T, delta.sum(axis=1)))
        delta = params[l][0].T @ delta * (1 - before**2)
    return gradients


def in_single_precision(function):
    def narrowed(params, x, t):
        return single(function(single(params), single(x), single(t)))

    return narrowed


def single(value):
    if isinstance(value, (list, tuple)):
        return type(value)(single(item) for item in value)
    return None if value is None else np.asarray(value).astype(np.float32)[()]


def checked(function, *, network=NETWORK, precision="float64", seconds=None, **selection):
    """The checks by name, of outcomes at generic points; for them there may be so many seconds."""
    with CallableSubject(function, timeout=2) as subject:
        judge = Judge(subject, INTERNAL, takes_lam=False)
        session = Session(judge, network, 0, time.monotonic() + 60, precision=PRECISIONS[precision])
        problem = session.problem(network)
        outcomes = session.outcomes(problem, points_of(network, 5))
        if seconds is not None:
            session = replace(session, deadline=time.monotonic() + seconds)
        return {check.name: check for check in contract(session, outcomes, **selection)}


def failed(checks):
    return [name for name, check in checks.items() if check.passed == "failed"]


@pytest.mark.parametrize(
    ("function", "network", "left_out"),
    [
        (right, NETWORK, {"upstream", "eta"}),
        (gradient, NETWORK, {"loss", "loss-consistency", "upstream", "eta"}),
        (right_upstream, UPSTREAM, {"loss", "loss-consistency", "eta"}),
    ],
    ids=["with its loss", "gradient alone", "upstream"],
)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_right_subject_passes(function, network, left_out, precision):
    narrowed = function if precision == "float64" else in_single_precision(function)
    checks = checked(narrowed, network=network, precision=precision)
    assert list(checks) == list(CHECKS)
    said = {name: check.passed for name, check in checks.items()}
    assert said == {name: "left out" if name in left_out else "passed" for name in CHECKS}
    assert all(check.sentence for check in checks.values())


def overwrites(params, x, t):
    found = gradient(params, x, t)
    params[0][1][0] += 1
    return found


def gives_its_params(params, x, t):
    (w, b), *rest = gradient(params, x, t)
    np.copyto(params[0][0], w)
    return [(params[0][0], b), *rest]


def gives_one_array_twice(params, x, t):
    everything = np.concatenate([array.ravel() for pair in gradient(params, x, t) for array in pair])
    return [
        (everything[:12].reshape(4, 3), everything[12:16]),
        (everything[16:24].reshape(2, 4), everything[23:25]),
    ]


def bias_not_summed(params, x, t):
    (w, b), last = gradient(params, x, t)
    return [(w, np.tile(b / 5, (x.shape[1], 1))), last]


def weights_not_summed(params, x, t):
    (w, b), last = gradient(params, x, t)
    return [(np.tile(w, (x.shape[1], 1, 1)), b), last]


def whole_numbers(params, x, t):
    return [(w.astype(int), b) for w, b in gradient(params, x, t)]


def nan_in_one(params, x, t):
    (w, b), last = gradient(params, x, t)
    return [(w, np.where(b == b.max(), np.nan, b)), last]


def twice_the_loss(params, x, t):
    found, grads = right(params, x, t)
    return 2 * found, grads


def another_gradient(params, x, t):
    found, grads = right(params, x, t)
    return found, [(w * (1 + 1e-7), b) for w, b in grads]


def counting():
    calls = []

    def counts(params, x, t):
        calls.append(x.shape)
        return [(w * (1 + 1e-9 * len(calls)), b) for w, b in gradient(params, x, t)]

    return counts


def keeping_samples():
    """What another number of samples leaves behind stays."""
    seen = []

    def keeps(params, x, t):
        seen.append(x.shape[1])
        return [(w / max(seen) * 5, b) for w, b in gradient(params, x, t)]

    return keeps


def accumulating():
    total = {}

    def accumulates(params, x, t):
        for l, pair in enumerate(gradient(params, x, t)):
            total[l] = [have + new for have, new in zip(total.get(l, (0, 0)), pair, strict=True)]
        return [tuple(array.copy() for array in total[l]) for l in sorted(total)]

    return accumulates


def clips_upstream(params, x, t):
    return right_upstream(params, x, np.clip(t, -0.5, 0.5))


def squeezes(params, x, t):
    x, t = x.squeeze(), t.squeeze()
    return gradient(params, x, t)


def divides_by_what_is_left(params, x, t):
    """The unbiased mean, which is right for no number of samples; it is m/(m − 1) off, and 0/0 for one."""
    with np.errstate(all="ignore"):
        return [(np.float64(x.shape[1] - 1) * w / (x.shape[1] - 1), b) for w, b in gradient(params, x, t)]


def crashes_without_samples(params, x, t):
    if not x.shape[1]:
        os.kill(os.getpid(), signal.SIGSEGV)
    return gradient(params, x, t)


def hangs_without_samples(params, x, t):
    while not x.shape[1]:
        time.sleep(0.1)
    return gradient(params, x, t)


def ones_without_samples(params, x, t):
    return gradient(params, x, t) if x.shape[1] else [(np.ones_like(w), np.ones_like(b)) for w, b in params]


@pytest.mark.parametrize(
    ("function", "found", "sentence"),
    [
        (overwrites, ["inputs"], "it overwrites what it is given: params[0][1]"),
        (gives_its_params, ["inputs", "aliases"], "grads[0][0] and params[0][0]"),
        (gives_one_array_twice, ["aliases"], "grads[1][0] and grads[1][1]"),
        (bias_not_summed, ["shapes"], "the bias gradient has a row for each sample: it is not summed over"),
        (
            weights_not_summed,
            ["shapes"],
            "the weight gradient has a matrix for each sample: it is not summed",
        ),
        (whole_numbers, ["shapes"], "holds integers, which cannot hold a gradient"),
        (nan_in_one, ["finite"], "is not finite on 3-4-2"),
        (twice_the_loss, ["loss", "loss-consistency"], "E (loss as returned) disagrees"),
        (another_gradient, ["loss-consistency"], "by its gradient: off by"),
        (counting(), ["repeat"], ", for the same params, x and t"),
        (keeping_samples(), ["repeat", "single-batch"], "after calls with other arguments: grads["),
        (accumulating(), ["repeat", "accumulate"], "each call adds its gradient to those"),
        (squeezes, ["single-batch"], "raised: "),
        (divides_by_what_is_left, ["single-batch"], "is not finite on 3-4-2"),
        (crashes_without_samples, ["empty-batch"], "crashed"),
        (hangs_without_samples, ["empty-batch"], "hung"),
        (ones_without_samples, ["empty-batch"], "without samples its gradient is not 0"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_breaks_the_contract_is_named(function, found, sentence):
    checks = checked(function)
    assert failed(checks) == found
    assert any(sentence in checks[name].sentence for name in found), [checks[name] for name in found]


def test_what_is_not_linear_in_the_upstream_gradient_is_found():
    checks = checked(clips_upstream, network=UPSTREAM, only=["upstream"])
    assert failed(checks) == ["upstream"]
    assert checks["upstream"].sentence.startswith("for twice the upstream gradient grads[0][0][0, 0] is ")


def test_every_check_has_a_canary():
    canaries = test_what_breaks_the_contract_is_named.pytestmark[0].args[1]
    assert {name for _, names, _ in canaries for name in names} | {"upstream", "eta"} == set(CHECKS)


@pytest.mark.parametrize(("is_sequential", "passed"), [(False, "passed"), (True, "failed")])
def test_a_step_with_weights_that_were_updated_already_depends_on_its_size(is_sequential, passed):
    def step(params, x, t, eta):
        (w1, b1), (w2, b2) = params
        a = np.tanh(w1 @ x + b1[:, None])
        d2 = (w2 @ a + b2[:, None] - t) / x.shape[1]
        new = w2 - eta * d2 @ a.T
        d1 = ((new if is_sequential else w2).T @ d2) * (1 - a**2)
        return [(w1 - eta * d1 @ x.T, b1 - eta * d1.sum(axis=1)), (new, b2 - eta * d2.sum(axis=1))]

    form = Form(kind="update", arguments="params, x, t, eta")
    report = check(step, mlp(3, 4, 2, hidden="tanh", scale="1/m"), form=form, max_examples=3)
    (found,) = [each for each in report.contract if each.name == "eta"]
    assert (found.passed, report.verdict) == (passed, "wrong" if is_sequential else "right")


def test_what_is_noted_passes():
    random = np.random.default_rng()

    def jitters(params, x, t):
        return [(w * (1 + 1e-16 * random.integers(-2, 3)), b) for w, b in gradient(params, x, t)]

    def means(params, x, t):
        with np.errstate(invalid="ignore", divide="ignore"):
            return [
                (w / np.float64(x.shape[1]), b)
                for w, b in textbook(**OPTIONS, scale=lambda m, k: 1)(params, x, t)
            ]

    assert checked(jitters)["repeat"].sentence == "the same answer twice, but for the last bits"
    noted = checked(means, only=["empty-batch"])["empty-batch"]
    assert (noted.passed, noted.sentence) == (
        "passed",
        "without samples its gradient is nan, as of a mean over nothing",
    )
    narrow = checked(in_single_precision(gradient), precision="float32")["shapes"]
    assert narrow.sentence == "gradients are shaped like params; they are float32 for float64"
    raised = checked(gradient)["empty-batch"].sentence
    assert "ZeroDivisionError" in raised


def test_checks_are_chosen_by_name():
    checks = checked(overwrites, only=["repeat", "inputs"], skip=["repeat"])
    assert failed(checks) == ["inputs"]
    assert {check.sentence for name, check in checks.items() if name != "inputs"} == {"not asked for"}
    with pytest.raises(BackproofError, match=r"no check 'input' .*choose from inputs, aliases, shapes"):
        checked(right, only=["input"])


def test_without_an_answer_nothing_is_told():
    def raises(params, x, t):
        raise ValueError("no")

    checks = checked(raises)
    assert {check.passed for check in checks.values()} == {"could not tell"}


def test_when_time_runs_out_nothing_is_told():
    checks = checked(right, seconds=0)
    assert {check.sentence for check in checks.values()} == {"time ran out"}


def test_a_check_in_the_midst_of_which_time_runs_out_could_not_tell():
    def slow(params, x, t):
        time.sleep(0.2)
        return right(params, x, t)

    (said,) = (
        each
        for each in checked(slow, seconds=0.3, only=["loss-consistency"]).values()
        if each.sentence != "not asked for"
    )
    assert (said.passed, said.sentence) == ("could not tell", "time ran out")


def test_a_graph_is_checked_like_a_chain():
    layers = graph(
        inputs={"x": (3, "m")},
        nodes={"h": node("dense", "x", units=2)},
        losses={"E": loss("a*t", "h", scale="1")},
    )

    def linear(params, x, t):
        (upstream,) = t.values()
        return {"h.W": upstream @ x["x"].T, "h.b": upstream.sum(axis=1)}

    def unsummed(params, x, t):
        return linear(params, x, t) | {"h.b": next(iter(t.values())).T}

    assert {name: check.passed for name, check in of_graph(linear, layers).items()} == {
        name: "left out" if name.startswith(("loss", "eta")) else "passed" for name in CHECKS
    }
    sentence = of_graph(unsummed, layers)["shapes"].sentence
    assert sentence.startswith(
        "the gradient has a row for each sample: it is not summed over samples (grads['h.b']"
    )


def of_graph(function, layers):
    with CallableSubject(function) as subject:
        judge = Judge(subject, INTERNAL, takes_lam=False)
        session = Session(judge, layers, 0, time.monotonic() + 60)
        problem = session.problem(layers)
        outcomes = session.outcomes(problem, [graph_point(problem, 5, seed, {}) for seed in range(3)])
        return {check.name: check for check in contract(session, outcomes)}


def test_the_losses_of_the_textbook_are_consistent():
    for name in LOSSES:
        output = {"cross-entropy": "softmax", "binary-cross-entropy": "sigmoid"}.get(name, "identity")
        options = {"hidden": "tanh", "output": output, "loss": name}
        network, grads = mlp(3, 4, 2, scale="1/m", **options), textbook(**options)

        def subject(params, x, t, options=options, grads=grads):
            return loss_value(params, x, t, **options), grads(params, x, t)

        assert checked(subject, network=network)["loss-consistency"].passed == "passed"
