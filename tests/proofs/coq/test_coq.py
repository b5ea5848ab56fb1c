"""The backpropagation theorem as Coq checks it: it compiles, rests on known axioms, refuses wrong rules."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.coq_files import FILES, LOGARITHM, REALS, SOURCES, Compiled, axioms, coqc


def test_the_theorems_rest_on_the_standard_librarys_axioms_alone(compiled: Compiled) -> None:
    assert axioms(compiled.printed) == [REALS, LOGARITHM]


def test_the_axioms_of_every_theorem_are_printed() -> None:
    stated = {
        name
        for file in FILES
        for name in re.findall(r"^Theorem (\w+)", (SOURCES / file).read_text(encoding="utf-8"), re.MULTILINE)
    }
    listed = re.findall(r"\w+", (SOURCES / "Assumptions.v").read_text(encoding="utf-8"))
    assert "backpropagation" in stated and stated <= set(listed)


def test_every_file_is_compiled() -> None:
    assert sorted(FILES) == sorted(file.name for file in SOURCES.glob("*.v"))


# file, a definition or statement as it stands, the same said otherwise or wrongly
REWORDED = {
    "transpose written out": (
        "Backpropagation.v",
        "mul (n l) (transpose (W p l)) (through",
        "mul (n l) (fun j i => W p l i j) (through",
    ),
    "slope on the right": ("Activations.v", "slope (Z i c) * Ybar i c", "Ybar i c * slope (Z i c)"),
    "slope of sigmoid multiplied out": (
        "Activations.v",
        "R := sigmoid z * (1 - sigmoid z)",
        "R := sigmoid z - sigmoid z ^ 2",
    ),
    "penalty with its half in front": ("Costs.v", "lambda / 2 * sum L", "/ 2 * lambda * sum L"),
}
WRONG = {
    "no transpose in the recursion": (
        "Backpropagation.v",
        "mul (n l) (transpose (W p l)) (through",
        "mul (n l) (W p l) (through",
    ),
    "weights of the layer below in the recursion": (
        "Backpropagation.v",
        "mul (n l) (transpose (W p l)) (through",
        "mul (n l) (transpose (W p (pred l))) (through",
    ),
    "cotangent of A for cotangent of Z": (
        "Backpropagation.v",
        "matrix := adjoint (f l) (theta p l) (Z l) Abar",
        "matrix := Abar",
    ),
    "weight gradient with the layer's own output": (
        "Backpropagation.v",
        "(transpose (A (pred l)))",
        "(transpose (A l))",
    ),
    "bias gradient doubled": (
        "Backpropagation.v",
        "(sum m (fun c => delta p X L (Ybar p X) (S l) i c)).",
        "(2 * sum m (fun c => delta p X L (Ybar p X) (S l) i c)).",
    ),
    "no slope": ("Activations.v", "slope (Z i c) * Ybar i c", "Ybar i c"),
    "slope of sigmoid without its second factor": (
        "Activations.v",
        "R := sigmoid z * (1 - sigmoid z)",
        "R := sigmoid z",
    ),
    "softmax by its diagonal alone": (
        "Activations.v",
        "(Ybar i c - sum n (fun r => Ybar r c * softmax_value n Z r c))",
        "(Ybar i c)",
    ),
    "batch norm with its mean held fixed": (
        "BatchNorm.v",
        "(Ybar i c - average m (Ybar i) -\n",
        "(Ybar i c -\n",
    ),
    "no scale in the gradient": (
        "Costs.v",
        "fun i c => s * slope c (column Y c) i",
        "fun i c => slope c (column Y c) i",
    ),
    "softmax with cross-entropy whatever the labels' sum": (
        "Costs.v",
        "sum (n (S L)) (fun r => T r c) = 1 ->",
        "sum (n (S L)) (fun r => T r c) = 2 ->",
    ),
    "penalty without its half": ("Costs.v", "lambda / 2 * sum L", "lambda * sum L"),
    "another number": ("Examples.v", "point w) input) 1 2.", "point w) input) 1 3."),
}


def compile_with(folder: Path, tmp_path: Path, change: tuple[str, str, str]) -> tuple[int, int, str]:
    """The return code, the line that was changed, and what coqc says about the changed file."""
    file, old, new = change
    text = (SOURCES / file).read_text(encoding="utf-8")
    assert text.count(old) == 1
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / file).write_text(text.replace(old, new), encoding="utf-8")
    run = coqc(tmp_path, file)
    return run.returncode, text[: text.index(old)].count("\n") + 1, run.stderr


@pytest.mark.parametrize("change", REWORDED.values(), ids=REWORDED)
def test_coq_accepts_the_same_rule_in_other_words(
    change: tuple[str, str, str], compiled: Compiled, tmp_path: Path
) -> None:
    code, _, said = compile_with(compiled.folder, tmp_path, change)
    assert code == 0, said


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_coq_rejects_a_wrong_rule_in_a_proof_after_it(
    change: tuple[str, str, str], compiled: Compiled, tmp_path: Path
) -> None:
    code, changed, said = compile_with(compiled.folder, tmp_path, change)
    place = re.search(r"line (\d+), characters .*:\nError", said)
    assert code == 1 and place and int(place[1]) > changed, said
