"""The theorem in Coq, compiled in a folder of its own, and files that are checked beside it."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import proofs

SOURCES = Path(proofs.__file__).parent / "coq"
FILES = [
    line for line in (SOURCES / "_CoqProject").read_text(encoding="utf-8").split() if line.endswith(".v")
]
REALS = {  # the axioms by which the standard library has real numbers
    "ClassicalDedekindReals.sig_not_dec",
    "ClassicalDedekindReals.sig_forall_dec",
    "FunctionalExtensionality.functional_extensionality_dep",
}
LOGARITHM = REALS | {"Classical_Prop.classic"}  # by which it defines ln


def axioms(printed: str) -> list[set[str]]:
    """The names of the axioms, for each `Print Assumptions` that has any."""
    _, *groups = printed.split("Axioms:\n")
    return [set(re.findall(r"^([\w.]+)\s*:", group, re.MULTILINE)) for group in groups]


def coqc(folder: Path, file: str) -> subprocess.CompletedProcess[str]:
    command = ["coqc", "-q", "-w", "-ambiguous-paths", "-R", ".", "Backproof", file]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


@dataclass(frozen=True, slots=True)
class Compiled:
    """The folder, and what the files print."""

    folder: Path
    printed: str

    def check(self, name: str, text: str) -> subprocess.CompletedProcess[str]:
        """What coqc says about a file beside the theorem."""
        (self.folder / f"{name}.v").write_text(text, encoding="utf-8")
        return coqc(self.folder, f"{name}.v")


def compiled_in(folder: Path) -> Compiled:
    for file in FILES:
        shutil.copy(SOURCES / file, folder)
    printed = ""
    for file in FILES:
        run = coqc(folder, file)
        assert run.returncode == 0, run.stderr
        printed += run.stdout
    return Compiled(folder, printed)
