"""One check of a test: replay what failed before, search, keep what fails now, write the page.

What failed is kept in Hypothesis' example database, by default `.hypothesis/examples`, under a key of the
test and its family, as JSON: the seed, and the counterexample's arrays in the subject's layout, with every
digit. The next run looks at that very point first, then searches. Of a graph, or of very many numbers, the
seed alone is kept, and its search is repeated.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self, TypeAlias
from urllib.parse import quote

import hypothesis
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis.database import ExampleDatabase

import backproof
from backproof.files import write_whole
from backproof.report import Report
from backproof.reports.snippet import arguments
from backproof.subjects import Subject
from symbolic.conventions import Layout
from symbolic.errors import BackproofError
from symbolic.graph import Graph
from symbolic.network import Chain

Array: TypeAlias = npt.NDArray[Any]
Options: TypeAlias = Mapping[str, Any]
FORMAT: Final = 1
KEPT: Final = 20_000  # numbers: half a megabyte of JSON; a larger counterexample is found again by its seed
MET_BEFORE: Final = "an earlier run met this case and kept it; the search of this run did not meet it"


@dataclass(frozen=True, slots=True)
class Kept:
    """A search that failed, by its seed, and where: arrays as `check(at=…)` takes them, none if not kept."""

    seed: int | None
    layout: Layout
    lam: float
    arrays: Mapping[str, Array]

    @classmethod
    def of(cls, report: Report) -> Self:
        arrays = _arrays(report) if report.counterexample else {}
        lam = report.counterexample.point.lam if arrays and report.counterexample else 0.0
        small = sum(array.size for array in arrays.values()) <= KEPT
        return cls(report.seed, report.layout, lam, arrays if small else {})

    def to_bytes(self) -> bytes:
        arrays = {name: array.tolist() for name, array in self.arrays.items()}
        fields = {"seed": self.seed, "layout": asdict(self.layout), "lambda": self.lam, "arrays": arrays}
        return json.dumps({"backproof": FORMAT, **fields}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self | None:
        """None for what this version does not write, whatever it is."""
        try:
            fields = json.loads(data)
            if fields["backproof"] != FORMAT or not isinstance(fields["seed"], int | None):
                return None
            arrays = {str(name): np.array(rows) for name, rows in fields["arrays"].items()}
            if any(array.dtype.kind not in "if" for array in arrays.values()):
                return None
            return cls(fields["seed"], Layout(**fields["layout"]), float(fields["lambda"]), arrays)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError, BackproofError):
            return None

    def options(self, given: Options) -> dict[str, Any]:
        """Those of the check that looks again."""
        if not self.arrays:
            return {**given, "seed": self.seed}
        settings = {"lambda": self.lam} if self.lam else {}
        at = {"at": self.arrays, "layout": self.layout, "settings": {**given.get("settings", {}), **settings}}
        return {**given, **at}


def _arrays(report: Report) -> dict[str, Array]:
    """A chain's counterexample; nothing for a graph's."""
    assert report.counterexample is not None
    params, x, t = arguments(report.counterexample, report.layout)
    if not isinstance(params, list):
        return {}
    pairs = [
        (f"{name}{l}", a) for l, pair in enumerate(params, 1) for name, a in zip("Wb", pair, strict=True)
    ]
    return {name: array for name, array in [*pairs, ("x", x), ("t", t)] if isinstance(array, np.ndarray)}


def run(
    subject: Subject | Callable[..., Any],
    family: Chain | Graph,
    options: Options,
    item: pytest.Item | None,
) -> Report:
    """Check, with the command line's options above the test's own; what cannot be checked fails the test."""
    try:
        if item is None:
            return backproof.check(subject, family, **options)
        report = _searched(subject, family, {**options, **_from_command_line(item.config)}, item)
        seed = [f"--backproof-seed={report.seed}"] if report.seed else []
        report = replace(report, again=shlex.join(["pytest", item.nodeid, *seed]))
        folder: Path | None = item.config.getoption("--backproof-html")
        if folder and report.verdict != "right":
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / f"{quote(item.nodeid, safe=':[], ')}.html", report.to_html())
    except (BackproofError, OSError) as error:
        raise pytest.fail.Exception(f"{type(error).__name__}: {error}", pytrace=False) from None
    return report


def reservation(report: Report) -> str:
    """Why a check that passed did not say "right"."""
    sentences = [
        *(report.convention.sentences if report.convention else ()),
        *(finding.sentence for finding in report.findings),
    ]
    return f"{report.verdict}: {'; '.join(sentences) or report.subject}"


def _searched(
    subject: Subject | Callable[..., Any], family: Chain | Graph, options: Options, item: pytest.Item
) -> Report:
    """Replay and search; the database holds what failed last, and nothing once all is right."""
    database = hypothesis.settings().database if "at" not in options else None
    if database is None:
        return backproof.check(subject, family, **options)
    key = f"backproof\0{item.nodeid}\0{family}".encode()
    replayed = _replayed(subject, family, options, database, key)
    report = backproof.check(subject, family, **options)
    if replayed and not report.counterexample:
        return replace(replayed, remarks=(*replayed.remarks, MET_BEFORE))
    if report.counterexample:
        value = Kept.of(report).to_bytes()
        _clear(database, key)
        database.save(key, value)
    elif not report.exit_status:
        _clear(database, key)
    return report


def _replayed(
    subject: Subject | Callable[..., Any],
    family: Chain | Graph,
    options: Options,
    database: ExampleDatabase,
    key: bytes,
) -> Report | None:
    """The report on a case that was kept, if it still fails."""
    for kept in filter(None, map(Kept.from_bytes, [*database.fetch(key)])):
        if not kept.arrays and kept.seed == options.get("seed", 0):
            continue  # the search to come is the same
        try:
            report = backproof.check(subject, family, **kept.options(options))
        except BackproofError:  # the test has changed: it asks for other networks, or in another layout
            continue
        if report.exit_status and report.counterexample:
            return report
    return None


def _clear(database: ExampleDatabase, key: bytes) -> None:
    for value in [*database.fetch(key)]:
        database.delete(key, value)


def _from_command_line(config: pytest.Config) -> dict[str, Any]:
    given = {name: config.getoption(f"--backproof-{name.replace('_', '-')}") for name in ("seed", "max_time")}
    return {name: value for name, value in given.items() if value is not None}
