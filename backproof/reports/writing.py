"""Reports as files, each written whole or not at all; where that cannot be is said before the check runs."""

from __future__ import annotations

import os
from pathlib import Path

from backproof.files import write_whole
from backproof.report import Report
from symbolic.errors import BackproofError


def refuse_unwritable(*paths: Path | None) -> None:
    """Raise BackproofError for a path that no file can be written at; None stands for a report not wanted."""
    for path in paths:
        if path is None:
            continue
        if path.is_dir():
            raise BackproofError(f"{path} is a folder; give the path of a file")
        if not path.parent.is_dir():
            raise BackproofError(f"there is no folder {path.parent}; make it first, or write elsewhere")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise BackproofError(f"{path} cannot be written: the folder {path.parent} is read-only")


def write_reports(
    report: Report, *, html: Path | None = None, json: Path | None = None, junit: Path | None = None
) -> None:
    """Write those that are asked for. Raises BackproofError."""
    from backproof.reports.junit import to_junit  # a form that nobody asked for is not loaded

    for path, form in ((html, report.to_html), (json, report.to_json), (junit, lambda: to_junit(report))):
        if path is not None:
            write_whole(path, form())
