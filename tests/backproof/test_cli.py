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

from tests.command import run

RIGHT = """
import numpy as np
def gradient(params, x, t):
    (w1, b1), (w2, b2) = params
    a1 = np.tanh(w1 @ x + b1[:, None])
    d2 = (w2 @ a1 + b2[:, None] - t) / x.shape[1]
    d1 = (w2.T @ d2) * (1 - a1**2)
    return [(d1 @ x.T, d1.sum(axis=1)), (d2 @ a1.T, d2.sum(axis=1))]
"""


def in_its_own_process(*arguments, cwd=None):
    command = [sys.executable, "-m", "backproof", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def refused(*arguments, cwd=".", run=run):
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
        (["check"], ["there is no subject", "FILE.py:NAME", "--command"]),
        (["check", "net.py:f"], ["there is no SPEC", "2-3-1"]),
        (["check", "backproof.toml"], ["there is no file backproof.toml", "--init"]),
        (["check", "a", "b", "--command", "c"], ["--command is the subject", "without a"]),
        (["check", "2-3-1", "--command", "'"], ["is no command line", "quotation"]),
        (["check", "lib.so", "2-3-1", "--hidden", "tanh"], ["there is no file 'lib.so'"]),
        (["check", "f.py:f", "2-3-1", "--form", "flat"], ["'flat' says nothing", "KEY=VALUE"]),
        (["check", "f.py:f", "2-3-1", "--params", "tensor"], ["--form: no params 'tensor'", "pairs, list"]),
        (["check", "f.py:f", "2-3-1", "--form", "flavour=1"], ["--form: no key 'flavour'", "prototype"]),
        (["check", "f.py:f", "2-3-1", "--form", "eta=much"], ["eta is 'much'", "a number"]),
        (["check", "f.py:f", "2-3-1", "--set", "lambda"], ["--set lambda", "lambda=0.1"]),
        (["check", "f.py:f", "attention"], ["check needs a network or a graph", "attention is a layer"]),
        (["check", "f.py:f", "2-3-1", "--html", "no/page.html"], ["there is no folder no"]),
        (["check", "f.py:f", "2-3-1", "--junit", "/"], ["/ is a folder"]),
        (["check", "f.py:f", "2-3-1", "--emit-test", "no/test.py"], ["there is no folder no"]),
        (["check", "f.py:f", "2-3-1", "--baseline", "none.json"], ["there is no file none.json"]),
        (["check", "--init"], ["--init calls a subject"]),
        (["check", "--init", "none.py:f"], ["there is no file 'none.py'"]),
        (["prove", "2-?-1"], ["fixed sizes"]),
        (["latex", "2-3-1", "--pdf"], ["-o"]),
    ],
)
def test_impossible_request_is_named(arguments, words):
    message = refused(*arguments)
    assert all(word in message for word in words), message


def test_a_process_of_its_own_says_and_exits_likewise():
    request = ("derive", "2-0-1")
    assert refused(*request, run=in_its_own_process) == refused(*request)
    request = ("derive", "2-3-1", "--hidden", "tanh")
    done = in_its_own_process(*request)
    assert (done.returncode, done.stdout, done.stderr) == (0, run(*request).stdout, "")


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
    done = run(*arguments, "--scale", "1/m", "--set", "lambda=0.5", "--max-examples", "5", cwd=tmp_path)
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
    assert report["schema"] == 2
    assert report["verdict"] == "right"
    derived = json.loads(run("derive", "2-3-1", "--format", "json").stdout)
    assert derived["schema"] == 1
    assert {step["role"] for step in derived["equations"]} >= {"output error", "recursion", "weight gradient"}


