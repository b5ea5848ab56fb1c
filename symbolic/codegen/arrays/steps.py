"""Steps as lines of code: each its index equation in a comment, then the assignment that computes it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from symbolic.activations import Activation
from symbolic.codegen.arrays.helpers import Helpers
from symbolic.codegen.arrays.reading import reading_of
from symbolic.codegen.names import comment, identifiers
from symbolic.grammar.indices import Place
from symbolic.losses import SAMPLES
from symbolic.notation import Array, Step
from symbolic.program import expanded, plain_identity

_ARGUMENTS: Final = ("inputs", "constants")
_PLAIN: Final = frozenset("abcdefghijklnopqrstuwxyz")  # all but m and v, which functions use themselves


@dataclass(frozen=True)
class StepLines:
    """The steps of a program, and the variables of all its arrays; `like` is a variable whose precision and
    device new arrays take.
    """

    steps: tuple[Step, ...]
    names: Mapping[Array, str]
    helpers: Helpers
    like: str
    given: Mapping[Array, str] = field(
        default_factory=dict
    )  # lines that replace what is read from an equation

    def lines(self, wanted: Iterable[Array]) -> list[str]:
        """The lines that the wanted arrays need, in order."""
        needed = list(self.needed(wanted))
        places = {step.target for step in self.steps if isinstance(step.equation.value, Place)}
        return [line for step in needed for line in self._lines(step, places)]

    def needed(self, wanted: Iterable[Array]) -> Sequence[Step]:
        """The steps that the wanted arrays need, in order."""
        reached, kept = set(wanted), []
        for step in reversed(self.steps):
            if step.target in reached:
                reached |= {bound for bound in step.bindings.values() if isinstance(bound, Array)}
                kept.append(step)
        return kept[::-1]

    def _lines(self, step: Step, places: Collection[Array]) -> list[str]:
        opened = expanded(plain_identity(step), lambda name: not _is_activation(step, name))
        source = self.given.get(step.target) or reading_of(
            opened, self.names, self.helpers, like=self.like, places=places
        )
        return [f"# {comment(str(step), 'python')}", f"{self.names[step.target]} = {source}"]


def _is_activation(step: Step, name: str) -> bool:
    return isinstance(step.slot(name).source, Activation)


def variables(arrays: Iterable[Array]) -> dict[Array, str]:
    """A variable for each array, no two alike."""
    every = list(dict.fromkeys(arrays))
    chosen = identifiers((called(array) for array in every), "python")
    chosen |= {name: name for name in chosen if name in _PLAIN}
    return {array: chosen[called(array)] + "_" * (chosen[called(array)] in _ARGUMENTS) for array in every}


def called(array: Array) -> str:
    """What an array is called in code, before it is made an identifier."""
    part = f"_part{array.part}" if array.part else ""
    name = array.name.replace("∂", "g_")
    return f"{'d_' * array.cotangent}{name}{'' if array.layer is None else array.layer}{part}"


def arrays_of(steps: Iterable[Step]) -> list[Array]:
    """Every array that steps read or compute, in order of appearance."""
    return list(dict.fromkeys(array for step in steps for array in (*step.inputs, step.target)))


def unpacked(given: Mapping[str, tuple[str, Array]], lines: Sequence[str]) -> list[str]:
    """`x = inputs["x"]` for each variable that the lines read, and `m = x.shape[1]` where they read m.

    `given` is the source and the array of each variable.
    """
    code = "\n".join(line for line in lines if not line.startswith("#"))
    words = set(re.findall(r"\w+", code))
    read = [name for name in given if name in words]
    sized = [name for name in (*read, *given) if SAMPLES in given[name][1].shape][:1]
    if "m" not in words:
        return [f"{name} = {given[name][0]}" for name in read]
    read = [name for name in given if name in (*read, *sized)]
    sizes = [f"m = {name}.shape[{given[name][1].shape.index(SAMPLES)}]" for name in sized]
    return [*(f"{name} = {given[name][0]}" for name in read), *sizes]
