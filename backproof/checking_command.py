"""`check` on the command line: reads what was asked, shows progress in a terminal, prints the report."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from rich.console import Console

from backproof.checking import Interrupted, check
from backproof.options import LayoutOptions, SpecOptions
from backproof.own_points import InvalidPoint
from backproof.report import Report
from backproof.spec import resolve_chain
from backproof.subjects import FileSubject, default_python, parse_subject
from symbolic.errors import InvalidNetwork

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked on the command line."""

    subject: str
    spec: str
    options: SpecOptions
    layout: LayoutOptions
    settings: tuple[str, ...]
    at: Path | None
    python: Path | None
    call_time: float

    def command(self, seed: int | None) -> str:
        """The line that repeats this check."""
        words = [
            "backproof",
            "check",
            self.subject,
            self.spec,
            *self.options.arguments,
            *self.layout.arguments,
        ]
        words += [word for setting in self.settings for word in ("--set", setting)]
        words += ["--at", str(self.at)] if self.at else []
        words += ["--seed", str(seed)] if seed else []
        return shlex.join(words)


def run(request: Request, *, max_time: float, max_examples: int, seed: int | None, format: str) -> int:
    """Check, print the report, and return the exit code."""
    path, function = parse_subject(request.subject)
    chain = resolve_chain(request.spec, request.options, command="check")
    settings = dict(_setting(text) for text in request.settings)
    at = None if request.at is None else _arrays(request.at)
    status = 0
    with FileSubject(
        path, function, python=request.python or default_python(), timeout=request.call_time
    ) as subject:
        try:
            with _progress() as progress:
                report = check(
                    subject,
                    chain,
                    layout=request.layout.layout,
                    max_examples=max_examples,
                    max_time=max_time,
                    seed=seed,
                    settings=settings,
                    at=at,
                    progress=progress,
                )
        except Interrupted as interruption:
            report, status = interruption.report, INTERRUPTED
    report = replace(report, again=request.command(seed))
    print(_written(report, format))
    return status or report.exit_status


def _written(report: Report, format: str) -> str:
    return report.to_json() if format == "json" else report.text()


def _setting(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise InvalidNetwork(f"--set {text}: write --set lambda=0.1, a name and a number") from None


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file; pickled ones are refused."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise InvalidPoint(f"{path} holds one array; save W1, b1, …, x, t with numpy.savez")
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise InvalidPoint(f"there is no file {path}") from None
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise InvalidPoint(f"{path} is no .npz of plain arrays: {error}") from None


@contextmanager
def _progress() -> Iterator[Callable[[str], None] | None]:
    """A line of progress in a terminal, nothing in a pipe."""
    console = Console(stderr=True)
    if not (console.is_terminal and sys.stdout.isatty()):
        yield None
        return
    with console.status("starting …") as status:
        yield lambda text: status.update(text)
