"""cppcheck's MISRA addon over generated C: what deviates is what docs/misra.md lists and justifies."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from symbolic.codegen.c.source_file import c_module
from symbolic.codegen.request import Request, optimizer
from symbolic.network import mlp

DOCUMENT = Path(__file__).parents[3] / "docs" / "misra.md"
PATIENCE = 120  # seconds
CPPCHECK = (
    *("cppcheck", "--quiet", "--addon=misra", "--std=c99", "--enable=warning,performance,portability"),
    *("--suppress=missingIncludeSystem", "--template={id}"),
)
STRAIGHT = Request(
    mlp("2-3-1", hidden="tanh"), form="straight-line", dtype="float32", optimizer=optimizer("momentum")
)
LOOPS = Request(
    mlp("3-4-2-2", hidden=("gelu", "leaky_relu"), loss="huber", l1="lambda", l2="lambda/(2*m)"),
    form="loops",
    hvp=True,
    optimizer=optimizer("adam"),
)
BLOCKS = Request(
    mlp("3-16-4", hidden="sigmoid", output="softmax", loss="cross-entropy"), form="blocks", batch=32
)


def deviations(files: Mapping[str, str], folder: Path) -> set[str]:
    """The rules that cppcheck reports, as `misra-c2012-12.1`, and its own findings by their names."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    sources = [name for name in files if name.endswith(".c")]
    done = subprocess.run(
        [*CPPCHECK, *sources],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    return set(done.stderr.split())


def listed(*forms: str) -> set[str]:
    """The rules of the document's table whose form is one of these."""
    rows = re.findall(
        r"^\| (\d+\.\d+) \| \w+ \| (\w+) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {f"misra-c2012-{rule}" for rule, form in rows if form in forms}


@pytest.mark.parametrize(
    ("form", "requests"), [("all", (STRAIGHT, LOOPS)), ("blocks", (BLOCKS,))], ids=["all", "blocks"]
)
def test_what_deviates_is_what_the_document_lists_and_justifies(
    require: Callable[[str], None], tmp_path: Path, form: str, requests: Sequence[Request]
) -> None:
    require("cppcheck")
    found = [deviations(c_module(request).files, tmp_path) for request in requests]
    assert set().union(*found) | listed("all") == listed("all", form)
    assert set().union(*found) >= listed(form)


def test_the_addon_sees_a_deviation(require: Callable[[str], None], tmp_path: Path) -> None:
    require("cppcheck")
    leaps = "int leaps(int n)\n{\n    if (n > 0) { goto end; }\n    n = 1;\nend:\n    return n;\n}\n"
    assert "misra-c2012-15.1" in deviations({"leaps.c": leaps}, tmp_path)
