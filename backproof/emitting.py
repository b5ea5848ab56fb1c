"""A failure as a plain pytest file: no backproof in it, only the counterexample, the call and what is right.

    Path("test_gradient.py").write_text(emit_test(report, my_gradient))

Numbers are written by their shortest decimals, which give every bit back. The test fails as long as one of
the entries that the report names is farther from its derived value than any reasonable evaluation rounds it.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Mapping
from functools import reduce
from math import isfinite
from pathlib import Path
from string import Template
from typing import Any, Final, TypeAlias

import numpy as np

from backproof import __version__
from backproof.emitted_containers import Packed, packed
from backproof.forms import Form
from backproof.report import Counterexample, Disagreement, Report
from backproof.reports import words
from backproof.reports.snippet import arguments
from symbolic.errors import BackproofError

Source: TypeAlias = Callable[..., Any] | tuple[Path, str]
WIDTH: Final = 100  # columns of the file that is written
FILE: Final = Template('''\
"""$summary

Written by backproof $version; it needs NumPy and pytest, and no backproof.
"""

$imports

import numpy as np


$loader


def inputs():
    """params, x and t as the function takes them."""
$inputs
    return params, x, t


$test''')
PATH_IMPORTS: Final = "import importlib.util\nimport sys\nfrom pathlib import Path"
BY_PATH: Final = Template('''\
SOURCE = $path


def load(monkeypatch):
    """The function under test, from its file, which finds the modules of its folder."""
    monkeypatch.syspath_prepend(SOURCE.parent)
    spec = importlib.util.spec_from_file_location("under_test", SOURCE)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module.$name''')
NAME_IMPORTS: Final = "import importlib"
BY_NAME: Final = Template('''\
def load(monkeypatch):
    """The function under test."""
    return importlib.import_module($module).$name''')
ENTRIES: Final = Template("""\
def test_gradient_is_the_derived_one(monkeypatch):
    gradient = load(monkeypatch)
    for call in ("first", "second"):  # some faults show only when the function is asked again
        params, x, t = inputs()
        $call
        entries = [  # as mathematics counts and as returned; derived; bound of its rounding
$entries
        ]
        wrong = [
            f"{name} is {float(given)!r}; derived: {derived!r}, bound: {bound:.1e}"
            for name, given, derived, bound in entries
            if not abs(float(given) - derived) <= bound
        ]
        assert not wrong, f"in the {call} call:\\n" + "\\n".join(wrong)
