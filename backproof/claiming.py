"""`backproof claim`: a formula that somebody has written down is true, false, or its shapes do not fit.

The first reading whose shapes fit decides the exit code, under all conventions together.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from symbolic.errors import BackproofError

PLAIN: Final = "as given"
GRACE: Final = 60.0  # seconds in which the process starts, on a machine that is busy; it ends itself in time
TRUE, FALSE, IMPOSSIBLE, UNDECIDED = 0, 1, 2, 4
LATE: Final = "the time was up (--max-time)"
EARLY: Final = "the process that judged it ended early, for want of memory or of stack"
STYLES: Final = {"true": "green", "false": "red", "ill-formed": "red", "undecided": "yellow"}
ROOT: Final = Path(__file__).parents[1]
MAX_FILE: Final = 1_000_000  # bytes


@dataclass(slots=True)
class Found:
    """What was found of one equation in one reading, under one convention."""

    reading: str
    convention: str
    claim: str
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def answer(self) -> str:
        return str(self.said.get("answer", "undecided"))

    @property
    def as_json(self) -> dict[str, Any]:
        own = {"reading": self.reading, "convention": self.convention, "claim": self.claim}
        return own | {"answer": self.answer} | self.said


def run(formula: str, given: Path, *, latex: bool, max_time: float, as_json: bool) -> int:
    """Judge a formula and print the answer; returns the exit code. Raises BackproofError."""
    found = judged(formula, _text(given), source=str(given), latex=latex, max_time=max_time)
    code = exit_code(found)
    if as_json:
        report = {"formula": formula, "exit_code": code, "answers": [each.as_json for each in found]}
        print(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        _show(formula, found)
    return code


def judged(formula: str, given: str, *, source: str, latex: bool, max_time: float) -> list[Found]:
    """What is found of a formula in a process of its own, in bounded time and memory. Raises BackproofError
    where there is nothing to judge.
    """
    request = {"formula": formula, "given": given, "source": source, "latex": latex, "seconds": max_time}
    lines, late = answered(request)
    found: list[Found] = []
    for line in lines:
        if "refused" in line:
            raise BackproofError(line["refused"])
        if "work" in line:
            found = [Found(**each) for each in line["work"]]
        else:
            found[line.pop("number")].said.update(line)
    if not found:  # it cannot even be read
        found = [Found("", PLAIN, formula)]
    for each in found:
        each.said.setdefault("reason", late)
    return found


def answered(request: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """The lines that a process of its own writes about a request, and why there are no more of them."""
    seconds = request["seconds"]
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "backproof.claim_process"],
            input=json.dumps(request),
            capture_output=True,
            check=False,
            text=True,
            timeout=seconds + GRACE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
    except subprocess.TimeoutExpired as error:
        return _whole(_decoded(error.stdout)), LATE
    return _whole(done.stdout), LATE if done.returncode == -signal.SIGALRM else EARLY


def exit_code(found: list[Found]) -> int:
    """Of the first reading whose shapes fit: 0 true under all conventions, 1 false under one or true for
    equal sizes only, 2 ill-formed, 4 undecided.
    """
    first = found[0].reading
    fitting = [each.reading for each in found if each.answer != "ill-formed"]
    reading = first if first in fitting or not fitting else fitting[0]
    decisive = [each for each in found if each.reading == reading]
    answers = {each.answer for each in decisive}
    if answers == {"true"}:
        return TRUE
    if "false" in answers or any(each.said.get("true_where") for each in decisive):
        return FALSE
    if "undecided" in answers:
        return UNDECIDED
    return FALSE if "true" in answers else IMPOSSIBLE


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE:
            raise BackproofError(f"{path} has more than {MAX_FILE:,} bytes")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BackproofError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BackproofError(f"{path} is no text in UTF-8") from None


def _decoded(lines: bytes | str | None) -> str:
    return lines.decode() if isinstance(lines, bytes) else lines or ""


def _whole(lines: str) -> list[dict[str, Any]]:
    """The lines that were written to their end."""
    return [json.loads(line) for line in lines.splitlines(keepends=True) if line.endswith("\n")]


def _show(formula: str, found: list[Found]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    readings = list(dict.fromkeys(each.reading for each in found))
    for reading in readings:
        own = [each for each in found if each.reading == reading]
        if len(readings) > 1:
            console.print(Text(f"Read as: {reading}", "bold"))
        for claim in dict.fromkeys(each.claim for each in own):
            same = [each for each in own if each.claim == claim]
            console.print(Text(claim, "bold" if len(readings) == 1 else ""))
            for alike in _grouped(same):
                _show_one(console, formula, alike)
            if len({each.answer for each in same}) > 1:
                console.print(Text(_summary(same)))


def _grouped(same: list[Found]) -> list[Found]:
    """Conventions under which the same is said, as one."""
    said: dict[str, list[Found]] = {}
    for each in same:
        said.setdefault(json.dumps(each.said), []).append(each)
    return [replace(own[0], convention=", ".join(each.convention for each in own)) for own in said.values()]


def _summary(same: list[Found]) -> str:
    """True under E = …, false under E = …"""
    answers = dict.fromkeys(each.answer for each in same)
    parts = [
        f"{answer} under {', '.join(each.convention for each in same if each.answer == answer)}"
        for answer in answers
    ]
    return "; ".join(parts)[:1].upper() + "; ".join(parts)[1:] + "."


def _show_one(console: Console, formula: str, each: Found) -> None:
    said = each.said
    under = "" if each.convention == PLAIN else f" under {each.convention}"
    every = said.get("sizes") == "every"
    answer = each.answer + (_for_every_size(said["depth"]) if every else "")
    console.print(Text.assemble((answer, STYLES[each.answer]), f"{under}: {said['reason']}"))
    if said.get("scope"):
        console.print(Text(f"  {'decided entry by entry ' * every}for {said['scope']}"))
    if each.answer == "true":
        for assumption in said["assumptions"]:
            console.print(Text(f"  assuming {assumption}"))
    for at, problem in said.get("marks", []):
        start = max(0, at - 60)
        console.print(Text(f"  {problem}\n    {formula[start : at + 60]}\n    {' ' * (at - start)}^"))
    if said.get("true_where"):
        console.print(Text(f"  true only where {said['true_where']}"))
    if "counterexample" in said:
        console.print(Text(_counterexample(said["counterexample"])))
    for near in said.get("nearest", [])[:1]:
        console.print(Text(f"  error: {near['error_class']}; {near['words']}"))
        console.print(Text(f"  nearest true formula: {near['claim']}\n  {near['latex']}"))


def _for_every_size(depth: int | None) -> str:
    return " for every size" + (f" (depth L = {depth})" if depth else "")


def _counterexample(small: dict[str, Any]) -> str:
    sizes = ", ".join(f"{name} = {size}" for name, size in small["sizes"].items())
    places = "".join(f", {name} = {place}" for name, place in small["places"].items())
    entry = "" if small["entry"] == [1, 1] else f", entry {small['entry'][0]},{small['entry'][1]}"
    lines = [f"counterexample: {sizes}{places}{entry}", small["point"]]
    return "  " + "\n    ".join([*filter(None, lines), f"left {small['left']}, right {small['right']}"])
