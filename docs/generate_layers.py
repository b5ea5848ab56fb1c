"""Writes docs/layers.md from the table of layers: `python docs/generate_layers.py` prints it.

Everything on the page is computed: equations from the rows, backward equations from the derivation, kinks
from the conditions in the equations, tests from what pytest collects.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import sympy as sp
from sympy.core.relational import Relational

from backproof.layers_table import roles_text, setting_text
from symbolic.derivation import derive_layer
from symbolic.grammar.indices import Holds, Place
from symbolic.layer import Layer
from symbolic.layers import LAYERS
from symbolic.notation import Step
from symbolic.writing.index_form import index_form
from symbolic.writing.text import TextWriter, index_text, range_text
from tests.layer_cases import CASES

ROOT = Path(__file__).parents[1]
HEAD = """# Layers

This page is written by `docs/generate_layers.py` from the table of layers. A layer is its forward equations;
what stands under *Backward* is derived from them, nothing of it is typed in.

- **Equations.** `...` stands for all further axes, the samples last; below it is one axis, `c`. An index `i`
  takes N_i values. An axis that has no index of its own has a size such as N_X2, for axis 2 of `X`. Where a
  layer computes with indices they count from 0, elsewhere from 1.
- **Derivatives.** E is any number that depends on the layer's result. δ is ∂E/∂Z.
- **Brackets.** [P] is 1 where P holds, else 0; s | u says that s divides u. An entry outside its array is 0.
- **Scatters.** `+=` adds the right side to the entry on the left, for all indices of the range.
- **Use.** `backproof derive NAME` prints these equations, `backproof latex NAME` typesets them; in a graph,
  `node("NAME", inputs…, settings…)` places the layer.
"""


def page() -> str:
    """The whole page."""
    every = "\n".join(f"- `{test}`" for test in _tests_of_all())
    parts = [HEAD.strip(), f"Every layer has a case in each of these tests:\n\n{every}", _contents()]
    parts += ["\n".join(_section(layer)) for layer in LAYERS.values()]
    return "\n\n".join(parts) + "\n"


def _contents() -> str:
    rows = [
        f"| [{name}](#{name}) | {layer.note} | {len(tests_of(name))} | {_cases(name)} |"
        for name, layer in LAYERS.items()
    ]
    return "\n".join(["| layer | | tests | cases |", "| --- | --- | --- | --- |", *rows])


def _cases(name: str) -> int:
    """How many cases of all tests are of a layer."""
    return sum(name in layers_of(case) for _, case in _collected())


@cache
def _tests_of_all() -> list[str]:
    """The tests that have a case for every layer."""
    return sorted(set.intersection(*(set(tests_of(name)) for name in LAYERS)))


def _section(layer: Layer) -> Iterator[str]:
    steps = derive_layer(layer)
    count = len(layer.equations())
    yield f"## {layer.name}"
    yield ""
    said = [layer.note, roles_text(layer)]
    said += [f"settings: {', '.join(map(setting_text, layer.settings))}"] if layer.settings else []
    yield ". ".join(part[:1].upper() + part[1:] for part in said if part) + "."
    yield ""
    yield "```text"
    yield from layer.texts
    yield "```"
    if layer.stable:
        yield "\nEvaluated as\n"
        yield "```text"
        yield from layer.stable
        yield "```"
    yield "\n**Backward**\n"
    yield "```text"
    yield from _equations(steps[count:])
    yield "```"
    if kinks := _kinks(steps[:count]):
        yield f"\n**Kinks.** {kinks}"
    if own := [test for test in tests_of(layer.name) if test not in _tests_of_all()]:
        yield f"\n**Tests of its own.** {', '.join(f'`{test}`' for test in own)}"


def _equations(steps: tuple[Step, ...]) -> Iterator[str]:
    """Each equation with its ranges behind it, in a column where they fit."""
    texts = [index_text(step) for step in steps]
    width = max((len(text) for text in texts if len(text) <= 72), default=0)
    for step, text in zip(steps, texts, strict=True):
        yield f"{text:<{width}}   {range_text(step)}".rstrip()


def _kinks(forward: tuple[Step, ...]) -> str:
    """Where the forward equations have no derivative: conditions on values, and equal maxima."""
    said = []
    for step in forward:
        form = index_form(step).step
        writer = TextWriter(form)
        conditions = {
            relation.func(*relation.args)
            for cases in form.equation.value.atoms(sp.Piecewise, Holds)
            for relation in cases.atoms(Relational)
            if relation.has(sp.Indexed) and not relation.lhs.is_integer
        }
        borders = sorted({f"{writer.doprint(each.lhs)} = {writer.doprint(each.rhs)}" for each in conditions})
        said += [f"At {border} the slope is that of the case that holds there." for border in borders]
        if form.equation.value.has(Place):
            said.append(f"Of several equal maxima, {form.equation.name} is the first.")
    return " ".join(dict.fromkeys(said))


@cache
def _collected() -> tuple[tuple[str, str], ...]:
    """(test, case) of every test whose table has a case for each of several layers."""
    files = [str(path) for path in sorted((ROOT / "tests").rglob("test_*.py")) if _is_of_layers(path)]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"the tests cannot be collected:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    found = re.findall(r"^(\S+?)::(\w+)\[(.+)\]$", done.stdout, re.MULTILINE)
    return tuple((f"{Path(file).stem}::{test}", case) for file, test, case in found)


def _is_of_layers(path: Path) -> bool:
    """Whether a test file speaks of the table of layers."""
    return re.search(r"\bLAYERS\b|layer_cases", path.read_text(encoding="utf-8")) is not None


@cache
def tests_of(name: str) -> list[str]:
    """The tests with a case of this layer."""
    return sorted({test for test, case in _collected() if name in layers_of(case)})


@cache
def layers_of(case: str) -> set[str]:
    """The layer whose name a case begins with, the longest such; else those of the network of that name."""
    fitting = [name for name in LAYERS if re.match(rf"{re.escape(name)}(?=$|[-, ])", case)]
    if fitting:
        return {max(fitting, key=len)}
    network = CASES[case].graph if case in CASES else None
    nodes = [*network.nodes.values(), *network.losses.values()] if network else []
    return {node.layer.name for node in nodes}


if __name__ == "__main__":
    print(page(), end="")
