"""Generated NumPy modules: right in every layout, silent at the extremes, the same bytes always."""

from __future__ import annotations

import ast
import builtins
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import symbolic
from numeric import backprop
from numeric.backprop import Array, Gradient, Params
from symbolic.activations import ACTIVATIONS
from symbolic.codegen import numpy_module
from symbolic.conventions import CHOICES, INTERNAL, Layout
from symbolic.derivation import derive
from symbolic.errors import InvalidNetwork, Unsupported
from symbolic.network import Network, mlp
from symbolic.toml_files import to_toml
from tests.symbolic.helpers import Decimals, cases, networks

ROOT = Path(symbolic.__file__).parents[1]
LAYOUTS = [Layout(*choice) for choice in product(*CHOICES.values())]
NAMED = [*ACTIVATIONS, "leaky_relu(3/10)", "elu(2/3)"]
LOGARITHMIC = ("cross-entropy", "label-smoothing(2/7)", "kl", "poisson")
FUSED = [
    *((output, loss) for output in ("softmax", "sigmoid") for loss in LOGARITHMIC),
    ("sigmoid", "binary-cross-entropy"),
    ("exp", "poisson"),
]
PLAIN = ("squared", "half-squared", "huber", "hinge")
HEADS = [*((output, loss) for output in NAMED for loss in PLAIN), *FUSED]
LAM = 0.3


def load(source: str) -> Any:
    """The functions of a generated module; it finds nothing of ours but its own text."""
    names: dict[str, Any] = {"__name__": "generated"}
    exec(compile(source, "<generated>", "exec"), names)
    return SimpleNamespace(**names)


@cache
def module_of(network: Network, layout: Layout = INTERNAL) -> Any:
    return load(numpy_module(network, layout))


def stored(layout: Layout, params: Params, x: Array, t: Array) -> tuple[list[Any], Array, Array]:
    """Parameters, inputs and targets as a layout stores them; integer labels for one-hot columns."""
    shapes = {"n": lambda b: b, "n,1": lambda b: b[:, None], "1,n": lambda b: b[None, :]}
    pairs = [
        (w.T if layout.weights == "in-out" else w, None if b is None else shapes[layout.bias_shape](b))
        for w, b in params
    ]
    if layout.labels == "integer":
        t = t.argmax(axis=0)
    rows = layout.samples == "rows"
    return pairs, x.T if rows else x, t.T if rows else t


def agrees(found: Gradient, expected: Gradient) -> bool:
    """Whether shapes are the same and every entry is within 1e-12 of the largest one."""
    pairs = [
        (a, b) for one, other in zip(found, expected, strict=True) for a, b in zip(one, other, strict=True)
    ]
    if any((a is None) != (b is None) or np.shape(a) != np.shape(b) for a, b in pairs):
        return False
    largest = max(1.0, *(np.abs(b).max() for _, b in pairs if b is not None))
    return all(np.abs(a - b).max() <= 1e-12 * largest for a, b in pairs if b is not None)


@st.composite
def points(draw: st.DrawFn, network: Network, *, one_hot: bool) -> tuple[Params, Array, Array]:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes, samples = network.sizes, draw(st.integers(1, 4))
    params = [
        (random.normal(size=(after, before)), random.normal(size=after) if layer.bias else None)
        for before, after, layer in zip(sizes, sizes[1:], network.layers, strict=False)
    ]
    t = (
        np.eye(sizes[-1])[:, random.integers(0, sizes[-1], samples)]
        if one_hot
        else random.uniform(0.1, 0.9, (sizes[-1], samples))
    )
    return params, random.normal(size=(sizes[0], samples)), t


