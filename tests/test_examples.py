"""The examples, checked by the commands that they begin with."""

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.command import run

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.py") if path.stem != "scikit_learn")
WRONG_ENTRIES = {  # on the smallest network: (what is disagreed on, what is not)
    "right": ([], []),
    "wrong_1_missing_mean": (["W1", "b1"], []),
    "wrong_2_slope_at_activation": (["W1", "b1"], ["W2", "b2"]),
    "wrong_3_bias_mean": (["b1"], ["W1"]),
    "wrong_4_no_output_slope": (["W1", "b1"], []),
    "wrong_5_updated_weights": (["W1", "b1"], ["W2", "b2"]),
}
EXPLAINED = {
    "right": "",
    "wrong_1_missing_mean": "missing 1/m",
    "wrong_2_slope_at_activation": "f′(a) for f′(z)",
    "wrong_3_bias_mean": "mean for sum",
    "wrong_4_no_output_slope": "f′ missing",
    "wrong_5_updated_weights": "updated W used",
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_gets_the_verdict_that_its_name_promises(path):
    (command,) = re.findall(r"^    backproof (.*)$", path.read_text(), flags=re.MULTILINE)
    done = run(*shlex.split(command), "--max-time", "120", "--format", "json", cwd=ROOT)
    report = json.loads(done.stdout)
    assert report["verdict"] == ("right" if path.stem == "right" else "wrong"), done.stderr
    assert done.returncode == report["exit_status"] == (0 if path.stem == "right" else 1)
    assert EXPLAINED[path.stem] in " ".join(each["bug"] for each in report["explanations"])
    wrong, unharmed = WRONG_ENTRIES[path.stem]
    rows = [row for finding in report["findings"] for row in finding["tally"]]
    tally = {row["array"]: row["wrong"] for row in rows}
    assert [name for name, bad in tally.items() if bad] == wrong
    assert [name for name, bad in tally.items() if not bad] == unharmed


def test_the_line_that_repeats_a_check_repeats_it():
    request = ["check", "examples/wrong_3_bias_mean.py:gradient", "?-…-?", "--hidden", "tanh", "--seed", "7"]
    first = run(*request, cwd=ROOT)
    again = first.stdout.rpartition("again: backproof ")[2].strip()
    assert "--seed 7" in again
    assert run(*shlex.split(again), cwd=ROOT).stdout == first.stdout


def test_a_generated_module_is_right_in_its_own_layout(tmp_path):
    options = [
        "3-4-2",
        "--hidden",
        "tanh",
        "--output",
        "softmax",
        "--loss",
        "cross-entropy",
        "--l2",
        "lambda/(2*m)",
    ]
    layout = ["--weights", "in-out", "--samples", "rows", "--bias-shape", "1,n", "--labels", "integer"]
    module = tmp_path / "network.py"
    assert run("generate", *options, *layout, "-o", str(module)).returncode == 0
    done = run("check", f"{module}:gradient", *options, *layout, "--max-examples", "20")
    assert done.returncode == 0, done.stdout
    swapped = ["--weights", "out-in", *layout[2:]]
    assert run("check", f"{module}:gradient", *options, *swapped, "--max-examples", "5").returncode == 3
