"""C functions and programs as subjects of a check: what can be none is refused with a sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backproof.foreign_subjects import c_subject, command_subject
from backproof.forms import form_of
from backproof.subjects import NoSuchSubject, SubjectFailed

ECHO = """
import json, sys
for line in sys.stdin:
    params = json.loads(line)["params"]
    print(json.dumps({"loss": 2, "grads": params}), flush=True)
"""
PARAMS: Any = [(np.array([[1.5, -2.0]]), np.array([0.25]))]


@pytest.mark.parametrize("stays", [False, True])
def test_program_is_asked_in_its_folder_and_closed_with_its_subject(tmp_path: Path, *, stays: bool) -> None:
    (tmp_path / "echo.py").write_text(ECHO)
    with command_subject([sys.executable, "echo.py"], stays=stays, folder=tmp_path) as subject:
        for _ in range(2):
            loss, grads = subject.call(PARAMS, np.ones((2, 1)), np.ones((1, 1)), lam=0.5).value  # type: ignore[misc,union-attr]
            assert loss == 2
            assert [array.tolist() for array in grads[0]] == [[[1.5, -2.0]], [0.25]]  # type: ignore[index,union-attr]
        assert subject.parameters.accept("lam")


def test_c_function_takes_lambda_if_its_prototype_has_one(
    tmp_path: Path, require: Callable[[str], None]
) -> None:
    require("gcc")
    for name, more in (("f", "double lam"), ("g", "int m")):
        text = f"void {name}(double *params, double *x, double *t, double *grads, {more}) {{ grads[0] = 1; }}"
        (tmp_path / f"{name}.c").write_text(text)
        with c_subject(tmp_path / f"{name}.c", name) as subject:
            assert subject.parameters.accept("lam") == (name == "f")
            assert subject.name == f"{name}.c:{name}"
            with pytest.raises(SubjectFailed, match=r"unusable: it did not write grads\[1\]"):
                subject.call(PARAMS, np.ones((2, 1)), np.ones((1, 1)))


def test_what_can_be_no_subject_is_refused(tmp_path: Path, require: Callable[[str], None]) -> None:
    (tmp_path / "lib.so").write_bytes(b"")
    with pytest.raises(NoSuchSubject, match=r"lib\.so has functions; give the prototype of one"):
        c_subject(tmp_path / "lib.so")
    with pytest.raises(NoSuchSubject, match=r"is not a \.c file; write FILE\.c:FUNCTION"):
        c_subject(tmp_path / "lib.py", "f")
    with pytest.raises(SubjectFailed, match=r"lib\.so cannot be loaded"):
        c_subject(
            tmp_path / "lib.so", prototype="void f(double *params, double *x, double *t, double *grads)"
        )
    with pytest.raises(NoSuchSubject, match="the command is empty"):
        command_subject([])
    with pytest.raises(SubjectFailed, match="there is no program no_such_program that can be run"):
        command_subject(["no_such_program"])
    require("gcc")
    (tmp_path / "broken.c").write_text("void f(double *params, double *x, double *t, double *grads) { oops }")
    with pytest.raises(SubjectFailed, match=r"broken\.c does not compile: .*oops"):
        c_subject(tmp_path / "broken.c", "f")


def test_fields_of_a_form_are_read_by_their_types() -> None:
    texts = ["bias-input=-1", "eta=0.25", "accumulates=true", "arguments=x, t, lr=eta"]
    assert form_of(texts) == {"bias_input": -1, "eta": 0.25, "accumulates": True, "arguments": "x, t, lr=eta"}
