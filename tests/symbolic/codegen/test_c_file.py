"""Generated C: right for every chain and layer, clean under compilers and sanitizers, the same bytes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import symbolic
from numeric import backprop
from numeric.arrays import evaluate_arrays
from numeric.second_order import hessian
from symbolic.activations import ACTIVATIONS
from symbolic.codegen.c.source_file import c_module
from symbolic.codegen.request import Dtype, Form, Request, optimizer
from symbolic.conventions import CHOICES, Layout
from symbolic.derivation import derive
from symbolic.errors import Unsupported
from symbolic.graph import Graph, graph, loss, node
from symbolic.graph_program import graph_program
from symbolic.layers import LAYERS
from symbolic.losses import LAMBDA, SAMPLES
from symbolic.network import Network, mlp
from symbolic.notation import Array
from symbolic.second_order import hessian_vector
from tests.graph_strategies import graphs, recurrences
from tests.layer_cases import CASES, OWN, Case, alone, rows_of
from tests.symbolic.codegen.c_library import CXX, Function, compiled, loaded
from tests.symbolic.helpers import networks

ROOT = Path(symbolic.__file__).parents[1]
LAYOUTS = [Layout(*choice) for choice in product(*CHOICES.values())][::3]
NAMED = [*ACTIVATIONS, "leaky_relu(3/10)", "z*tanh(z)", "where(z > 1/2, z**2, z < -1, 0, z)"]
HEADS = [
    *((output, name) for output in NAMED[:-2] for name in ("squared", "huber", "hinge")),
    *((output, "cross-entropy") for output in ("softmax", "sigmoid")),
    *(("softmax", "label-smoothing(2/7)"), ("softmax", "kl"), ("exp", "poisson")),
    ("sigmoid", "binary-cross-entropy"),
]
SECOND_ORDER = ("batch-norm", "conv1d", "gru-cell", "swiglu", "own: data decide", "own: a matrix twice")
LAM, M = 0.3, 3
CLOSE: Mapping[Dtype, float] = {"float64": 1e-12, "float32": 2e-4}  # of the largest entry
FLOAT32, FLOAT64 = "float32", "float64"
Functions = Mapping[str, Function]


@pytest.fixture(autouse=True)
def _gcc(require: Callable[[str], None]) -> None:
    require("gcc")


def agrees(found: Any, expected: Any, dtype: Dtype, largest: float = 1.0) -> bool:
    """Whether every entry is within rounding of the largest one."""
    bound = CLOSE[dtype] * max(largest, float(np.abs(expected).max(initial=0)))
    return bool(np.shape(found) == np.shape(expected) and np.abs(found - expected).max(initial=0) <= bound)


def buffer(pairs: Sequence[tuple[Any, Any]], layout: Layout) -> Any:
    """Parameters or their gradient in the order of the buffer."""
    turned = layout.weights == "in-out"
    arrays = (each for w, b in pairs for each in (w.T if turned else w, b) if each is not None)
    return np.concatenate([each.ravel() for each in arrays])


def point(network: Network, layout: Layout, seed: int, samples: int) -> tuple[Any, Any, Any]:
    """Parameters, inputs and targets."""
    random, sizes = np.random.default_rng(seed), network.sizes
    pairs = [
        (random.normal(size=(n, k)), random.normal(size=n) if layer.bias else None)
        for k, n, layer in zip(sizes, sizes[1:], network.layers, strict=False)
    ]
    x, t = random.normal(size=(sizes[0], samples)), random.uniform(0.1, 0.9, (sizes[-1], samples))
    if layout.labels == "integer":
        t = np.eye(sizes[-1])[:, random.integers(0, sizes[-1], samples)]
    return pairs, x, t


def is_moderate(network: Network, pairs: Any, x: Any) -> bool:
    """Whether no number is so large that float has few digits to spare, as in exp of exp."""
    with np.errstate(all="ignore"):
        layers = backprop.forward(network, pairs, x)
    return all(np.abs(z).max() < 30 and np.abs(a).max() < 1e3 for z, a in layers)


def check_chain(request: Request, functions: Functions, seed: int, *, samples: int) -> None:
    """Every function of a chain against the backprop written by hand."""
    network, layout, dtype = request.network, request.layout, request.dtype
    assert isinstance(network, Network)
    pairs, x, t = point(network, layout, seed, samples)
    output = backprop.forward(network, pairs, x)[-1][1]
    error = backprop.loss(network, pairs, x, t, lam=LAM)
    gradient = buffer(backprop.gradient(network, pairs, x, t, lam=LAM), layout)
    rows = layout.samples == "rows"
    data = {
        "params": buffer(pairs, layout),
        "x": x.T if rows else x,
        "t": t.argmax(axis=0) if layout.labels == "integer" else t.T if rows else t,
        "lam": LAM,
        "m": samples,
    }
    end = "" if samples == 1 else "_batch"
    blank = np.full(gradient.size, np.nan)
    output = output.T if rows else output
    _, buffers = functions[f"forward{end}"](**data, a=np.full(output.shape, np.nan))
    assert agrees(buffers["a"], output, dtype)
    assert agrees(functions[f"loss{end}"](**data)[0], error, dtype)
    _, buffers = functions[f"gradient{end}"](**data, grad=blank)
    assert agrees(buffers["grad"], gradient, dtype)
    found, buffers = functions[f"loss_and_gradient{end}"](**data, grad=blank)
    assert agrees(found, error, dtype) and agrees(buffers["grad"], gradient, dtype)


@settings(max_examples=6)
@given(
    networks(activations=NAMED[:-2], objectives=HEADS, largest=5),
    st.sampled_from(LAYOUTS),
    st.integers(0, 2**32),
)
def test_functions_of_a_drawn_chain_agree_with_the_backprop_written_by_hand(
    network: Network, layout: Layout, seed: int
) -> None:
    assume(all(is_moderate(network, *point(network, layout, seed, samples)[:2]) for samples in (1, M)))
    requests = [
        Request(network, layout, dtype, f"net_{form[0]}_{dtype}", form=form)
        for dtype, form in ((FLOAT64, "loops"), (FLOAT64, "straight-line"), (FLOAT32, "loops"))
    ]
    with tempfile.TemporaryDirectory() as folder:
        every = loaded(requests, Path(folder))
        for request, functions in zip(requests, every, strict=True):
            for samples in (1, M):
                check_chain(request, functions, seed, samples=samples)


def check_graph(request: Request, functions: Functions, case: Any) -> None:
    """Every function of a graph against its steps on whole arrays."""
    network = request.network
    assert isinstance(network, Graph)
    values = case.values()
    made = graph_program(network, wrt=network.parameters)
    known = evaluate_arrays(made.steps, values, case.scalars)
    error = case.error(known)
    arguments = {name.lstrip("*"): name for each in functions.values() for name in _names(each)}
    data: dict[str, Any] = {"m": case.samples, "lam": case.scalars[LAMBDA]}
    given = (*map(network.arrays.get, network.inputs), *network.constants)
    for array in given:
        assert isinstance(array, Array)
        data[next(name for name in arguments if _same(name, array.name))] = values[array]
    parameters = [values[array].ravel() for array in network.parameters]
    if parameters:
        data["params"] = np.concatenate(parameters)
    if "forward_batch" in functions:
        outputs = [name for name in _names(functions["forward_batch"]) if name.startswith("out_")]
        blank = {name: np.full(known[_output(network, name)].shape, np.nan) for name in outputs}
        _, buffers = functions["forward_batch"](**data, **blank)
        for name in outputs:
            assert agrees(buffers[name], known[_output(network, name)], request.dtype), name
    assert agrees(functions["loss_batch"](**data)[0], error, request.dtype)
    if parameters:
        gradient = np.concatenate([known[array.bar].ravel() for array in network.parameters])
        blank = np.full(gradient.size, np.nan)
        assert agrees(functions["gradient_batch"](**data, grad=blank)[1]["grad"], gradient, request.dtype)
        found, buffers = functions["loss_and_gradient_batch"](**data, grad=blank)
        assert agrees(found, error, request.dtype) and agrees(buffers["grad"], gradient, request.dtype)

    if "hvp_batch" in functions:
        products = hessian_vector(derive(network, wrt=network.parameters), network.parameters)
        v = {array: np.cos(1 + np.arange(values[array].size)) for array in network.parameters}
        directions = {products.directions[array]: v[array].reshape(values[array].shape) for array in v}
        steps = evaluate_arrays(products.steps, {**values, **directions}, case.scalars)
        expected = np.concatenate([steps[products.products[array]].ravel() for array in network.parameters])
        given_v = np.concatenate(list(v.values()))
        _, buffers = functions["hvp_batch"](**data, v=given_v, product=np.full(given_v.size, np.nan))
        assert agrees(buffers["product"], expected, request.dtype)


def _names(function: Function) -> list[str]:
    return [each.rpartition(" ")[2].lstrip("*") for each in function.arguments]


def _same(name: str, label: str) -> bool:
    """Whether an identifier is that of an array such as y.J."""
    return re.sub(r"\W", "_", label) == re.sub(r"_1$", "", name) or re.sub(r"\W", "_", label) == name


def _output(network: Graph, name: str) -> Array:
    return network.arrays[name.removeprefix("out_")]


def one_for_each_layer() -> list[str]:
    """Names of cases that have every row of LAYERS, and every own equation."""
    seen: set[str] = set()
    found = []
    for name, case in CASES.items():
        if rows_of(case) - seen - {"loss"} or "padded" in name or name.removeprefix("own: ") in OWN:
            seen |= rows_of(case)
            found.append(name)
    assert seen | {"loss"} >= LAYERS.keys()
    return found


def test_functions_of_every_layer_agree_with_its_steps_on_whole_arrays(tmp_path: Path) -> None:
    names = one_for_each_layer()
    requests = [
        Request(
            CASES[name].graph,
            dtype=FLOAT32 if number % 4 == 0 else FLOAT64,
            name=f"net{number}",
            hvp=name in SECOND_ORDER,
        )
        for number, name in enumerate(names)
    ]
    for name, request, functions in zip(names, requests, loaded(requests, tmp_path), strict=True):
        try:
            check_graph(request, functions, CASES[name])
        except AssertionError as wrong:
            raise AssertionError(name) from wrong


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(deepest=4) | recurrences())
def test_functions_of_a_drawn_graph_agree_with_its_steps_on_whole_arrays(drawn: Graph) -> None:
    request = Request(drawn, name="net")
    with tempfile.TemporaryDirectory() as folder:
        (functions,) = loaded([request], Path(folder))
        check_graph(request, functions, Case(drawn))


def test_comparison_rejects_a_derivation_with_a_bug(tmp_path: Path) -> None:
    """Canary: the code of another loss, and an equation that was changed, do not pass."""
    network = mlp(2, 4, 3, hidden="tanh", loss="half-squared")
    other = mlp(2, 4, 3, hidden="tanh", loss="squared")
    (wrong,) = loaded([Request(other, name="net", form="loops")], tmp_path)
    with pytest.raises(AssertionError):
        check_chain(Request(network), wrong, 0, samples=M)
    right, wrong_case = alone("dense", (4,), units=3), alone("dense", (4,), units=3, end="squared")
    (tmp_path / "graph").mkdir()
    (functions,) = loaded([Request(wrong_case.graph, name="graph")], tmp_path / "graph")
    check_graph(Request(wrong_case.graph), functions, wrong_case)
    with pytest.raises(AssertionError):
        check_graph(Request(right.graph), functions, right)


HOSTILE = graph(
    inputs={"while": (3, "m"), "m": (3, "m"), "state": (2, "m"), "c": (2, "m")},
    nodes={
        "*/ int": node("dense", "while", units=4),
        "work": node("tanh", "*/ int"),
        "a/*b??/": node("add", "while", "m"),
        "Σ": node("dense", "work", units=3),
        "W": node("multiply", "Σ", "a/*b??/"),
        "w": node("dense-no-bias", "W", units=2),
        "network_square": node("multiply", "state", "c"),
        "k": node("add", "w", "network_square"),
    },
    losses={"E": loss("half-squared", "k", "double")},
)
CHAINS: Mapping[str, Request] = {
    "2-3-1-tanh": Request(mlp(2, 3, 1, hidden="tanh", loss="half-mse")),
    "2-3-1-tanh-loops-adam-hvp": Request(
        mlp(2, 3, 1, hidden="tanh", loss="half-mse"), form="loops", hvp=True, optimizer=optimizer("adam")
    ),
    "3-4-2-softmax-rows-float32": Request(
        mlp(3, 4, 2, hidden="softmax", output="softmax", loss="cross-entropy", l2="lambda/m", l1="1/10"),
        Layout("in-out", "rows", "n", "integer"),
        FLOAT32,
        form="loops",
    ),
    "2-5-2-gelu-no-bias-huber": Request(
        mlp(2, 5, 2, hidden="gelu", bias=False, loss="huber", scale="1/(m*k)"), form="loops"
    ),
}
GRAPHS: Mapping[str, Request] = {
    "conv1d": Request(CASES["conv1d, strided, padded, dilated"].graph, dtype=FLOAT32),
    "batch-norm": Request(CASES["batch-norm"].graph, hvp=True),
    "max-pool": Request(CASES["max-pool1d, overlapping, padded"].graph),
    "embedding": Request(CASES["embedding"].graph, optimizer=optimizer("sgd")),
    "hostile": Request(HOSTILE),
}
EVERY = {**CHAINS, **GRAPHS}


@pytest.mark.parametrize("name", EVERY)
def test_files_are_the_golden_ones(name: str, golden: Callable[[str, str], None]) -> None:
    for file, text in c_module(EVERY[name]).files.items():
        golden(f"c/{name}/{file}", text)


def numbered(requests: Mapping[str, Request]) -> list[Request]:
    return [replace(request, name=f"net{number}") for number, request in enumerate(requests.values())]


@pytest.mark.parametrize(
    "compiler", [CXX, ("clang", "-std=c99"), ("clang++", "-std=c++17", "-x", "c++")], ids=str
)
def test_files_compile_without_a_warning(
    compiler: tuple[str, ...], tmp_path: Path, require: Callable[[str], None]
) -> None:
    if compiler[0].startswith("clang"):
        require("clang")
    compiled([c_module(each) for each in numbered(EVERY)], tmp_path, "-O0", compiler=compiler)


def run_selftests(requests: Sequence[Request], folder: Path, *flags: str) -> list[int]:
    """What the self-tests return, run by a main of ours."""
    files = [c_module(each) for each in requests]
    main = "\n".join(
        [
            "#include <stdio.h>",
            *(f"int {each.name}_selftest(void);" for each in requests),
            "int main(void) {",
            *(f'    (void)printf("%d\\n", {each.name}_selftest());' for each in requests),
            "    return 0;",
            "}",
        ]
    )
    (folder / "main.c").write_text(main)
    without = [f"-D{each.name.upper()}_SELFTEST_NO_MAIN" for each in requests]
    program = compiled(files, folder, "main.c", *without, *flags, selftests=True)
    done = subprocess.run([program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


def test_selftests_pass_under_the_sanitizers(tmp_path: Path) -> None:
    requests = numbered(EVERY)
    flags = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    assert run_selftests(requests, tmp_path, *flags) == [0] * len(requests)


def test_selftest_passes_under_valgrind(tmp_path: Path, require: Callable[[str], None]) -> None:
    require("valgrind")
    requests = numbered({"chain": CHAINS["2-5-2-gelu-no-bias-huber"], "graph": GRAPHS["batch-norm"]})
    assert run_selftests(requests, tmp_path, "-O1", "-g") == [0, 0]
    command = ["valgrind", "-q", "--error-exitcode=9", tmp_path / "selftest"]
    assert subprocess.run(command, capture_output=True, timeout=100).returncode == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" - t[", " + t["),
        ("dw1[i * 2u + j] +=", "dw1[i * 2u + j] -="),
        ("w2[i * 5u + j]", "w2[j * 2u + i]"),
        ("0.7071067811865476", "0.7071067811865000"),
        ("0.5 / (double)m", "1.0 / (double)m"),
    ],
)
def test_selftest_rejects_a_file_with_a_bug(old: str, new: str, tmp_path: Path) -> None:
    generated = c_module(CHAINS["2-5-2-gelu-no-bias-huber"])
    source = generated.files["network.c"]
    assert old in source
    broken = replace(generated, files={**generated.files, "network.c": source.replace(old, new)})
    program = compiled([broken], tmp_path, selftests=True)
    assert subprocess.run([program], timeout=60).returncode == 1


PRINTED = """
import sys
from symbolic.codegen.c.source_file import c_module
from tests.symbolic.codegen.test_c_file import EVERY
sys.stdout.reconfigure(encoding="utf-8")
for name in ("2-3-1-tanh-loops-adam-hvp", "3-4-2-softmax-rows-float32", "batch-norm", "hostile"):
    print(c_module(EVERY[name]).files)
