"""From LaTeX to PDF with an engine of the user's, if there is one."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from symbolic.errors import BackproofError

_TEX: Final = ("-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "derivation.tex")
ENGINES: Final = {
    "pdflatex": _TEX,
    "xelatex": _TEX,
    "lualatex": _TEX,
    "tectonic": ("--untrusted", "--keep-logs", "derivation.tex"),
}
SECONDS: Final = 120  # for one run; tectonic may load its packages first
RUNS: Final = 2  # the second run knows the numbers that references stand for


def find_engine() -> str | None:
    """The path of the first LaTeX engine there is."""
    return next(filter(None, map(shutil.which, ENGINES)), None)


def compile_pdf(source: str, output: Path) -> None:
    """Write the PDF of a LaTeX document, whole or not at all.

    Raises BackproofError where there is no engine, where it fails, with its first complaint, and where the
    output cannot be written.
    """
    engine = find_engine()
    if engine is None:
        raise BackproofError(
            f"no LaTeX engine was found; install one of {', '.join(ENGINES)}, or leave out --pdf"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "derivation.tex").write_text(source, encoding="utf-8")
        for _ in range(RUNS):
            _run(engine, folder)
        part = output.with_name(f".{output.name}.part")
        try:
            shutil.copyfile(folder / "derivation.pdf", part)
            part.replace(output)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise BackproofError(f"{output} cannot be written: {error.strerror}") from None


def _run(engine: str, folder: Path) -> None:
    command = [engine, *ENGINES[Path(engine).stem]]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise BackproofError(f"{engine} did not end within {SECONDS} s") from None
    if done.returncode:
        said = (done.stdout + done.stderr).decode("utf-8", errors="replace").splitlines()
        complaints = (line for line in said if line.startswith(("!", "error:")))
        raise BackproofError(f"{engine} failed: {next(complaints, f'exit code {done.returncode}')}")
