"""Functions of C libraries, and programs in any language: `backproof.foreign` has what asks them.

The subject is where it is and what it is there: (a file, a function's name) or (a folder, a command line).
"""

from __future__ import annotations

import importlib.util
import shlex
import sys
from pathlib import Path
from typing import Any, Callable

from . import binding
from .functions import Answer, Ask
from .misfit import Misfit

FOLDER = Path(__file__).parent.parent / "foreign"
CANONICAL = binding.arguments("params, x, t")


def c_function(subject: Any, form: Any, find: Callable[[str], Any]) -> Ask:
    """A function in a shared library, or in a file of C."""
    file, name = subject
    module = _loaded("c_function")
    with_options = {"order": form.order, "accumulates": form.accumulates, "flags": shlex.split(form.flags)}
    return _asking(lambda: module.bind(file, form.prototype or name, **with_options), module.CFunctionFailed)


def program(subject: Any, form: Any, find: Callable[[str], Any]) -> Ask:
    """A program that answers on its standard streams."""
    folder, line = subject
    module = _loaded("command")

    def start() -> Any:
        return module.start(shlex.split(line), format=form.protocol, stays=form.stays, folder=folder)

    return _asking(start, module.CommandFailed)


def _asking(begin: Callable[[], Any], failures: type[Exception]) -> Ask:
    """What `begin` gives, asked; what it says of its failures is said as of a misfit."""
    try:
        function = begin()
    except failures as failure:
        raise Misfit(str(failure)) from None

    def ask(values: binding.Values, keywords: dict[str, Any]) -> Answer:
        try:
            return binding.read("", function(values["given"], values["x"], values["t"], **keywords))
        except failures as failure:
            raise Misfit(str(failure)) from None

    ask.accepted = binding.free_keywords(function, CANONICAL)  # type: ignore[attr-defined]  # for its signature
    return ask


def _loaded(name: str) -> Any:
    """A module of that folder, under a name that is nobody's."""
    own = f"_foreign_{name}"
    if own not in sys.modules:
        spec = importlib.util.spec_from_file_location(own, str(FOLDER / f"{name}.py"))
        assert spec is not None, "a name that ends in .py has a spec"
        assert spec.loader is not None
        module = sys.modules[own] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[own]
