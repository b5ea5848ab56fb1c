"""Subjects made with a framework: each has a right one and one whose own backward pass is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backproof.forms import Form
from backproof.subjects import FileSubject, SubjectFailed
from numeric import backprop
from symbolic.network import mlp

RNG = np.random.default_rng(1)
PARAMS = [(RNG.normal(size=(4, 3)), RNG.normal(size=4)), (RNG.normal(size=(2, 4)), RNG.normal(size=2))]
X, T = RNG.normal(size=(3, 5)), RNG.normal(size=(2, 5))
NETWORK = mlp(3, 4, 2, hidden="tanh")

TORCH_FUNCTION = """
import torch
class Tanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        a = torch.tanh(z)
        ctx.save_for_backward(a)
        return a
    @staticmethod
    def backward(ctx, g):
        a, = ctx.saved_tensors
        return g * (1 - a{square})
def loss(params, x, t):
    (w1, b1), (w2, b2) = params
    a = w2 @ Tanh.apply(w1 @ x + b1[:, None]) + b2[:, None]
    return ((a - t) ** 2).sum() / (2 * x.shape[1])
"""
TORCH_LOSS = """
import torch
class Loss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, t, w1, b1, w2, b2):
        a = torch.tanh(w1 @ x + b1[:, None])
        d = (w2 @ a + b2[:, None] - t) / x.shape[1]
        ctx.save_for_backward(x, w2, a, d)
        return (d * d).sum() * x.shape[1] / 2
    @staticmethod
    def backward(ctx, g):
        x, w2, a, d = ctx.saved_tensors
        e = (w2.T @ d) * (1 - a{square})
        return None, None, g * e @ x.T, g * e.sum(1), g * d @ a.T, g * d.sum(1)
"""
TORCH_LAYER = """
import torch
class Layer(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, b):
        a = torch.tanh(w @ x + b[:, None])
        ctx.save_for_backward(x, w, a)
        return a
    @staticmethod
    def backward(ctx, g):
        x, w, a = ctx.saved_tensors
        d = g * (1 - a{square})
        return w.T @ d, d @ x.T, d.sum(1)
def half(a, t):
    return ((a - t) ** 2).sum() / (2 * t.shape[1])
