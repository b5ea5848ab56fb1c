"""Options that several commands share, each group one dataclass; nothing heavy is imported.

`flattened` turns a command with a parameter of such a class into one with an option for each field.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

if TYPE_CHECKING:
    from symbolic.conventions import Layout

NETWORK = "Network"
LAYOUT = "Layout of arrays"
SUBJECT = "Subject"
SEARCH = "Search"
REPORTS = "Reports"


@dataclass(frozen=True, slots=True)
class SpecOptions:
    """What is said of a network beside its sizes; None or False where an option was not given."""

    hidden: Annotated[
        list[str] | None,
        typer.Option(
            help="Activation of the hidden layers, or one for each layer; g is undefined.",
            show_default="g",
            rich_help_panel=NETWORK,
        ),
    ] = None
    output: Annotated[
        str | None,
        typer.Option(help="Activation of the output.", show_default="identity", rich_help_panel=NETWORK),
    ] = None
    loss: Annotated[
        str | None,
        typer.Option(
            help="A name, E (undefined), or a formula in a and t.",
            show_default="half-squared",
            rich_help_panel=NETWORK,
        ),
    ] = None
    scale: Annotated[
        str | None,
        typer.Option(
            help="1, 1/m or 1/(m*k). What check is not told is a convention.",
            show_default="1/m",
            rich_help_panel=NETWORK,
        ),
    ] = None
    l2: Annotated[
        str | None, typer.Option(help="Factor of Σw², such as 'lambda/(2*m)'.", rich_help_panel=NETWORK)
    ] = None
    l1: Annotated[
        str | None, typer.Option(help="Factor of Σ|w|, such as 'lambda/m'.", rich_help_panel=NETWORK)
    ] = None
    penalize_biases: Annotated[
        bool,
        typer.Option("--penalize-biases", help="The penalties cover biases too.", rich_help_panel=NETWORK),
    ] = False
    no_bias: Annotated[
        bool, typer.Option("--no-bias", help="No layer has a bias.", rich_help_panel=NETWORK)
    ] = False

    @property
    def given(self) -> dict[str, object]:
        """The options that were given, by the names they have on the command line."""
        return {f"--{name.replace('_', '-')}": value for name, value in said(self).items()}


@dataclass(frozen=True, slots=True)
class LayoutOptions:
    """How arrays are stored; the defaults are those of the mathematics."""

    weights: Annotated[
        Literal["out-in", "in-out"], typer.Option(help="Axes of a weight matrix.", rich_help_panel=LAYOUT)
    ] = "out-in"
    samples: Annotated[
        Literal["columns", "rows"], typer.Option(help="How x and t hold samples.", rich_help_panel=LAYOUT)
    ] = "columns"
    bias_shape: Annotated[
        Literal["n", "n,1", "1,n"], typer.Option(help="Shape of a bias.", rich_help_panel=LAYOUT)
    ] = "n"
    labels: Annotated[
        Literal["one-hot", "integer"], typer.Option(help="Form of the targets.", rich_help_panel=LAYOUT)
    ] = "one-hot"

    @property
    def layout(self) -> Layout:
        from symbolic.conventions import Layout

        return Layout(self.weights, self.samples, self.bias_shape, self.labels)


@dataclass(frozen=True, slots=True)
class DeclaredLayout:
    """How a subject stores arrays; None where that is to be found out."""

    weights: Annotated[
        Literal["out-in", "in-out"] | None,
        typer.Option(help="Axes of a weight matrix.", show_default="found out", rich_help_panel=LAYOUT),
    ] = None
    samples: Annotated[
        Literal["columns", "rows"] | None,
        typer.Option(help="How x and t hold samples.", show_default="found out", rich_help_panel=LAYOUT),
    ] = None
    bias_shape: Annotated[
        Literal["n", "n,1", "1,n"] | None,
        typer.Option(help="Shape of a bias.", show_default="found out", rich_help_panel=LAYOUT),
    ] = None
    labels: Annotated[
        Literal["one-hot", "integer"] | None,
        typer.Option(help="Form of the targets.", show_default="found out", rich_help_panel=LAYOUT),
    ] = None


@dataclass(frozen=True, slots=True)
class SubjectOptions:
    """What the subject is, and how it is asked."""

    command: Annotated[
        str | None,
        typer.Option(metavar="'PROG ARGS'", help="A program, in place of SUBJECT.", rich_help_panel=SUBJECT),
    ] = None
    stays: Annotated[
        bool, typer.Option("--stays", help="It answers line after line.", rich_help_panel=SUBJECT)
    ] = False
    protocol: Annotated[
        Literal["json", "words", "npz"] | None,
        typer.Option(help="What it reads and writes.", show_default="json", rich_help_panel=SUBJECT),
    ] = None
    prototype: Annotated[
        str | None,
        typer.Option(metavar="'double f(…)'", help="Of a C function.", rich_help_panel=SUBJECT),
    ] = None
    kind: Annotated[
        str | None,
        typer.Option(
            help="update, object, torch-module, jax, …", show_default="function", rich_help_panel=SUBJECT
        ),
    ] = None
    params: Annotated[
        str | None,
        typer.Option(
            help="What holds them: list, flat, dict, …", show_default="pairs", rich_help_panel=SUBJECT
        ),
    ] = None
    batch: Annotated[
        str | None,
        typer.Option(
            help="All samples, or single: one at a time.", show_default="batch", rich_help_panel=SUBJECT
        ),
    ] = None
    form: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE", help="More of its form; docs/checking.md lists all.", rich_help_panel=SUBJECT
        ),
    ] = None
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="lambda=VALUE", help="What it hard-codes for λ.", rich_help_panel=SUBJECT
        ),
    ] = None
    python: Annotated[
        Path | None,
        typer.Option(
            help="Its interpreter.", show_default="the active environment's", rich_help_panel=SUBJECT
        ),
    ] = None
    call_time: Annotated[
        float | None,
        typer.Option(
            help="Seconds that one call may take.", min=0.01, show_default="10", rich_help_panel=SUBJECT
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """Where it is looked at, for how long, and what counts."""

    at: Annotated[
        Path | None,
        typer.Option(metavar="FILE.npz", help="At its W1, b1, …, x, t alone.", rich_help_panel=SEARCH),
    ] = None
    draw: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=LOW..HIGH",
            help="Whole numbers for an array of a graph, as in n.J=0..3.",
            rich_help_panel=SEARCH,
        ),
    ] = None
    max_time: Annotated[
        float | None,
        typer.Option(
            help="Seconds to search and explain.", min=0.1, show_default="30", rich_help_panel=SEARCH
        ),
    ] = None
    max_examples: Annotated[
        int | None, typer.Option(help="Points to try.", min=1, show_default="100", rich_help_panel=SEARCH)
    ] = None
    seed: Annotated[
        int | None,
        typer.Option(help="Draw other networks.", show_default="the same each time", rich_help_panel=SEARCH),
    ] = None
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="CHECK", help="Of the contract this check alone.", rich_help_panel=SEARCH),
    ] = None
    skip: Annotated[
        list[str] | None,
        typer.Option(metavar="CHECK", help="Of the contract not this check.", rich_help_panel=SEARCH),
    ] = None
    strict: Annotated[
        bool, typer.Option("--strict", help="A reservation counts as wrong.", rich_help_panel=SEARCH)
    ] = False


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What is written besides what is printed."""

    format: Annotated[
        Literal["text", "json"] | None,
        typer.Option(help="What to print.", show_default="text", rich_help_panel=REPORTS),
    ] = None
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page.", rich_help_panel=REPORTS)
    ] = None
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report as JSON.", rich_help_panel=REPORTS)
    ] = None
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it as JUnit XML.", rich_help_panel=REPORTS)
    ] = None
    emit_test: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.py", help="Write what failed as a test without backproof.", rich_help_panel=REPORTS
        ),
    ] = None
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Fail only on what is not in it.", rich_help_panel=REPORTS),
    ] = None
    write_baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what is found.", rich_help_panel=REPORTS)
    ] = None


def said(group: Any) -> dict[str, Any]:
    """The options of a group that were given, by their fields."""
    values = {field.name: getattr(group, field.name) for field in fields(group)}
    return {name: value for name, value in values.items() if value not in (None, [], False)}


def arguments(group: Any) -> list[str]:
    """The same as on the command line."""
    words: list[str] = []
    for name, value in said(group).items():
        flag = f"--{name.strip('_').replace('_', '-')}"
        for one in value if isinstance(value, list) else [value]:
            words += [flag] if one is True else [flag, str(one)]
    return words


def flattened(command: Callable[..., None]) -> Callable[..., None]:
    """The command with every parameter that is one of these dataclasses spread out into its fields."""
    parameters = inspect.signature(command, eval_str=True).parameters
    groups: dict[str, Any] = {
        name: p.annotation for name, p in parameters.items() if is_dataclass(p.annotation)
    }
    spread = []
    for name, parameter in parameters.items():
        spread += _options(groups[name]) if name in groups else [parameter]

    @wraps(command)
    def run(**given: Any) -> None:
        built = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**given, **built)

    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # typer reads it
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in spread]
    )
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in spread}
    return run


def _options(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=hints[field.name],
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
        )
        for field in fields(group)
    ]
