"""docs/checking.md, and the README's check: every command prints what stands below it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backproof.contract import CHECKS
from tests.command import run

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/checking.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, flags=re.DOTALL)
FILES = {
    match[1]: text
    for _, text in BLOCKS
    if (match := re.match(r"# ([\w.]+\.(?:py|toml))\n", text)) is not None
}
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONSOLE = "".join(text for language, text in BLOCKS if language == "console")
COMMAND = re.compile(r"\$ backproof (check[^\n]*)\n(.*?)(?=\$ |```|\Z)", flags=re.DOTALL)
COMMANDS = COMMAND.findall(CONSOLE) + COMMAND.findall(README)
PATIENT = ["--max-time", "200"]  # whatever else the machine does
NEEDED = {"torch": "torch_loss", "node": "node ", "gcc": "right.c"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


@pytest.mark.parametrize(("command", "shown"), COMMANDS, ids=[command[:60] for command, _ in COMMANDS])
def test_command_of_the_page_prints_what_stands_below_it(
    folder: Path, require: Callable[[str], None], command: str, shown: str
) -> None:
    for component, mark in NEEDED.items():
        if mark in command:
            require(component)
    line, _, comment = command.partition("  # ")
    if "--baseline" in line:
        run(*shlex.split(line.replace("--baseline", "--write-baseline")), cwd=folder)
    done = run(*shlex.split(line), *PATIENT, cwd=folder)
    rest = done.stdout
    for piece in filter(None, (piece.strip("\n") for piece in shown.split("…\n"))):
        before, found, rest = rest.partition(piece)
        assert found, f"{piece}\nis not in\n{before}{done.stderr}"
    verdict = done.stdout.partition(":")[0]
    assert done.returncode == int(verdict == "wrong" and not comment)
    for path in re.findall(r"--(?:html|json|junit|emit-test|write-baseline) (\S+)", line):
        assert (folder / path).stat().st_size


def test_python_of_the_page_holds(folder: Path) -> None:
    (text,) = (
        text for language, text in BLOCKS if language == "python" and text.startswith("import backproof")
    )
    (folder / "library.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "library.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr


def test_every_check_of_the_contract_is_listed() -> None:
    assert re.findall(r"^\| `([\w-]+)` \| (.*) \|$", PAGE, flags=re.MULTILINE) == [
        (name, check.says) for name, check in CHECKS.items()
    ]