"""
TORCH_MODULE = """
import torch
class Slope(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        a = torch.tanh(z)
        ctx.save_for_backward(a)
        return a
    @staticmethod
    def backward(ctx, g):
        return g * (1 - ctx.saved_tensors[0]{square})
class Net(torch.nn.Module):
    def __init__(self, n0, n1, n2):
        super().__init__()
        self.first, self.second = torch.nn.Linear(n0, n1), torch.nn.Linear(n1, n2)
    def forward(self, x, t=None):
        out = self.second(Slope.apply(self.first(x)))
        return out if t is None else half(out, t)
def half(a, t):
    return ((a - t) ** 2).sum() / (2 * len(t))
net = Net(3, 4, 2)
"""
JAX = """
import jax
import jax.numpy as jnp
HALF = jnp.asarray(0.1) * 5
@jax.custom_vjp
def tanh(z):
    return jnp.tanh(z)
tanh.defvjp(lambda z: (jnp.tanh(z), jnp.tanh(z)), lambda a, g: (g * (1 - a{square}),))
def loss(x, t, params):
    a = params["W2"] @ tanh(params["W1"] @ x + params["b1"][:, None]) + params["b2"][:, None]
    return HALF * ((a - t) ** 2).sum() / x.shape[1]
"""
AUTOGRAD = """
import autograd.numpy as np
from autograd.extend import defvjp, primitive
tanh = primitive(np.tanh)
defvjp(tanh, lambda a, z: lambda g: g * (1 - a{square}))
def loss(theta, x, t):
    w1, b1 = theta[:12].reshape(4, 3), theta[12:16]
    w2, b2 = theta[16:24].reshape(2, 4), theta[24:]
    a = np.dot(w2, tanh(np.dot(w1, x) + b1[:, None])) + b2[:, None]
    return np.sum((a - t) ** 2) / (2 * x.shape[1])
"""
SCALARS = """
from micrograd.engine import Value
def square_root_of_slope(z):
    out = Value(2 / (1 + 2.718281828459045 ** (-2 * z.data)) - 1, (z,), "tanh")
    def backward():
        z.grad += (1 - out.data{square}) * out.grad
    out._backward = backward
    return out
def loss(params, x, t):
    total = Value(0.0)
    for c in range(len(x[0])):
        a = [row[c] for row in x]
        for l, (w, b) in enumerate(params):
            a = [sum((wij * aj for wij, aj in zip(row, a)), bi) for row, bi in zip(w, b)]
            if l == 0:
                a = [square_root_of_slope(z) for z in a]
        for unit, row in zip(a, t):
            total = total + (unit - row[c]) ** 2
    return total * (1 / (2 * len(x[0])))
"""
CASES = {  # component, source, name, form, samples
    "function of tensors": ("torch", TORCH_FUNCTION, "loss", Form("torch-function"), "columns"),
    "autograd.Function as the loss": (
        "torch",
        TORCH_LOSS,
        "Loss",
        Form("torch-function", params="list", arguments="x, t, *params"),
        "columns",
    ),
    "module": ("torch", TORCH_MODULE, "Net", Form("torch-module", init="*sizes", loss="half"), "rows"),
    "module that was made": ("torch", TORCH_MODULE, "net", Form("torch-module", loss="half"), "rows"),
    "module that returns its loss": (
        "torch",
        TORCH_MODULE,
        "net",
        Form("torch-module", arguments="x, t", lifetime="run"),
        "rows",
    ),
    "custom_vjp": ("jax", JAX, "loss", Form("jax", params="dict", arguments="x, t, params"), "columns"),
    "primitive": ("autograd", AUTOGRAD, "loss", Form("autograd", params="flat"), "columns"),
    "scalars": ("micrograd", SCALARS, "loss", Form("scalars"), "columns"),
}
SLOPES = {"right": " ** 2", "wrong": ""}

Start = Callable[..., FileSubject]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    def start(source: str, name: str, form: Form) -> FileSubject:
        (tmp_path / "net.py").write_text(source)
        return FileSubject(tmp_path / "net.py", name, python=Path(sys.executable), form=form)

    return start


def agrees(value: Any, expected: Any) -> bool:
    return all(
        np.allclose(given, own, rtol=1e-9, atol=1e-12)
        for pair, own_pair in zip(value[1], expected, strict=True)
        for given, own in zip(pair, own_pair, strict=True)
    )


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize(("component", "source", "name", "form", "samples"), CASES.values(), ids=CASES)
def test_the_frameworks_gradient_is_taken_through_the_subjects_own_slope(
    require: Any, start: Start, component: str, source: str, name: str, form: Form, samples: str, slope: str
) -> None:
    require(component)
    with start(source.replace("{square}", SLOPES[slope]), name, form) as subject:
        found = subject.call(PARAMS, *((X.T, T.T) if samples == "rows" else (X, T)))
    assert agrees(found.value, backprop.gradient(NETWORK, PARAMS, X, T)) == (slope == "right")
    assert np.allclose(found.value[0], backprop.loss(NETWORK, PARAMS, X, T), rtol=1e-12)
    assert found.changed == ()


@pytest.mark.parametrize("slope", SLOPES)
def test_a_function_may_be_every_layer(require: Any, start: Start, slope: str) -> None:
    require("torch")
    form = Form("torch-function", role="layer", arguments="x, weight, bias", loss="half")
    network = mlp(3, 4, 2, hidden="tanh", output="tanh")
    with start(TORCH_LAYER.replace("{square}", SLOPES[slope]), "Layer", form) as subject:
        found = subject.call(PARAMS, X, T)
    assert agrees(found.value, backprop.gradient(network, PARAMS, X, T)) == (slope == "right")


@pytest.mark.parametrize("kind", ["torch-function", "jax"])
def test_single_precision_is_kept(require: Any, start: Start, kind: str) -> None:
    require(kind.partition("-")[0])
    form = Form(kind, dtype="float32")
    with start(
        "def loss(params, x, t): return (params[0][0].sum() * x.sum() * t.sum())", "loss", form
    ) as subject:
        loss, grads = subject.call(PARAMS, X, T).value
    assert loss.dtype == grads[0][0].dtype == np.float32
    assert not grads[1][0].any()


def test_a_graphs_parameters_go_by_name(require: Any, start: Start) -> None:
    require("torch")
    source = "def loss(params, x, t): return (params['h.W'] @ x['x']).sum() + t['t'].sum()"
    with start(source, "loss", Form("torch-function", params="as-is")) as subject:
        _, grads = subject.call({"h.W": PARAMS[0][0]}, {"x": X}, {"t": T}).value
    assert np.allclose(grads["h.W"], np.tile(X.sum(axis=1), (4, 1)))


def test_a_module_with_other_parameters_is_told_of_both_shapes(require: Any, start: Start) -> None:
    require("torch")
    form = Form("torch-module", loss="half")
    with (
        start(TORCH_MODULE.replace("{square}", "").replace("Net(3,", "Net(7,"), "net", form) as subject,
        pytest.raises(
            SubjectFailed, match=r"unusable: the module has parameters of shapes \[\(4, 7\), .*expected"
        ),
    ):
        subject.call(PARAMS, X.T, T.T)


def test_a_loss_that_hangs_on_no_parameter_is_told(require: Any, start: Start) -> None:
    require("torch")
    with (
        start("def loss(params, x, t): return x.sum()", "loss", Form("torch-function")) as subject,
        pytest.raises(SubjectFailed, match="unusable: its loss is a Tensor that hangs on no parameter"),
    ):
        subject.call(PARAMS, X, T)


SKLEARN = """
from sklearn.neural_network import MLPClassifier, MLPRegressor
regressor = MLPRegressor(activation="tanh")
relu = MLPRegressor(activation="relu")
classifier = MLPClassifier(activation="tanh")
"""


@pytest.mark.parametrize(
    ("name", "options", "verdict"),
    [
        ("regressor", {}, "right"),
        ("relu", {}, "wrong"),
        ("classifier", {"output": "softmax", "loss": "cross-entropy"}, "right"),
    ],
)
def test_an_estimator_of_scikit_learn_is_asked_for_its_own_gradient(
    require: Any, start: Start, name: str, options: dict[str, str], verdict: str
) -> None:
    require("sklearn")
    t = np.eye(2)[:, [0, 1, 1, 0, 1]] if options else T
    network = mlp(3, 4, 2, hidden="tanh", **options, l2="lambda/(2*m)")
    with start(SKLEARN, name, Form("sklearn")) as subject:
        assert subject.parameters.accept("lam")
        found = subject.call([(w.T, b) for w, b in PARAMS], X.T, t.T, lam=0.3)
    expected = [(dw.T, db) for dw, db in backprop.gradient(network, PARAMS, X, t, lam=0.3)]
    assert agrees(found.value, expected) == (verdict == "right")


USED_JAX = """
import numpy as np
import jax, jax.numpy as jnp
from backproof.forms import Form
from backproof.subjects import CallableSubject, NoSuchSubject, SubjectFailed

def loss(params, x, t):
    (w, b), = params
    return jnp.mean((w @ x + b[:, None] - t) ** 2)

slopes = jax.grad(loss)

def gradient(params, x, t):
    return [tuple(map(np.asarray, pair)) for pair in slopes(params, x, t)]

def hidden(params, x, t):
    return getattr(__import__("builtins"), "gradient_of")(params, x, t)

params, x, t = [(np.ones((2, 3)), np.ones(2))], np.ones((3, 4)), np.ones((2, 4))
__import__("builtins").gradient_of = gradient
gradient(params, x, t)
for subject, form in ((loss, Form("jax")), (gradient, None)):
    try:
        CallableSubject(subject, form=form)
    except NoSuchSubject as refusal:
        print(refusal)
with CallableSubject(lambda params, x, t: params) as subject:
    print(len(subject.call(params, x, t).value))
with CallableSubject(hidden, timeout=1) as subject:
    try:
        subject.call(params, np.ones((3, 5)), np.ones((2, 5)))  # compiled anew, by threads that are not there
    except SubjectFailed as failure:
        print(failure)
"""


def test_what_would_wait_for_jax_in_a_forked_child_is_refused_at_once(require: Any) -> None:
    require("jax")
    command = [sys.executable, "-W", "ignore", "-c", USED_JAX]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    advice = (
        "JAX stops in a child of a process that has used it; "
        "give the function by its file, as FILE.py:NAME or bp.FileSubject(path, name)"
    )
    assert done.stdout.splitlines() == [
        f"loss cannot be asked here: {advice}",
        f"gradient cannot be asked here: {advice}",
        "1",
        f"hidden hung: no answer within 1 s; if it uses JAX: {advice}",
    ]


USED_TORCH = """
import numpy as np, torch
from backproof.forms import Form
from backproof.subjects import CallableSubject, SubjectFailed

torch.set_num_threads(4)
large = torch.ones(1000, 1000, requires_grad=True)
(large @ large).tanh().sum().backward()  # by threads that a child does not have


def loss(params, x, t):
    torch.exp(torch.ones(3_000_000)).sum()  # enough to be shared out
    return (((large @ large).tanh().mean() + params[0][0] @ x.T - t.T) ** 2).sum()


with CallableSubject(loss, form=Form("torch-function"), timeout=20) as subject:
    _, (pair,) = subject.call([(np.ones((2, 3)), None)], np.ones((5, 3)), np.ones((5, 2))).value
print(pair[0].shape, torch.get_num_threads())
"""


def test_torch_works_in_a_forked_child_of_a_process_whose_threads_it_has_used(require: Any) -> None:
    require("torch")
    command = [sys.executable, "-W", "ignore", "-c", USED_TORCH]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.stdout == "(2, 3) 4\n", done.stderr
