"""Where a wrong subject is wrong: unusual faults, each with the words that must be said of it."""

import time

import numpy as np
import pytest

from backproof.designed import points_of
from backproof.forms import Form
from backproof.graph_points import GraphPoint
from backproof.judging import Judge
from backproof.localising import localised
from backproof.localising_factors import in_factors
from backproof.session import Session
from backproof.subjects import CallableSubject
from numeric.envelope import DOUBLE, PRECISIONS
from numeric.problem import problem_of, problem_of_graph
from symbolic.conventions import INTERNAL
from symbolic.graph import graph, loss, node
from symbolic.network import mlp
from tests.backproof.textbook import textbook

FAMILY = mlp(hidden="tanh")
SHAPES = (((3, 4, 5, 2), 5), ((4, 4, 4, 4), 7), ((3, 3, 3, 3, 2), 3), ((2, 3), 5))
MATRIX = np.random.default_rng(3).normal(size=(9, 9)).round(2)


def passed(w, delta):
    return w.T @ delta


def subject(
    *,
    back=lambda l, w, delta: passed(w, delta),
    slope=lambda l, z: 1 - np.tanh(z) ** 2,
    dw=lambda l, delta, a: delta @ a.T,
    db=lambda l, delta: delta.sum(axis=1),
    delta=lambda l, d: d,
    after=lambda params, x, grads: grads,
):
    """Tanh layers, a linear output and E = (1/2m) Σ (a - t)², each step of the backward pass replaceable."""

    def gradient(params, x, t):
        a, zs, values = x, [], [x]
        for l, (w, b) in enumerate(params):
            zs.append(w @ a if b is None else w @ a + b[:, None])
            a = zs[-1] if l == len(params) - 1 else np.tanh(zs[-1])
            values.append(a)
        error = (a - t) / x.shape[1]
        grads = []
        for l in range(len(params), 0, -1):
            own = error if l == len(params) else error * slope(l, zs[l - 1])
            own = delta(l, own)
            b = params[l - 1][1]
            grads.insert(0, (dw(l, own, values[l - 1]), None if b is None else db(l, own)))
            error = back(l - 1, params[l - 1][0], own)
        return after(params, x, grads)

    return gradient


def scaled_where(test, by=1.37):
    """Every gradient of W times a factor where a test of params and x holds."""

    def after(params, x, grads):
        return [(by * w, b) for w, b in grads] if test(params, x) else grads

    return subject(after=after)


def widths(params):
    return [params[0][0].shape[1], *(len(w) for w, _ in params)]


class FromSecondCall:
    """Right once."""

    def __init__(self):
        self.calls, self.right, self.wrong = 0, subject(), scaled_where(lambda params, x: True)

    def __call__(self, params, x, t):
        self.calls += 1
        return (self.right if self.calls == 1 else self.wrong)(params, x, t)


class Alternating:
    """Wrong at every other call."""

    def __init__(self):
        self.calls, self.right, self.wrong = 0, subject(), scaled_where(lambda params, x: True)

    def __call__(self, params, x, t):
        self.calls += 1
        return (self.right if self.calls % 2 else self.wrong)(params, x, t)


class AfterAnotherShape:
    """Wrong once the number of samples has changed."""

    def __init__(self):
        self.seen, self.right, self.wrong = set(), subject(), scaled_where(lambda params, x: True)

    def __call__(self, params, x, t):
        self.seen.add(x.shape)
        return (self.right if len(self.seen) == 1 else self.wrong)(params, x, t)


def in_layer(number, change):
    return lambda l, given: change(given) if l == number else given


def sentences(
    function,
    family=FAMILY,
    shapes=SHAPES,
    *,
    is_explained=False,
    takes_lam=False,
    timeout=10.0,
    precision=DOUBLE,
):
    """What is said after three points of each shape."""
    with CallableSubject(function, timeout=timeout) as asked:
        judge = Judge(asked, INTERNAL, takes_lam, Form())
        session = Session(judge, family, 0, time.monotonic() + 60, precision=precision)
        outcomes = []
        for sizes, samples in shapes:
            network = family.network(sizes)
            outcomes += session.outcomes(problem_of(network), points_of(network, samples))
        return localised(session, outcomes, is_explained=is_explained)


