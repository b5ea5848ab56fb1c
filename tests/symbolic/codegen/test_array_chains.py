"""Generated modules of chains for NumPy, JAX and PyTorch: against backprop by hand and differences."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import symbolic
from numeric import backprop
from symbolic.activations import ACTIVATIONS
from symbolic.codegen.arrays.dialect import TARGETS, Target
from symbolic.codegen.arrays.modules import array_module
from symbolic.codegen.request import DTYPES, Dtype, Request, optimizer
from symbolic.conventions import INTERNAL, Layout
from symbolic.errors import InvalidNetwork, Unsupported
from symbolic.network import Network, mlp
from tests.symbolic.codegen.array_targets import Language, language, leaves, load, module
from tests.symbolic.helpers import networks

ROOT = Path(symbolic.__file__).parents[1]
LAM = 0.3
NAMED = [*ACTIVATIONS, "leaky_relu(3/10)"]
HEADS = [
    *((output, "huber") for output in NAMED),
    ("softmax", "cross-entropy"),
    ("sigmoid", "cross-entropy"),
    ("sigmoid", "binary-cross-entropy"),
    ("softmax", "kl"),
    ("exp", "poisson"),
]
LAYOUTS = [
    INTERNAL,
    Layout("in-out", "rows", "1,n", "integer"),
    Layout("out-in", "rows", "n,1"),
    Layout("in-out", "columns"),
]
TOLERANCE = {"float64": 1e-12, "float32": 1e-4}  # of the largest entry
FIXED = [
    mlp(2, 3, 1, hidden="tanh", loss="half-mse"),
    mlp(3, 4, 4, 2, hidden=["gelu", "silu"], output="softmax", loss="cross-entropy", l2="lambda/(2*m)"),
    mlp(
        2, 3, 3, 2, hidden=["mish", "softmax"], output="sigmoid", loss="binary-cross-entropy",
        bias=[True, False, True],
    ),
    mlp(2, 3, 2, hidden="leaky_relu(0.3)", output="softplus", loss="huber", scale="1/(m*k)", l1="lambda"),
]  # fmt: skip


def point(network: Network, seed: int) -> tuple[Any, Any, Any]:
    """Parameters, x and t in the layout out×in, samples as columns."""
    random = np.random.default_rng(seed)
    sizes, samples = network.sizes, int(random.integers(1, 5))
    params = [
        (random.normal(size=(after, before)), random.normal(size=after) if layer.bias else None)
        for before, after, layer in zip(sizes, sizes[1:], network.layers, strict=False)
    ]
    x = random.normal(size=(sizes[0], samples))
    t = np.eye(sizes[-1])[:, random.integers(0, sizes[-1], samples)]
    return params, x, t


def is_moderate(network: Network, seed: int) -> bool:
    """Whether no sum is large: exp of exp leaves the range of float32."""
    with np.errstate(all="ignore"):
        layers = backprop.forward(network, *point(network, seed)[:2])
    return all(np.abs(z).max() < 10 for z, _ in layers)


def drawn(network: Network, layout: Layout, seed: int) -> tuple[Any, Any, Any, float, Any]:
    """Parameters, x and t as stored, and the error and the gradient by hand."""
    params, x, t = point(network, seed)
    error = backprop.loss(network, params, x, t, lam=LAM)
    by_hand = backprop.gradient(network, params, x, t, lam=LAM)
    pairs, gradient = (_pairs(layout, each) for each in (params, by_hand))
    rows = layout.samples == "rows"
    labels = t.argmax(axis=0) if layout.labels == "integer" else t.T if rows else t
    return pairs, x.T if rows else x, labels, error, gradient


def _pairs(layout: Layout, pairs: Any) -> list[Any]:
    shapes = {"n": lambda b: b, "n,1": lambda b: b[:, None], "1,n": lambda b: b[None, :]}
    return [
        (w.T if layout.weights == "in-out" else w, None if b is None else shapes[layout.bias_shape](b))
        for w, b in pairs
    ]


def keywords(network: Network) -> dict[str, float]:
    return {"lam": LAM} if network.objective.has_lambda else {}


def is_near(found: Any, expected: Any, dtype: Dtype, tolerance: float | None = None) -> bool:
    """Whether precision and shapes are the same, and entries as far as the largest of them says."""
    pairs = list(zip(leaves(found), leaves(expected), strict=True))
    largest = max(1.0, *(float(np.abs(known).max()) for _, known in pairs))
    return all(
        one.dtype == dtype
        and one.shape == np.shape(known)
        and np.abs(one - known).max() <= (tolerance or TOLERANCE[dtype]) * largest
        for one, known in pairs
    )


def check(
    language: Language, network: Network, layout: Layout, dtype: Dtype, seed: int, *, jit: bool = False
) -> None:
    """Error and gradient are those by hand, in the precision asked for."""
    params, x, t, error, gradient = drawn(network, layout, seed)
    code, lam = module(Request(network, layout, dtype), language.target), keywords(network)
    made = language.compiled if jit else lambda function: function
    arrays = language.given((params, x, t), dtype)
    found, slope = made(code.loss_and_gradient)(*arrays, **lam)
    assert is_near(found, error, dtype)
    assert is_near(slope, gradient, dtype)
    if not jit:
        assert is_near(code.loss(*arrays, **lam), error, dtype)
        assert is_near(code.gradient(*arrays, **lam), gradient, dtype)
        output = code.forward(*arrays[:2])
        assert [each.dtype for each in leaves(output)] == [dtype]


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_module_agrees_with_the_backprop_written_by_hand(
    require: Callable[[str], None], target: Target
) -> None:
    chosen = language(target, require)

    @settings(max_examples=14)
    @given(
        networks(activations=NAMED, objectives=HEADS, largest=4),
        st.sampled_from(LAYOUTS),
        st.sampled_from(DTYPES),
        st.integers(0, 2**32),
    )
    def agrees(network: Network, layout: Layout, dtype: Dtype, seed: int) -> None:
        assume(is_moderate(network, seed))
        check(chosen, network, layout, dtype, seed)

    agrees()


@pytest.mark.parametrize("number", range(len(FIXED)))
@pytest.mark.parametrize("dtype", DTYPES)
def test_jax_module_compiles_and_agrees(require: Callable[[str], None], number: int, dtype: Dtype) -> None:
    layout = LAYOUTS[number] if FIXED[number].sizes[-1] > 1 else INTERNAL
    check(language("jax", require), FIXED[number], layout, dtype, number, jit=True)


def test_jax_gradient_maps_over_parameters(require: Callable[[str], None]) -> None:
    chosen, network = language("jax", require), FIXED[0]
    import jax

    params, x, t, *_ = drawn(network, INTERNAL, 0)
    several = [tuple(np.stack([each, 2 * each]) for each in pair) for pair in params]
    code = module(Request(network), "jax")
    found = jax.vmap(code.gradient, in_axes=(0, None, None))(*chosen.given((several, x, t), "float64"))
    doubled = [tuple(2 * each for each in pair) for pair in params]
    for n, given_ in enumerate((params, doubled)):
        by_hand = backprop.gradient(network, given_, x, t)
        assert is_near([tuple(each[n] for each in pair) for pair in found], by_hand, "float64")


@cache
def difference_of_gradients(layout: Layout) -> tuple[Any, list[Any]]:
    """Parameters, x, t and a direction v, and the slope of FIXED[1]'s gradient along v by differences."""
    network = FIXED[1]
    params, x, t, *_ = drawn(network, layout, 5)
    random = np.random.default_rng(1)
    v = [tuple(random.normal(size=each.shape) for each in pair) for pair in params]
    code, lam = module(Request(network, layout), "numpy"), keywords(network)
    step = 6e-6  # cbrt(eps): where truncation meets rounding
    moved = [
        [
            tuple(w + sign * step * d for w, d in zip(*both, strict=True))
            for both in zip(params, v, strict=True)
        ]
        for sign in (1, -1)
    ]
    ahead, behind = (leaves(code.gradient(each, x, t, **lam)) for each in moved)
    return (params, x, t, v), [(one - other) / (2 * step) for one, other in zip(ahead, behind, strict=True)]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("target", TARGETS)