@pytest.mark.usefixtures("interruptible")
def test_interrupted_check_exits_130_with_the_report_so_far(tmp_path):
    count = "import time; time.sleep(0.02); open('calls', 'a').write('.')"
    (tmp_path / "subject.py").write_text(RIGHT.replace("(w1, b1),", f"{count}\n    (w1, b1),"))
    command = [sys.executable, "-m", "backproof", "check", "subject.py:gradient", "2-3-1", "--hidden", "tanh"]
    process = subprocess.Popen(
        [*command, "--max-examples", "10000"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    calls = tmp_path / "calls"
    while not (calls.exists() and calls.stat().st_size > 60):  # so much is asked before the first verdict
        assert process.poll() is None
        time.sleep(0.02)
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
    shown = run("layers", columns=200).stdout
    assert "scaled dot product" in shown and "stride s = 1" in shown
    assert "A[t,u,...] = exp(S[t,u,...])/Sum(exp(S[t,v,...]), v)" in shown


def test_prove_ends_with_qed():
    done = run("prove", "1-2-1", "--loss", "E")
    assert done.returncode == 0
    assert "QED" in done.stdout


WRONG = RIGHT.replace("* (1 - a1**2)", "")
CHECK = ["check", "subject.py:gradient", "2-3-1", "--hidden", "tanh"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "subject.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    return tmp_path


def test_name_of_a_check_that_does_not_exist_is_refused(folder):
    message = refused(*CHECK, "--skip", "inputz", cwd=folder)
    assert "no check 'inputz'" in message and "inputs" in message


def test_checks_of_the_contract_are_chosen_by_name(folder):
    done = run(*CHECK, "--only", "repeat", "--max-examples", "3", "--format", "json", cwd=folder)
    told = {check["name"]: check["passed"] for check in json.loads(done.stdout)["contract"]}
    assert told.pop("repeat") == "passed"
    assert set(told.values()) == {"left out"}


def test_reports_are_written_beside_what_is_printed(folder):
    arguments = ["check", "wrong.py:gradient", "2-3-1", "--hidden", "tanh", "--html", "r.html"]
    done = run(*arguments, "--json", "r.json", "--junit", "r.xml", "--emit-test", "test_it.py", cwd=folder)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("wrong: wrong.py:gradient")
    assert (folder / "r.html").read_text().startswith("<!doctype html>")
    assert json.loads((folder / "r.json").read_text())["verdict"] == "wrong"
    assert "<testsuite" in (folder / "r.xml").read_text()
    emitted = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    assert subprocess.run(emitted, cwd=folder, capture_output=True, check=False).returncode == 1
    (folder / "wrong.py").write_text(RIGHT)
    assert subprocess.run(emitted, cwd=folder, capture_output=True, check=False).returncode == 0


def test_test_that_cannot_be_written_is_no_other_verdict(folder):
    done = run(*CHECK, "--max-examples", "3", "--emit-test", "test_it.py", cwd=folder)
    assert done.returncode == 0
    assert "test_it.py not written: subject.py:gradient is right" in done.stderr
    assert not (folder / "test_it.py").exists()


def test_what_a_baseline_knows_does_not_fail(folder):
    arguments = ["check", "wrong.py:gradient", "2-3-1", "--hidden", "tanh"]
    assert run(*arguments, "--write-baseline", "known.json", cwd=folder).returncode == 1
    known = run(*arguments, "--baseline", "known.json", cwd=folder)
    assert known.returncode == 0
    assert "all of this is in known.json" in known.stderr
    (folder / "wrong.py").write_text(RIGHT.replace("/ x.shape[1]", "/ x.shape[1] ** 2"))
    other = run(*arguments, "--scale", "1/m", "--baseline", "known.json", cwd=folder)
    assert other.returncode == 1
    assert "not in known.json: wrong gradient" in other.stderr


def test_subject_that_cannot_be_imported_exits_3(folder):
    (folder / "broken.py").write_text("import no_such_module_of_anybodys")
    done = run("check", "broken.py:gradient", "2-3-1", "--hidden", "tanh", cwd=folder)
    assert done.returncode == 3
    assert "no_such_module_of_anybodys" in done.stderr and "during import" in done.stderr


MANIFEST = """
subject = "subject.py:gradient"
[network]
sizes = "2-3-1"
hidden = ["relu"]
[layout]
weights = "out-in"
[check]
max_examples = 3
"""


def test_manifest_says_what_is_not_said_on_the_command_line(folder):
    (folder / "deep").mkdir()
    (folder / "subject.py").rename(folder / "deep" / "subject.py")
    (folder / "deep" / "backproof.toml").write_text(MANIFEST)
    arguments = ["check", "deep/backproof.toml"]
    assert run(*arguments, cwd=folder).returncode == 1
    done = run(*arguments, "--hidden", "tanh", "--seed", "4", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2-3-1, tanh then identity" in done.stdout
    assert done.stdout.endswith("again: backproof check deep/backproof.toml --hidden tanh --seed 4\n")
    assert "3-3-1" in run(*arguments, "3-3-1", "--hidden", "tanh", cwd=folder).stdout


def test_graph_of_a_file_is_checked(folder):
    (folder / "net.toml").write_text(GRAPH + 'factor = "1/2"\n')
    (folder / "graph.py").write_text(
        "def gradient(params, x, t):\n"
        "    w, b, x = params['h.W'], params['h.b'], x['x']\n"
        "    (t,) = t.values()\n"
        "    delta = (w @ x + b[:, None] + x - t) / x.shape[1]\n"
        "    return {'h.W': delta @ x.T + w, 'h.b': delta.sum(axis=1)}\n"
    )
    done = run("check", "graph.py:gradient", "net.toml", "--max-examples", "5", cwd=folder)
    assert "right: graph.py:gradient" in done.stdout, done.stdout + done.stderr


def test_program_is_a_subject_in_place_of_a_file(folder):
    (folder / "program.py").write_text(
        "import json, sys\nimport numpy as np\nfrom subject import gradient\n"
        "for line in sys.stdin:\n"
        "    told = json.loads(line)\n"
        "    arrays = {name: np.array(value) for name, value in told['params'].items()}\n"
        "    params = [(arrays['W1'], arrays['b1']), (arrays['W2'], arrays['b2'])]\n"
        "    found = gradient(params, np.array(told['x']), np.array(told['t']))\n"
        "    names = zip(arrays, (array.tolist() for pair in found for array in pair))\n"
        "    print(json.dumps({'grads': dict(names)}), flush=True)\n"
    )
    command = ["--command", f"{sys.executable} program.py", "--stays"]
    done = run("check", "2-3-1", "--hidden", "tanh", *command, "--max-examples", "3", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_c_function_is_a_subject_by_its_file(require):
    require("gcc")
    options = ["?-?-?", "--hidden", "tanh", "--loss", "half-mse", "--l2", "lambda/(2*m)"]
    root = Path(__file__).parents[2]
    for name, code in (("right", 0), ("wrong", 1)):
        done = run("check", f"examples/protocol/{name}.c:gradient", *options, cwd=root)
        assert done.returncode == code, done.stdout + done.stderr
    broken = run("check", "examples/protocol/right.c:nothing", *options, cwd=root)
    assert broken.returncode == 3
    assert "right.c has 0 definitions of a function nothing" in broken.stderr


FLAT = """
import numpy as np
from subject import gradient
def slope(theta, x, t):
    n, k = x.shape[0], t.shape[0]
    h = (theta.size - k) // (n + k + 1)
    w1, b1, w2, b2 = np.split(theta, np.cumsum([n * h, h, h * k]))
    grads = gradient([(w1.reshape(h, n), b1), (w2.reshape(k, h), b2)], x, t)
    return np.concatenate([array.ravel() for pair in grads for array in pair])
"""


def test_init_writes_a_manifest_that_checks_and_overwrites_none(folder):
    (folder / "flat.py").write_text(FLAT)
    done = run("check", "--init", "flat.py:slope", "3-4-2", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "form: params = 'flat'" in done.stdout
    assert run("check", "backproof.toml", "--max-examples", "3", cwd=folder).returncode == 0
    assert "is there already" in refused("check", "--init", "flat.py:slope", cwd=folder)


def test_init_writes_a_test_that_passes(folder):
    (folder / "flat.py").write_text(FLAT)
    assert run("check", "--init", "--pytest", "flat.py:slope", "3-4-2", cwd=folder).returncode == 0
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_flat.py"]
    home = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=folder, env=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_init_of_what_gives_no_gradient_says_so(folder):
    (folder / "none.py").write_text("def f(params, x, t):\n    return 1.0\n")
    message = refused("check", "--init", "none.py:f", cwd=folder)
    assert "in no form that is tried does none.py:f answer" in message


def test_help_of_check_fits_80_columns():
    shown = run("check", "--help", columns=80).stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert all(panel in shown for panel in ("Subject", "Layout of arrays", "Search", "Reports"))
