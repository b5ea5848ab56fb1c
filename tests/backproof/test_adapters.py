"""Every form in which a backward pass comes: a right one gives the gradient, a wrong one is not made right.

The subjects are written around the textbook's, which shares nothing with the adapters.
"""

from __future__ import annotations

import ast
import copy
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from backproof import worker
from backproof.forms import Form
from backproof.subjects import CallableSubject, FileSubject, SubjectFailed
from numeric import backprop
from symbolic.network import mlp
from tests.backproof.textbook import textbook

NETWORK = mlp(3, 4, 2, hidden="tanh")
RNG = np.random.default_rng(0)
PARAMS = [(RNG.normal(size=(4, 3)), RNG.normal(size=4)), (RNG.normal(size=(2, 4)), RNG.normal(size=2))]
X, T = RNG.normal(size=(3, 5)), RNG.normal(size=(2, 5))
RIGHT, WRONG = textbook(), textbook(bug="no slope in hidden layers")


def close(value: Any, expected: Any) -> bool:
    grads = value[1] if isinstance(value, tuple) else value
    return all(
        np.shape(given) == np.shape(own) and np.allclose(given, own, rtol=1e-6, atol=1e-9)
        for pair, expected_pair in zip(grads, expected, strict=True)
        for given, own in zip(pair, expected_pair, strict=True)
        if own is not None
    )


def returned(
    subject: Any, form: Form, params: Any = PARAMS, x: Any = X, t: Any = T, **keywords: float
) -> Any:
    with CallableSubject(subject, form=form) as asked:
        return asked.call(params, x, t, **keywords).value


def pairs_of(arrays: Any) -> list[Any]:
    return list(zip(arrays[::2], arrays[1::2], strict=True))


def flat(arrays: Any) -> Any:
    return np.concatenate([np.ravel(array) for array in arrays])


def split(vector: Any, shapes: Any) -> list[Any]:
    pieces = np.split(vector, np.cumsum([np.prod(shape) for shape in shapes])[:-1])
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]


IN_ORDER = [(4, 3), (4,), (2, 4), (2,)]
WEIGHTS_FIRST = [(4, 3), (2, 4), (4,), (2,)]


def in_list(backward):
    return lambda params, x, t: [array for pair in backward(pairs_of(params), x, t) for array in pair]


def in_two_lists(backward):
    def gradient(x, t, ws, bs):
        dws, dbs = zip(*backward(list(zip(ws, bs, strict=True)), x, t), strict=True)
        return 0.5, list(dws), list(dbs)

    return gradient


def in_a_vector(backward):
    def gradient(theta, x, t):
        return 0.5, flat(a for pair in backward(pairs_of(split(theta, IN_ORDER)), x, t) for a in pair)

    return gradient


def in_a_vector_weights_first(backward):
    def gradient(theta, x, t):
        w1, w2, b1, b2 = split(theta, WEIGHTS_FIRST)
        (dw1, db1), (dw2, db2) = backward([(w1, b1), (w2, b2)], x, t)
        return flat([dw1, dw2, db1, db2]), 0.5

    return gradient


def in_a_dict(backward):
    def gradient(X, y, parameters):
        pairs = backward([(parameters[f"W{l}"], parameters[f"b{l}"]) for l in (1, 2)], X, y)
        return {
            f"d{name}{l}": array
            for l, pair in enumerate(pairs, 1)
            for name, array in zip("Wb", pair, strict=True)
        }

    return gradient


def as_arguments(backward):
    def gradient(x, t, W1, b1, W2, b2):
        (dw1, db1), (dw2, db2) = backward([(W1, b1), (W2, b2)], x, t)
        return 0.5, dw1, db1, dw2, db2

    return gradient


def on_objects(backward):
    def gradient(layers, x, t):
        grads = backward([(layer.weight, layer.offset) for layer in layers], x, t)
        for layer, (dw, db) in zip(layers, grads, strict=True):
            layer.grad_w, layer.grad_b = dw, db

    return gradient


def with_the_bias_in_a_row(backward):
    """x W with a constant input -1 in front: W is in×out, its first row -b."""

    def gradient(arrays, x, t):
        grads = backward([(array[1:].T, -array[0]) for array in arrays], x, t)
        return [np.vstack([-db, dw.T]) for dw, db in grads]

    return gradient


