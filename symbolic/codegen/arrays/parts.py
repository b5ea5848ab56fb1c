"""Functions, helpers and imports put together as a module."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symbolic.codegen.arrays.helpers import Helpers


def module_text(docstring: str, functions: Sequence[str], helpers: Helpers) -> str:
    """The source of a module: what it says, what it imports, its functions, then what these call."""
    own = "\n\n\n".join(functions)
    code = "\n\n\n".join([own, *helpers.sources(own)])
    return f"{docstring}\n\n{helpers.dialect.header(code)}\n\n\n{code}\n"


def function_text(signature: str, doc: str, body: Iterable[str], decorator: str = "") -> str:
    """The source of a function; its body's lines are indented here."""
    lines = [f'{decorator}def {signature}:\n    """{doc}"""', *(f"    {line}" for line in body)]
    return "\n".join(lines)


def quoted(name: str) -> str:
    """A name as a string of Python."""
    return f'"{name}"' if name.isascii() and name.replace(".", "_").isidentifier() else repr(name)