""")
ANSWERS: Final = Template('''\
def fits(parameter, slope):
    """Whether an answer holds an array of real numbers, of the same shape, for every parameter."""
    if isinstance(parameter, dict):
        return all(fits(value, slope.get(f"d{name}", slope.get(name))) for name, value in parameter.items())
    if isinstance(parameter, (list, tuple)):
        alike = isinstance(slope, (list, tuple)) and len(slope) == len(parameter)
        return alike and all(map(fits, parameter, slope))
    given = np.asarray(slope)
    return parameter is None or given.shape == parameter.shape and given.dtype.kind == "f"


def test_function_answers_with_arrays_shaped_like_params(monkeypatch):
    gradient = load(monkeypatch)
    params, x, t = inputs()
    answer = $call
    expected = inputs()[0]
    assert fits(expected, answer) or fits(expected, answer[1])  # grads or (loss, grads)
''')
TWICE: Final = Template('''\
def leaves(value):
    """The arrays and numbers of an answer, in its order."""
    value = list(value.values()) if isinstance(value, dict) else value
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in leaves(item)]
    return [np.array(value)]


def test_function_gives_the_same_answer_twice(monkeypatch):
    gradient = load(monkeypatch)
    params, x, t = inputs()
    first = leaves($call)
    params, x, t = inputs()
    second = leaves($call)
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one, other)
''')


def emit_test(
    report: Report, subject: Source, *, form: Form | None = None, folder: Path | None = None
) -> str:
    """The text of a pytest file that fails as `subject` did in `report`, and passes once that is mended.

    A subject in a file is (its path, the function's name); a callable is imported from its module, or from
    its file where that is in no package. `form` is the one it was checked with, if it differs from pairs in
    the container alone. With `folder`, where the text will lie, paths are relative to it. Raises
    BackproofError if nothing failed, or no file on its own could ask the subject so.
    """
    found = report.counterexample
    if not report.exit_status or found is None or report.verdict not in ("wrong", "subject failed"):
        raise BackproofError(f"{report.subject} is {report.verdict}: there is no failure to reproduce")
    imports, loader = _loader(subject, folder)
    params, x, t = arguments(found, report.layout)
    held = packed(params, form or Form()) if isinstance(params, list) else Packed(params, {})
    values = (("params", held.params), ("x", x), ("t", t))
    return FILE.substitute(
        summary=_summary(report),
        version=__version__,
        imports=imports,
        loader=loader,
        inputs="\n".join(f"    {name} = {_literal(value, 4)}" for name, value in values),
        test=_test(found, report, held.places),
    )


def _test(found: Counterexample, report: Report, places: Mapping[str, str]) -> str:
    """What is asserted: entries where there are any, else the same answer twice, else a usable answer."""
    call, unpacked = _call(found)
    entries = [
        entry
        for finding in report.findings
        for entry in finding.disagreements
        if isfinite(entry.derived) and isfinite(entry.bound)
    ]
    if entries:
        return ENTRIES.substitute(call=unpacked, entries="\n".join(_entry(e, places) for e in entries))
    if any(finding.kind == "not the same answer twice" for finding in report.findings):
        return TWICE.substitute(call=call)
    return ANSWERS.substitute(call=call)


def _entry(entry: Disagreement, places: Mapping[str, str]) -> str:
    name = f"{entry.name} ({entry.path})" if entry.path != "loss" else f"{entry.name} (the loss)"
    place = places.get(entry.path) or _place(entry.path)
    return f"            ({name!r}, {place}, {entry.derived!r}, {entry.bound!r}),"


def _place(path: str) -> str:
    """The path as a program, in which there is nothing but the answer's name and subscripts by constants."""
    allowed = (ast.Expr, ast.Subscript, ast.Name, ast.Constant, ast.Tuple, ast.Load)
    nodes = [*ast.walk(_parsed(path))]
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    if not all(isinstance(node, allowed) for node in nodes) or not names <= {"loss", "grads"}:
        raise BackproofError(f"the entry {path} is no place in (loss, grads)")
    return path


def _call(found: Counterexample) -> tuple[str, str]:
    """The call of `gradient`, and the statement that takes its answer apart."""
    statement = _parsed(found.call)
    call = getattr(statement, "value", None)
    if not isinstance(call, ast.Call) or [*map(ast.unparse, call.args)] != ["params", "x", "t"]:
        raise BackproofError(f"a plain test calls gradient(params, x, t); this subject is asked {found.call}")
    call.func = ast.Name("gradient")
    return ast.unparse(call), ast.unparse(statement)


def _parsed(text: str) -> ast.stmt:
    """The one statement that a text is, else one that does nothing."""
    try:
        (statement,) = ast.parse(text).body
    except (SyntaxError, ValueError):
        return ast.Pass()
    return statement


def _literal(value: Any, indent: int) -> str:
    """Arrays with every bit, in what holds them; what does not fit into one line has a line for each item."""
    if value is None:
        return "None"
    if isinstance(value, dict):
        items = [f"{key!r}: {_literal(item, indent + 4)}" for key, item in value.items()]
        return _bracketed("{", items, "}", indent)
    if isinstance(value, (list, tuple)):
        items = [_literal(item, indent + 4) for item in value]
        start, end = "[]" if isinstance(value, list) else "()"
        line = f"{start}{', '.join(items)}{end}"
        fits = len(line) < WIDTH - indent and "\n" not in line
        return line if fits else _bracketed(start, items, end, indent)
    array = np.asarray(value)
    if not array.size:
        return f"np.empty({array.shape}, dtype=np.{array.dtype})"
    rows = repr(array.tolist())
    if array.ndim > 1 and len(rows) > WIDTH - indent:
        rows = _bracketed("[", [repr(row) for row in array.tolist()], "]", indent)
    return f"np.array({rows}{'' if array.dtype in (float, int) else f', dtype=np.{array.dtype}'})"


def _bracketed(start: str, items: list[str], end: str, indent: int) -> str:
    lines = [f"{' ' * (indent + 4)}{item},\n" for item in items]
    return f"{start}\n{''.join(lines)}{' ' * indent}{end}"


def _summary(report: Report) -> str:
    """The verdict, what failed and what explains it, as the text of a docstring."""
    lines = [f"{report.verdict}: {report.subject} against {words.described(report.chain)}", ""]
    lines += [finding.sentence for finding in report.findings]
    lines += [f"explained by: {explanation.bug}" for explanation in report.explanations[:1]]
    return "\n".join(map(words.printable, lines)).replace("\\", "\\\\").replace('"', '\\"')


def _loader(subject: Source, folder: Path | None) -> tuple[str, str]:
    """The imports of a file that loads the subject, and the function that does."""
    if isinstance(subject, tuple):
        path, name = subject
        return _by_path(path, name, folder)
    name = getattr(subject, "__qualname__", type(subject).__name__)
    home = sys.modules.get(str(getattr(subject, "__module__", None)))
    if home is None or _attribute(home, name) is not subject:
        raise BackproofError(
            f"{name} cannot be imported, as no module has it under this name; "
            "put it at the top of one for a test that stands alone"
        )
    file, is_program = getattr(home, "__file__", None), home.__name__ == "__main__"
    if is_program and file is None:
        raise BackproofError(f"{name} was typed in; put it in a file for a test that stands alone")
    if file is None or (home.__package__ and not is_program):
        return NAME_IMPORTS, BY_NAME.substitute(module=repr(home.__name__), name=name)
    return _by_path(Path(file), name, folder)


def _by_path(path: Path, name: str, folder: Path | None) -> tuple[str, str]:
    where = f"Path({str(path.absolute())!r})"
    if folder is not None:
        where = f"Path(__file__).parent / {os.path.relpath(path.absolute(), folder.absolute())!r}"
    return PATH_IMPORTS, BY_PATH.substitute(path=where, name=name)


def _attribute(module: object, name: str) -> object:
    """What the dotted name stands for in a module; None for nothing, as for a function in a function."""
    return reduce(lambda value, part: getattr(value, part, None), name.split("."), module)
