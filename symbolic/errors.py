"""Errors sorted by who is to blame; each says what was given, what was expected and what to do."""

from __future__ import annotations


class BackproofError(Exception):
    """What backproof refuses on purpose: the command line prints the message alone, exit code 2."""


class InvalidNetwork(BackproofError):
    """The network, option or convention that was asked for cannot exist."""


class Unsupported(BackproofError):
    """The request makes sense, but the part named in the message cannot serve it."""


class FormulaError(BackproofError):
    """A formula does not parse or names something unknown; `position` counts characters from 0."""

    def __init__(self, problem: str, text: str, position: int) -> None:
        start = max(0, position - 40)
        window = text[start : position + 40]
        shown = "".join(character if character.isprintable() else " " for character in window)
        caret = " " * (position - start) + "^"
        super().__init__(f"{problem} at character {position + 1}:\n  {shown}\n  {caret}")
        self.problem = problem
        self.text = text
        self.position = position
