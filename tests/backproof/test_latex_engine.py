"""The LaTeX engine: a PDF written whole or not at all, and a message that names the fault."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from backproof import latex_engine
from backproof.latex_engine import ENGINES, compile_pdf, find_engine
from symbolic.derivation import derive
from symbolic.errors import BackproofError
from symbolic.network import mlp
from symbolic.writing.document import latex_document

SOURCE = latex_document(derive(mlp(2, 3, 1)))


def fake_engine(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An engine that runs a shell script, the only one there is."""
    engine = folder / "pdflatex"
    engine.write_text(f"#!/bin/sh\n{script}\n")
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join((str(folder), "/usr/bin", "/bin")))
    return engine


def test_pdf_is_written(require: Callable[[str], None], tmp_path: Path) -> None:
    require("pdflatex")
    compile_pdf(SOURCE, tmp_path / "derivation.pdf")
    assert (tmp_path / "derivation.pdf").read_bytes().startswith(b"%PDF-")
    assert [path.name for path in tmp_path.iterdir()] == ["derivation.pdf"]


def test_fault_in_the_document_is_named_and_nothing_is_written(
    require: Callable[[str], None], tmp_path: Path
) -> None:
    require("pdflatex")
    with pytest.raises(BackproofError, match=r"failed: ! Undefined control sequence\.$"):
        compile_pdf(SOURCE.replace(r"\section", r"\sectoin"), tmp_path / "derivation.pdf")
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_there_stays_when_the_engine_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_engine(tmp_path, "exit 3", monkeypatch)
    (tmp_path / "derivation.pdf").write_text("the old one")
    with pytest.raises(BackproofError, match=r"pdflatex failed: exit code 3$"):
        compile_pdf(SOURCE, tmp_path / "derivation.pdf")
    assert (tmp_path / "derivation.pdf").read_text() == "the old one"


def test_engine_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_engine(tmp_path, "exec sleep 60", monkeypatch)
    monkeypatch.setattr(latex_engine, "SECONDS", 0.2)
    with pytest.raises(BackproofError, match=r"pdflatex did not end within 0\.2 s$"):
        compile_pdf(SOURCE, tmp_path / "derivation.pdf")


def test_output_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_engine(tmp_path, "echo %PDF- > derivation.pdf", monkeypatch)
    output = tmp_path / "nowhere" / "derivation.pdf"
    with pytest.raises(BackproofError, match=r"nowhere/derivation\.pdf cannot be written: No such file"):
        compile_pdf(SOURCE, output)


def test_references_are_resolved_by_a_second_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "runs"
    fake_engine(tmp_path, f"echo run >> {log}; echo %PDF- > derivation.pdf", monkeypatch)
    compile_pdf(SOURCE, tmp_path / "derivation.pdf")
    assert log.read_text().splitlines() == ["run", "run"]


def test_missing_engine_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_engine() is None
    with pytest.raises(
        BackproofError, match=rf"^no LaTeX engine was found; install one of {', '.join(ENGINES)}"
    ):
        compile_pdf(SOURCE, tmp_path / "derivation.pdf")
