"""Instability is found where it begins, told from a wrong formula, and never seen in a usual form."""

import re
import time
from itertools import zip_longest

import numpy as np
import pytest

from backproof.judging import Judge
from backproof.points import generic_point, shift_count
from backproof.rounding import in_precision
from backproof.session import Session
from backproof.stability import PUSHES, stability
from backproof.subjects import CallableSubject, Parameters, Returned
from numeric import backprop
from numeric.arrays import formula_value, stable_form
from numeric.envelope import DOUBLE, PRECISIONS
from numeric.menu import Narrow
from numeric.oracle import exact
from numeric.problem import problem_of
from numeric.references import references
from symbolic.activations import ACTIVATIONS, ALPHA, activation
from symbolic.conventions import INTERNAL
from symbolic.grammar.formula import parse_scalar
from symbolic.network import mlp
from tests.backproof import textbook

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the subjects overflow on purpose
PRECISION_OF = ("float64", "float32")
BOTH = pytest.mark.parametrize("precision", PRECISION_OF)
UNITWISE = [name for name, row in ACTIVATIONS.items() if row.layer == "elementwise"]
FAMILY = mlp(hidden="sigmoid", loss="half-squared")
SOFTMAX = mlp(hidden="tanh", output="softmax", loss="cross-entropy")


class Direct:
    """A subject that is called here; it is trusted not to hang."""

    parameters = Parameters((), 3, frozenset({"lam"}), any_keyword=False)
    name = "direct"

    def __init__(self, function):
        self._function = function

    def call(self, params, x, t, **keywords):
        return Returned(self._function(params, x, t, **keywords), (), "")


def asked(function, family, precision="float64"):
    """A session with a subject that computes in a precision."""
    subject = Direct(function if precision == "float64" else in_single(function))
    judge = Judge(subject, INTERNAL, takes_lam=False)
    later = time.monotonic() + 60
    return Session(judge, family, seed=0, deadline=later, precision=PRECISIONS[precision])


def in_single(function):
    return lambda params, x, t: single(function(single(params), single(x), single(t)))


def single(value):
    if isinstance(value, (list, tuple)):
        return type(value)(single(item) for item in value)
    return None if value is None else np.asarray(value, np.float32)


def hidden(value, slope):
    """Backward pass of two layers, the output linear, with E = Σ (a − t)²/(2m)."""

    def gradient(params, x, t):
        (w, b), (v, c) = params
        z = w @ x + b[:, None]
        a = value(z)
        delta = (v @ a + c[:, None] - t) / z.dtype.type(x.shape[1])
        before = (v.T @ delta) * slope(z, a)
        return [(before @ x.T, before.sum(axis=1)), (delta @ a.T, delta.sum(axis=1))]

    return gradient


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def from_value(z, a):
    return a * (1 - a)


def head(loss, error):
    """The same with tanh and softmax, given E and ∂E/∂z of the output, both times m."""

    def gradient(params, x, t):
        (w, b), (v, c) = params
        a = np.tanh(w @ x + b[:, None])
        z = v @ a + c[:, None]
        delta = error(z, t) / x.shape[1]
        before = (v.T @ delta) * (1 - a**2)
        gradients = [(before @ x.T, before.sum(axis=1)), (delta @ a.T, delta.sum(axis=1))]
        return loss(z, t) / x.shape[1], gradients

    return gradient


