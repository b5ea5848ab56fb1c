"""A report as one self-contained HTML page: no script, no request, light and dark.

Everything that comes from a subject is data: the template engine escapes it, control characters are shown,
and the page's own policy forbids scripts and requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from backproof.report import ErrorMap, Explanation, Report, Verdict, counted
from backproof.reports import words
from backproof.reports.chain_drawing import ChainDrawing, chain_drawing
from backproof.reports.graph_drawing import GraphDrawing, graph_drawing
from backproof.reports.heat_map import LEVELS, NOT_FINITE, heat_maps
from backproof.reports.mathml import mathml
from backproof.reports.scripts import scripts
from backproof.reports.snippet import reproduced
from symbolic.graph import Graph
from symbolic.network import Network

# A verdict's colour and sign, so that the colour is never all there is.
TONES: Final[dict[Verdict, tuple[str, str]]] = {
    "right": ("good", "✓"),
    "right up to a convention": ("fair", "≈"),
    "right, unstable": ("fair", "~"),
    "wrong": ("bad", "✗"),
    "inconclusive": ("open", "?"),
    "subject failed": ("lost", "!"),
}


def to_html(report: Report) -> str:
    """The page."""
    errors = report.counterexample.errors if report.counterexample else ()
    tone, sign = TONES[report.verdict]
    return (
        environment()
        .get_template("page.html")
        .render(
            report=report,
            tone=tone,
            sign=sign,
            words=words,
            counted=counted,
            network=words.described(report.chain),
            is_chain=not isinstance(report.chain, Graph),
            formulas=_formulas(report),
            is_unexplained=any(finding.kind == "wrong gradient" for finding in report.findings),
            drawing=_drawing(report, errors),
            maps=heat_maps(errors, report.layout),
            levels=range(LEVELS + 1),
            not_finite=NOT_FINITE,
            code="\n".join(map(words.printable, reproduced(report))),
        )
    )


def environment() -> Environment:
    """The templates, escaping all that is put into them."""
    made = Environment(
        loader=PackageLoader("backproof.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    made.filters["scripts"] = scripts
    return made


def _shown(value: Any) -> Any:
    """Text with its control characters shown; lines stay lines."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return "\n".join(map(words.printable, value.split("\n")))
    return value


def _formulas(report: Report) -> list[tuple[Explanation, Markup | None, Markup | None]]:
    """Each explanation, with the formula as derived and as the subject has it where these can be set."""
    return [(each, mathml(each.derived_latex), mathml(each.latex)) for each in report.explanations]


def _drawing(report: Report, errors: Sequence[ErrorMap]) -> ChainDrawing | GraphDrawing | None:
    """The network of the counterexample, else the one that was declared; a family has no one shape."""
    drawn = report.counterexample.network if report.counterexample else report.chain
    if isinstance(drawn, Graph):
        return graph_drawing(drawn, errors)
    return chain_drawing(drawn, errors, report.layout) if isinstance(drawn, Network) else None
