"""The backward pass under test, seen from our side: a function in a process of its own, asked over pipes.

Whatever that function does (raise, hang, crash, exit, print without end, close its descriptors) arrives here
as a value or as `SubjectFailed`, and the call after a lost process finds a new one. `connection` holds the
process and its pipes. POSIX only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backproof import forked_jax, worker
from backproof.connection import GARBLED, IMPORT_LIMIT, Connection, fork, spawn
from backproof.connection import NoSuchSubject as NoSuchSubject
from backproof.connection import SubjectFailed as SubjectFailed
from backproof.forms import Form, Rates
from backproof.worker import Unusable as Unusable
from symbolic.errors import BackproofError

Leaf: TypeAlias = complex | NDArray[Any] | np.generic | Unusable | None
Value: TypeAlias = "Leaf | list[Value] | tuple[Value, ...] | dict[str | int, Value]"

CALL_LIMIT = 10.0  # seconds
MEMORY_LIMIT = 1 << 32  # bytes

Start: TypeAlias = Callable[["Form | None"], tuple[Connection, "Parameters"]]


@dataclass(frozen=True, slots=True)
class Nature:
    """What a subject is as it stands: its own parameters, its classes, its methods and what they take."""

    takes: tuple[str, ...] = ()
    is_class: bool = False
    ancestry: tuple[str, ...] = ()
    methods: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parameters:
    """How many a subject takes by position (None: any number), and what by keyword beside the inputs."""

    names: tuple[str, ...]
    positional: int | None
    keywords: frozenset[str]
    any_keyword: bool
    nature: Nature = field(default_factory=lambda: Nature())

    def accept(self, keyword: str) -> bool:
        return self.any_keyword or keyword in self.keywords


@dataclass(frozen=True, slots=True)
class Returned:
    """A call's value, the paths of the inputs it changed, as in params[0][1], and the end of its output.

    `aliases` are pairs of arrays that share memory, as in "grads[0][1] and params[0][1]".
    """

    value: Value
    changed: tuple[str, ...]
    output: str
    aliases: tuple[str, ...] = ()


class Subject(Protocol):
    """A backward pass that can be called; leaving its `with` block closes it, and a call opens it again."""

    @property
    def name(self) -> str: ...
    @property
    def form(self) -> Form | None: ...
    @property
    def parameters(self) -> Parameters: ...
    def call(self, params: Any, x: Any, t: Any, **keywords: Rates) -> Returned: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


def parse_subject(text: str) -> tuple[Path, str]:
    """The file and the function that FILE.py:FUNCTION names; NoSuchSubject if there can be no such file."""
    file, _, function = text.rpartition(":")
    if not (file and function):
        raise NoSuchSubject(f"'{text}' does not name a file and a function; write FILE.py:FUNCTION")
    path = Path(file)
    require_file(path)
    return path, function


def default_python() -> Path:
    """The interpreter of the active virtual or Conda environment, else the one that runs this."""
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if environment := os.environ.get(variable):
            return Path(environment, "bin", "python")
    return Path(sys.executable)


class _WorkerSubject:
    """A subject in a worker process; once that has ended, the next call starts another."""

    def __init__(self, name: str, start: Start, timeout: float, form: Form | None) -> None:
        self.name, self.form = name, form
        self._start, self._timeout = start, timeout
        self._connection, self.parameters = start(form)

    def take(self, form: Form) -> None:
        """Take the same subject as one of another form. Raises SubjectFailed where it cannot be one."""
        self.form = form
        if self._connection.alive:
            reply, _ = self._connection.ask(IMPORT_LIMIT, request="form", form=form.config)
            self.parameters = _read_parameters(reply)
        else:
            self._connection, self.parameters = self._start(form)

    def call(self, params: Any, x: Any, t: Any, **keywords: Rates) -> Returned:
        """Call the function on copies of these arrays; SubjectFailed if there is no answer in time."""
        if not self._connection.alive:
            self._connection, self.parameters = self._start(self.form)
        payload = bytearray()
        values, named = worker.encode([params, x, t], payload), worker.encode(keywords, payload)
        connection = self._connection
        reply, result = connection.ask(self._timeout, payload, request="call", values=values, keywords=named)
        try:
            value = worker.decode(reply["value"], result)
            return Returned(value, tuple(reply["changed"]), connection.output, tuple(reply["aliases"]))
        except GARBLED:
            connection.fail("unusable", "its reply describes no value")

    def close(self) -> None:
        self._connection.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FileSubject(_WorkerSubject):
    """A function, class or object of a Python file, under the interpreter of its author's environment.

    Without `python` that is the active environment's. The form says how it is to be asked, where it is no
    function (params, x, t); `memory` is how many bytes it may take beyond those of its imports.

    Raises NoSuchSubject for want of the file, the function or a usable interpreter, SubjectFailed on import.
    """

    def __init__(
        self,
        path: Path,
        function: str,
        *,
        python: Path | None = None,
        form: Form | None = None,
        timeout: float = CALL_LIMIT,
        import_timeout: float = IMPORT_LIMIT,
        memory: int = MEMORY_LIMIT,
    ) -> None:
        require_file(path)
        name = f"{path.name}:{function}"
        where = (path.absolute(), function, python or default_python())
        super().__init__(name, partial(_load, name, *where, import_timeout, memory), timeout, form)


class ForeignSubject(_WorkerSubject):
    """What is no Python, asked by a worker under this interpreter.

    `where` is a file of C, a library, or the folder of a program; `what` the function's name or command line.

    Raises SubjectFailed where it cannot be loaded or found.
    """

    def __init__(self, name: str, where: Path, what: str, *, form: Form, timeout: float = CALL_LIMIT) -> None:
        place = (where.absolute(), what, Path(sys.executable))
        super().__init__(name, partial(_load, name, *place, IMPORT_LIMIT, MEMORY_LIMIT), timeout, form)


class CallableSubject(_WorkerSubject):
    """A Python callable, or another object of some form, called in forked children of this process.

    Raises NoSuchSubject for one that would use JAX there, where this process has used it.
    """

    def __init__(
        self,
        function: Any,
        *,
        form: Form | None = None,
        timeout: float = CALL_LIMIT,
        memory: int = MEMORY_LIMIT,
    ) -> None:
        name = getattr(function, "__name__", type(function).__name__)
        is_jax = form is not None and form.kind == "jax"
        if forked_jax.has_run() and (is_jax or forked_jax.is_used_by(function)):
            raise NoSuchSubject(f"{name} cannot be asked here: {forked_jax.ADVICE}")
        super().__init__(name, partial(_start_child, name, function, memory), timeout, form)

    def call(self, params: Any, x: Any, t: Any, **keywords: Rates) -> Returned:
        """As of any subject; where one hangs, JAX may be why."""
        try:
            return super().call(params, x, t, **keywords)
        except SubjectFailed as failure:
            if failure.what == "hung" and forked_jax.has_run():
                failure.detail += f"; if it uses JAX: {forked_jax.ADVICE}"
            raise


def _load(
    name: str, path: Path, function: str, python: Path, limit: float, memory: int, form: Form | None
) -> tuple[Connection, Parameters]:
    connection = spawn(name, python)
    config = None if form is None else form.config
    try:
        reply, _ = connection.ask(
            limit, request="load", file=str(path), function=function, memory=memory, form=config
        )
        if "functions" in reply:
            choices = ", ".join(reply["functions"]) or "none"
            what = "nothing named" if config else "no function"
            raise NoSuchSubject(f"{path} has {what} '{function}'; it has {choices}")
    except BackproofError as error:
        connection.stop()
        if isinstance(error, SubjectFailed) and error.what != "unusable":
            error.detail += ", during import"
        raise
    return connection, _read_parameters(reply)


def _start_child(name: str, function: Any, memory: int, form: Form | None) -> tuple[Connection, Parameters]:
    connection = fork(name, function)
    config = None if form is None else form.config
    try:
        reply, _ = connection.ask(IMPORT_LIMIT, request="hello", memory=memory, form=config)
    except BackproofError:
        connection.stop()
        raise
    return connection, _read_parameters(reply)


def _read_parameters(reply: dict[str, Any]) -> Parameters:
    methods = {name: tuple(takes) for name, takes in reply["methods"].items()}
    nature = Nature(tuple(reply["takes"]), reply["is_class"], tuple(reply["ancestry"]), methods)
    keywords = frozenset(reply["keywords"])
    return Parameters(tuple(reply["names"]), reply["positional"], keywords, reply["any_keyword"], nature)


def require_file(path: Path, suffixes: tuple[str, ...] = (".py",)) -> None:
    """Raise NoSuchSubject where there is no file of such a name."""
    try:
        if path.is_dir():
            raise NoSuchSubject(f"'{path}' is a folder; name a file in it: FILE.py:FUNCTION")
        if path.suffix not in suffixes:
            raise NoSuchSubject(f"'{path}' is not a {suffixes[0]} file; write FILE{suffixes[0]}:FUNCTION")
        if not path.is_file():
            raise NoSuchSubject(f"there is no file '{path}'")
    except OSError as error:
        raise NoSuchSubject(f"'{path}' cannot be a file ({error.strerror})") from None
