"""The examples in the documents run as they are printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import backproof as bp

ROOT = Path(__file__).parent.parent
GRAPHS = (ROOT / "docs/graphs.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_examples_of_graphs_run_and_print_what_their_comments_say(
    require: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    require("torch")
    names: dict[str, object] = {}
    for block in blocks(GRAPHS, "python"):
        exec(block, names)
        printed = capsys.readouterr().out
        if said := re.findall(r"print\(.*\)  # (.*)", block):
            assert printed.strip() == said[0]


def test_file_of_the_guide_is_read() -> None:
    (text,) = blocks(GRAPHS, "toml")
    network = bp.from_toml(text)
    assert [array.name for array in network.parameters] == ["h.W", "h.b", "y.W", "y.b"]
    assert bp.from_toml(bp.to_toml(network)) == network


def test_graph_of_the_readme_prints_what_stands_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = next(block for block in blocks(text, "python") if "bp.graph(" in block)
    exec(block, {})
    assert f"```\n{capsys.readouterr().out}```" in text
