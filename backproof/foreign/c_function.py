"""A C function as a subject: `bind` gives the callable (params, x, t, *, lam) -> grads | (loss, grads).

Its prototype says how it is called, by the names of its arguments; pointers are to row-major arrays:

    params, grads     all parameters, and their gradient, one after the other in a settable order
    W1 b1 … dW1 db1   an array each;          W b dW db   pointers to the arrays of all layers (double **)
    x t               inputs and targets; class numbers where t is int *
    loss              E is written there;     double f(…)   or returned
    lam, lambda       the penalty's factor;   m   how many samples
    n0 n1 …, sizes    the widths, one by one or as an array;   layers   how many layers

Every pointer is to a copy between guard zones of NaN, and what is written starts as NaN unless it is declared
that the function adds to it. So writing beyond an array, or not to all of it, is seen.

This file runs in the worker: Python 3.8, NumPy, nothing of ours.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

SCALARS = {
    "double": ctypes.c_double,
    "float": ctypes.c_float,
    "int": ctypes.c_int,
    "long": ctypes.c_long,
    "size_t": ctypes.c_size_t,
}
TYPES = {name: np.dtype(kind).type for name, kind in SCALARS.items()}
REAL, WHOLE = ("double", "float"), ("int", "long", "size_t")
ARGUMENTS = (  # names, how many stars they have, of which types; whether they are written
    (r"params|[Wb][1-9]\d*|x", 1, REAL, False),
    (r"[Wb]", 2, REAL, False),
    (r"grads|d[Wb][1-9]\d*|loss", 1, REAL, True),
    (r"d[Wb]", 2, REAL, True),
    (r"t", 1, (*REAL, *WHOLE), False),
    (r"sizes", 1, WHOLE, False),
    (r"m|layers|n\d+", 0, WHOLE, False),
    (r"lam|lambda", 0, REAL, False),
)
KNOWN = "params grads W1 b1 … dW1 db1 … W b dW db x t loss lam lambda m n0 n1 … sizes layers"
ORDERS: dict[str, Callable[[int, int], tuple[int, int]]] = {  # of layer and letter, in a flat vector
    "W1 b1 W2 b2": lambda layer, letter: (layer, letter),
    "b1 W1 b2 W2": lambda layer, letter: (layer, -letter),
    "W1 W2 b1 b2": lambda layer, letter: (letter, layer),
    "b1 b2 W1 W2": lambda layer, letter: (-letter, layer),
}
LIBC = ctypes.CDLL(None)
COMPILER = ("cc", "-O2", "-fPIC", "-shared")
CANARY = {8: 0x7FF8A5A5A5A5A5A5, 4: 0x7FC5A5A5}  # quiet NaNs that no arithmetic makes out of numbers
GUARD = 64  # cells on either side, beside as many as the array has: a multiple keeps the alignment


class CFunctionFailed(Exception):
    """The function cannot be called as it is described, or wrote where it must not."""


@dataclass(frozen=True)
class Argument:
    """One argument of a prototype; `stars` counts its *, and `written` says that the result goes there."""

    name: str
    type: str
    stars: int
    written: bool


@dataclass(frozen=True)
class Prototype:
    """A function's name, the type it returns, and its arguments."""

    name: str
    returns: str
    arguments: tuple[Argument, ...]

    def has(self, names: str) -> bool:
        return any(re.fullmatch(names, argument.name) for argument in self.arguments)


