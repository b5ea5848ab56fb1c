"""docs/claims.md: its claim.toml is one, and its example prints what the page says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from backproof import claiming
from backproof.claim_process import lines
from tests.command import run

PAGE = (Path(__file__).parents[1] / "docs/claims.md").read_text(encoding="utf-8")
TRUE = "\\delta^l = (W^{l+1})^T \\delta^{l+1} \\odot \\sigma'(z^l)"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    block = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert block
    (tmp_path / "claim.toml").write_text(block[1], encoding="utf-8")
    monkeypatch.setattr(claiming, "answered", lambda request: (list(lines(request)), ""))
    return tmp_path


def test_the_example_prints_what_the_page_says(folder: Path) -> None:
    block = re.search(r"^    \$ (backproof claim .*)\n((?:    .*\n)+)", PAGE, re.MULTILINE)
    assert block
    done = run(*shlex.split(block[1])[1:], cwd=folder, columns=200)
    assert done.stdout.splitlines() == [line[4:] for line in block[2].splitlines()]
    assert done.returncode == 1


def test_the_formulas_at_its_top_are_true(folder: Path) -> None:
    for formula, options in (("D(C, W[l]) = outer(delta[l], a[l-1])", ()), (TRUE, ("--latex",))):
        assert formula in PAGE.replace("'\"'\"'", "'")
        assert run("claim", formula, "--given", "claim.toml", *options, cwd=folder).returncode == 0


def test_the_claim_of_the_readme_is_judged_as_it_says(folder: Path) -> None:
    root = Path(__file__).parents[1]
    text = (root / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^\$ (backproof claim .*)\n((?:.+\n)+?)…\n", text, re.MULTILINE)
    assert block
    done = run(*shlex.split(block[1])[1:], cwd=root, columns=200)
    shown = block[2].splitlines()
    assert done.stdout.splitlines()[: len(shown)] == shown
    assert (folder / "claim.toml").read_text(encoding="utf-8") in (root / "examples/claim.toml").read_text(
        encoding="utf-8"
    )
