"""Subjects in other languages: a C function, a program. docs/protocol.md says how they are asked.

bp.check(bp.c_subject("kernel.c", prototype="double f(const double *params, …)"), family)
bp.check(bp.command_subject(["node", "net.js"], stays=True), family)
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from backproof.forms import Form
from backproof.subjects import CALL_LIMIT, ForeignSubject, NoSuchSubject, require_file

LIBRARIES: Final = (".c", ".so", ".dylib")


def c_subject(
    path: Path | str,
    function: str = "",
    *,
    prototype: str = "",
    order: str = "W1 b1 W2 b2",
    accumulates: bool = False,
    flags: str = "",
    timeout: float = CALL_LIMIT,
) -> ForeignSubject:
    """A function of a shared library, by its prototype, or of a .c file, by its prototype or name.

    `order` is that of a vector of all parameters, `accumulates` says that it adds to the gradient, `flags`
    are for the compiler. Raises NoSuchSubject, or SubjectFailed where it does not compile or is not there.
    """
    form = Form("c", prototype=prototype, order=order, accumulates=accumulates, flags=flags)
    return c_subject_of(Path(path), function, form, timeout=timeout)


def c_subject_of(path: Path, function: str, form: Form, *, timeout: float = CALL_LIMIT) -> ForeignSubject:
    """The same, of a form."""
    require_file(path, LIBRARIES)
    named = re.search(r"(\w+)\s*\(", form.prototype)
    name = function or (named[1] if named else "")
    if not (name and (form.prototype or path.suffix == ".c")):
        raise NoSuchSubject(
            f"{path} has functions; give the prototype of one, such as 'double f(const double *params, …)'"
        )
    return ForeignSubject(f"{path.name}:{name}", path, name, form=form, timeout=timeout)


def command_subject(
    words: Sequence[str],
    *,
    protocol: str = "json",
    stays: bool = False,
    folder: Path | str = ".",
    timeout: float = CALL_LIMIT,
) -> ForeignSubject:
    """A program and its arguments, run in the folder; one that `stays` answers line after line.

    Raises SubjectFailed where there is none.
    """
    form = Form("command", protocol=protocol, stays=stays)
    return command_subject_of(shlex.join(words), form, folder=Path(folder), timeout=timeout)


def command_subject_of(
    line: str, form: Form, *, folder: Path = Path(), timeout: float = CALL_LIMIT
) -> ForeignSubject:
    """The same, of a form and a command line."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise NoSuchSubject(f"'{line}' is no command line: {error}") from None
    if not words:
        raise NoSuchSubject("the command is empty; give a program and its arguments")
    return ForeignSubject(line, folder, line, form=form, timeout=timeout)