def bind(
    file: str,
    prototype: str,
    *,
    order: str = "W1 b1 W2 b2",
    accumulates: bool = False,
    flags: Sequence[str] = (),
) -> Callable[..., Any]:
    """The function with that prototype, in a shared library or in a .c file, which is compiled.

    `prototype` may be the bare name of a function that the .c file defines. A .c file is compiled by
    cc -O2 -fPIC -shared FILE -lm and the `flags`, in a folder of its own that is removed again. `accumulates`
    says that the function adds to what it writes, which then starts as 0.

    Raises CFunctionFailed, and so do the calls.
    """
    if order not in ORDERS:
        raise CFunctionFailed(f"no order '{order}'; choose from {', '.join(ORDERS)}")
    path = Path(file).absolute()
    if not path.is_file():
        raise CFunctionFailed(f"there is no file {path}")
    told = read_prototype(prototype if "(" in prototype else _definition(path, prototype))
    try:
        function = _library(path, tuple(flags))[told.name]
    except AttributeError:
        raise CFunctionFailed(
            f'{path.name} exports no function {told.name}; it must not be static, nor C++ without extern "C"'
        ) from None
    function.restype = SCALARS.get(told.returns)
    widths = _Widths()

    def call(params: Any, x: Any, t: Any, lam: float) -> Any:
        arrays = {**_named(params), "x": x, "t": t, "loss": np.zeros(())}
        flat = sorted(_named(params), key=lambda name: ORDERS[order](int(name[1:]), "Wb".index(name[0])))
        _check_fits(told, flat, len(params))
        sizes = widths.of(params, x)
        arrays["sizes"] = np.array(sizes)
        scalars = {"m": np.size(x) // sizes[0], "layers": len(params), "lam": lam, "lambda": lam}
        scalars.update((f"n{place}", size) for place, size in enumerate(sizes))
        return _run(function, told, arrays, flat, scalars, accumulates=accumulates)

    if told.has("lam|lambda"):
        return lambda params, x, t, *, lam=0.0: call(params, x, t, lam)
    return lambda params, x, t: call(params, x, t, 0.0)


def read_prototype(text: str) -> Prototype:
    """Read a prototype such as `double f(const double *params, …, int m)`.

    Raises CFunctionFailed, which says what is not understood in it.
    """
    plain = " ".join(re.sub(r"\b(const|restrict|__restrict|extern)\b", " ", text).split())
    whole = re.fullmatch(r"(\w+) (\w+) ?\(([^()]*)\) ?;?", plain)
    if not whole:
        raise CFunctionFailed(
            f"'{text}' is no prototype; expected one such as double f(const double *params, …)"
        )
    returns, name, inside = whole.groups()
    if returns not in ("void", *REAL):
        raise CFunctionFailed(f"{name} returns {returns}; expected the loss as double or float, or void")
    prototype = Prototype(name, returns, tuple(_argument(part.strip()) for part in inside.split(",")))
    if hidden := re.search(r"const \w+[ *]+(grads|loss|d[Wb]\d*)\b", text):
        raise CFunctionFailed(f"{name} has a const {hidden[1]}, where the result is to be written")
    for flat, d, what in (("params", "", "the parameters"), ("grads", "d", "the gradient")):
        ways = [way for way in (flat, rf"{d}[Wb]\d+", f"{d}[Wb]") if prototype.has(way)]
        if len(ways) != 1:
            raise CFunctionFailed(
                f"{name} takes {what} in {len(ways)} ways; expected one: {flat}, {d}W1 {d}b1 …, or {d}W {d}b"
            )
    for needed in "xt":
        if not prototype.has(needed):
            raise CFunctionFailed(f"{name} has no argument {needed}")
    if prototype.has("loss") and returns != "void":
        raise CFunctionFailed(f"{name} returns {returns} and writes the loss too; expected one of the two")
    return prototype


def _argument(text: str) -> Argument:
    parts = re.fullmatch(r"(\w+) ?([* ]*?)(\w+) ?(\[\w*\])?", text)
    if not parts:
        raise CFunctionFailed(f"the argument '{text}' is not understood; expected TYPE name or TYPE *name")
    kind, pointer, name, brackets = parts.groups()
    for names, stars, types, written in ARGUMENTS:
        if re.fullmatch(names, name):
            if kind in types and pointer.count("*") + bool(brackets) == stars:
                return Argument(name, kind, stars, written)
            expected = " or ".join(f"{choice} {'*' * stars}{name}" for choice in types)
            raise CFunctionFailed(f"the argument '{text}' has an unexpected type; expected {expected}")
    raise CFunctionFailed(f"the argument '{text}' has no meaning here; the names are {KNOWN}")


class _Widths:
    """The widths of networks, read from shapes: those of biases, or of weights that fit together.

    Where weights alone fit in both orientations, they are read as they last were where they fit in one.
    """

    def __init__(self) -> None:
        self._is_out_in = True

    def of(self, params: Any, x: Any) -> list[int]:
        first = params[0][0].size
        if all(b is not None for _, b in params):
            return [first // params[0][1].size, *(b.size for _, b in params)]
        shapes = [w.shape for w, _ in params]
        ways = {True: [shape[::-1] for shape in shapes], False: shapes}
        fitting = [out_in for out_in, pairs in ways.items() if _fit(pairs, np.shape(x))]
        if len(fitting) == 1:
            self._is_out_in = fitting[0]
        pairs = ways[self._is_out_in]
        return [pairs[0][0], *(outputs for _, outputs in pairs)]


def _fit(pairs: Sequence[tuple[int, int]], x: tuple[int, ...]) -> bool:
    """Whether these are inputs and outputs of layers, one after the other, from x on."""
    return pairs[0][0] in x and all(one[1] == other[0] for one, other in zip(pairs, pairs[1:]))


class _Buffer:
    """Copies of arrays, one after the other in memory of one type, between guard zones."""

    def __init__(self, name: str, arrays: list[Any], kind: str, *, written: bool) -> None:
        self.name, self._arrays = name, arrays
        size, width = sum(array.size for array in arrays), np.dtype(TYPES[kind]).itemsize
        # What was read beyond an input and then written is not taken for what was not written.
        self._canary = CANARY[width] + written
        self._guard = GUARD + -(-size // 8) * 8
        self._cells = np.full(size + 2 * self._guard, self._canary, f"u{width}")
        self._held = self._cells[self._guard : self._guard + size]
        self._values = self._held.view(TYPES[kind])
        self.pointer = ctypes.c_void_p(self._held.ctypes.data)

    def fill(self) -> None:
        for array, piece in self._pieces():
            piece[...] = array
        self._before = self._held.copy()

    def clear(self) -> None:
        self._values[:] = 0

    def check_guards(self) -> None:
        size = len(self._held)
        zones = (("before the start", self._guard, -1), ("beyond the end", self._guard + size - 1, 1))
        for where, start, step in zones:
            hit = np.flatnonzero(self._cells[start + step :: step] != self._canary)
            if len(hit) and where.startswith("beyond"):
                raise CFunctionFailed(
                    f"it wrote {where} of {self.name}: {self.name}[{size + hit[0]}] of {size}"
                )
            if len(hit):
                raise CFunctionFailed(f"it wrote {where} of {self.name}: {self.name}[{-1 - hit[0]}]")

    def check_written(self) -> None:
        missing = np.flatnonzero(self._held == self._canary)
        if len(missing):
            raise CFunctionFailed(
                f"it did not write {self.name}[{missing[0]}] ({len(missing)} of {len(self._held)} entries), "
                "or added to what was there; if it is to add, declare accumulates"
            )

    def show_changes(self) -> None:
        """Change the caller's arrays as the function changed these: there it is looked for."""
        if not np.array_equal(self._held, self._before):
            for array, piece in self._pieces():
                array[...] = piece

    def results(self) -> list[Any]:
        return [piece.copy() for _, piece in self._pieces()]

    def _pieces(self) -> Iterator[tuple[Any, Any]]:
        start = 0
        for array in self._arrays:
            yield array, self._values[start : start + array.size].reshape(array.shape)
            start += array.size


def _run(
    function: Any,
    told: Prototype,
    arrays: dict[str, Any],
    flat: list[str],
    scalars: dict[str, Any],
    *,
    accumulates: bool,
) -> Any:
    """Call it on guarded copies, and read what it wrote."""
    values: list[Any] = []
    read: list[_Buffer] = []
    written: list[tuple[list[str], _Buffer]] = []
    for argument in told.arguments:
        if not argument.stars:
            if argument.name not in scalars:
                raise CFunctionFailed(f"{told.name} asks for {argument.name}, which this network has not")
            values.append(SCALARS[argument.type](scalars[argument.name]))
            continue
        pointers = []
        for names in _held_by(argument, flat, scalars["layers"]):
            buffer = _Buffer(
                argument.name, [arrays[name] for name in names], argument.type, written=argument.written
            )
            pointers.append(buffer.pointer.value if names else None)
            if argument.written:
                written.append((names, buffer))
                if accumulates:
                    buffer.clear()
            else:
                buffer.fill()
                read.append(buffer)
        values.append((ctypes.c_void_p * len(pointers))(*pointers) if argument.stars == 2 else buffer.pointer)
    returned = function(*values)
    LIBC.fflush(None)  # what it printed is shown with this call
    for buffer in [*read, *(buffer for _, buffer in written)]:
        buffer.check_guards()
    for buffer in read:
        buffer.show_changes()
    found: dict[str, Any] = {}
    for names, buffer in written:
        buffer.check_written()
        found.update(zip(names, buffer.results()))
    grads = [(found[f"W{l}"], found.get(f"b{l}")) for l in range(1, scalars["layers"] + 1)]
    if told.returns != "void":
        found["loss"] = TYPES[told.returns](returned)
    return (found["loss"][()], grads) if "loss" in found else grads


def _held_by(argument: Argument, flat: list[str], layers: int) -> list[list[str]]:
    """The names of the arrays that lie, one after the other, where each of its pointers points."""
    if argument.name in ("params", "grads"):
        return [flat]
    name = argument.name[argument.name.startswith("d") :]
    if argument.stars == 1:
        return [[name]]
    return [[f"{name}{l}"] if f"{name}{l}" in flat else [] for l in range(1, layers + 1)]


def _check_fits(told: Prototype, flat: list[str], layers: int) -> None:
    """All parameters go in, all their gradients come out, and nothing else is asked for."""
    for written, what in ((False, "take"), (True, "write the gradient of")):
        held = {
            name
            for argument in told.arguments
            if argument.written == written and re.fullmatch(r"params|grads|d?[Wb]\d*", argument.name)
            for names in _held_by(argument, flat, layers)
            for name in names
        }
        if missing := [name for name in flat if name not in held]:
            raise CFunctionFailed(f"{told.name} does not {what} {missing[0]}, which this network has")
        if surplus := sorted(held.difference(flat)):
            raise CFunctionFailed(f"{told.name} is to {what} {surplus[0]}, which this network has not")


def _named(params: Any) -> dict[str, Any]:
    pairs = enumerate(params, start=1)
    return {f"{letter}{l}": a for l, pair in pairs for letter, a in zip("Wb", pair) if a is not None}


def _definition(path: Path, name: str) -> str:
    """The head of a function's definition in a .c file."""
    if path.suffix != ".c":
        raise CFunctionFailed(f"{path.name} does not tell how {name} is called; give its prototype")
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", path.read_text(errors="replace"), flags=re.DOTALL)
    heads = re.findall(rf"\b\w+\s+{re.escape(name)}\s*\([^()]*\)(?=\s*{{)", text)
    if len(heads) != 1:
        raise CFunctionFailed(f"{path.name} has {len(heads)} definitions of a function {name}; expected one")
    return str(heads[0])


@lru_cache(maxsize=None)
def _library(path: Path, flags: tuple[str, ...]) -> Any:
    """The library that this file is or compiles to; once loaded it needs its file no more."""
    with tempfile.TemporaryDirectory() as folder:
        target = str(path)
        if path.suffix == ".c":
            target = str(Path(folder, "subject.so"))
            _compile([*COMPILER, str(path), "-lm", *flags, "-o", target], path)
        try:
            return ctypes.CDLL(target)
        except OSError as error:
            raise CFunctionFailed(f"{path.name} cannot be loaded: {error}") from None


def _compile(command: list[str], path: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=path.parent, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise CFunctionFailed(
            f"there is no C compiler {command[0]} to compile {path.name} with; install one, such as gcc"
        ) from None
    if done.returncode:
        lines = done.stderr.splitlines()
        first = next((line for line in lines if "error" in line or "undefined" in line), "".join(lines[:1]))
        raise CFunctionFailed(f"{path.name} does not compile: {first.replace(str(path), path.name)}")
