"""`backproof theorems`: every theorem with its scope, whole proofs on request, and an exit code."""

from __future__ import annotations

import pytest

from backproof import theorems_command
from proofs.theorems import THEOREMS, dense_layer, slopes
from tests.command import run


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two kinds of theorems: that all of them hold is tested where they are."""
    chosen = {"dense layer": dense_layer.theorems, "tanh": lambda: [slopes.slope("tanh")]}
    monkeypatch.setattr(theorems_command, "THEOREMS", chosen)


@pytest.mark.usefixtures("few")
def test_each_theorem_is_listed_with_its_scope_and_qed() -> None:
    done = run("theorems")
    assert done.returncode == 0
    assert done.stdout.count("QED") == 5
    assert "slope of tanh. For a = tanh(z), da/dz = 1 - a**2.\n" in done.stdout
    assert "  Scope: every width, every batch" in done.stdout


def test_the_proofs_of_one_kind_are_shown_whole() -> None:
    done = run("theorems", "penalties")
    assert done.returncode == 0
    assert "Theorem: l2 penalty." in done.stdout and "  1. derived ∂E/∂W: " in done.stdout
    assert "False: with slope -1 at W[i,j] = 0" in done.stdout


def test_an_unknown_kind_is_refused_with_the_choices() -> None:
    done = run("theorems", "convolution")
    assert done.returncode == 2
    assert done.stderr == f"backproof: no theorems about 'convolution'; choose from {', '.join(THEOREMS)}\n"


def test_a_theorem_that_does_not_hold_is_said_and_is_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(slopes.TEXTBOOK, "tanh", "1 - a")
    wrong = {"tanh": lambda: [slopes.slope("tanh")]}
    monkeypatch.setattr(theorems_command, "THEOREMS", wrong)
    done = run("theorems")
    assert done.returncode == 1
    assert "Not proved. slope of tanh: derived = textbook is different" in done.stdout
    monkeypatch.setitem(slopes.TEXTBOOK, "sin", "2*cos(z/2)**2 - 1")
    monkeypatch.setattr(theorems_command, "THEOREMS", {"sin": lambda: [slopes.slope("sin")]})
    assert run("theorems").returncode == 4
