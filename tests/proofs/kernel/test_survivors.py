"""What is said of mutants that no test sees is said of lines that there are."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import proofs.kernel

KERNEL = Path(proofs.kernel.__file__).parent
EXPLAINED = sorted((Path(__file__).parent / "survivors").glob("*.toml"))


@pytest.mark.parametrize("path", EXPLAINED, ids=lambda path: path.stem)
def test_an_explained_mutant_changes_a_line_of_its_function(path: Path) -> None:
    lines = {line.strip() for line in (KERNEL / f"{path.stem}.py").read_text(encoding="utf-8").splitlines()}
    for reason in tomllib.loads(path.read_text(encoding="utf-8"))["reason"]:
        assert reason["why"].endswith(".")
        for change in reason["changes"]:
            assert change["was"] != change["now"]
            assert {line.strip() for line in change["was"].strip().splitlines()} <= lines
            name = change["function"].rpartition(".")[2]
            assert any(line.startswith(f"def {name}(") for line in lines)


def test_the_kernel_has_explanations() -> None:
    assert EXPLAINED
