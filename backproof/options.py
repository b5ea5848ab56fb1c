"""Options that several commands share, each group one dataclass; nothing heavy is imported.

`flattened` turns a command with a parameter of such a class into one with an option for each field.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

if TYPE_CHECKING:
    from symbolic.conventions import Layout

NETWORK = "Network"
LAYOUT = "Layout of arrays"


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
        typer.Option(help="1, 1/m or 1/(m*k).", show_default="1/m", rich_help_panel=NETWORK),
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
    def arguments(self) -> list[str]:
        """The options that were given, as on the command line."""
        words: list[str] = []
        for name, value in self.given.items():
            values = value if isinstance(value, list) else [value]
            for one in values:
                words += [name] if one is True else [name, str(one)]
        return words

    @property
    def given(self) -> dict[str, object]:
        """The options that were given, by the names they have on the command line."""
        values = {f"--{field.name.replace('_', '-')}": getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value not in (None, [], False)}


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

    @property
    def arguments(self) -> list[str]:
        """The options that differ from the defaults, as on the command line."""
        changed = [field for field in fields(self) if getattr(self, field.name) != field.default]
        return [
            word
            for field in changed
            for word in (f"--{field.name.replace('_', '-')}", getattr(self, field.name))
        ]


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
