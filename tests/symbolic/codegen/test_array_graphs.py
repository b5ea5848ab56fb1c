"""Generated modules of graphs for NumPy, JAX and PyTorch: every layer, against the evaluated derivation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

from numeric.arrays import evaluate_arrays
from symbolic.codegen.arrays.dialect import TARGETS, Target
from symbolic.codegen.arrays.modules import array_module
from symbolic.codegen.request import DTYPES, Dtype, Request, optimizer
from symbolic.errors import Unsupported
from symbolic.graph import graph, loss, node
from symbolic.graph_program import graph_program
from symbolic.layers import LAYERS
from symbolic.second_order import hessian_vector
from tests.layer_cases import CASES, Case, rows_of
from tests.symbolic.codegen.array_targets import Language, language, leaves, load

TOLERANCE = {"float64": 1e-12, "float32": 2e-5}  # of the largest entry
WHOLE = {"x1", "y.J", "y.K"}  # what cases give as whole numbers and layers read as places


@dataclass(frozen=True)
class Worked:
    """A case with numbers, its error, its gradient, and a product with its Hessian, by evaluated steps."""

    given: tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]
    v: Mapping[str, Any]
    keywords: Mapping[str, float]
    error: float
    gradient: Mapping[str, Any]
    product: Mapping[str, Any]


@cache
def worked(name: str) -> Worked:
    case = CASES[name]
    network, values, parameters = case.graph, case.values(), case.graph.parameters
    program, random = graph_program(network), np.random.default_rng(1)
    second = hessian_vector(program.derivation)
    v = {array: random.normal(size=values[array].shape) for array in parameters}
    directions = {second.directions[array]: each for array, each in v.items()}
    found = evaluate_arrays(program.steps, values, case.scalars)
    products = evaluate_arrays(second.steps, {**values, **directions}, case.scalars)
    named = {array.name: _numbers(case, array.name, each) for array, each in values.items()}
    parts = parameters, [network.arrays[each] for each in network.inputs], network.constants
    return Worked(
        tuple({array.name: named[array.name] for array in arrays} for arrays in parts),  # type: ignore[arg-type]
        {array.name: each for array, each in v.items()},
        {"lam": 0.3} if "lambda" in str([step.bindings for step in network.steps]) else {},
        case.error(found),
        {array.name: found.get(array.bar, np.zeros(values[array].shape)) for array in parameters},
        {
            array.name: products.get(second.products[array], np.zeros(values[array].shape))
            for array in parameters
        },
    )


def _numbers(case: Case, name: str, value: Any) -> Any:
    """Masks are numbers, places are whole."""
    return value if name in case.whole & WHOLE else np.asarray(value, float)


def is_near(found: Any, expected: Any, dtype: Dtype) -> bool:
    pairs = list(zip(leaves(found), leaves(expected), strict=True))
    largest = max([1.0, *(float(np.abs(known).max()) for _, known in pairs)])
    return all(
        one.dtype == dtype
        and one.shape == np.shape(known)
        and np.abs(one - known).max() <= TOLERANCE[dtype] * largest
        for one, known in pairs
    )


def code_of(name: str, target: Target, dtype: Dtype) -> Any:
    request = Request(CASES[name].graph, dtype=dtype, hvp=dtype == "float64" and target != "jax")
    return load(array_module(request, target).source)


def arrays_of(chosen: Language, name: str, dtype: Dtype) -> tuple[Any, Any]:
    known = worked(name)
    return chosen.given(known.given, dtype), chosen.given(known.v, dtype)


def covering(names: Mapping[str, set[str]]) -> list[str]:
    """Cases that have every layer among them."""
    chosen: list[str] = []
    for name, rows in names.items():
        if not rows <= {row for each in chosen for row in names[each]}:
            chosen.append(name)
    return chosen


COVERING = covering({name: rows_of(case) for name, case in CASES.items()})


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_every_layer_has_the_error_the_gradient_and_the_product_of_its_derivation(
    require: Callable[[str], None], target: Target, name: str
) -> None:
    chosen, known = language(target, require), worked(name)
    for dtype in DTYPES if name in COVERING else DTYPES[:1]:
        code = code_of(name, target, dtype)
        given, v = arrays_of(chosen, name, dtype)
        error, gradient = code.loss_and_gradient(*given, **known.keywords)
        assert is_near(error, known.error, dtype)
        assert is_near(gradient, known.gradient, dtype)
        assert is_near(code.loss(*given, **known.keywords), known.error, dtype)
        assert is_near(code.gradient(*given, **known.keywords), known.gradient, dtype)
        assert all(each.dtype == dtype for each in leaves(code.forward(*given)))
        if dtype == "float64":
            assert is_near(code.hvp(*given, v, **known.keywords), known.product, dtype)


def test_cases_are_of_every_layer() -> None:
    assert {row for case in CASES.values() for row in rows_of(case)} == LAYERS.keys()


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_layer_compiles_in_jax_and_agrees(require: Callable[[str], None], dtype: Dtype) -> None:
    """All in one compilation, which is quicker than one of each."""
    chosen = language("jax", require)
    names = COVERING if dtype == "float64" else ["conv2d", "max-pool1d", "masked-attention", "embedding"]
    codes = {name: code_of(name, "jax", dtype) for name in names}

    def everything(given: Any) -> Any:
        return {
            name: codes[name].loss_and_gradient(*each, **worked(name).keywords)
            for name, each in given.items()
        }

    found = chosen.compiled(everything)({name: arrays_of(chosen, name, dtype)[0] for name in names})
    for name, (error, gradient) in found.items():
        known = worked(name)
        assert is_near(error, known.error, dtype), name
        ordered = {each: gradient[each] for each in known.gradient}  # JAX sorts the names
        assert is_near(ordered, known.gradient, dtype), name


@pytest.mark.parametrize("target", TARGETS)
def test_names_are_escaped_and_what_they_say_is_not_code(
    require: Callable[[str], None], target: Target
) -> None:
    strange = ['while"); import os', "params", "β\n'''", "np", "inputs", "constants", "E"]
    nodes = {name: node("dense", "x", units=2) for name in strange[:-1]}
    network = graph(
        inputs={"x": (3, "m")},
        nodes={**nodes, "E": node("add", strange[0], "params")},
        losses={"lam": loss("half-squared", "E", "t ")},
    )
    chosen = language(target, require)
    code = load(array_module(Request(network), target).source)
    random = np.random.default_rng(0)
    params = {array.name: random.normal(size=array.shape) for array in network.parameters}
    given = params, {"x": random.normal(size=(3, 4))}, {"t ": random.normal(size=(2, 4))}
    gradient = code.gradient(*chosen.given(given, "float64"))
    assert list(gradient) == [array.name for array in network.parameters]
    first, second = (
        params[f"{name}.W"] @ given[1]["x"] + params[f"{name}.b"][:, None] for name in strange[:2]
    )
    slope = (first + second - given[2]["t "]) / 4
    assert is_near(gradient["params.b"], slope.sum(axis=1), "float64")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("dense", "d_y @ x1.T", "-d_y @ x1.T"),
        ("conv1d", "d_y.sum(", "2 * d_y.sum("),
        ("batch-norm", "/m", "/2"),
        ("conv1d-transposed", "np.arange(2)", "(1 - np.arange(2))"),
    ],
)
def test_comparison_rejects_a_module_with_a_bug(name: str, old: str, new: str) -> None:
    case = "conv1d-transposed, strided, padded, dilated" if name == "conv1d-transposed" else name
    source = array_module(Request(CASES[case].graph), "numpy").source
    old, new = (each.replace("(2)", "(3)") if name == "conv1d-transposed" else each for each in (old, new))
    assert old in source
    known = worked(case)
    assert is_near(load(source).gradient(*known.given), known.gradient, "float64")
    mutant = load(source.replace(old, new))
    assert not is_near(mutant.loss_and_gradient(*known.given), (known.error, known.gradient), "float64")


def test_graph_without_losses_has_a_forward_pass_alone() -> None:
    network = graph(inputs={"x": (3, "m")}, nodes={"y": node("relu", "x")})
    code = load(array_module(Request(network), "numpy").source)
    assert code.forward({}, {"x": np.array([[-1.0], [2.0], [3.0]])}, {})["y"].tolist() == [[0], [2], [3]]
    assert not hasattr(code, "gradient")


def test_undefined_function_is_refused() -> None:
    network = graph(inputs={"x": (3, "m")}, nodes={"y": node("activation", "x", activation="g")})
    with pytest.raises(Unsupported, match="g is undefined and has no numbers"):
        array_module(Request(network), "torch")


GOLDEN = {
    "conv1d-strided-padded": CASES["conv1d, strided, padded, dilated"],
    "masked-attention": CASES["masked-attention"],
    "lstm-cell": CASES["lstm-cell"],
}


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize("target", TARGETS)
def test_source_is_the_golden_file(target: Target, name: str, golden: Callable[[str, str], None]) -> None:
    request = Request(GOLDEN[name].graph, dtype="float32", optimizer=optimizer("sgd"))
    golden(f"{target}/graph-{name}.txt", array_module(request, target).source)
