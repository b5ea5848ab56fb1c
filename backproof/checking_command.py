"""`check` on the command line: reads what was asked, shows progress, prints and writes the report."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from backproof.checking import Interrupted, check
from backproof.emitting import emit_test
from backproof.files import write_whole
from backproof.foreign_subjects import LIBRARIES, c_subject_of, command_subject_of
from backproof.forms import Form, form_from, form_of
from backproof.graph_points import whole_numbers
from backproof.manifest import Manifest, read_manifest
from backproof.options import (
    DeclaredLayout,
    ReportOptions,
    SearchOptions,
    SpecOptions,
    SubjectOptions,
    arguments,
    said,
)
from backproof.own_points import read_arrays
from backproof.report import Report
from backproof.reports.baseline import exit_status, new, read_baseline, write_baseline
from backproof.reports.writing import refuse_unwritable, write_reports
from backproof.spec import resolve
from backproof.subjects import CALL_LIMIT, FileSubject, ForeignSubject, parse_subject
from symbolic.errors import BackproofError, InvalidNetwork
from symbolic.graph import Graph
from symbolic.layer import Layer
from symbolic.network import Chain

INTERRUPTED = 130
FORM = ("kind", "params", "batch", "prototype", "protocol", "stays")  # options that are fields of a form


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked on the command line, in groups."""

    subject: str | None
    spec: str | None
    network: SpecOptions
    layout: DeclaredLayout
    how: SubjectOptions
    search: SearchOptions
    reports: ReportOptions

    @property
    def is_manifest(self) -> bool:
        return self.how.command is None and str(self.subject).endswith(".toml")

    @property
    def again(self) -> str:
        """The line that repeats this check."""
        words = [word for word in (self.subject, self.spec) if word]
        for group in (self.network, self.how, self.layout, self.search):
            words += arguments(group)
        return shlex.join(["backproof", "check", *words])


def run(request: Request) -> int:
    """Check, print the report, write what is asked for, and return the exit code."""
    written = request.reports
    refuse_unwritable(written.html, written.json, written.junit, written.emit_test, written.write_baseline)
    known = read_baseline(written.baseline) if written.baseline else frozenset()
    told, folder = planned(request)
    chain = _family(told, folder, request)
    at = None if request.search.at is None else read_arrays(request.search.at)
    chosen = {name: value for name, value in said(told.check).items() if name not in ("call_time", "draw")}
    drawn = dict(map(whole_numbers, told.check.draw))
    interrupted = False
    with opened(told, folder) as subject:
        try:
            with _progress() as progress:
                report = check(
                    subject,
                    chain,
                    layout=told.layout,
                    settings=told.settings,
                    given=drawn,
                    at=at,
                    progress=progress,
                    **chosen,
                )
        except Interrupted as interruption:
            report, interrupted = interruption.report, True
    report = replace(report, again=request.again)
    print(report.to_json() if written.format == "json" else report.text())
    write_reports(report, html=written.html, json=written.json, junit=written.junit)
    if written.write_baseline:
        write_baseline(written.write_baseline, report)
    if written.emit_test:
        _emit(report, told, folder, written.emit_test)
    if interrupted:
        return INTERRUPTED
    return _compared(report, known, written.baseline) if written.baseline else report.exit_status


def planned(request: Request) -> tuple[Manifest, Path]:
    """What is checked and how: the manifest's word where the command line says nothing; and its folder."""
    subject, spec = request.subject, request.spec
    if request.how.command is not None:
        if spec is not None:
            raise InvalidNetwork(f"--command is the subject; give SPEC alone, without {subject}")
        subject, spec = request.how.command, subject
    if subject is None:
        raise InvalidNetwork("there is no subject: give FILE.py:NAME, FILE.c, backproof.toml or --command")
    folder = Path(subject).parent if request.is_manifest else Path()
    if request.is_manifest:
        told = read_manifest(Path(subject))
    elif spec is None:
        raise InvalidNetwork("there is no SPEC: give sizes such as 2-3-1 or ?-…-?, or a .toml file")
    else:
        told = Manifest(subject, spec)
    return _overridden(told, request, spec), folder


