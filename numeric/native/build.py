"""C sources as a shared library, built by the system's compiler, once for one content, flags and machine."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from numeric.native.cache import BUILD, cache_folder, find, keep
from symbolic.errors import Unsupported

NEEDED: Final = (
    "-std=c99",
    "-shared",
    "-fPIC",
    *(("-undefined", "dynamic_lookup") * (sys.platform == "darwin")),
)
FAST: Final = (  # each where the compiler has it
    "-O3",
    "-march=native",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-mprefer-vector-width=512",
    "-fno-semantic-interposition",
)
LIBRARIES: Final = ("-lm",)
PATIENCE: Final = 300  # seconds that one compilation may take


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C compiler: the words that call it, and what tells it from others and from its other versions."""

    words: tuple[str, ...]
    identity: str

    def __str__(self) -> str:
        return shlex.join(self.words)


def find_compiler() -> Compiler | None:
    """The compiler that CC names, else cc, gcc or clang; None where there is none. CC is words, as a shell
    reads them, and no shell sees it. Raises Unsupported where it is not words.
    """
    told = os.environ.get("CC", "").strip()
    try:
        candidates = [shlex.split(told)] if told else [["cc"], ["gcc"], ["clang"]]
    except ValueError as error:
        raise Unsupported(
            f"CC is {told!r}, which is no list of words ({error}); set it as CC='gcc -m64'"
        ) from None
    found = (_compiler(tuple(words), shutil.which(words[0])) for words in candidates)
    return next((compiler for compiler in found if compiler), None)


@cache
def _compiler(words: tuple[str, ...], path: str | None) -> Compiler | None:
    if path is None:
        return None
    try:
        version = _run([*words, "--version"], Path.cwd()).stdout
    except OSError:
        return None
    return Compiler((str(Path(path).absolute()), *words[1:]), f"{os.path.realpath(path)}\n{version}")


def library(files: Mapping[str, str], unit: str, compiler: Compiler) -> Path:
    """The shared library of `unit`, one of the files, which may include the others; built where it is not in
    the cache. Raises Unsupported, which shows the compiler's first error.
    """
    content = [dict(files), unit, NEEDED, FAST, LIBRARIES, compiler.words, compiler.identity, _machine()]
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
    folder = cache_folder()
    if (known := find(folder, key)) is not None:
        return known
    with tempfile.TemporaryDirectory(dir=folder, prefix=BUILD) as name:
        workshop = Path(name)
        for file, text in files.items():
            (workshop / file).write_text(text, encoding="utf-8")
        flags = [*NEEDED, *_accepted(compiler)]
        done = _compile([*compiler.words, *flags, unit, "-o", "library.so", *LIBRARIES], workshop)
        if done.returncode:
            raise Unsupported(
                f"{compiler} does not compile the generated code: {first_error(done.stderr, files)}"
            )
        return keep(workshop / "library.so", folder, key)


def first_error(messages: str, files: Mapping[str, str]) -> str:
    """The first error a compiler reports, with the line it is about and the equation in the comment above.

    >>> print(first_error("net.c:2:5: error: no b", {"net.c": f"/* A = 2·B */{os.linesep}a = 2 * b;"}))
    net.c:2: no b
      a = 2 * b;
      of the equation: A = 2·B
    """
    for message in messages.splitlines():
        parts = re.match(r"(?:.*/)?([^/:]+):(\d+):(?:\d+:)? (?:fatal )?error: (.*)", message)
        if parts and parts[1] in files:
            lines = files[parts[1]].splitlines()[: int(parts[2])]
            told = f"{parts[1]}:{parts[2]}: {parts[3]}\n  {lines[-1].strip()}"
            above = (line.strip() for line in reversed(lines[:-1]) if line.strip().startswith(("/*", "//")))
            equation = next(above, None)
            return f"{told}\n  of the equation: {equation.strip('/* ')}" if equation else told
    lines = messages.splitlines() or ["it says nothing"]
    return next((line for line in lines if re.search("error|undefined", line)), lines[0])


@cache
def _accepted(compiler: Compiler) -> tuple[str, ...]:
    """Those of the flags for speed that the compiler has."""

    def accepts(flags: tuple[str, ...]) -> bool:
        with tempfile.TemporaryDirectory(prefix="backproof-") as name:
            Path(name, "empty.c").write_text("int backproof_empty;\n")
            command = [*compiler.words, "-Werror", *flags, "-c", "empty.c", "-o", "empty.o"]
            return _compile(command, Path(name)).returncode == 0

    return FAST if accepts(FAST) else tuple(flag for flag in FAST if accepts((flag,)))


def _compile(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return _run(command, folder)
    except OSError as error:
        raise Unsupported(f"{shlex.quote(command[0])} cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise Unsupported(
            f"{shlex.quote(command[0])} has not compiled the generated code in {PATIENCE} s; "
            "form='loops' writes code whose size does not grow with the widths"
        ) from None


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "LC_ALL": "C"},  # messages as `first_error` reads them
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=PATIENCE,
        check=False,
    )


@cache
def _machine() -> str:
    """What -march=native depends on: a cache may be shared between machines."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        keys = ("machdep.cpu.brand_string", "machdep.cpu.features", "hw.optional")
        program = shutil.which("sysctl")
        text = _run([program, *keys], Path.cwd()).stdout if program else ""
        return f"{platform.platform()}\n{text}"
    told = re.findall(r"^(?:model name|flags|Features|CPU part)\s*:.*", text, re.MULTILINE)
    return "\n".join([platform.machine(), *dict.fromkeys(told)])