def test_hessian_vector_product_is_the_difference_of_gradients(
    require: Callable[[str], None], target: Target, layout: Layout
) -> None:
    chosen, network = language(target, require), FIXED[1]
    arrays, slope = difference_of_gradients(layout)
    code = module(Request(network, layout, hvp=True), target)
    found = code.hvp(*chosen.given(arrays, "float64"), **keywords(network))
    assert is_near(found, slope, "float64", 1e-8)


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n not in ("softmax", "identity")])
def test_curvature_is_the_slope_of_the_slope(name: str) -> None:
    """Off kinks; by Hessian-vector products of one unit with E = a, which are g''(z) x v."""
    code = module(Request(mlp(1, 1, output=name, loss="a", scale="1", bias=False), hvp=True), "numpy")
    z, one, step = np.array([[-7.3, -1.1, -0.4, 0.6, 2.2, 8.1]]), np.eye(1), 6e-6
    nothing = np.zeros((1, 1))
    for each in z.T:
        x = each[:, None]
        ((found, _),) = code.hvp([(one, None)], x, nothing, [(one, None)])
        ahead, behind = (code.gradient([(one + s * step, None)], x, nothing)[0][0] for s in (1, -1))
        assert np.abs(found - (ahead - behind) / (2 * step)).max() <= 1e-7 * max(1, np.abs(ahead).max())


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n not in ("softmax", "exp")])
@pytest.mark.parametrize("dtype", DTYPES)
def test_second_order_is_silent_and_finite_at_the_extremes(name: str, dtype: Dtype) -> None:
    network = mlp(1, 1, 1, hidden=name, output="sigmoid", loss="binary-cross-entropy", scale="1")
    code = module(Request(network, dtype=dtype, hvp=True), "numpy")
    large = {"float64": 1e300, "float32": 1e37}[dtype]
    x = np.array([[-large, -1e3, -0.0, 0.0, 1e3, large]], dtype)
    params = [
        (np.eye(1, dtype=dtype), np.zeros(1, dtype)),
        (np.full((1, 1), 0.25, dtype), np.zeros(1, dtype)),
    ]
    v = [(np.zeros((1, 1), dtype), np.ones(1, dtype)), (np.zeros((1, 1), dtype), np.ones(1, dtype))]
    with np.errstate(divide="raise", invalid="raise"):
        found = code.hvp(params, x, np.full_like(x, 0.5), v)
    assert all(np.isfinite(b).all() and b.dtype == dtype for _, b in found)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["sgd", "momentum", "adam"])
