"""A training step as a function: the optimizer's row, entry by entry. Nothing that is given is changed."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symbolic.codegen.arrays.dialect import Dialect
from symbolic.codegen.arrays.parts import function_text
from symbolic.codegen.arrays.scalar import scalar_source
from symbolic.codegen.optimizers import STEP, Optimizer, W


@dataclass(frozen=True, slots=True)
class Container:
    """How parameters are held: a template of what is made of all of them, with the states in {zipped}, and
    one of {number} of the results, both over `found`.
    """

    made: str
    taken: str
    zeros: str


PAIRS = Container(
    "[\n"
    "    tuple(None if each[0] is None else {updated} for each in zip(*layer))\n"
    "    for layer in zip({states})\n"
    "]",
    "[tuple(each and each[{number}] for each in layer) for layer in found]",
    "[tuple(None if w is None else {zeros} for w in layer) for layer in params]",
)
DICT = Container(
    "{{\n"
    "    name: {updated}\n"
    "    for name, each in ((name, [given[name] for given in ({states})]) for name in params)\n"
    "}}",
    "{{name: each[{number}] for name, each in found.items()}}",
    "{{name: {zeros} for name, w in params.items()}}",
)


def training_step(row: Optimizer, container: Container, dialect: Dialect) -> list[str]:
    """`step`, what it does to one array, and `states`, the zeros that it begins with."""
    states = [str(state) for state in row.states]
    settings = [str(symbol) for symbol in row.settings]
    given = ", ".join(["params", "grads", *states])
    counted = ["number"] * row.counts
    updated = ", ".join(["*each", *counted, *settings])
    made = container.made.format(updated=f"_updated({updated})", states=given).split("\n")
    count = 1 + len(states)
    taken = [container.taken.format(number=number) for number in range(count)]
    defaults = [f"{symbol}={value}" for symbol, value in row.settings.items()]
    signature = f"step({', '.join(['params', 'grads', *states, *counted, '*', *defaults])})"
    returned = ["The new parameters" + f", then the new {' and '.join(states)}" * bool(states) + "."]
    returned += ["`number` counts the steps from 1."] * row.counts
    doc = f"One step of {row.name}; nothing that is given is changed.\n\n    {' '.join(returned)}\n    "
    end = ["return (", *(f"    {each}," for each in taken), ")"] if states else [f"return {taken[0]}"]
    body = ["found = " + made[0], *made[1:], *end]
    functions = [function_text(signature, doc, body, dialect.decorator), _updated(row, dialect)]
    if states:
        zeros = container.zeros.format(zeros=f"{dialect.np}.zeros_like(w)")
        body = ["return (", *(f"    {zeros}," for _ in states), ")"]
        doc = f"The zeros that {' and '.join(states)} begin with."
        functions.append(function_text("states(params)", doc, body))
    return functions


def _updated(row: Optimizer, dialect: Dialect) -> str:
    names = {STEP: sp.Symbol("number", real=True)}
    lines = [f"{target} = {scalar_source(value.xreplace(names), dialect)}" for target, value in row.updates]
    arguments = [str(W), "g", *map(str, row.states), *["number"] * row.counts, *map(str, row.settings)]
    results = ", ".join(map(str, (W, *row.states)))
    body = [*lines, f"return ({results},)" if not row.states else f"return {results}"]
    return function_text(f"_updated({', '.join(arguments)})", f"{row.text}.", body)
