"""The command line, called in this process: one of its own takes longer to import than most commands run.

What is tested of the process itself (signals, the path, the installed script) starts one.
"""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from backproof.cli import main


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a command."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str, cwd: Path | str = ".", columns: int = 80) -> Done:
    """`backproof ARGUMENTS`, in this folder, on a terminal of so many columns."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch("sys.argv", ["backproof", *arguments]),
        mock.patch.dict(os.environ, COLUMNS=str(columns)),
    ):
        code = main()
    return Done(code, out.getvalue(), err.getvalue())