def softmax(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


def fused(z, t):
    return softmax(z) - t


def of_logits(z, t):
    z = z - z.max(axis=0)
    return -(t * (z - np.log(np.exp(z).sum(axis=0)))).sum()


def unfused(floor):
    def error(z, t):
        y = softmax(z)
        g = -t / np.maximum(y, floor)
        return y * (g - (g * y).sum(axis=0))

    return error


@pytest.mark.parametrize(
    ("name", "precision"), [(name, PRECISION_OF[n % 2]) for n, name in enumerate(UNITWISE)]
)
def test_a_usual_form_is_unstable_only_where_it_has_no_value(name, precision):
    source, algebra = activation(name), Narrow(PRECISIONS[precision])
    family = mlp(hidden=name, loss="half-squared")

    def read(forms, *names):
        parsed = (parse_scalar(form, names=(*names, "alpha")) for form in forms)
        return [f if source.alpha is None else f.xreplace({ALPHA: source.alpha}) for f in parsed]

    row = source.row
    slopes = [row.slope_by_value] if row.slope_by_value else []
    values = [source.definition, *read(row.forms, "z")]
    slopes = [source.slope, *read((*row.slope_forms, *slopes), "z", "a")]
    for value_form, slope_form in zip_longest(values, slopes):

        def value(z, form=value_form):
            found = (
                formula_value(form, {"z": z}, algebra) if form else stable_form(source, "value", z, algebra)
            )
            return np.broadcast_to(found, z.shape)

        def slope(z, a, form=slope_form):
            if not form:
                return np.broadcast_to(stable_form(source, "slope", z, algebra), z.shape)
            return np.broadcast_to(formula_value(form, {"z": z, "a": a}, algebra), z.shape)

        z = np.outer([1, -1], np.geomspace(2, PUSHES[-1], 10_000)).astype(precision)
        a = value(z)
        true = stable_form(source, "value", z.astype(float))
        is_bad = ~np.isfinite(a) | ~np.isfinite(slope(z, a))
        is_bad &= np.abs(true) <= PRECISIONS[precision].huge  # what no formula can say is no fault
        begins = float(np.abs(z[is_bad]).min(initial=np.inf))
        found = stability(asked(hidden(value, slope), family, precision))
        assert found.is_stable == (begins == np.inf), (value_form, slope_form, found.sentence)
        if not found.is_stable:
            assert found.beyond == pytest.approx(begins, rel=0.05), (value_form, slope_form, found.sentence)
            assert found.symptom in ("nan", "inf")


@BOTH
@pytest.mark.parametrize(
    "family",
    [
        SOFTMAX,
        mlp(hidden="sigmoid", output="sigmoid", loss="binary-cross-entropy"),
        mlp(hidden="relu", output="tanh", loss="squared"),
        mlp(hidden="softplus", output="softmax", loss="label-smoothing"),
        mlp(hidden="gelu", loss="huber", bias=False),
        mlp(2, 3, 2, 2, hidden=["mish", "elu"], loss="half-squared"),
    ],
    ids=str,
)
def test_stable_backprop_is_stable(family, precision):
    def gradient(params, x, t):
        network = (
            family if hasattr(family, "layers") else family.network([len(x), *(len(w) for w, _ in params)])
        )
        return backprop.gradient(network, params, x, t)

    found = stability(asked(gradient, family, precision))
    assert found.is_stable, found.sentence
    assert found.sentence == "its values are right for |z| ≤ 1000 in every layer"


def slope_by_exp(z, a):
    return np.exp(-z) / (1 + np.exp(-z)) ** 2


@pytest.mark.parametrize(
    ("function", "family", "begins"),
    [
        (hidden(sigmoid, slope_by_exp), FAMILY, {"float64": (1, 709.8, "nan"), "float32": (1, 88.7, "nan")}),
        (
            textbook.textbook(hidden="tanh", output="softmax", loss="cross-entropy"),
            SOFTMAX,
            {"float64": (2, 709.8, "nan"), "float32": (2, 88.7, "nan")},
        ),
        (
            textbook.textbook(hidden="tanh", output="sigmoid", loss="binary-cross-entropy"),
            mlp(hidden="tanh", output="sigmoid", loss="binary-cross-entropy"),
            {"float64": (2, 36.7, "nan"), "float32": (2, 16.6, "nan")},
        ),
        (
            head(lambda z, t: -(t * np.log(softmax(z))).sum(), fused),
            SOFTMAX,
            {"float64": (2, 746, "nan"), "float32": (2, 104, "nan")},
        ),
        (
            head(lambda z, t: -(t * (z - np.log(np.exp(z).sum(axis=0)))).sum(), fused),
            SOFTMAX,
            {"float64": (2, 709.8, "nan"), "float32": (2, 88.7, "nan")},
        ),
        (head(of_logits, unfused(0)), SOFTMAX, {"float64": (2, 709.8, "nan"), "float32": (2, 88.7, "nan")}),
        (
            textbook.textbook(hidden="softplus"),
            mlp(hidden="softplus"),
            {"float64": (1, 709.8, "inf"), "float32": (1, 88.7, "inf")},
        ),
    ],
    ids=["σ' by exp", "softmax", "x/0", "log 0", "log of a sum", "−t/a", "softplus"],
)
@BOTH
def test_overflow_is_found_where_it_begins(function, family, begins, precision):
    layer, z0, symptom = begins[precision]
    found = stability(asked(function, family, precision))
    assert (found.is_stable, found.layer, found.symptom) == (False, layer, symptom), found.sentence
    assert found.beyond == pytest.approx(z0, rel=0.05)


def cut(low, high):
    return lambda z: np.clip(z, low, high)


@pytest.mark.parametrize(
    ("function", "family", "z0", "said"),
    [
        (
            hidden(lambda z: sigmoid(cut(-20, 20)(z)), from_value),
            FAMILY,
            20,
            "|z| of layer 1 (sigmoid) is beyond 20",
        ),
        (
            hidden(lambda z: sigmoid(cut(-20, 20)(z)), lambda z, a: from_value(z, a) * (np.abs(z) < 20)),
            FAMILY,
            20,
            "|z| of layer 1 (sigmoid) is beyond 20",
        ),
        (
            hidden(lambda z: np.clip(sigmoid(z), 1e-7, 1 - 1e-7), from_value),
            FAMILY,
            16.1,
            "|z| of layer 1 (sigmoid) is beyond 16.1",
        ),
        (
            hidden(cut(0, 100), lambda z, a: np.where((z > 0) & (z < 100), 1.0, 0.0)),
            mlp(hidden="relu"),
            100,
            "z of layer 1 (relu) is above 100",
        ),
    ],
    ids=["z", "z and its slope", "a", "relu"],
)
def test_a_cut_is_another_value_from_there_on(function, family, z0, said):
    found = stability(asked(function, family))
    assert (found.is_stable, found.symptom) == (False, "another value"), found.sentence
    assert found.beyond == pytest.approx(z0, rel=0.05)
    assert said in found.sentence and found.sentence.endswith("as if z were cut off there")


@BOTH
def test_a_clip_inside_the_loss_alone_is_another_value(precision):
    function = head(of_logits, unfused(1e-7))
    found = stability(asked(function, SOFTMAX, precision))
    assert (found.layer, found.symptom) == (2, "another value"), found.sentence
    assert found.beyond == pytest.approx(np.log(1e7), rel=0.1)


@pytest.mark.parametrize("off", [1e-3, 1e-9, 1e-12])
def test_a_value_that_is_hardly_off_is_told_in_as_many_digits_as_show_it(off):
    def slope(z, a):
        return sigmoid(z) * np.where(z > 20, 1 + off, 1)

    family = mlp(hidden="softplus", loss="half-squared")
    found = stability(asked(hidden(lambda z: np.logaddexp(0, z), slope), family))
    given, derived = re.search(r": (\S+), where the exact value is ([^, ]+)", found.sentence).groups()
    assert float(given) != float(derived)
    assert abs(float(given) / float(derived) - 1) == pytest.approx(off, rel=0.9)
    assert len(derived) < 10 - np.log10(off)


def test_lost_digits_are_told_from_another_value():
    def noisy(z, a):
        return sigmoid(z) * (1 + np.where(np.abs(z) > 30, 1e-6 * np.sin(1e5 * z), 0.0))

    found = stability(asked(hidden(lambda z: np.logaddexp(0, z), noisy), mlp(hidden="softplus")))
    assert found.symptom == "lost digits", found.sentence
    assert found.beyond == pytest.approx(30, rel=0.05)


def test_a_cut_that_no_digit_shows_is_no_finding():
    found = stability(asked(hidden(lambda z: sigmoid(cut(-500, 500)(z)), from_value), FAMILY))
    assert found.is_stable, found.sentence


def test_the_sentence_names_entry_layer_and_value():
    found = stability(asked(hidden(sigmoid, slope_by_exp), FAMILY))
    z0, value = f"{-found.beyond:.3g}", f"{found.entry.derived:.2g}"
    assert found.sentence == (
        f"nan in {found.entry.name} where z of layer 1 (sigmoid) is below {z0}; the exact value is {value}"
    )


def test_nan_is_seen_in_a_gradient_of_another_convention():
    inner = hidden(sigmoid, slope_by_exp)

    def summed(params, x, t):
        return [tuple(x.shape[1] * part for part in pair) for pair in inner(params, x, t)]

    assert stability(asked(summed, FAMILY)).symptom == "nan"
    stable = hidden(sigmoid, from_value)

    def stable_sum(params, x, t):
        return [tuple(x.shape[1] * part for part in pair) for pair in stable(params, x, t)]

    found = stability(asked(stable_sum, FAMILY))
    assert found.sentence == "its values are numbers for |z| ≤ 1000 in every layer"


def test_a_failure_far_from_0_is_named_with_its_place():
    inner = hidden(sigmoid, from_value)

    def fails(params, x, t):
        if (params[0][0] @ x + params[0][1][:, None]).min() < -400:
            raise OverflowError("math range error")
        return inner(params, x, t)

    session = asked(fails, FAMILY)
    with CallableSubject(fails) as subject:
        found = stability(Session(Judge(subject, INTERNAL, False), FAMILY, 0, session.deadline))
    assert found.symptom == "failure" and "OverflowError" in found.sentence
    assert found.beyond == pytest.approx(400, rel=0.05)
    assert "where z of layer 1 (sigmoid) is below -" in found.sentence


def test_tiny_parameters_are_tried():
    inner = hidden(sigmoid, from_value)

    def divides(params, x, t):
        size = sum(np.abs(w).sum() for w, _ in params)
        return [tuple(part + (0 if size > 1e-8 else np.nan) for part in pair) for pair in inner(params, x, t)]

    found = stability(asked(divides, FAMILY))
    assert found.symptom == "nan" and found.beyond is None
    assert "where the parameters are below" in found.sentence


HEADS = [
    ("softmax", "cross-entropy"),
    ("sigmoid", "binary-cross-entropy"),
    ("softplus", "squared"),
    ("silu", "half-squared"),
    ("tanh", "huber"),
]


@pytest.mark.parametrize("z0", [50.0, 100.0, 300.0, 650.0])
@pytest.mark.parametrize(("output", "loss"), HEADS, ids=str)
def test_references_far_from_0_are_bounded_and_hold_the_balls(output, loss, z0):
    network = mlp(2, 3, 2, hidden="sigmoid", output=output, loss=loss)
    problem = problem_of(network)
    base = in_precision(generic_point(network, 3, [0] * shift_count(network, 3)), DOUBLE)
    for layer in (0, 1):
        for sign in (1, -1):
            base.params[layer][1][0] = sign * z0
            values = base.values(problem)
            found = references(problem, {name: v[None] for name, v in values.items()}, 3, DOUBLE)
            sure = exact(problem, values, 3)
            for name, bounded in found.gradient.items():
                assert np.isfinite(bounded.worst).all()
                off = np.abs(bounded.value[0] - sure.gradient[name])
                assert not (off > bounded.worst[0]).any()
                assert bounded.worst.max() <= 1e-12 * max(1.0, z0 * np.abs(bounded.value).max())