def with_the_bias_in_a_column(backward):
    def gradient(theta, x, t):
        arrays = split(theta, [(4, 4), (2, 5)])
        return flat(np.c_[dw, db] for dw, db in backward([(a[:, :-1], a[:, -1]) for a in arrays], x, t))

    return gradient


def for_one_sample(backward):
    return lambda params, x, t: (0.5, backward(params, x[:, None], t[:, None]))


def for_one_column(backward):
    def gradient(x, t, params):
        assert x.shape == (3, 1)
        dws, dbs = zip(*backward(params, x, t), strict=True)
        return list(dbs), list(dws)

    return gradient


def by_keyword(backward):
    return lambda *, targets, inputs, weights: backward(weights, inputs, targets)


FUNCTIONS = {
    "pairs": (lambda backward: backward, Form(arguments="params, x, t")),
    "list": (in_list, Form(params="list")),
    "separate": (
        in_two_lists,
        Form(params="separate", arguments="x, t, *params", returns="loss, weights, biases"),
    ),
    "flat": (in_a_vector, Form(params="flat")),
    "flat, weights first": (in_a_vector_weights_first, Form(params="flat-weights-first")),
    "dict": (in_a_dict, Form(params="dict", arguments="x, t, params")),
    "arguments": (
        as_arguments,
        Form(params="list", arguments="x, t, *params", returns="loss, *grads"),
    ),
    "dict as keywords": (
        as_arguments,
        Form(params="dict", arguments="x, t, **params", grads="list", returns="loss, *grads"),
    ),
    "objects": (
        on_objects,
        Form(
            params="objects",
            grads="attributes",
            weight="weight",
            bias="offset",
            weight_gradient="grad_w",
            bias_gradient="grad_b",
        ),
    ),
    "bias in a column": (with_the_bias_in_a_column, Form(params="flat", biases="last-column")),
    "one sample": (for_one_sample, Form(batch="single")),
    "one column": (
        for_one_column,
        Form(batch="single-column", arguments="x, t, params", returns="biases, weights"),
    ),
    "keywords": (by_keyword, Form(arguments="weights=params, inputs=x, targets=t")),
}