# the fault, and words that some sentence has to have
FAULTS = {
    "a fixed matrix": (
        subject(delta=in_layer(2, lambda d: MATRIX[: len(d), : len(d)] @ d)),
        ["∂E/∂W2 and ∂E/∂b2 are wrong first", "it is a matrix times that, the same at every input"],
    ),
    "another matrix in place of W": (
        subject(back=lambda l, w, d: MATRIX[: w.shape[1], : w.shape[0]] @ d),
        ["the slope is right; in place of W3ᵀ stands another matrix", "on the way from layer 3 to layer 2"],
    ),
    "slope cos": (subject(slope=lambda l, z: np.cos(z)), ["the slope is sin′(z2) = cos(z2)"]),
    "slope sech": (
        subject(slope=lambda l, z: 1 / np.cosh(z)),
        ["in place of tanh′ stands another function of z2", "likewise"],
    ),
    "one slope times a factor": (
        subject(slope=lambda l, z: (1.37 if l == 2 else 1) * (1 - np.tanh(z) ** 2)),
        ["it is 1.37 times that"],
    ),
    "one weight gradient times a factor": (
        subject(dw=lambda l, d, a: (1.37 if l == 1 else 1) * d @ a.T),
        ["∂E/∂W1 is not the product of its own δ1 and a0: it is 1.37 times that"],
    ),
    "one bias gradient times a factor": (
        subject(db=lambda l, d: (1.37 if l == 2 else 1) * d.sum(axis=1)),
        ["∂E/∂b2 is 1.37 times the δ2 that ∂E/∂W2 tells", "the fault is in the bias gradient of layer 2"],
    ),
    "a squared in a weight gradient": (
        subject(dw=lambda l, d, a: d @ (a * a).T),
        ["∂E/∂W3 is not the product of its own δ3 and a2: in place of a2 stands another vector"],
    ),
    "half of the units that are below -1": (
        subject(slope=lambda l, z: np.where(z < -1, 0.5, 1) * (1 - np.tanh(z) ** 2)),
        ["it is wrong in one range of z2 alone, wrong where z2 ≤ -1", "likewise in layer 1"],
    ),
    "saturated units": (
        subject(slope=lambda l, z: np.where(np.abs(z) > 1, 0.3, 1) * (1 - np.tanh(z) ** 2)),
        ["wrong where |z2| ≥ 1", "likewise in layer 1"],
    ),
    "the first unit": (
        subject(delta=in_layer(2, lambda d: np.concatenate([2 * d[:1] + 1, d[1:]]))),
        ["only in unit 1 of layer 2"],
    ),
    "the output's error": (
        subject(delta=lambda l, d: d * np.abs(d)),
        ["from the output back, ∂E/∂W3 and ∂E/∂b3 are wrong first"],
    ),
    "more than four samples": (
        scaled_where(lambda params, x: x.shape[1] > 4),
        ["it is wrong only for 5 samples or more; it is right for 4 or fewer"],
    ),
    "an odd number of samples": (
        scaled_where(lambda params, x: x.shape[1] % 2 == 1),
        ["it is wrong only for an odd number of samples; it is right for an even one"],
    ),
    "no power of two": (
        scaled_where(lambda params, x: x.shape[1] & (x.shape[1] - 1)),
        ["it is wrong only where the number of samples is no power of two"],
    ),
    "more than one sample": (
        scaled_where(lambda params, x: x.shape[1] > 1),
        ["it is wrong only for 2 samples or more; it is right for one sample"],
    ),
    "depth 4": (
        scaled_where(lambda params, x: len(params) >= 4),
        ["it is wrong only from depth 4 on; it is right up to depth 3"],
    ),
    "unequal widths": (
        scaled_where(lambda params, x: len(set(widths(params))) > 1),
        ["it is wrong only where widths are unequal; it is right where they are equal"],
    ),
    "from the second call on": (
        FromSecondCall(),
        ["the first call is right, and from call 2 on it is wrong"],
    ),
    "every other call": (
        Alternating(),
        ["asked the same 6 times, it is right some times and wrong at others"],
    ),
    "a penalty of its own": (
        subject(
            after=lambda params, x, grads: [
                (d + w / 4, b) for (d, b), (w, _) in zip(grads, params, strict=True)
            ]
        ),
        ["0.25·W3 is added", "likewise in layers 2, 1"],
    ),
    "after another shape": (AfterAnotherShape(), ["wrong after a call with other shapes"]),
    "not transposed": (
        subject(back=lambda l, w, d: w @ d if l else None),
        [
            "it fails (ValueError",
            "where widths are unequal, inputs aside, and is wrong where they are equal",
            "in place of W3ᵀ stands W3",
        ],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_that_no_formula_names_is_localised(fault):
    function, words = FAULTS[fault]
    found = sentences(function)
    assert all(any(word in sentence for sentence in found) for word in words), "\n".join(found)


@pytest.mark.parametrize(
    "right", [subject(), scaled_where(lambda params, x: True, by=1)], ids=["plain", "times 1"]
)
def test_right_subject_gives_no_sentence(right):
    assert sentences(right) == ()


def test_width_of_one_is_named_where_drawn_networks_have_met_it():
    function = scaled_where(lambda params, x: 1 in widths(params)[1:-1])
    found = sentences(function, shapes=(*SHAPES, ((3, 1, 2), 4)))
    assert found[0] == "it is wrong only where a hidden width is 1; it is right where no hidden width is"


def test_penalty_alone_is_wrong_where_lambda_is_not_zero():
    plain = subject()

    def gradient(params, x, t, lam=0.0):
        return [
            (dw + 0.7 * lam * w**3, db) for (dw, db), (w, _) in zip(plain(params, x, t), params, strict=True)
        ]

    found = sentences(gradient, mlp(hidden="tanh", l2="lambda/2"), takes_lam=True)
    assert found[0] == "it is wrong only where λ is not 0; it is right where λ is 0"


def test_state_between_calls_is_told_though_a_formula_explains_the_later_ones():
    (found,) = sentences(FromSecondCall(), is_explained=True)
    assert found.startswith("in a fresh process the first call is right, and from call 2 on it is wrong")


def test_subject_that_is_wrong_everywhere_gives_no_shape():
    found = sentences(subject(dw=lambda l, d, a: 1.37 * d @ a.T), is_explained=True)
    assert found == ()


def test_factor_in_single_precision_is_written_with_the_digits_it_has():
    function = single(subject(slope=lambda l, z: np.float32(1.37) * (1 - np.tanh(z) ** 2)))
    found = sentences(function, precision=PRECISIONS["float32"])
    assert any("it is 1.37 times that" in sentence for sentence in found), "\n".join(found)


def test_hung_subject_is_not_asked_for_more_shapes():
    def hangs(params, x, t):
        if x.shape[1] == 7:
            time.sleep(60)
        return subject()(params, x, t)

    assert sentences(hangs, timeout=0.2) == ()


def test_errors_are_read_off_the_weights_where_there_are_no_biases():
    found = sentences(subject(slope=lambda l, z: np.cos(z)), mlp(hidden="tanh", bias=False))
    assert any("the slope is sin′(z2) = cos(z2)" in sentence for sentence in found), "\n".join(found)


def test_steps_of_one_layer_are_not_blamed_on_those_before_it():
    found = sentences(subject(delta=in_layer(2, lambda d: d**3)))
    assert sum("is not" in sentence for sentence in found) == 1, "\n".join(found)


def single(function):
    """The same in single precision."""

    def gradient(params, x, t):
        params = [(w.astype(np.float32), b.astype(np.float32)) for w, b in params]
        return function(params, x.astype(np.float32), t.astype(np.float32))

    return gradient


RIGHT = {
    "tanh": (subject(), FAMILY, DOUBLE),
    "tanh in single precision": (single(subject()), FAMILY, PRECISIONS["float32"]),
    "relu": (textbook(hidden="relu"), mlp(hidden="relu"), DOUBLE),
    "exp": (textbook(hidden="exp"), mlp(hidden="exp"), DOUBLE),
    "softmax and cross-entropy": (
        textbook(hidden="sigmoid", output="softmax", loss="cross-entropy"),
        mlp(hidden="sigmoid", output="softmax", loss="cross-entropy"),
        DOUBLE,
    ),
    "hidden softmax": (textbook(hidden="softmax"), mlp(hidden="softmax"), DOUBLE),
    "binary cross-entropy": (
        textbook(hidden="silu", output="sigmoid", loss="binary-cross-entropy"),
        mlp(hidden="silu", output="sigmoid", loss="binary-cross-entropy"),
        DOUBLE,
    ),
    "no biases": (textbook(hidden="elu"), mlp(hidden="elu", bias=False), DOUBLE),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_subject_has_every_factor_right(name):
    function, family, precision = RIGHT[name]
    with CallableSubject(function) as asked:
        judge = Judge(asked, INTERNAL, False, Form())
        session = Session(judge, family, 0, time.monotonic() + 60, precision=precision)
        for sizes, _ in SHAPES:
            assert list(in_factors(session, problem_of(family.network(sizes)))) == []


HIDDEN = graph(
    inputs={"x": (3, "m")},
    nodes={
        "h": node("dense", "x", units=4),
        "s": node("tanh", "h"),
        "y": node("dense", "s", units=2),
    },
    losses={"E": loss("half-squared", "y")},
)


def of_graph(wrong):
    def gradient(params, x, t):
        w, v, a, m = params["h.W"], params["y.W"], x["x"], x["x"].shape[-1]
        s = np.tanh(w @ a + params["h.b"][:, None])
        dy = (v @ s + params["y.b"][:, None] - next(iter(t.values()))) / m
        dh = (v.T @ dy) * (np.ones_like(s) if wrong == "slope" else 1 - s**2)
        dv = dy @ s.T * (1.37 if wrong == "weights" or (wrong == "batch" and m > 4) else 1)
        return {"h.W": dh @ a.T, "h.b": dh.sum(axis=1), "y.W": dv, "y.b": dy.sum(axis=1)}

    return gradient


GRAPH_FAULTS = {
    "slope": "h: the fault is in h (dense) or on the way back to it through y (dense) and s (tanh)",
    "weights": "∂E/∂y.W is wrong, and the nearest to the loss is that of y: the fault is in the gradient",
    "batch": "it is wrong only for 5 samples or more",
}


@pytest.mark.parametrize("fault", [*GRAPH_FAULTS, None])
def test_fault_of_a_graph_is_localised_by_its_nodes(fault):
    problem = problem_of_graph(HIDDEN)
    random = np.random.default_rng(1)
    outcomes = []
    with CallableSubject(of_graph(fault)) as asked:
        session = Session(Judge(asked, INTERNAL, False, Form()), HIDDEN, 0, time.monotonic() + 60)
        for samples in (5, 7, 3):
            names = [
                {
                    a.label: random.normal(size=[n if isinstance(n, int) else samples for n in a.shape])
                    for a in arrays
                }
                for arrays in (problem.parameters, problem.inputs, problem.constants)
            ]
            outcomes += session.outcomes(problem, [GraphPoint(*names, samples)])
        found = localised(session, outcomes, is_explained=False)
    if fault is None:
        assert found == ()
    else:
        assert any(GRAPH_FAULTS[fault] in sentence for sentence in found), "\n".join(found)


def test_localising_takes_less_than_a_second():
    with CallableSubject(subject(slope=lambda l, z: 1 / np.cosh(z))) as asked:
        session = Session(Judge(asked, INTERNAL, False, Form()), FAMILY, 0, time.monotonic() + 60)
        network = FAMILY.network((3, 4, 5, 2))
        outcomes = session.outcomes(problem_of(network), points_of(network, 5))
        localised(session, outcomes, is_explained=False)
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            localised(session, outcomes, is_explained=False)
            seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1
