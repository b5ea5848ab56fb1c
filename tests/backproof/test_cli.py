"""The command line: exit codes, messages without tracebacks, files whole or not at all."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

RIGHT = """
import numpy as np
def gradient(params, x, t):
    (w1, b1), (w2, b2) = params
    a1 = np.tanh(w1 @ x + b1[:, None])
    d2 = (w2 @ a1 + b2[:, None] - t) / x.shape[1]
    d1 = (w2.T @ d2) * (1 - a1**2)
    return [(d1 @ x.T, d1.sum(axis=1)), (d2 @ a1.T, d2.sum(axis=1))]
"""


def run(*arguments, cwd=None, **options):
    return subprocess.run(
        [sys.executable, "-m", "backproof", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def refused(*arguments, cwd=None):
    """The message of a request that is impossible: one or a few lines on stderr, nothing on stdout."""
    done = run(*arguments, cwd=cwd)
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["derive", "2-0-1"], ["width 1 of 2-0-1 is 0"]),
        (["derive", "2--1"], ["width 1", "is missing"]),
        (["derive", "2-3-1", "--hidden", "relU"], ["no activation 'relU'", "relu", "tanh"]),
        (["derive", "2-3-1", "--loss", "mse"], ["two readings", "half-mse", "1/(m*k)"]),
        (["derive", "2-3-1", "--loss", "crossentropy"], ["no loss 'crossentropy'", "cross-entropy"]),
        (["derive", "2-3-1", "--output", "softmax"], ["softmax on width 1"]),
        (["derive", "2-3-2", "--loss", "cross-entropy"], ["identity does not keep in (0, 1)"]),
        (["derive", "2-3-1", "--scale", "2"], ["no scale '2'", "1/m"]),
        (["derive", "2-1", "--hidden", "tanh"], ["--hidden does not apply"]),
        (["derive", "softmax", "--loss", "huber"], ["--loss does not apply", "layer"]),
        (["derive", "nowhere.toml"], ["there is no file nowhere.toml"]),
        (["derive", "softmx"], ["no layer 'softmx'", "did you mean softmax", "backproof layers"]),
        (["derive", "attention", "--wrt", "P"], ["no array of attention", "'P'", "V, A, S, K, Q"]),
        (["derive", "attention", "--form", "closed"], ["chain of layers", "attention is a layer"]),
        (["derive", "attention", "--samples", "rows"], ["a layout is one of chains"]),
        (["latex", "attention", "--samples", "rows"], ["a layout is one of chains"]),
        (["generate", "attention", "--hidden", "tanh"], ["--hidden does not apply", "layer"]),
        (["generate", "attention"], ["chain of layers", "attention is a layer"]),
        (["derive", "Y[i,c] = Sum(W[i,j]*X[j,c]**2, j) + q"], ["'q'", "character 37"]),
        (["derive", "Y[i,c] = Z[i,c]"], ["no array of the equations begins with X"]),
        (
            ["derive", "Y[i,c] = X[i,c]", "--loss", "huber"],
            ["--loss does not apply", "equations are a layer"],
        ),
        (["derive", "2-3-1", "--hidden", "__import__('os')"], ["character 1"]),
        (["derive", "2-3-1", "--hidden", "z+zz"], ["character 3", "'zz'"]),
        (["derive", "2-3-1", "--wrt", "W3[1,1]"], ["layers 1 to 2"]),
        (["derive", "2-3-1", "--wrt", "W1[3,3]"], ["3 × 2", "counted from 1"]),
        (
            ["derive", "64-256-256-10", "--hidden", "tanh", "--form", "closed", "--wrt", "W1[1,1]"],
            ["operations"],
        ),
        (["derive", "2-?-1", "--form", "closed"], ["fixed widths"]),
        (["generate", "2-3-1"], ["undefined g", "--hidden"]),
        (["generate", "2-?-1", "--hidden", "tanh"], ["fixed sizes"]),
        (
            [
                "generate",
                "2-3-2",
                "--hidden",
                "tanh",
                "--output",
                "softmax",
                "--loss",
                "binary-cross-entropy",
            ],
            ["pole"],
        ),
        (["check", "missing.py:f", "2-3-1", "--hidden", "tanh"], ["missing.py"]),
        (["check", "noname", "2-3-1", "--hidden", "tanh"], ["FILE.py:FUNCTION"]),
        (["prove", "2-?-1"], ["fixed sizes"]),
        (["latex", "2-3-1", "--pdf"], ["-o"]),
    ],
)
def test_impossible_request_is_named(arguments, words):
    message = refused(*arguments)
    assert all(word in message for word in words), message


def test_option_that_does_not_exist_exits_2():
    assert run("derive", "2-3-1", "--no-such-option").returncode == 2


@pytest.mark.parametrize("place", [".", "no/such/folder/x.py"])
def test_unwritable_output_is_refused_and_nothing_is_left(tmp_path, place):
    message = refused("generate", "2-3-1", "--hidden", "tanh", "-o", place, cwd=tmp_path)
    assert "folder" in message
    assert list(tmp_path.iterdir()) == []


def test_files_named_like_our_packages_stay_the_users(tmp_path):
    (tmp_path / "numeric.py").write_text("import numpy as np\nSECH = lambda a: 1 - a**2\n")
    (tmp_path / "symbolic.py").write_text("raise RuntimeError('not ours to import')\n")
    (tmp_path / "proofs").mkdir()
    (tmp_path / "proofs" / "__init__.py").write_text("raise RuntimeError('not ours to import')\n")
    (tmp_path / "subject.py").write_text(
        "import numeric\n" + RIGHT.replace("(1 - a1**2)", "numeric.SECH(a1)")
    )
    arguments = ["check", "subject.py:gradient", "2-3-1", "--hidden", "tanh", "--max-examples", "10"]
    script = Path(sys.executable).with_name("backproof")
    for command in ([sys.executable, "-m", "backproof"], [str(script)]):
        if Path(command[0]).exists():
            done = subprocess.run(
                [*command, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr


def test_own_point_says_what_it_cannot_show(tmp_path):
    (tmp_path / "subject.py").write_text(RIGHT)
    rng = np.random.default_rng(3)
    np.savez(
        tmp_path / "one.npz",
        W1=rng.normal(size=(3, 2)), b1=np.zeros(3), W2=rng.normal(size=(1, 3)), b2=rng.normal(size=1),
        x=rng.normal(size=(2, 1)), t=rng.normal(size=(1, 1)),
    )  # fmt: skip
    done = run("check", "subject.py:gradient", "2-3-1", "--hidden", "tanh", "--at", "one.npz", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "cannot show" in done.stdout
    assert "m = 1" in done.stdout


def test_nan_in_parameters_is_refused(tmp_path):
    (tmp_path / "subject.py").write_text(RIGHT)
    nan = np.full((3, 2), np.nan)
    np.savez(
        tmp_path / "p.npz",
        W1=nan,
        b1=np.ones(3),
        W2=np.ones((1, 3)),
        b2=np.ones(1),
        x=np.ones((2, 2)),
        t=np.ones((1, 2)),
    )
    message = refused(
        "check", "subject.py:gradient", "2-3-1", "--hidden", "tanh", "--at", "p.npz", cwd=tmp_path
    )
    assert "W1" in message


def test_lambda_needs_a_place_to_go(tmp_path):
    (tmp_path / "subject.py").write_text(RIGHT)
    arguments = ["check", "subject.py:gradient", "2-3-1", "--hidden", "tanh", "--l2", "lambda/2"]
    message = refused(*arguments, cwd=tmp_path)
    assert "lam" in message and "--set lambda=0.1" in message
    done = run(*arguments, "--set", "lambda=0.5", "--max-examples", "5", cwd=tmp_path)
    assert done.returncode == 1, done.stdout  # it has no penalty term


def test_subject_that_raises_exits_3(tmp_path):
    (tmp_path / "subject.py").write_text(
        "def gradient(params, x, t):\n    raise ValueError('no such thing')\n"
    )
    done = run("check", "subject.py:gradient", "2-3-1", "--hidden", "tanh", cwd=tmp_path)
    assert done.returncode == 3
    assert "no such thing" in done.stdout and "line 2" in done.stdout


def test_json_report_has_a_schema(tmp_path):
    (tmp_path / "subject.py").write_text(RIGHT)
    arguments = [
        "check",
        "subject.py:gradient",
        "2-3-1",
        "--hidden",
        "tanh",
        "--max-examples",
        "3",
        "--format",
        "json",
    ]
    report = json.loads(run(*arguments, cwd=tmp_path).stdout)
    assert report["schema"] == 1
    assert report["verdict"] == "right"
    derived = json.loads(run("derive", "2-3-1", "--format", "json").stdout)
    assert derived["schema"] == 1
    assert {step["role"] for step in derived["equations"]} >= {"output error", "recursion", "weight gradient"}


def test_interrupted_check_exits_130_with_the_report_so_far(tmp_path):
    (tmp_path / "subject.py").write_text(
        RIGHT.replace("(w1, b1),", "import time; time.sleep(0.05)\n    (w1, b1),")
    )
    command = [sys.executable, "-m", "backproof", "check", "subject.py:gradient", "2-3-1", "--hidden", "tanh"]
    process = subprocess.Popen(
        [*command, "--max-examples", "10000"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert "compared:" in stdout and "interrupted" in stdout
    assert "Traceback" not in stderr


def test_closed_form_of_one_weight_reads_as_mathematics():
    done = run("derive", "1-1-1", "--wrt", "W1[1,1]", "--form", "closed")
    assert "∂E/∂W1[1,1] = (1/m)·Σ_c" in done.stdout
    assert "g1′(" in done.stdout


def test_symbolic_depth_has_ranges():
    done = run("derive", "n0-…-nL")
    assert all(text in done.stdout for text in ("1 ≤ l < L", "1 ≤ l ≤ L", "l = L"))


def test_layer_is_derived_forward_and_backward():
    shown = run("derive", "attention").stdout
    assert shown.index("forward") < shown.index("A[t,u,c] = exp(S[t,u,c])") < shown.index("backward")
    assert "∂E/∂K[d,u,c] = (1/√N_d)·Σ_t Q[d,t,c]·∂E/∂S[t,u,c]" in shown


def test_one_array_of_a_layer_comes_with_what_it_rests_on():
    shown = run("derive", "attention", "--wrt", "K").stdout.partition("backward")[2]
    assert [line.split("[")[0].strip() for line in shown.strip().splitlines()] == [
        "∂E/∂A",
        "∂E/∂S",
        "∂E/∂K",
    ]


def test_layer_is_shown_as_latex_json_matrices_and_einsum():
    assert r"[s \mid u + p - d\,k]" in run("derive", "conv1d", "--format", "latex").stdout
    assert "∂E/∂W = δ Aᵀ" in run("derive", "dense", "--form", "matrix").stdout
    assert 'einsum("duc,tuc->dtc", K, ∂E/∂S)' in run("derive", "attention", "--form", "einsum").stdout
    in_index_form = run("derive", "conv1d").stdout
    assert run("derive", "conv1d", "--form", "matrix").stdout.split("∂E/∂b")[0].split() == (
        in_index_form.split("∂E/∂b")[0].split()
    )
    equations = json.loads(run("derive", "gather", "--format", "json").stdout)["equations"]
    assert [step["matrix"] for step in equations] == [None, None]
    assert equations[1]["text"] == "∂E/∂X[J[q],c] += ∂E/∂Y[q,c]"


def test_typed_equations_are_a_layer():
    shown = run("derive", "H[i,c] = Sum(W[i,j]*X[j,c], j); Y[i,c] = H[i,c]**2").stdout
    assert "∂E/∂X[j,c] = Σ_i W[i,j]·∂E/∂H[i,c]" in shown


GRAPH = """
[inputs]
x = [3, "m"]
[nodes.h]
layer = "dense"
inputs = ["x"]
units = 3
[nodes.y]
layer = "add"
inputs = ["h", "x"]
[losses.E]
loss = "half-squared"
inputs = ["y"]
[losses.P]
layer = "l2"
inputs = ["h.W"]
"""


def test_graph_of_a_file_is_derived_and_typeset(tmp_path):
    (tmp_path / "net.toml").write_text(GRAPH)
    shown = run("derive", "net.toml", cwd=tmp_path).stdout
    assert "the sum E + P" in shown
    assert "∂E/∂h.b[i] = Σ_c ∂E/∂h[i,c]" in shown
    by_input = run("derive", "net.toml", "--wrt", "x", cwd=tmp_path).stdout
    assert "∂E/∂x[" in by_input and "∂E/∂h.W[" not in by_input
    assert "did you mean 'h.W'" in refused("derive", "net.toml", "--wrt", "hW", cwd=tmp_path)
    assert run("latex", "net.toml", cwd=tmp_path).stdout.count(r"\partial W^{(h)}_{") == 1


def test_layer_of_a_file_is_derived(tmp_path):
    (tmp_path / "mine.toml").write_text('[layer]\nequations = ["Y[i,c] = sin(X[i,c])"]\nname = "wave"\n')
    shown = run("derive", "./mine.toml", cwd=tmp_path).stdout
    assert shown.startswith("layer wave") and "∂E/∂X[i,c] = ∂E/∂Y[i,c]·cos(X[i,c])" in shown


def test_layers_are_listed_with_equations_and_settings():
    shown = run("layers", env={**os.environ, "COLUMNS": "200"}).stdout
    assert "scaled dot product" in shown and "stride s = 1" in shown
    assert "A[t,u,...] = exp(S[t,u,...])/Sum(exp(S[t,v,...]), v)" in shown


def test_prove_ends_with_qed():
    done = run("prove", "1-2-1", "--loss", "E")
    assert done.returncode == 0
    assert "QED" in done.stdout
