"""Generated C, compiled into one library and called with NumPy arrays."""

from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from symbolic.codegen.c.source_file import c_module
from symbolic.codegen.request import Generated, Request

WARNINGS: Final = (
    *("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wdouble-promotion", "-Wshadow", "-Werror"),
    "-Wno-unknown-warning-option",
)
C: Final = ("gcc", "-std=c99")
CXX: Final = ("g++", "-std=c++17", "-x", "c++")
PATIENCE: Final = 200  # seconds
WORK: Final = 4096  # numbers, more than any of these networks needs
_PROTOTYPE: Final = re.compile(r"^(\w+)\s+(\w+)\(([^;{]*)\);", re.M)


def compiled(
    files: Iterable[Generated],
    folder: Path,
    *flags: str,
    compiler: tuple[str, ...] = C,
    selftests: bool = False,
) -> Path:
    """A library of the sources, built without a warning; of a self-test, the program."""
    sources = []
    for generated in files:
        for name, text in generated.files.items():
            (folder / name).write_text(text, encoding="utf-8")
            if name.endswith(".c") and (selftests or not name.endswith("_selftest.c")):
                sources.append(name)
    result = folder / ("selftest" if selftests else "library.so")
    kind = () if selftests else ("-shared", "-fPIC")
    command = [*compiler, *WARNINGS, *kind, *flags, *sources, "-o", result.name, "-lm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr[:4000]}"
    return result


@dataclass(frozen=True)
class Function:
    """A function of a header: its result and arguments are converted as it declares them."""

    call: Any
    result: str
    arguments: tuple[str, ...]

    def __call__(self, **given: Any) -> Any:
        """The result; arrays are converted, and a copy of the last one given back under its name."""
        pointers, kept = [], {}
        self.call.restype = {"void": None, "double": ctypes.c_double, "float": ctypes.c_float}[self.result]
        for argument in self.arguments:
            kind, _, name = argument.replace("const ", "").rpartition(" ")
            if not name.startswith("*"):
                scalar = {"size_t": ctypes.c_size_t, "double": ctypes.c_double, "float": ctypes.c_float}[kind]
                pointers.append(scalar(given[name]))
                continue
            name = name.lstrip("*")
            dtype = {"double": np.float64, "float": np.float32, "int": np.int32}[kind]
            array = np.array(np.full(WORK, np.nan) if name == "work" else given[name], dtype=dtype, order="C")
            kept[name] = array
            pointers.append(array.ctypes.data_as(ctypes.c_void_p))
        return self.call(*pointers), kept


def functions(library: Path, header: str) -> Mapping[str, Function]:
    """The functions that a header declares."""
    loaded = ctypes.CDLL(str(library))
    return {
        name: Function(getattr(loaded, name), result, tuple(re.split(r",\s*", " ".join(taken.split()))))
        for result, name, taken in _PROTOTYPE.findall(header)
    }


def loaded(requests: Iterable[Request], folder: Path) -> list[Mapping[str, Function]]:
    """The functions of several requests, compiled together, by their names without the request's."""
    every = list(requests)
    files = [c_module(request) for request in every]
    library = compiled(files, folder, "-O1")
    found = []
    for request, generated in zip(every, files, strict=True):
        named = functions(library, generated.files[f"{request.name}.h"])
        found.append({name.removeprefix(f"{request.name}_"): each for name, each in named.items()})
    return found
