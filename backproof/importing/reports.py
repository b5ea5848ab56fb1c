"""What an importer could not read: all of it at once, each with its place in the model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from symbolic.errors import BackproofError, Unsupported


class MissingLibrary(BackproofError, ImportError):
    """A framework that is not installed; the message says how to."""


def library(name: str, extra: str) -> Any:
    """The module of a framework. Raises MissingLibrary."""
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingLibrary(f"{name} is missing; pip install 'backproof[{extra}]'", name=name) from error


class Unread:
    """Stands for what could not be read, so that what depends on it is not reported again."""


UNREAD = Unread()


@dataclass(slots=True)
class Problems:
    """The parts of a model that cannot be read so far."""

    model: str
    found: dict[str, None] = field(default_factory=dict)

    def note(self, place: str, reason: object) -> Unread:
        """Remember a problem at its place."""
        self.found[f"{place}: {reason}"] = None
        return UNREAD

    def check(self, **supported: Iterable[str]) -> None:
        """Raise Unsupported with every problem, and what of each kind can be read."""
        if self.found:
            listed = "\n".join(f"  {line}" for line in self.found)
            count = f"{len(self.found)} part{'s' * (len(self.found) > 1)}"
            can = "\n".join(
                f"  {kind}: {', '.join(sorted(names, key=str.lower))}" for kind, names in supported.items()
            )
            raise Unsupported(f"{count} of {self.model} cannot be read:\n{listed}\nWhat can be read:\n{can}")