def test_training_step_lowers_the_error_and_changes_nothing_given(
    require: Callable[[str], None], name: str, target: Target
) -> None:
    chosen, network = language(target, require), FIXED[2]
    params, x, t, *_ = chosen.given(drawn(network, INTERNAL, 3), "float32")
    code = module(Request(network, dtype="float32", optimizer=optimizer(name)), target)
    before = [each.copy() for each in leaves(params)]
    states = code.states(params) if name != "sgd" else ()
    error, new = float(code.loss(params, x, t)), params
    for number in range(1, 6):
        counted = (number,) if name == "adam" else ()
        found = code.step(new, code.gradient(new, x, t), *states, *counted, eta=0.01)
        new, *states = found if states else (found,)
    assert float(code.loss(new, x, t)) < error
    assert all((one == other).all() for one, other in zip(leaves(params), before, strict=True))
    assert {each.dtype.name for each in leaves(new)} == {"float32"}


def test_adam_is_algorithm_1_of_kingma_and_ba() -> None:
    code = module(Request(FIXED[0], optimizer=optimizer("adam")), "numpy")
    params, x, t, *_ = drawn(FIXED[0], INTERNAL, 0)
    w = params[0][0]
    mean, square, states, new = np.zeros_like(w), np.zeros_like(w), code.states(params), params
    for number in (1, 2, 3):
        grads = code.gradient(new, x, t)
        new, *states = code.step(new, grads, *states, number)
        mean, square = 0.9 * mean + 0.1 * grads[0][0], 0.999 * square + 0.001 * grads[0][0] ** 2
        w = w - 0.001 * (mean / (1 - 0.9**number)) / (np.sqrt(square / (1 - 0.999**number)) + 1e-8)
    np.testing.assert_allclose(new[0][0], w, rtol=1e-13)  # three steps, each some 20 roundings


