"""docs/systems.md: every command of the page runs, and prints what the page says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import run

PAGE = (Path(__file__).parent.parent / "docs/systems.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| .* \| `backproof ([^`]+)` \| (?:`([^`]+)`)? ?\|$", PAGE, flags=re.MULTILINE)
SHOWN = re.findall(r"^\$ backproof ([^\n]+)\n(.*?)```", PAGE, flags=re.MULTILINE | re.DOTALL)
TABLE = re.search(r"^# xor\.csv\n(.*?)```", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("command", "shown"), ROWS + SHOWN, ids=[command for command, _ in ROWS + SHOWN])
def test_command_of_the_page_does_what_stands_beside_it(
    tmp_path: Path, require: Callable[[str], None], command: str, shown: str
) -> None:
    if command.startswith("train"):
        require("gcc")
    assert TABLE is not None
    (tmp_path / "xor.csv").write_text(TABLE[1], encoding="utf-8")
    words = shlex.split(command)
    done = run(*words, cwd=tmp_path, columns=200)
    assert done.returncode == 0, done.stderr
    rest = done.stdout
    for piece in filter(None, (piece.strip("\n") for piece in shown.split("…\n"))):
        _, found, rest = rest.partition(piece)
        assert found, f"{piece}\nis not in\n{done.stdout}"
    if "-o" in words:
        assert (tmp_path / words[words.index("-o") + 1]).stat().st_size


def test_every_row_of_the_table_is_run() -> None:
    assert len(ROWS) == PAGE.count("| `backproof ")
