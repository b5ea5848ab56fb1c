"""Subjects in many forms, none of them declared: the form is among those found, and it answers rightly."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backproof import layouts
from backproof.detecting import detect
from backproof.forms import Form
from backproof.points import generic_point, shift_count
from backproof.subjects import FileSubject
from numeric import backprop
from symbolic.network import mlp

NETWORK = mlp(3, 4, 2, hidden="tanh")
POINT = generic_point(NETWORK, 5, [0] * shift_count(NETWORK, 5))
TEXTBOOK = "from tests.backproof.textbook import textbook\nimport numpy as np\nRIGHT = textbook()\n"

SUBJECTS = {
    "pairs": "def subject(params, x, t): return RIGHT(params, x, t)",
    "another order, with a loss": "def subject(X, y, weights): return 0.5, RIGHT(weights, X, y)",
    "rows, in×out, (1, n)": """
def subject(params, x, t):
    grads = RIGHT([(w.T, b[0]) for w, b in params], x.T, t.T)
    return [(dw.T, db[None]) for dw, db in grads]
""",
    "list": """
def subject(params, x, t):
    w1, b1, w2, b2 = params
    return [a for pair in RIGHT([(w1, b1), (w2, b2)], x, t) for a in pair]
""",
    "dict, columns of biases": """
def subject(parameters, X, Y):
    pairs = [(parameters[f"W{l}"], parameters[f"b{l}"].reshape(-1, 1)[:, 0]) for l in (1, 2)]
    assert parameters["b1"].shape == (4, 1)
    (dw1, db1), (dw2, db2) = RIGHT(pairs, X, Y)
    return {"dW1": dw1, "db1": db1[:, None], "dW2": dw2, "db2": db2[:, None]}
""",
    "vector": """
def subject(theta, x, t):
    w1, b1, w2, b2 = theta[:12], theta[12:16], theta[16:24], theta[24:]
    grads = RIGHT([(w1.reshape(4, 3), b1), (w2.reshape(2, 4), b2)], x, t)
    return 0.5, np.concatenate([a.ravel() for pair in grads for a in pair])
""",
    "two lists": """
def subject(x, y, weights, biases):
    dws, dbs = zip(*RIGHT(list(zip(weights, biases)), x, y))
    return list(dws), list(dbs)
""",
    "arguments of their own": """
def subject(x, y, W1, b1, W2, b2):
    (dw1, db1), (dw2, db2) = RIGHT([(W1, b1), (W2, b2)], x, y)
    return dw1, db1, dw2, db2
""",
    "one sample": """
def subject(params, x, t):
    assert x.shape == (3, 1)
    return RIGHT(params, x, t)
""",
    "biases in the last column": """
def subject(params, x, t):
    grads = RIGHT([(a[:, :-1], a[:, -1]) for a in params], x, t)
    return [np.c_[dw, db] for dw, db in grads]
""",
    "step": """
def subject(params, x, t, learning_rate):
    grads = RIGHT(params, x, t)
    return [(w - learning_rate * dw, b - learning_rate * db) for (w, b), (dw, db) in zip(params, grads)]
""",
    "class": """
class subject:
    def __init__(self, *widths):
        self.W = [np.zeros((o, i)) for i, o in zip(widths, widths[1:])]
        self.b = [np.zeros(o) for o in widths[1:]]
    def forward(self, x): self.x = x
    def backward(self, t):
        self.dW, self.db = zip(*RIGHT(list(zip(self.W, self.b)), self.x, t))
""",
    "class that makes a step, of one sample after another": """
class subject:
    def __init__(self, sizes):
        self.weights = [np.zeros((o, i)) for i, o in zip(sizes, sizes[1:])]
        self.biases = [np.zeros((o, 1)) for o in sizes[1:]]
    def backprop(self, x, y):
        assert x.shape == (3, 1)
        dws, dbs = zip(*RIGHT([(w, b[:, 0]) for w, b in zip(self.weights, self.biases)], x, y))
        return [db[:, None] for db in dbs], list(dws)
""",
    "estimator": """
from sklearn.neural_network import MLPRegressor
subject = MLPRegressor(activation="tanh", alpha=0.0)
""",
}


def start(tmp_path: Path, source: str) -> FileSubject:
    (tmp_path / "net.py").write_text(
        f"import sys\nsys.path.append({str(Path(__file__).parents[2])!r})\n{TEXTBOOK}{source}\n"
    )
    return FileSubject(tmp_path / "net.py", "subject", python=Path(sys.executable), form=Form("object"))


@pytest.mark.parametrize("source", SUBJECTS.values(), ids=SUBJECTS)
def test_what_is_found_answers_rightly_in_one_of_few_ways(require: Any, tmp_path: Path, source: str) -> None:
    if "sklearn" in source:
        require("sklearn")
    expected = backprop.gradient(NETWORK, POINT.params, POINT.x, POINT.t)
    right = []
    with start(tmp_path, source) as subject:
        found = detect(subject, NETWORK, POINT)
        for form, layout in ((each.form, each.layout) for each in found):
            subject.take(form)
            value: Any = subject.call(*layouts.to_subject(POINT, layout)).value
            grads = value[1] if not isinstance(value[0], (list, tuple)) else value
            inside = [(layouts.weights(w, layout), b.ravel()) for w, b in grads]
            right.append(
                all(
                    np.allclose(given, own, rtol=1e-6, atol=1e-9)
                    for pair, own_pair in zip(inside, expected, strict=True)
                    for given, own in zip(pair, own_pair, strict=True)
                )
            )
    assert any(right)
    assert len(found) <= 12


def test_nothing_is_found_in_what_gives_no_gradient(tmp_path: Path) -> None:
    with start(tmp_path, "def subject(a, b): return 1.0") as subject:
        assert detect(subject, NETWORK, POINT) == []


def test_a_module_and_an_autograd_function_are_known_by_their_class(require: Any, tmp_path: Path) -> None:
    require("torch")
    module = """
import torch
class subject(torch.nn.Module):
    def __init__(self, n0, n1, n2):
        super().__init__()
        self.first, self.second = torch.nn.Linear(n0, n1), torch.nn.Linear(n1, n2)
    def forward(self, x): return self.second(torch.tanh(self.first(x)))
"""
    function = """
import torch
class subject(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, t, w1, b1, w2, b2):
        return (w2 @ (w1 @ x + b1[:, None]) + b2[:, None] - t).sum()
    @staticmethod
    def backward(ctx, g):
        return None, None, torch.ones(4, 3), torch.ones(4), torch.ones(2, 4), torch.ones(2)
"""
    for source, form in (
        (module, Form("torch-module", init="*sizes", loss="mse_loss")),
        (function, Form("torch-function", params="list", arguments="x, t, *params")),
    ):
        with start(tmp_path, source) as subject:
            assert form in [each.form for each in detect(subject, NETWORK, POINT)]