@settings(max_examples=40)
@given(networks(activations=NAMED, objectives=HEADS, largest=5), st.sampled_from(LAYOUTS), st.data())
def test_module_agrees_with_the_backprop_written_by_hand(
    network: Network, layout: Layout, data: st.DataObject
) -> None:
    params, x, t = data.draw(points(network, one_hot=layout.labels == "integer"))
    module, known = module_of(network, layout), {"lam": LAM} if network.objective.has_lambda else {}
    pairs, inputs, targets = stored(layout, params, x, t)
    with np.errstate(all="ignore"):
        layers = backprop.forward(network, params, x)
    assume(all(np.abs(z).max() < 100 for z, _ in layers))  # not so of exp of exp of exp

    (_, output) = backprop.forward(network, params, x)[-1]
    np.testing.assert_allclose(
        module.forward(pairs, inputs), output.T if layout.samples == "rows" else output, rtol=1e-12
    )
    error = backprop.loss(network, params, x, t, lam=LAM)
    assert module.loss(pairs, inputs, targets, **known) == pytest.approx(error, rel=1e-12)
    by_hand, _, _ = stored(layout, backprop.gradient(network, params, x, t, lam=LAM), x, t)
    assert agrees(module.gradient(pairs, inputs, targets, **known), by_hand)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(a2 - t)", "(t - a2)"),
        ("w2.T @ delta2", "w2 @ delta2"),
        ("delta2 @ a1.T", "delta2 @ a1"),
        (" * slope1", ""),
        ("/ m", "/ 1"),
        ("lam * w1", "lam * w2"),
    ],
)
def test_comparison_rejects_a_module_with_a_bug(old: str, new: str) -> None:
    network = mlp(3, 3, 3, hidden="tanh", l2="lambda/2")
    source = numpy_module(network)
    assert old in source
    random = np.random.default_rng(0)
    params = [(random.normal(size=(3, 3)), random.normal(size=3)) for _ in range(2)]
    x, t = random.normal(size=(3, 3)), random.normal(size=(3, 3))
    by_hand = backprop.gradient(network, params, x, t, lam=LAM)
    assert agrees(load(source).gradient(params, x, t, lam=LAM), by_hand)
    assert not agrees(load(source.replace(old, new)).gradient(params, x, t, lam=LAM), by_hand)


FORMULAS = [
    "z*tanh(z)",
    "where(z > 1/2, z**2, z < -1, 0, z)",
    "abs(z)/(1 + z**2)",
    "erf(z)",
    "max(z, -1) - min(z, 1)",
    "sign(z)*log1p(abs(z))",
    "sqrt(1 + z**2)",
]
LOSSES = ["(a - t)**4", "abs(a - t)", "where(a > t, 2*(a - t), t - a)", "sin(a*t)", "a*t/3"]


@settings(max_examples=20)
@given(
    networks(activations=FORMULAS, objectives=[(g, e) for g in (*FORMULAS, "softmax") for e in LOSSES]),
    st.sampled_from(LAYOUTS[::2]),
    st.data(),
)
def test_module_of_formulas_agrees_with_the_derivation(
    network: Network, layout: Layout, data: st.DataObject
) -> None:
    """The hand-written backprop has no formulas; the derivation, read index by index in 100 digits, has."""
    case = data.draw(cases(network, Decimals))
    known = case.run(derive(network).steps)
    found = {array.label: case.array(array, values).astype(float) for array, values in known.items()}
    numbers = range(1, network.depth + 1)
    params = [(found[f"W{n}"], found.get(f"b{n}")) for n in numbers]
    gradient = [(found[f"dW{n}"], found.get(f"db{n}")) for n in numbers]
    x, t, output = found["X"], found["T"], found[f"A{network.depth}"]
    error = sum(float(values[0]) for array, values in known.items() if not array.shape)

    module, keywords = module_of(network, layout), {"lam": LAM} if network.objective.has_lambda else {}
    arrays = stored(layout, params, x, t)
    assert np.allclose(module.forward(*arrays[:2]), stored(layout, [], output, t)[1], rtol=1e-12, atol=1e-12)
    assert module.loss(*arrays, **keywords) == pytest.approx(error, rel=1e-12, abs=1e-12)
    assert agrees(module.gradient(*arrays, **keywords), stored(layout, gradient, x, t)[0])


@pytest.fixture
def loudly() -> Iterator[None]:
    """Every warning is an error, and so is every invalid operation."""
    with warnings.catch_warnings(), np.errstate(divide="raise", invalid="raise"):
        warnings.simplefilter("error")
        yield


BOUNDED = ("sigmoid", "tanh", "softsign", "sin", "softmax", "hardtanh", "relu6", "hardsigmoid")


def extremes(largest: float) -> Array:
    """Columns of pre-activations of both signs and of unequal size."""
    values = [-largest, -1e3, -40.0, -0.0, 1e-300, 40.0, 1e3, largest]
    return np.array(list(product(values, repeat=2))).T


ROWS = Layout("in-out", "rows", "1,n")  # transposes what INTERNAL has: a loss of each kind shows it


