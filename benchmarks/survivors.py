"""Mutants of `proofs/kernel` that survived and are not explained: none, if this ends with 0.

    mutmut run                       # at the top of the checkout: every mutant against tests/proofs/kernel
    python benchmarks/survivors.py

What is explained is a row of `tests/proofs/kernel/survivors/<module>.toml`: the changed lines and why no
test can or should tell them from the original. A row whose mutant no longer survives is stale.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

EXPLAINED = Path(__file__).parents[1] / "tests/proofs/kernel/survivors"


@dataclass(frozen=True, order=True)
class Change:
    """One mutant: the lines that it replaces, without their indentation."""

    module: str
    function: str
    was: str
    now: str


def survivors() -> Iterator[Change]:
    """What `mutmut results` says survived, each as `mutmut show` prints it."""
    for line in _mutmut("results").splitlines():
        name, _, state = line.strip().partition(": ")
        if state in ("survived", "no tests"):
            yield _change(name)


def explained() -> Iterator[Change]:
    for path in sorted(EXPLAINED.glob("*.toml")):
        for reason in tomllib.loads(path.read_text(encoding="utf-8"))["reason"]:
            assert reason["why"]
            for change in reason["changes"]:
                yield Change(path.stem, change["function"], *map(_bare, (change["was"], change["now"])))


def _change(name: str) -> Change:
    module, _, mangled = name.removeprefix("proofs.kernel.").partition(".")
    function = mangled.rpartition("__mutmut_")[0]
    function = function[1:].strip("ǁ").replace("ǁ", ".") if "ǁ" in function else function.removeprefix("x_")
    lines = _mutmut("show", name).splitlines()[3:]
    was, now = ("\n".join(line[1:] for line in lines if line.startswith(sign)) for sign in "-+")
    return Change(module, function, _bare(was), _bare(now))


def _bare(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def _mutmut(*arguments: str) -> str:
    return subprocess.run(["mutmut", *arguments], check=True, capture_output=True, text=True).stdout


def main() -> int:
    alive, known = set(survivors()), set(explained())
    for title, changes in (("unexplained", alive - known), ("stale", known - alive)):
        for each in sorted(changes):
            print(f"{title}: {each.module}.{each.function}\n  - {each.was}\n  + {each.now}")
    print(
        f"{len(alive)} survivors, {len(alive - known)} of them unexplained; {len(known - alive)} stale rows"
    )
    return 1 if alive ^ known else 0


if __name__ == "__main__":
    sys.exit(main())