def _overridden(told: Manifest, request: Request, spec: str | None) -> Manifest:
    how, searched = said(request.how), said(request.search)
    searched |= {name: tuple(searched[name]) for name in ("draw", "only", "skip") if name in searched}
    searched |= {"call_time": how["call_time"]} if "call_time" in how else {}
    searched.pop("at", None)
    form = {**told.form.said, **{name: how[name] for name in FORM if name in how}}
    form |= form_of(how.get("form", ()))
    if request.how.command is not None:
        form.setdefault("kind", "command")
    elif _library(told.subject)[0].suffix in LIBRARIES:
        form.setdefault("kind", "c")
    return replace(
        told,
        sizes=spec or told.sizes,
        spec=replace(told.spec, **said(request.network)),
        form=form_from(form, "--form") if form else Form(),
        layout={**told.layout, **said(request.layout)},
        settings={**told.settings, **dict(_setting(text) for text in how.get("set_", ()))},
        check=replace(told.check, **searched),
        python=str(how.get("python", told.python)),
    )


def opened(told: Manifest, folder: Path) -> FileSubject | ForeignSubject:
    """The subject, whose process is started. Raises NoSuchSubject or SubjectFailed."""
    form, timeout = told.form, told.check.call_time or CALL_LIMIT
    if form.kind == "command":
        return command_subject_of(told.subject, form, folder=folder, timeout=timeout)
    if form.kind == "c":
        path, name = _library(told.subject)
        return c_subject_of(folder / path, name, form, timeout=timeout)
    path, name = parse_subject(str(folder / told.subject))
    own = form if form != Form() else None
    return FileSubject(path, name, python=_python(told, folder), form=own, timeout=timeout)


def _library(subject: str) -> tuple[Path, str]:
    """The file and the function's name in kernel.c or kernel.c:gradient."""
    file, _, name = subject.rpartition(":")
    return (Path(file), name) if file else (Path(subject), "")


def _python(told: Manifest, folder: Path) -> Path | None:
    if not told.python:
        return None
    return folder / told.python if os.sep in told.python else Path(told.python)


def _family(told: Manifest, folder: Path, request: Request) -> Chain | Graph:
    own = request.is_manifest and request.spec is None and told.sizes.endswith(".toml")
    spec = str(folder / told.sizes) if own else told.sizes
    found = resolve(spec, told.spec)
    if isinstance(found, Layer):
        raise InvalidNetwork(
            f"check needs a network or a graph, but {spec} is a layer; give sizes such as 2-3-1"
        )
    return found


def _compared(report: Report, known: frozenset[str], baseline: Path | None) -> int:
    """The exit status where a baseline counts; what is new is said."""
    status = exit_status(report, known)
    if report.exit_status and not status:
        print(f"all of this is in {baseline}", file=sys.stderr)
    for fingerprint in new(report, known) if status else ():
        print(f"not in {baseline}: {fingerprint}", file=sys.stderr)
    return status


def _emit(report: Report, told: Manifest, folder: Path, target: Path) -> None:
    """A test of what failed; where there is none, why not is said, and the check counts as it did."""
    try:
        if told.form.kind in ("c", "command"):
            raise BackproofError("a plain test imports a function of Python, which this subject is not")
        write_whole(
            target,
            emit_test(
                report, parse_subject(str(folder / told.subject)), form=told.form, folder=target.parent
            ),
        )
    except BackproofError as error:
        print(f"{target} not written: {error}", file=sys.stderr)


def _setting(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise InvalidNetwork(f"--set {text}: write --set lambda=0.1, a name and a number") from None


@contextmanager
def _progress() -> Iterator[Callable[[str], None] | None]:
    """A line of progress in a terminal, nothing in a pipe."""
    console = Console(stderr=True)
    if not (console.is_terminal and sys.stdout.isatty()):
        yield None
        return
    with console.status("starting …") as status:
        yield lambda text: status.update(text)