@pytest.mark.parametrize(
    ("output", "loss", "layout"),
    [*((*head, INTERNAL) for head in HEADS), *((*head, ROWS) for head in HEADS if head[1] not in PLAIN[1:])],
    ids=str,
)
@pytest.mark.parametrize("largest", [1e3, 1e300])
@pytest.mark.usefixtures("loudly")
def test_output_layer_is_silent_and_finite_at_the_extremes(
    output: str, loss: str, largest: float, layout: Layout
) -> None:
    network = mlp(2, 2, output=output, loss=loss, scale="1")
    bounded = ACTIVATIONS[output.partition("(")[0]].name in BOUNDED
    largest = min(largest, 1e3) if not bounded and "squared" in loss else largest  # its square is a number
    z = np.clip(extremes(largest), None, 150) if output == "exp" else extremes(largest)
    t = np.where(np.arange(z.shape[1]) % 2, [[0.25], [0.75]], [[0.0], [1.0]])
    arrays = stored(layout, [(np.eye(2), np.zeros(2))], z, t)
    module = module_of(network, layout)
    assert np.isfinite(module.forward(*arrays[:2])).all()
    assert np.isfinite(module.loss(*arrays))
    ((dw, db),) = module.gradient(*arrays)
    assert np.isfinite(db).all() and not np.isnan(dw).any()


@pytest.mark.parametrize("hidden", [name for name in NAMED if name != "exp"])
@pytest.mark.parametrize("largest", [1e3, 1e300])
@pytest.mark.usefixtures("loudly")
def test_hidden_layer_is_silent_and_finite_at_the_extremes(hidden: str, largest: float) -> None:
    network = mlp(2, 2, 2, hidden=hidden, output="sigmoid", loss="binary-cross-entropy", scale="1")
    module, z = module_of(network), extremes(largest)
    params = [(np.eye(2), np.zeros(2)), (np.array([[0.5, -0.25], [0.125, 0.5]]), np.zeros(2))]
    t = np.full(z.shape, 0.5)
    assert np.isfinite(module.loss(params, z, t))
    assert all(np.isfinite(v).all() for pair in module.gradient(params, z, t) for v in pair)


@pytest.mark.usefixtures("loudly")
def test_exp_alone_leaves_the_range_of_floats_and_says_nothing() -> None:
    module, params = module_of(mlp(1, 1, output="exp", loss="a")), [(np.eye(1), np.zeros(1))]
    z = np.array([[1e4, -1e4]])
    np.testing.assert_array_equal(module.forward(params, z), [[np.inf, 0]])
    assert module.loss(params, z, np.zeros((1, 2))) == np.inf


@pytest.mark.usefixtures("loudly")
def test_textbook_forms_are_not_silent() -> None:
    with pytest.raises((RuntimeWarning, FloatingPointError)):
        load("import numpy as np\ndef sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n").sigmoid(
            np.array([-1e3])
        )
    z = np.array([1e3, 0.0])
    with pytest.raises((RuntimeWarning, FloatingPointError)):
        np.exp(z) / np.exp(z).sum()


SOURCES = [
    mlp(2, 3, 1, hidden="tanh"),
    mlp(3, 4, 2, hidden="softmax", output="softmax", loss="cross-entropy", l2="lambda/m", l1="1/10"),
    mlp(2, 3, 3, 2, hidden=["gelu", "leaky_relu(0.3)"], output="sigmoid", loss="binary-cross-entropy"),
    mlp(2, 3, 2, hidden="z*erf(z) + abs(z)", output="silu", loss="huber", scale="1/(m*k)", bias=False),
    mlp(2, 2, output="sigmoid", loss="cross-entropy"),
]
PRINTED = """
import sys
from symbolic.codegen import numpy_module
from symbolic.conventions import Layout
from symbolic.toml_files import from_toml
sys.stdout.reconfigure(encoding="utf-8")
for text in sys.argv[1:]:
    print(numpy_module(from_toml(text), Layout("in-out", "rows")))
"""


def test_source_is_the_same_byte_for_byte_whatever_the_hash_seed() -> None:
    command = (sys.executable, "-c", PRINTED, *map(to_toml, SOURCES))
    found = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        found.append(
            subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True).stdout
        )
    assert found[0] == found[1]
    here = "".join(f"{numpy_module(network, Layout('in-out', 'rows'))}\n" for network in SOURCES)
    assert found[0].decode().replace(os.linesep, "\n") == here


@pytest.mark.parametrize("network", SOURCES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS[::5], ids=str)
def test_module_imports_numpy_and_math_and_names_nothing_else(network: Network, layout: Layout) -> None:
    tree = ast.parse(numpy_module(network, layout))
    imports = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert set(imports) <= {"import numpy as np", "import math"} and "import numpy as np" in imports
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert [node.name for node in functions[:3]] == ["forward", "loss", "gradient"]
    imported = {"np"} | {"math"} & {line.rpartition(" ")[2] for line in imports}
    ours = {node.name for node in functions} | imported
    for function in functions:
        names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
        local = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
        local |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
        read = {node.id for node in names if isinstance(node.ctx, ast.Load)}
        assert read - local <= ours | {"float"}, "a name that the module does not define"
        assert not local & set(dir(builtins)), "a builtin is shadowed"
    called = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert {node.name for node in functions[3:]} <= called, "a helper that nothing calls"
    assert ("math" in called) is ("import math" in imports)


