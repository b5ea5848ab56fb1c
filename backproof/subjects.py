"""The backward pass under test, seen from our side: a function in a process of its own, asked over pipes.

Whatever that function does (raise, hang, crash, exit, print without end, close its descriptors) arrives here
as a value or as `SubjectFailed`, and the call after a lost process finds a new one. `connection` holds the
process and its pipes. POSIX only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backproof import worker
from backproof.connection import GARBLED, IMPORT_LIMIT, Connection, fork, spawn
from backproof.connection import NoSuchSubject as NoSuchSubject
from backproof.connection import SubjectFailed as SubjectFailed
from backproof.worker import Unusable as Unusable
from symbolic.errors import BackproofError

Leaf: TypeAlias = complex | NDArray[Any] | np.generic | Unusable | None
Value: TypeAlias = "Leaf | list[Value] | tuple[Value, ...] | dict[str | int, Value]"

CALL_LIMIT = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Parameters:
    """How many a subject takes by position (None: any number), and what by keyword beside the inputs."""

    names: tuple[str, ...]
    positional: int | None
    keywords: frozenset[str]
    any_keyword: bool

    def accept(self, keyword: str) -> bool:
        return self.any_keyword or keyword in self.keywords


@dataclass(frozen=True, slots=True)
class Returned:
    """A call's value, the paths of the inputs it changed, as in params[0][1], and the end of its output."""

    value: Value
    changed: tuple[str, ...]
    output: str


class Subject(Protocol):
    """A backward pass that can be called; leaving its `with` block closes it."""

    @property
    def name(self) -> str: ...
    @property
    def parameters(self) -> Parameters: ...
    def call(self, params: Any, x: Any, t: Any, **keywords: float) -> Returned: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


def parse_subject(text: str) -> tuple[Path, str]:
    """The file and the function that FILE.py:FUNCTION names; NoSuchSubject if there can be no such file."""
    file, _, function = text.rpartition(":")
    if not (file and function):
        raise NoSuchSubject(f"'{text}' does not name a file and a function; write FILE.py:FUNCTION")
    path = Path(file)
    _require_file(path)
    return path, function


def default_python() -> Path:
    """The interpreter of the active virtual or Conda environment, else the one that runs this."""
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if environment := os.environ.get(variable):
            return Path(environment, "bin", "python")
    return Path(sys.executable)


class _WorkerSubject:
    """A subject in a worker process; once that has ended, the next call starts another."""

    def __init__(self, name: str, start: Callable[[], tuple[Connection, Parameters]], timeout: float) -> None:
        self.name = name
        self._start, self._timeout = start, timeout
        self._connection, self.parameters = start()

    def call(self, params: Any, x: Any, t: Any, **keywords: float) -> Returned:
        """Call the function on copies of these arrays; SubjectFailed if there is no answer in time."""
        if not self._connection.alive:
            self._connection, self.parameters = self._start()
        payload = bytearray()
        values, named = worker.encode([params, x, t], payload), worker.encode(keywords, payload)
        connection = self._connection
        reply, result = connection.ask(self._timeout, payload, request="call", values=values, keywords=named)
        try:
            return Returned(worker.decode(reply["value"], result), tuple(reply["changed"]), connection.output)
        except GARBLED:
            connection.fail("unusable", "its reply describes no value")

    def close(self) -> None:
        self._connection.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FileSubject(_WorkerSubject):
    """A function of a Python file, under the interpreter of its author's environment.

    Raises NoSuchSubject for want of the file, the function or a usable interpreter, SubjectFailed on import.
    """

    def __init__(
        self,
        path: Path,
        function: str,
        *,
        python: Path,
        timeout: float = CALL_LIMIT,
        import_timeout: float = IMPORT_LIMIT,
    ) -> None:
        _require_file(path)
        name = f"{path.name}:{function}"
        super().__init__(
            name, partial(_load, name, path.absolute(), function, python, import_timeout), timeout
        )


class CallableSubject(_WorkerSubject):
    """A Python callable, called in forked children of this process."""

    def __init__(self, function: Callable[..., Any], *, timeout: float = CALL_LIMIT) -> None:
        name = getattr(function, "__name__", type(function).__name__)
        super().__init__(name, partial(_start_child, name, function, timeout), timeout)


def _load(name: str, path: Path, function: str, python: Path, limit: float) -> tuple[Connection, Parameters]:
    connection = spawn(name, python)
    try:
        reply, _ = connection.ask(limit, request="load", file=str(path), function=function)
        if "functions" in reply:
            choices = ", ".join(reply["functions"]) or "none"
            raise NoSuchSubject(f"{path} has no function '{function}'; it has {choices}")
    except BackproofError as error:
        connection.stop()
        if isinstance(error, SubjectFailed):
            error.detail += ", during import"
        raise
    return connection, _read_parameters(reply)


def _start_child(name: str, function: Callable[..., Any], limit: float) -> tuple[Connection, Parameters]:
    connection = fork(name, function)
    reply, _ = connection.ask(limit, request="hello")
    return connection, _read_parameters(reply)


def _read_parameters(reply: dict[str, Any]) -> Parameters:
    keywords = frozenset(reply["keywords"])
    return Parameters(tuple(reply["names"]), reply["positional"], keywords, reply["any_keyword"])


def _require_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise NoSuchSubject(f"'{path}' is a folder; name a file in it: FILE.py:FUNCTION")
        if path.suffix != ".py":
            raise NoSuchSubject(f"'{path}' is not a .py file; write FILE.py:FUNCTION")
        if not path.is_file():
            raise NoSuchSubject(f"there is no file '{path}'")
    except OSError as error:
        raise NoSuchSubject(f"'{path}' cannot be a file ({error.strerror})") from None
