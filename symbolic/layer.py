"""A layer: its forward equations in order, and what has to be known before they can be used.

    conv1d    Y[o,q,...] = Sum(W[o,h,k]*X[h,stride*q + dilation*k - padding,...], h, k) + b[o]

`inputs` are the arrays that come from other nodes, `constants` those that are given and not differentiated by
(a mask, the places of an embedding); what is left is a parameter. `...` stands for all further axes of the
first input, whatever their number, the samples last. An index has one size in all equations. A row has no
field for a backward rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Literal

import sympy as sp

from symbolic.errors import InvalidNetwork
from symbolic.expressions import bound_indices, entry_of
from symbolic.grammar.indices import Largest, Place, is_index
from symbolic.notation import Equation, equation

Kind = Literal["size", "whole", "real", "function"]
EXTRA: Final = "ctuvwyxz"  # letters for the axes that `...` stands for, the samples' first
_ENTRY: Final = re.compile(r"\[([^][]*)\]")  # the innermost first
_TAKEN: Final = ("_bar", "_place")  # cotangents, and where maxima lie
_DONE: Final = "\x01\x02"  # stand for the brackets of an entry whose axes are spelt


@dataclass(frozen=True, slots=True)
class Setting:
    """What a user may choose: the size of an index, a whole or a real number, or an activation.

    `symbol` is what the equations call it; without a default it must be given, a size only where it does not
    follow from the inputs.
    """

    name: str
    symbol: str
    kind: Kind
    default: str = ""


def size(name: str, index: str) -> Setting:
    """The number of values that an index takes."""
    return Setting(name, index, "size")


def whole(name: str, default: int, symbol: str = "") -> Setting:
    """A whole number from 0, such as a stride."""
    return Setting(name, symbol or name, "whole", str(default))


def real(name: str, default: str, symbol: str = "") -> Setting:
    """A rational number, such as the ε of a batch norm."""
    return Setting(name, symbol or name, "real", default)


def function(name: str, symbol: str, default: str = "") -> Setting:
    """An elementwise activation."""
    return Setting(name, symbol, "function", default)


@dataclass(frozen=True, slots=True)
class Layer:
    """One kind of layer; `note` says in a few words what it is.

    `stable` are its equations as they are evaluated, where the definition would overflow; `shapes` give the
    axes of an array that no index runs along; `carries` say which array of a recurrent cell is which of its
    inputs at the next step.
    """

    name: str
    texts: tuple[str, ...]
    inputs: tuple[str, ...] = ("X",)
    constants: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    shapes: tuple[tuple[str, str], ...] = ()
    stable: tuple[str, ...] = ()
    carries: tuple[tuple[str, str], ...] = ()
    note: str = ""

    @classmethod
    def from_equations(
        cls,
        *texts: str,
        name: str = "layer",
        inputs: Sequence[str] | None = None,
        constants: Sequence[str] = (),
        settings: Sequence[Setting] = (),
        shapes: Mapping[str, str] | None = None,
        stable: Sequence[str] = (),
        carries: Mapping[str, str] | None = None,
        note: str = "",
    ) -> Layer:
        """A layer of one's own. Without `inputs`, arrays whose names begin with X come from other nodes.

        A size that does not follow from the inputs is given by the name of its index: node(mine, "x", i=4).
        Raises FormulaError at the character, or InvalidNetwork where the equations do not fit together.

        >>> mine = Layer.from_equations("Y[i,c] = Sum(W[i,j]*X[j,c]**2, j) + b[i]")
        >>> mine.inputs, mine.parameters
        (('X',), ('W', 'b'))
        """
        layer = cls(
            name,
            tuple(texts),
            (),
            tuple(constants),
            tuple(settings),
            tuple((shapes or {}).items()),
            tuple(stable),
            tuple((carries or {}).items()),
            note,
        )
        read = {array for each in layer.equations() for array in each.inputs} - layer.targets
        found = sorted(array for array in read if array.startswith("X")) if inputs is None else inputs
        layer = replace(layer, inputs=tuple(found))
        _check(layer, read)
        return layer

    @property
    def targets(self) -> set[str]:
        """The arrays that the equations define."""
        return {each.name for each in self.equations()}

    @property
    def indices(self) -> tuple[str, ...]:
        """The index letters of the equations, without those that `...` stands for."""
        spelt = set(EXTRA) - self.named
        found = {str(i) for each in self.equations() for i in (*each.indices, *bound_indices(each.value))}
        return tuple(sorted(found - spelt))

    @property
    def output(self) -> str:
        """The array that the last equation defines."""
        return self.equations()[-1].name

    @property
    def parameters(self) -> tuple[str, ...]:
        """The arrays that are neither inputs nor constants nor defined here, in order of appearance."""
        read = [array for each in self.equations() for array in _in_order(each)]
        known = {*self.inputs, *self.constants, *self.targets}
        return tuple(dict.fromkeys(array for array in read if array not in known))

    def equations(self, extra: int = 1, axis: int = 0) -> tuple[Equation, ...]:
        """The forward equations with `extra` axes for `...`, `axis` of them before the first named one.

        A maximum over an index becomes two equations: its place, and the body there.
        """
        return _equations(self, self.texts, extra, axis)

    def stable_equations(self, extra: int = 1, axis: int = 0) -> tuple[Equation, ...]:
        """The equations as they are evaluated."""
        return _equations(self, self.stable or self.texts, extra, axis)

    def of_kind(self, kind: Kind) -> tuple[Setting, ...]:
        """The settings of one kind."""
        return tuple(setting for setting in self.settings if setting.kind == kind)

    def declared(self, extra: int, axis: int) -> dict[str, tuple[str, ...]]:
        """The axes that `shapes` give, each a letter or a sum of letters such as j+k."""
        named = self.named
        return {
            name: tuple(_spelt(f"[{axes}]", extra, axis, named)[1:-1].split(","))
            for name, axes in self.shapes
        }

    @property
    def named(self) -> set[str]:
        """What stands in entries anywhere in the layer: in all equations `...` has the same letters."""
        entries = [inside for text in (*self.texts, *self.stable) for inside in _ENTRY.findall(text)]
        return {word for inside in entries for word in re.findall(r"[A-Za-z]\w*", inside)}

    @property
    def has_axis(self) -> bool:
        """Whether an entry leaves axes open on both sides, so that a user says where its own ones stand."""
        entries = (entry for text in self.texts for entry in _ENTRY.findall(text))
        return any(entry.count("...") == 2 for entry in entries)

    @property
    def is_open(self) -> bool:
        """Whether `...` leaves the number of axes open."""
        return any("..." in text for text in self.texts)

    @property
    def rank(self) -> int:
        """The number of axes of the first input, without those that `...` stands for."""
        entries = [e for each in self.equations() for e in each.entries(self.inputs[0])]
        return len(entries[0].indices) - self.is_open


@cache
def _equations(layer: Layer, texts: tuple[str, ...], extra: int, axis: int) -> tuple[Equation, ...]:
    names = {kind: tuple(s.symbol for s in layer.of_kind(kind)) for kind in ("whole", "real", "function")}
    letters = {letter for _, axes in layer.shapes for letter in re.findall(r"[A-Za-z]+", axes)}
    names["whole"] += tuple(f"N_{letter}" for letter in sorted(letters))
    found: list[Equation] = []
    for text in texts:
        written = _spelt(text, extra, axis, layer.named) if "..." in text else text
        read = equation(written, scalars=names["real"], functions=names["function"], options=names["whole"])
        found += _placed_maxima(read)
    return tuple(found)


def _spelt(text: str, extra: int, axis: int, named: set[str]) -> str:
    """The text with index letters for `...`; of two in one entry, the first stands for `axis` letters."""
    pool = [letter for letter in EXTRA if letter not in named]
    letters = [*reversed(pool[1:extra]), *pool[:1]] if extra else []
    sizes = "*".join(f"N_{letter}" for letter in letters) or "1"
    text = text.replace("N_...", f"({sizes})")
    while entry := _ENTRY.search(text):
        words = [word.strip() for word in entry[1].split(",")]
        runs = iter([letters] if words.count("...") == 1 else [letters[:axis], letters[axis:]])
        spelt = [w for word in words for w in (next(runs) if word == "..." else [word])]
        done = f"{_DONE[0]}{','.join(spelt)}{_DONE[1]}" if spelt else ""
        text = text[: entry.start()] + done + text[entry.end() :]
    text = text.replace("...", ",".join(letters)) if letters else text.replace(", ...", "")
    return text.translate(dict(zip(map(ord, _DONE), "[]", strict=True)))


def _placed_maxima(read: Equation) -> Iterator[Equation]:
    """Max_k f(k) is f(k*) with k* = ArgMax_k f(k), an array of whole numbers, which have no slope.

    So the slope of a maximum is that of its body at the place where it is largest (of several, the first).
    """
    value = read.value
    number = 0
    while maxima := [node for node in value.atoms(Largest) if not node.function.has(Largest)]:
        picked = min(maxima, key=str)
        number += 1
        free = tuple(i for i in sorted(picked.free_symbols, key=str) if is_index(i))
        order = {index: place for place, index in enumerate(read.indices)}
        free = tuple(sorted(free, key=lambda index: (order.get(index, len(order)), str(index))))
        name = f"{read.name}_place" + (str(number) if number > 1 else "")
        place = entry_of(name, free)
        yield Equation(place, Place(picked.function, *picked.limits), read.rule)
        value = value.xreplace({picked: picked.function.xreplace({picked.limits[0][0]: place + 1})})
    yield replace(read, value=value) if number else read


def is_place(forward: Equation) -> bool:
    """Whether an equation gives whole numbers, the places of maxima."""
    return isinstance(forward.value, Place)


def _in_order(each: Equation) -> list[str]:
    """The arrays of an equation in the order in which its text names them."""
    return sorted(each.inputs, key=lambda name: each.rule.find(f"{name}["))


def _check(layer: Layer, read: set[str]) -> None:
    if not layer.texts:
        raise InvalidNetwork("a layer has at least one equation")
    written = {name for text in layer.texts for name in re.findall(r"([A-Za-z]\w*)\s*\[", text)}
    if taken := [name for name in sorted(written) if name.endswith(_TAKEN)]:
        raise InvalidNetwork(
            f"'{taken[0]}' is what a derivation calls an array of its own; choose a name that does not end "
            f"in {' or '.join(_TAKEN)}"
        )
    defined: set[str] = set()
    later = [each.name for each in layer.equations()]
    for each in layer.equations():
        if any(place.has(sp.Indexed) for place in each.positions):
            raise InvalidNetwork(
                f"'{each.rule}' says by an array where it writes; only what is read may be so"
            )
        if each.name in defined:
            raise InvalidNetwork(f"'{each.name}' is defined twice; an array has one equation")
        if early := [name for name in each.inputs if name in later and name not in defined]:
            raise InvalidNetwork(
                f"'{early[0]}' is read by '{each.rule}' before its own equation; equations run in order"
            )
        defined.add(each.name)
    for kind, names in (("input", layer.inputs), ("constant", layer.constants)):
        for name in names:
            if name not in read:
                raise InvalidNetwork(
                    f"the {kind} '{name}' occurs in no equation; the arrays are {_listed(read)}"
                )
    if not layer.inputs:
        raise InvalidNetwork(
            "no array of the equations begins with X; say by inputs which of "
            f"{_listed(read)} come from other nodes"
        )


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"