def test_parameter_lam_is_there_only_where_a_penalty_has_lambda() -> None:
    with_lambda, without = (load(numpy_module(mlp(1, 1, l2=factor))) for factor in ("lambda", "1/10"))
    at = [(np.eye(1), np.zeros(1))], np.eye(1), np.eye(1)
    assert with_lambda.loss(*at) == 0 and with_lambda.loss(*at, lam=2) == 2 and without.loss(*at) == 0.1
    with pytest.raises(TypeError):
        with_lambda.loss(*at, 2)
    with pytest.raises(TypeError):
        without.loss(*at, lam=2)


@pytest.mark.parametrize("network", SOURCES, ids=str)
def test_arrays_that_are_given_stay_as_they_are(network: Network) -> None:
    module, random = module_of(network), np.random.default_rng(0)
    pairs = zip(network.sizes, network.sizes[1:], network.layers, strict=False)
    params = [
        (random.normal(size=(n, k)), random.normal(size=n) if layer.bias else None) for k, n, layer in pairs
    ]
    x, t = random.normal(size=(network.inputs, 3)), np.full((network.sizes[-1], 3), 0.5)
    arrays = [v for pair in params for v in pair if v is not None] + [x, t]
    before = [v.copy() for v in arrays]
    keywords = {"lam": 1.0} if network.objective.has_lambda else {}
    module.forward(params, x)
    module.loss(params, x, t, **keywords)
    module.gradient(params, x, t, **keywords)
    assert all((a == b).all() for a, b in zip(arrays, before, strict=True))


@pytest.mark.parametrize(
    ("name", "network", "layout"),
    [
        ("2-3-1-tanh-half-mse", mlp(2, 3, 1, hidden="tanh", loss="half-mse"), INTERNAL),
        (
            "3-4-4-2-tanh-softmax-cross-entropy-l2-rows-in-out",
            mlp(3, 4, 4, 2, hidden="tanh", output="softmax", loss="cross-entropy", l2="lambda/(2*m)"),
            Layout("in-out", "rows"),
        ),
        (
            "2-3-2-gelu-no-bias-huber-l1",
            mlp(2, 3, 2, hidden="gelu", bias=False, loss="huber", l1="lambda/m"),
            INTERNAL,
        ),
    ],
)
def test_source_is_the_golden_file(
    name: str, network: Network, layout: Layout, golden: Callable[[str, str], None]
) -> None:
    golden(f"numpy/{name}.txt", numpy_module(network, layout))


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (mlp(2, 3, 1), "layer 1 has an undefined g, which has no numbers; give --hidden, such as tanh"),
        (
            mlp(2, 1, loss="E"),
            "the loss E is undefined and has no numbers; give --loss, such as half-squared",
        ),
        (
            mlp(2, None).symbolic(),
            "numbers need fixed widths, but 2-n1 leaves some open; write numbers for them",
        ),
    ],
    ids=str,
)
def test_network_without_numbers_is_refused(network: Network, message: str) -> None:
    with pytest.raises(Unsupported) as refusal:
        numpy_module(network)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "out×in"}, "no weights convention 'out×in'; choose from out-in, in-out"),
        ({"samples": "row"}, "no samples convention 'row'; choose from columns, rows"),
        ({"bias_shape": "(n,)"}, "no bias shape convention '(n,)'; choose from n, n,1, 1,n"),
        ({"labels": "one hot"}, "no labels convention 'one hot'; choose from one-hot, integer"),
    ],
)
def test_unknown_convention_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidNetwork) as refusal:
        Layout(**options)
    assert str(refusal.value) == message


@pytest.mark.parametrize("dtype", [float, int])
def test_constant_activation_has_the_shape_of_z(dtype):
    module, eye = (
        load(numpy_module(mlp(2, 2, 2, hidden="1/2", output="sigmoid", loss="squared"))),
        np.eye(2, dtype=dtype),
    )
    x = np.ones((2, 3), dtype)
    np.testing.assert_allclose(
        module.forward([(eye, np.zeros(2, dtype))] * 2, x), np.full((2, 3), 1 / (1 + np.exp(-0.5)))
    )
    (_, (dw, _)) = module.gradient([(eye, np.zeros(2, dtype))] * 2, x, x)
    assert np.abs(dw).max() > 0
