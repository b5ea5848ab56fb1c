"""Whole processes: `--help` beside an empty typer app with as many commands, and `derive 2-3-1`."""

from __future__ import annotations

import subprocess
import sys

import pytest

EMPTY = """
import typer
app = typer.Typer(name="empty", help="An empty app.", add_completion=False)
for name in ("derive", "generate", "check", "latex", "prove", "demo"):
    app.command(name)(lambda: None)
app()
"""


def run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


@pytest.mark.benchmark(group="--help")
@pytest.mark.parametrize("who", ["backproof", "empty typer app"])
def test_help(benchmark, who):
    arguments = ("-m", "backproof", "--help") if who == "backproof" else ("-c", EMPTY, "--help")
    benchmark.pedantic(run, arguments, rounds=20, warmup_rounds=2)


@pytest.mark.benchmark(group="derive 2-3-1")
def test_derive(benchmark):
    benchmark.pedantic(run, ("-m", "backproof", "derive", "2-3-1"), rounds=7, warmup_rounds=1)