@pytest.mark.parametrize(
    ("old", "new"),
    [("(a2 - t)", "(t - a2)"), ("w2.T @ delta2", "w2 @ delta2"), (" * slope1", ""), ("/ m", "/ 1")],
)
@pytest.mark.parametrize("target", TARGETS)
def test_comparison_rejects_a_module_with_a_bug(
    require: Callable[[str], None], target: Target, old: str, new: str
) -> None:
    network, chosen = mlp(3, 3, 3, hidden="tanh"), language(target, require)
    source = array_module(Request(network), target).source
    assert old in source
    random = np.random.default_rng(0)
    params = [(random.normal(size=(3, 3)), random.normal(size=3)) for _ in range(2)]
    x, t = random.normal(size=(3, 3)), random.normal(size=(3, 3))
    by_hand, arrays = backprop.gradient(network, params, x, t), chosen.given((params, x, t), "float64")
    assert is_near(load(source).gradient(*arrays), by_hand, "float64")
    assert not is_near(load(source.replace(old, new)).gradient(*arrays), by_hand, "float64")


PRINTED = """
import sys
from symbolic.codegen.arrays.modules import array_module
from symbolic.codegen.request import Request, optimizer
from symbolic.network import mlp
from tests.layer_cases import CASES
sys.stdout.reconfigure(encoding="utf-8")
chain = mlp(3, 4, 2, hidden="mish", output="softmax", loss="cross-entropy", l2="lambda")
conv, softmax = (CASES[name].graph for name in ("conv1d-grouped", "softmax"))
for network, target in ((chain, "jax"), (chain, "torch"), (conv, "torch"), (softmax, "numpy")):
    print(array_module(Request(network, hvp=True, optimizer=optimizer("adam")), target).source)
"""


def test_source_is_the_same_byte_for_byte_whatever_the_hash_seed() -> None:
    running = [
        subprocess.Popen(
            (sys.executable, "-c", PRINTED),
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        )
        for seed in ("1", "2")
    ]
    found = [process.communicate()[0] for process in running]
    assert found[0] == found[1] and b"class Network" in found[0]


def test_unknown_target_and_undefined_functions_are_refused() -> None:
    with pytest.raises(InvalidNetwork, match="no array target 'tensorflow'; choose from numpy, jax, torch"):
        array_module(Request(FIXED[0]), "tensorflow")  # type: ignore[arg-type]
    with pytest.raises(Unsupported, match="layer 1 has an undefined g"):
        array_module(Request(mlp(2, 3, 1)), "jax")


GOLDEN = {
    "2-3-1-tanh-half-mse": Request(FIXED[0], hvp=True, optimizer=optimizer("momentum")),
    "3-4-2-silu-softmax-float32-rows": Request(
        mlp(3, 4, 2, hidden="silu", output="softmax", loss="cross-entropy", l2="lambda/m"),
        LAYOUTS[1],
        "float32",
        optimizer=optimizer("adam"),
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize("target", TARGETS)
def test_source_is_the_golden_file(target: Target, name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{target}/chain-{name}.txt", array_module(GOLDEN[name], target).source)