"""


def test_files_are_the_same_byte_for_byte_whatever_the_hash_seed() -> None:
    found = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        command = (sys.executable, "-c", PRINTED)
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
        found.append(done.stdout)
    assert found[0] == found[1] and len(found[0]) > 10_000


def test_hessian_vector_products_of_a_chain_are_those_of_its_hessian(tmp_path: Path) -> None:
    network = mlp(2, 4, 3, hidden=["sigmoid"], output="softmax", loss="cross-entropy", l2="lambda/2")
    requests = [
        Request(network, name=form[0], hvp=True, form=form) for form in ("loops", "straight-line", "blocks")
    ]
    random = np.random.default_rng(0)
    derivation = derive(network)
    known = {step.target for step in derivation.steps}
    scalars = {SAMPLES: 1, LAMBDA: LAM}
    read = dict.fromkeys(array for step in derivation.steps for array in step.inputs if array not in known)
    values = {
        array: random.uniform(0.1, 0.9, [1 if size == SAMPLES else int(size) for size in array.shape])
        for array in sorted(read, key=lambda array: (array.layer or 0, array.name))
    }
    parameters = [array for array in values if array.name in "Wb"]
    whole = hessian(derivation, values, scalars, wrt=parameters)
    v = random.normal(size=len(whole))
    data = {array.name.lower(): values[array].ravel() for array in values if array.name in "XT"}
    given = np.concatenate([values[array].ravel() for array in parameters])
    for functions in loaded(requests, tmp_path):
        blank = np.full(len(whole), np.nan)
        _, buffers = functions["hvp"](params=given, **data, lam=LAM, v=v, product=blank)
        assert agrees(buffers["product"], whole @ v, FLOAT64)


@pytest.mark.parametrize("output", ["sigmoid", "tanh", "softmax", "softplus", "silu", "mish", "gelu"])
def test_extreme_inputs_give_finite_numbers(output: str, tmp_path: Path) -> None:
    head = {"sigmoid": "binary-cross-entropy", "softmax": "cross-entropy"}.get(output, "huber")
    network = mlp(2, 2, output=output, loss=head, scale="1")
    (functions,) = loaded([Request(network, name="net", form="loops", hvp=True)], tmp_path)
    values = [-1e300, -1e3, -40.0, 1e-300, 40.0, 1e3]
    x = np.array(list(product(values, repeat=2))).T
    t = np.tile([[0.25], [0.75]], x.shape[1])
    data = {"params": np.array([1.0, 0, 0, 1, 0, 0]), "x": x, "t": t, "m": x.shape[1]}
    error, buffers = functions["loss_and_gradient_batch"](**data, grad=np.zeros(6))
    assert (
        np.isfinite(error) and not np.isnan(buffers["grad"]).any() and np.isfinite(buffers["grad"][4:]).all()
    )


def test_training_steps_are_those_of_the_table(tmp_path: Path) -> None:
    rows = [optimizer(name) for name in ("sgd", "momentum", "adam")]
    network = mlp(2, 3, 1, hidden="tanh")
    random, every = np.random.default_rng(0), [Request(network, name=row.name, optimizer=row) for row in rows]
    for row, functions in zip(rows, loaded(every, tmp_path), strict=True):
        held = {str(state): random.uniform(0.1, 1, 13) for state in row.states}
        held |= {"params": random.normal(size=13), "grad": random.normal(size=13)}
        settings_ = {str(symbol): float(value) for symbol, value in row.settings.items()}
        _, buffers = functions[f"{row.name}_step"](**held, **settings_, step=3)
        now = {"w": held["params"], "g": held["grad"], "step": 3.0, **settings_, **held}
        for target, value in row.updates:
            symbols = sorted(value.free_symbols, key=str)
            entries = [
                float(
                    value.subs({s: now[str(s)][at] if np.ndim(now[str(s)]) else now[str(s)] for s in symbols})
                )
                for at in range(13)
            ]
            now[str(target)] = np.array(entries)
            name = "params" if str(target) == "w" else str(target)
            assert agrees(buffers[name], now[str(target)], FLOAT64), (row.name, name)


@pytest.mark.parametrize("form", ["blocks", "straight-line"])
def test_graph_in_a_form_for_chains_is_refused(form: Form) -> None:
    with pytest.raises(Unsupported) as refusal:
        c_module(Request(CASES["dense"].graph, form=form))
    assert str(refusal.value) == f"form {form!r} is for chains; a graph is written in the form 'loops'"


def test_memory_of_uncoupled_samples_does_not_grow_with_them() -> None:
    size = re.compile(r"#define NETWORK_WORK\(m\) \((.*)\)")
    uncoupled, coupled = (c_module(GRAPHS[name]).files["network.h"] for name in ("conv1d", "batch-norm"))
    assert "m" not in size.findall(uncoupled)[0] and "m" in size.findall(coupled)[0]


def test_choice_of_form_is_said() -> None:
    assert c_module(CHAINS["2-3-1-tanh"]).choice.startswith("straight-line")
    for name in ("2-3-1-tanh-loops-adam-hvp", "conv1d", "batch-norm"):
        generated = c_module(EVERY[name])
        assert generated.choice.startswith("loops") and generated.choice in generated.files["network.c"]
