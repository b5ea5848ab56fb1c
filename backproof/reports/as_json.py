"""A report as JSON, by the published schema `schema.json`: arrays in the subject's layout, counted from 0.

JSON has no nan and no infinity: a number that is one is the text "nan", "inf" or "-inf".
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from importlib.resources import files
from typing import Any, Final

import numpy as np

from backproof.points import sizes_of
from backproof.report import Counterexample, Report
from backproof.reports.baseline import known
from backproof.reports.snippet import arguments
from backproof.reports.words import described
from symbolic.conventions import Layout
from symbolic.network import Network

SCHEMA: Final = 2


def to_json(report: Report) -> str:
    """The whole report."""
    found, sensitivity = report.counterexample, report.sensitivity
    return json.dumps(
        _plain(
            {
                "schema": SCHEMA,
                "verdict": report.verdict,
                "exit_status": report.exit_status,
                "strict": report.strict,
                "subject": report.subject,
                "chain": described(report.chain),
                "layout": asdict(report.layout),
                "convention": asdict(report.convention) if report.convention else None,
                "findings": [asdict(f) | {"tally": _tally(f.tally)} for f in report.findings],
                "explanations": [asdict(explanation) for explanation in report.explanations],
                "localisation": report.localisation,
                "counterexample": _counterexample(found, report.layout) if found else None,
                "contract": [asdict(check) for check in report.contract],
                "power": asdict(report.power),
                "sensitivity": asdict(sensitivity) if sensitivity else None,
                "evidence": asdict(report.evidence) | {"not_counted": dict(report.evidence.not_counted)},
                "not_shown": report.not_shown,
                "remarks": report.remarks,
                "fingerprints": known(report),
                "seed": report.seed,
                "again": report.again,
            }
        ),
        ensure_ascii=False,
        indent=2,
    )


def schema() -> dict[str, Any]:
    """The published schema, draft 2020-12."""
    text = files("backproof.reports").joinpath("schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def _tally(tally: tuple[tuple[str, int, int], ...]) -> list[dict[str, str | int]]:
    return [{"array": name, "wrong": wrong, "entries": entries} for name, wrong, entries in tally]


def _counterexample(found: Counterexample, layout: Layout) -> dict[str, Any]:
    params, x, t = arguments(found, layout)
    return {
        "network": described(found.network),
        "sizes": sizes_of(found.network) if isinstance(found.network, Network) else None,
        "call": found.call,
        "params": params if isinstance(params, dict) else [{"W": w, "b": b} for w, b in params],
        "x": x,
        "t": t,
        "lambda": found.point.lam if isinstance(found.network, Network) else None,
        "errors": [asdict(array) for array in found.errors],
    }


def _plain(value: Any) -> Any:
    """What JSON, and a file of text, can hold."""
    match value:
        case dict():
            return {_plain(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case np.ndarray() | np.generic():
            return _plain(value.tolist())
        case float() if not math.isfinite(value):
            return str(value)
        case str():  # half a surrogate, as in names of files, has no UTF-8
            return value.encode("utf-8", "backslashreplace").decode("utf-8")
        case _:
            return value
