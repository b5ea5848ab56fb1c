"""`backproof train`: its steps are those of a hand-written descent, and it says how it ended."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backproof import layouts, training
from numeric import backprop
from symbolic.conventions import Layout
from symbolic.network import mlp
from tests.command import Done, run

NETWORK = mlp(2, 3, 2, hidden="tanh", output="softmax", loss="cross-entropy")
SPEC = ("2-3-2", "--hidden", "tanh", "--output", "softmax", "--loss", "cross-entropy")
RNG = np.random.default_rng(0)
PARAMS = [(RNG.normal(size=(3, 2)), RNG.normal(size=3)), (RNG.normal(size=(2, 3)), RNG.normal(size=2))]
X, T = RNG.normal(size=(2, 5)), np.eye(2)[:, [0, 1, 1, 0, 1]]
LAYOUTS = {
    "mathematics": Layout(),
    "rows": Layout("in-out", "rows", "1,n", "integer"),
}


def stored(params: Any, layout: Layout) -> dict[str, Any]:
    arrays = {}
    for l, (w, b) in zip(count(1), params):
        arrays |= {f"W{l}": layouts.weights(w, layout), f"b{l}": layouts.bias(b, layout)}
    return arrays


def descended(rates: tuple[float, float], steps: int) -> Any:
    params = PARAMS
    for _ in range(steps):
        grads = backprop.gradient(NETWORK, params, X, T)
        params = [
            (w - eta * dw, b - eta * db) for (w, b), (dw, db), eta in zip(params, grads, rates, strict=True)
        ]
    return params


def trained(folder: Path, layout: Layout, *options: str) -> tuple[Done, dict[str, Any]]:
    t = T.argmax(axis=0) if layout.labels == "integer" else layouts.samples(T, layout)
    np.savez(folder / "start.npz", **stored(PARAMS, layout), x=layouts.samples(X, layout), t=t)
    words = [f"--{name.replace('_', '-')}={getattr(layout, name)}" for name in layouts.FIELDS]
    done = run("train", *SPEC, *words, "--data", "start.npz", "-o", "end.npz", *options, cwd=folder)
    with np.load(folder / "end.npz") as file:
        return done, dict(file)


def close(found: dict[str, Any], expected: dict[str, Any], *, rtol: float = 1e-12) -> bool:
    """Whether two descents came to the same: their sums are rounded in another order at every step."""
    assert found.keys() == expected.keys()
    return all(np.allclose(found[name], expected[name], rtol=rtol, atol=rtol) for name in expected)


@pytest.mark.parametrize("code", ["C", "NumPy"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_steps_are_those_of_a_hand_written_descent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require: Any, layout: Layout, code: str
) -> None:
    if code == "C":
        require("gcc")
    else:
        monkeypatch.setattr(training, "find_compiler", lambda: None)
    done, found = trained(tmp_path, layout, "--rates", "0.5,0.2", "--steps", "7", "--until", "0")
    assert done.returncode == 1
    assert "after 7 steps" in done.stdout
    assert close(found, stored(descended((0.5, 0.2), 7), layout))
    assert not close(found, stored(descended((0.2, 0.5), 7), layout), rtol=1e-3)
    assert not close(found, stored(descended((0.5, 0.2), 6), layout), rtol=1e-3)


def test_single_precision_is_kept(tmp_path: Path) -> None:
    _, found = trained(tmp_path, Layout(), "--rates", "0.5", "--steps", "3", "--dtype", "float32")
    assert {array.dtype for array in found.values()} == {np.dtype("float32")}
    assert close(found, stored(descended((0.5, 0.5), 3), Layout()), rtol=1e-5)


def test_it_ends_at_the_first_step_that_is_small_enough_and_not_before(tmp_path: Path) -> None:
    until = backprop.loss(NETWORK, descended((0.5, 0.5), 4), X, T) * (1 + 1e-12)
    done, found = trained(tmp_path, Layout(), "--rates", "0.5", "--until", repr(until))
    assert (done.returncode, "after 4 steps" in done.stdout) == (0, True)
    assert close(found, stored(descended((0.5, 0.5), 4), Layout()))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("2-3-1", "--hidden", "relu", "--rates", "50"), "diverged: E went from"),
        (("2-3-1", "--hidden", "tanh", "--steps", "3"), "it still falls: give more --steps"),
        (
            ("1-1-1", "--hidden", "tanh", "--no-bias", "--rates", "1e-9", "--until", "0", "--steps", "9"),
            "it hardly falls",
        ),
        (("2-3-1", "--hidden", "tanh", "--l2", "lambda", "--lam", "1"), "not reached"),
    ],
    ids=["diverged", "falling", "flat", "penalty"],
)
def test_what_is_not_reached_is_said(options: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = run("train", *options, "-o", "w.npz", cwd=tmp_path, columns=300)
    assert done.returncode == 1
    assert said in done.stdout
    assert (tmp_path / "w.npz").exists() == ("diverged" not in said)


TABLES = {
    "columns": ("0,1\n", "t.csv, line 1: 2 columns; expected 3, 2 for inputs and 1 for targets of 2-3-1"),
    "words": (
        "a,b,t\n0,1,2\n0,x,1\n",
        "t.csv, line 3: could not convert string to float: 'x'; expected numbers",
    ),
    "no rows": ("a,b,t\n", "t.csv holds no samples; expected rows of 3 columns"),
    "not finite": ("0,nan,1\n", "x[1, 0] is nan; a gradient needs finite numbers"),
}


@pytest.mark.parametrize(("text", "message"), TABLES.values(), ids=TABLES)
def test_a_table_that_does_not_fit_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    done = run("train", "2-3-1", "--hidden", "tanh", "--data", "t.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr


REFUSED = {
    "three rates": (
        ("--rates", "1,2,3"),
        "3 rates, but 2-3-1 has 2 layers; give one number, or one for each",
    ),
    "no number": (("--rates", "a"), "--rates a: write a number, or one for each layer as in 0.1,0.2"),
    "no rate": (("--rates", "0"), "--rates 0: a rate is a positive number"),
    "no λ": (("--lam", "1"), "has no λ; leave out --lam"),
    "λ": (("--l2", "lambda"), "has a λ; give --lam 0.1"),
    "no file": (("--data", "none.csv"), "there is no file none.csv"),
    "folder": (("-o", "."), ". is a folder"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_an_impossible_training_is_refused(options: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = run("train", "2-3-1", "--hidden", "tanh", *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