@pytest.mark.parametrize(("made", "form"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_function_is_asked_in_its_own_form(made: Any, form: Form) -> None:
    expected = backprop.gradient(NETWORK, PARAMS, X, T)
    assert close(returned(made(RIGHT), form), expected)
    assert not close(returned(made(WRONG), form), expected)


def test_biases_in_the_first_row_for_an_input_of_minus_one() -> None:
    form = Form(params="list", biases="first-row", bias_input=-1)
    transposed = [(w.T, b) for w, b in PARAMS]
    expected = [(dw.T, db) for dw, db in backprop.gradient(NETWORK, PARAMS, X, T)]
    assert close(returned(with_the_bias_in_a_row(RIGHT), form, transposed), expected)
    assert not close(returned(with_the_bias_in_a_row(WRONG), form, transposed), expected)


def test_the_loss_is_found_on_either_side_of_the_gradient() -> None:
    for made in (in_a_vector, in_a_vector_weights_first):
        params = "flat" if made is in_a_vector else "flat-weights-first"
        loss, _ = returned(made(RIGHT), Form(params=params))
        assert loss == 0.5


def test_layers_without_a_bias_have_none_in_any_container() -> None:
    network = mlp(3, 4, 2, hidden="tanh", bias=False)
    params = [(w, None) for w, _ in PARAMS]
    expected = backprop.gradient(network, params, X, T)
    weights = {
        "list": lambda ws, x, t: [dw for dw, _ in RIGHT([(w, None) for w in ws], x, t)],
        "flat": lambda v, x, t: flat(
            dw for dw, _ in RIGHT([(w, None) for w in split(v, [(4, 3), (2, 4)])], x, t)
        ),
        "dict": lambda d, x, t: {
            f"W{l}": dw for l, (dw, _) in enumerate(RIGHT([(d["W1"], None), (d["W2"], None)], x, t), 1)
        },
    }
    for container, gradient in weights.items():
        assert close(returned(gradient, Form(params=container), params), expected)


@pytest.mark.parametrize("biases", ["scalar", "shared", "shared-scalar"])
def test_one_bias_for_many_units_has_the_sum_of_their_gradients(biases: str) -> None:
    form = Form(params="list" if biases == "scalar" else "separate", biases=biases)
    network = mlp(3, 2, 2, hidden="tanh")
    params = form.tied([(PARAMS[0][0][:2], PARAMS[0][1][:2]), (PARAMS[1][0][:, :2], PARAMS[1][1])])
    expected = form.folded(backprop.gradient(network, params, X, T))

    def gradient(*given):
        *arrays, x, t = given
        if biases == "scalar":
            pairs = [(w, np.full(2, b)) for w, b in pairs_of(arrays[0])]
            return [np.asarray(a) for dw, db in RIGHT(pairs, x, t) for a in (dw, db.sum())]
        ws, b = arrays
        grads = RIGHT([(w, np.zeros(2) + b) for w in ws], x, t)
        total = sum(db for _, db in grads)
        return [dw for dw, _ in grads], total if biases == "shared" else total.sum()

    arguments = "params, x, t" if biases == "scalar" else "*params, x, t"
    returns = "grads" if biases == "scalar" else "weights, biases"
    form = Form(params=form.params, biases=biases, arguments=arguments, returns=returns)
    assert close(returned(gradient, form, params), expected)
    assert not close(expected, backprop.gradient(network, params, X, T))


def descend(backward, *, ascending=False, in_place=False):
    def step(params, x, t, lr=0.1):
        eta = -lr if ascending else lr
        grads = backward(params, x, t)
        if in_place:
            for (w, b), (dw, db) in zip(params, grads, strict=True):
                w -= eta * dw
                b -= eta * db
            return None
        return [(w - eta * dw, b - eta * db) for (w, b), (dw, db) in zip(params, grads, strict=True)]

    return step


UPDATES = {
    "returned": ({}, Form("update")),
    "in place": ({"in_place": True}, Form("update")),
    "by name": ({"in_place": True}, Form("update", arguments="params, x, t, lr=eta", eta=0.5)),
    "fixed": ({}, Form("update", arguments="params, x, t", eta=0.1)),
    "upwards": ({"ascending": True}, Form("update", sign="+")),
}


@pytest.mark.parametrize(("options", "form"), UPDATES.values(), ids=UPDATES)
def test_a_step_of_descent_shows_its_gradient(options: Any, form: Form) -> None:
    expected = backprop.gradient(NETWORK, PARAMS, X, T)
    assert close(returned(descend(RIGHT, **options), form), expected)
    assert not close(returned(descend(WRONG, **options), form), expected)
    assert not close(
        returned(descend(RIGHT, **options), Form("update", sign="+" if form.sign == "-" else "-")), expected
    )


def test_a_step_whose_rate_can_be_set_takes_another_for_one_call() -> None:
    def sequential(params, x, t, eta):
        (w1, b1), (w2, b2) = params
        (_, _), (dw2, db2) = RIGHT(params, x, t)
        w2 = w2 - eta * dw2
        (dw1, db1), _ = RIGHT([(w1, b1), (w2, b2)], x, t)
        return [(w1 - eta * dw1, b1 - eta * db1), (w2, b2 - eta * db2)]

    with CallableSubject(sequential, form=Form("update")) as subject:
        assert subject.parameters.accept("eta")
        small, large = (subject.call(PARAMS, X, T, eta=eta).value for eta in (0.25, 1.0))
    assert not close(small, large)
    with CallableSubject(descend(RIGHT), form=UPDATES["fixed"][1]) as subject:
        assert not subject.parameters.accept("eta")


def by_layer(params, x, t, eta=(0.5, 0.25)):
    steps = zip(params, RIGHT(params, x, t), eta, strict=True)
    return [(w - rate * dw, b - rate * db) for (w, b), (dw, db), rate in steps]


def test_a_step_with_a_rate_for_each_layer_shows_its_gradient_and_the_rates_have_their_order() -> None:
    expected = backprop.gradient(NETWORK, PARAMS, X, T)
    for arguments in ("params, x, t", "params, x, t, eta"):
        assert close(returned(by_layer, Form("update", arguments=arguments, eta=(0.5, 0.25))), expected)
    fixed = "params, x, t"
    assert not close(returned(by_layer, Form("update", arguments=fixed, eta=(0.25, 0.5))), expected)
    assert not close(returned(by_layer, Form("update", arguments=fixed, eta=0.5)), expected)


class Net:
    """A network as classes write it: weights and biases in lists, gradients left behind."""

    backward_pass = staticmethod(RIGHT)

    def __init__(self, sizes, lam=0.0):
        self.weights = [np.zeros((o, i)) for i, o in pairwise(sizes)]
        self.biases = [np.zeros(o) for o in sizes[1:]]
        self.eta = 0.1
        self.lam = lam

    def forward(self, x):
        self.x = x
        return x

    def backward(self, t):
        pairs = list(zip(self.weights, self.biases, strict=True))
        grads = type(self).backward_pass(pairs, self.x, t)
        self.dw = [dw + self.lam * w for (dw, _), w in zip(grads, self.weights, strict=True)]
        self.db = [db for _, db in grads]
        return grads

    def train(self, x, t, eta=None):
        self.forward(x)
        self.backward(t)
        for l in range(len(self.dw)):
            self.weights[l] = self.weights[l] - (eta or self.eta) * self.dw[l]
            self.biases[l] -= (eta or self.eta) * self.db[l]


class WrongNet(Net):
    backward_pass = staticmethod(WRONG)


HELD = {"weight": "weights[{l}]", "bias": "biases[{l}]", "first": 0}
OBJECTS = {
    "gradients in attributes": Form(
        "object", init="sizes", weight_gradient="dw[{l}]", bias_gradient="db[{l}]", **HELD
    ),
    "gradients returned": Form("object", init="sizes", **HELD),
    "one object for all calls": Form("object", init="sizes", lifetime="run", **HELD),
    "a step": Form("object-update", init="sizes", calls="train(x, t, eta)", **HELD),
    "a step with its rate in an attribute": Form(
        "object-update", init="sizes=sizes", calls="train(x, t)", eta_path="eta", **HELD
    ),
    "a step of a fixed rate": Form("object-update", init="sizes", calls="train(x, t)", eta=0.1, **HELD),
}


@pytest.mark.parametrize("form", OBJECTS.values(), ids=OBJECTS)
def test_an_object_is_filled_called_and_read(form: Form) -> None:
    expected = backprop.gradient(NETWORK, PARAMS, X, T)
    assert close(returned(Net, form), expected)
    assert not close(returned(WrongNet, form), expected)


def test_an_object_that_was_made_is_copied_for_each_call() -> None:
    form = Form("object", **HELD)
    with CallableSubject(Net([3, 4, 2]), form=form) as subject:
        assert close(subject.call(PARAMS, X, T).value, backprop.gradient(NETWORK, PARAMS, X, T))


def test_what_an_object_accumulates_shows_where_one_serves_the_whole_run() -> None:
    class Accumulating(Net):
        total = 0.0

        def backward(self, t):
            self.total = self.total + super().backward(t)[0][0]
            return [(self.total, self.db[0]), (self.dw[1], self.db[1])]

    for lifetime, same in (("call", True), ("run", False)):
        with CallableSubject(
            Accumulating, form=Form("object", init="sizes", lifetime=lifetime, **HELD)
        ) as subject:
            assert close(*(subject.call(PARAMS, X, T).value for _ in range(2))) == same


def test_a_penalty_goes_to_the_factory_under_its_own_name_or_to_a_path() -> None:
    def factory(reg=0.0):
        return Net([3, 4, 2], lam=reg)

    form = {"weight_gradient": "dw[{l}]", "bias_gradient": "db[{l}]", **HELD}
    plain = backprop.gradient(NETWORK, PARAMS, X, T)
    expected = [(dw + 0.5 * w, db) for (dw, db), (w, _) in zip(plain, PARAMS, strict=True)]
    for subject, extra in (
        (Net, {"init": "sizes"}),
        (factory, {"keywords": "lam=reg"}),
        (Net([3, 4, 2]), {"keywords": "lam=lam"}),
    ):
        with CallableSubject(subject, form=Form("object", **form, **extra)) as asked:
            assert asked.parameters.accept("lam")
            assert close(asked.call(PARAMS, X, T, lam=0.5).value, expected)


def test_a_path_that_leads_nowhere_is_named() -> None:
    with (
        CallableSubject(Net, form=Form("object", init="sizes", weight="W{l}", bias="b{l}")) as subject,
        pytest.raises(SubjectFailed) as caught,
    ):
        subject.call(PARAMS, X, T)
    assert str(caught.value) == "Net unusable: there is no W1, of W1, in a Net"


def test_a_seed_makes_noise_the_same_in_every_call() -> None:
    def noisy(params, x, t):
        return [(w + np.random.rand(*w.shape), b) for w, b in params]

    with CallableSubject(noisy, form=Form(seed="numpy, random")) as subject:
        assert close(*(subject.call(PARAMS, X, T).value for _ in range(2)))
    with CallableSubject(noisy) as subject:
        assert not close(*(subject.call(PARAMS, X, T).value for _ in range(2)))


def test_a_seed_may_be_a_function_beside_the_subject(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "count = 0\ndef reset():\n    global count\n    count = 0\n"
        "def gradient(params, x, t):\n    global count\n    count += 1\n    return float(count), params\n"
    )
    arguments = (tmp_path / "net.py", "gradient")
    with FileSubject(*arguments, python=Path(sys.executable), form=Form(seed="reset")) as subject:
        assert [subject.call(PARAMS, X, T).value[0] for _ in range(2)] == [1.0, 1.0]


def rebind_pairs(params):
    params[0] = (params[0][0] + 1, params[0][1])


def rebind_in_a_dict(params):
    params["W1"] = params["W1"] * 2


def overwrite_a_vector(params):
    params[0] = 7


def overwrite_a_column(params):
    params[0][:, 0] = 7


@pytest.mark.parametrize(
    ("form", "act"),
    [
        (Form(dtype="float64"), rebind_pairs),
        (Form(params="dict"), rebind_in_a_dict),
        (Form(params="flat"), overwrite_a_vector),
        (Form(params="list", biases="last-column"), overwrite_a_column),
    ],
)
def test_what_a_subject_does_to_its_container_is_told_of_the_parameters(form: Form, act: Any) -> None:
    def changes(params, x, t):
        before = copy.deepcopy(params)
        act(params)
        return before

    with CallableSubject(changes, form=form) as subject:
        assert subject.call(PARAMS, X, T).changed == ("params[0][0]",)
    with CallableSubject(lambda params, x, t: copy.deepcopy(params), form=form) as subject:
        assert subject.call(PARAMS, X, T).changed == ()


def test_gradients_that_are_the_parameters_themselves_are_told() -> None:
    form = Form(params="separate", arguments="*params, x, t")
    with CallableSubject(lambda ws, bs, x, t: (ws, bs), form=form) as subject:
        found = subject.call(PARAMS, X, T)
    assert found.aliases[0] == "grads[0][0] and params[0][0]"
    assert len(found.aliases) == 4


def test_adapters_are_python_3_8_and_import_a_framework_only_where_it_is_used() -> None:
    for path in (Path(worker.__file__).parent / "adapters").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
        absolute = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
        names = {alias.name for node in imports for alias in node.names} | {node.module for node in absolute}
        roots = {str(name).partition(".")[0] for name in names}
        assert roots <= {*sys.stdlib_module_names, "numpy", "torch", "jax", "autograd"}
        at_once = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
        assert at_once <= {*sys.stdlib_module_names, "numpy", "importlib.util"}


@pytest.mark.parametrize(
    ("form", "value", "message"),
    [
        (Form(params="flat"), np.zeros(3), "it returned 3 numbers; expected 26, in one vector"),
        (Form(params="flat"), "text", "it returned a str where numbers were expected"),
        (
            Form(params="list"),
            [1.0],
            "it returned 1 entries; expected 4: a list of arrays, as the parameters",
        ),
        (Form(params="dict"), {"w1": 0}, "it returned a dict with keys w1; expected dW1 or W1"),
        (Form(returns="loss, grads"), 1.0, "it returned a float; expected loss, grads"),
        (Form(returns="loss, grads"), (1, 2, 3), "it returned 3 values; expected 2: loss, grads"),
        (Form(params="flat"), None, "it returned no gradient; expected one like params"),
        (
            Form(params="pairs", biases="last-column"),
            [(np.zeros((4, 3)),), (np.zeros((2, 5)),)],
            "the array of layer 1 has shape (4, 3); expected (4, 4), with the bias",
        ),
        (Form(batch="single"), [5.0], "for one sample it returned a list; expected pairs"),
        (
            Form(batch="single"),
            [(np.zeros(3), np.zeros(4))] * 2,
            "for one sample it returned an array of shape (3,); expected (4, 3)",
        ),
        (
            Form("update"),
            [(np.zeros(3), np.zeros(4))] * 2,
            "after the step a parameter has shape (3,); it had (4, 3)",
        ),
        (Form("update"), [(np.zeros((4, 3)), np.zeros(4))], "after the step there are 1 layers of 2"),
    ],
)
def test_what_does_not_fit_its_form_is_told_in_a_sentence(form: Form, value: Any, message: str) -> None:
    with (
        CallableSubject(lambda *given: copy.deepcopy(value), form=form) as subject,
        pytest.raises(SubjectFailed) as caught,
    ):
        subject.call(PARAMS, X, T)
    assert caught.value.what == "unusable"
    assert caught.value.detail == message


def test_an_empty_batch_of_single_samples_has_a_gradient_of_zero() -> None:
    grads = returned(for_one_sample(RIGHT), Form(batch="single"), x=X[:, :0], t=T[:, :0])
    assert all(not array.any() for pair in grads for array in pair)


def test_a_sum_over_samples_is_so_many_times_the_mean() -> None:
    (_, mean), (_, total) = (
        returned(for_one_sample(RIGHT), Form(batch="single", reduce=reduce)) for reduce in ("mean", "sum")
    )
    assert close(total, [(5 * dw, 5 * db) for dw, db in mean])


def test_single_precision_is_given_where_it_is_asked() -> None:
    grads = returned(RIGHT, Form(dtype="float32"))
    assert {array.dtype.name for pair in grads for array in pair} == {"float32"}


def test_the_same_process_takes_another_form() -> None:
    with CallableSubject(in_a_vector(RIGHT)) as subject:
        with pytest.raises(SubjectFailed):
            subject.call(PARAMS, X, T)
        subject.take(Form(params="flat"))
        assert close(subject.call(PARAMS, X, T).value, backprop.gradient(NETWORK, PARAMS, X, T))


def test_samples_are_pairs_of_columns_as_in_a_mini_batch() -> None:
    def nielsen(mini_batch, eta, params):
        for c, (x, t) in enumerate(mini_batch):
            assert (x == X[:, [c]]).all()
            assert (t == T[:, [c]]).all()
        for (w, b), (dw, db) in zip(params, RIGHT(params, X, T), strict=True):
            w -= eta * dw
            b -= eta * db

    form = Form("update", arguments="samples, eta, params")
    assert close(returned(nielsen, form), backprop.gradient(NETWORK, PARAMS, X, T))


def test_objects_may_be_of_a_class_beside_the_subject(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "class Layer:\n    def double(self): return 2 * self.W, 2 * self.b\n"
        "def gradient(layers, x, t): return [layer.double() for layer in layers]\n"
    )
    form = Form(params="objects", grads="pairs", layer="Layer")
    with FileSubject(tmp_path / "net.py", "gradient", python=Path(sys.executable), form=form) as subject:
        assert close(subject.call(PARAMS, X, T).value, [(2 * w, 2 * b) for w, b in PARAMS])
    wrong = Form(params="objects", grads="pairs", layer="Lair")
    with (
        FileSubject(tmp_path / "net.py", "gradient", python=Path(sys.executable), form=wrong) as subject,
        pytest.raises(SubjectFailed, match="unusable: there is no 'Lair' beside it"),
    ):
        subject.call(PARAMS, X, T)


def test_sizes_are_those_of_the_network_with_and_without_biases() -> None:
    def sizes(given, x, t):
        return float(given[0]), float(given[1]), float(given[2])

    form = Form(arguments="sizes, x, t")
    bare = [(w, None) for w, _ in PARAMS]
    rows = [(w.T, None) for w, _ in PARAMS]
    for params, x in ((PARAMS, X), (bare, X), (rows, X.T)):
        assert returned(sizes, form, params, x) == (3.0, 4.0, 2.0)


def test_an_object_without_the_methods_is_refused() -> None:
    with (
        CallableSubject(SimpleNamespace(), form=Form("object")) as subject,
        pytest.raises(SubjectFailed, match=r"there is no forward, of forward, in a SimpleNamespace"),
    ):
        subject.call(PARAMS, X, T)
