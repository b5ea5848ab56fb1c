"""Models in ONNX against its own reference evaluator, and a gradient against differences of that."""

from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

from backproof.importing import from_onnx
from backproof.importing.onnx_operators import ALIKE
from symbolic.errors import InvalidNetwork, Unsupported

SAMPLES = 5
# The reference evaluator has a polynomial for erf, and 1/6 and sqrt(2/π) in single precision.
ROUGH = {"Erf": 1e-7, "Gelu": 1e-7, "HardSwish": 1e-7}


@pytest.fixture
def kit(require):
    """Makes models in double precision and evaluates them by ONNX's own definition."""
    require("onnx")
    onnx, reference = import_module("onnx"), import_module("onnx.reference")
    helper, arrays, kinds = onnx.helper, onnx.numpy_helper, onnx.TensorProto

    def model(nodes, x, weights=(), *, samples="N", outputs=("y",)):
        kind = kinds.INT64 if x.dtype.kind == "i" else kinds.DOUBLE
        given = helper.make_tensor_value_info("x", kind, (samples, *x.shape[1:]))
        results = [helper.make_tensor_value_info(name, kinds.DOUBLE, None) for name in outputs]
        stored = [arrays.from_array(np.asarray(array), name) for name, array in dict(weights).items()]
        graph = helper.make_graph(nodes, "net", [given], results, stored)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])

    def run(made, x):
        return reference.ReferenceEvaluator(made).run(None, {"x": x})

    draw = np.random.default_rng(0)
    return SimpleNamespace(
        node=helper.make_node,
        model=model,
        run=run,
        draw=draw,
        r=lambda *shape: draw.normal(size=shape),
        onnx=onnx,
    )


def ints(*values):
    return np.array(values, dtype=np.int64)


def held_against_reference(kit, nodes, x, weights=(), *, imported=None, bound=1e-12, **options):
    made = kit.model(nodes, x, weights, **options)
    found = (imported or from_onnx(made)).evaluate(x).outputs
    for got, wanted in zip(found, kit.run(made, x), strict=True):
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=0, atol=bound * np.abs(wanted).max())


@pytest.mark.parametrize("operator", ALIKE)
def test_elementwise_operators_are_the_references(kit, operator):
    x = np.abs(kit.r(SAMPLES, 3)) + 0.1  # where all of them are defined
    held_against_reference(kit, [kit.node(operator, ["x"], ["y"])], x, bound=ROUGH.get(operator, 1e-12))


UNARY = [
    ("HardSigmoid", {}), ("LeakyRelu", {"alpha": 0.2}), ("LeakyRelu", {}), ("Elu", {}),
    ("Celu", {"alpha": 2.0}),
    ("Selu", {}), ("ThresholdedRelu", {"alpha": 0.3}), ("Softplus", {}), ("Gelu", {}),
    ("Gelu", {"approximate": "tanh"}), ("Softmax", {"axis": 1}), ("LogSoftmax", {}),
    ("Transpose", {"perm": [0, 2, 1]}), ("Transpose", {"perm": [1, 0, 2]}), ("Flatten", {}), ("Identity", {}),
    ("GlobalAveragePool", {}), ("Dropout", {}),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "options"), UNARY)
def test_operators_of_one_tensor_are_the_references(kit, operator, options):
    nodes = [kit.node(operator, ["x"], ["y"], **options)]
    held_against_reference(kit, nodes, kit.r(SAMPLES, 3, 4), bound=ROUGH.get(operator, 1e-12))


STORED = {  # the shape of x, and the operator's stored inputs with its attributes
    "Clip": ((3,), {"lo": np.array(-0.2), "hi": np.array(0.3)}, {}),
    "PRelu": ((3, 4), {"a": (3, 1)}, {}),
    "Gemm": ((3,), {"W": (4, 3), "b": (4,)}, {"transB": 1}),
    "MatMul": ((6, 3), {"W": (3, 4)}, {}),
    "Einsum": ((6, 3), {"W": (3, 4)}, {"equation": "nij,jk->nik"}),
    "Conv": ((3, 8, 7), {"W": (4, 3, 3, 2), "b": (4,)}, {"strides": [2, 1], "pads": [1, 0, 1, 0]}),
    "ConvTranspose": ((3, 5, 4), {"W": (3, 4, 3, 3), "b": (4,)}, {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
    "MaxPool": ((3, 8, 7), {}, {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 0]}),
    "AveragePool": ((3, 8), {}, {"kernel_shape": [3], "pads": [1, 1], "count_include_pad": 1}),
    "LayerNormalization": ((3, 4), {"g": (3, 4), "b": (3, 4)}, {"axis": 1}),
    "Add": ((3, 4), {"c": (3, 1)}, {}),
    "Mul": ((3, 4), {"c": np.array(2.5)}, {}),
    "Max": ((3, 4), {"c": (1, 3, 4), "d": (4,)}, {}),
    "Pow": ((3,), {"c": np.array(2.0)}, {}),
    "Slice": ((6, 4), {"s": ints(1, -3), "e": ints(6, 100), "a": ints(1, 2), "t": ints(2, 1)}, {}),
    "Reshape": ((6, 4), {"s": ints(0, -1)}, {}),
    "Squeeze": ((1, 4), {"a": ints(1)}, {}),
    "Unsqueeze": ((4,), {"a": ints(1, 3)}, {}),
    "ReduceMean": ((3, 4), {"a": ints(1, 2)}, {}),
    "ReduceSum": ((3, 4), {"a": ints(-1)}, {"keepdims": 0}),
    "Gather": ((3, 4), {"i": ints(1, 3, 1)}, {"axis": 2}),
}  # fmt: skip


@pytest.mark.parametrize("operator", STORED)
def test_operators_with_stored_inputs_are_the_references(kit, operator):
    shape, stored, options = STORED[operator]
    weights = {name: kit.r(*own) if isinstance(own, tuple) else own for name, own in stored.items()}
    nodes = [kit.node(operator, ["x", *weights], ["y"], **options)]
    held_against_reference(kit, nodes, kit.r(SAMPLES, *shape), weights)


def test_embedding_concatenation_and_splits_are_the_references(kit):
    nodes = [
        kit.node("Gather", ["E", "x"], ["e"]),
        kit.node("Split", ["e", "sizes"], ["a", "b"], axis=1),
        kit.node("Split", ["e"], ["c", "d"], axis=2, num_outputs=2),
        kit.node("Concat", ["b", "a"], ["y"], axis=1),
        kit.node("Sub", ["c", "c"], ["z"]),
    ]
    weights = {"E": kit.r(7, 4), "sizes": ints(2, 4)}
    x = kit.draw.integers(0, 7, (SAMPLES, 6))
    held_against_reference(kit, nodes, x, weights, outputs=("y", "z", "d"))


@pytest.mark.parametrize("samples", ["N", SAMPLES], ids=["open", "fixed"])
def test_shapes_that_the_model_computes_are_read(kit, samples):
    nodes = [
        kit.node("Shape", ["x"], ["sizes"]),
        kit.node("Gather", ["sizes", "zero"], ["m"]),
        kit.node("Unsqueeze", ["m", "first"], ["ms"]),
        kit.node("Concat", ["ms", "rest"], ["shape"], axis=0),
        kit.node("Reshape", ["x", "shape"], ["y"]),
    ]
    weights = {"zero": np.array(0), "first": ints(0), "rest": ints(-1)}
    held_against_reference(kit, nodes, kit.r(SAMPLES, 3, 4), weights, samples=samples)
    literal = [kit.node("Reshape", ["x", "shape"], ["y"])]
    held_against_reference(kit, literal, kit.r(SAMPLES, 3, 4), {"shape": ints(SAMPLES, 12)}, samples=SAMPLES)


def small_network(kit):
    """Convolution, batch normalization, pooling, and a dense output; its statistics are constants."""
    nodes = [
        kit.node("Conv", ["x", "K", "k"], ["c"], pads=[1, 1, 1, 1]),
        kit.node("BatchNormalization", ["c", "gamma", "beta", "mean", "variance"], ["n"]),
        kit.node("Tanh", ["n"], ["t"]),
        kit.node("AveragePool", ["t"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        kit.node("Flatten", ["p"], ["f"]),
        kit.node("Gemm", ["f", "W", "b"], ["h"]),
        kit.node("MatMul", ["h", "S"], ["y"]),
    ]
    weights = {"K": kit.r(2, 1, 3, 3), "k": kit.r(2), "gamma": kit.r(2), "beta": kit.r(2), "mean": kit.r(2)}
    weights |= {"variance": np.abs(kit.r(2)) + 0.1, "W": kit.r(8, 3) / 3, "b": kit.r(3), "S": kit.r(3, 3)}
    return nodes, kit.r(SAMPLES, 1, 4, 4), weights


def test_gradients_are_differences_of_the_reference(kit):
    nodes, x, weights = small_network(kit)
    held_against_reference(kit, nodes, x, weights)
    target = kit.r(SAMPLES, 3)
    found = from_onnx(kit.model(nodes, x, weights), loss="half-squared").evaluate(x, target=target)

    def loss(moved):
        (y,) = kit.run(kit.model(nodes, x, moved), x)
        return np.sum((y - target) ** 2) / (2 * SAMPLES)

    assert loss(weights) == pytest.approx(found.loss, rel=1e-12)
    assert found.gradients.keys() == weights.keys() - {"mean", "variance"}
    step = 6e-6  # cbrt(eps): where truncation meets rounding
    for name, gradient in found.gradients.items():
        way = kit.r(*gradient.shape)
        ends = [loss(weights | {name: weights[name] + side * step * way}) for side in (1, -1)]
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(np.sum(gradient * way), rel=1e-7, abs=1e-8)


def test_a_transposed_square_weight_is_noticed(kit):
    nodes, x, weights = small_network(kit)
    right = from_onnx(kit.model(nodes, x, weights))
    (square,) = (array for array in right.values if array.shape == (3, 3))
    wrong = replace(right, values={**right.values, square: right.values[square].T})
    with pytest.raises(AssertionError):
        held_against_reference(kit, nodes, x, weights, imported=wrong)


def test_a_model_is_read_from_its_file(kit, tmp_path):
    nodes, x, weights = small_network(kit)
    kit.onnx.save(kit.model(nodes, x, weights), tmp_path / "net.onnx")
    imported = from_onnx(tmp_path / "net.onnx", loss="softmax-cross-entropy")
    classes = np.eye(3)[kit.draw.integers(0, 3, SAMPLES)]
    assert imported.evaluate(x, target=classes).loss > 0


def test_everything_that_cannot_be_read_is_named_at_once(kit):
    nodes = [
        kit.node("CumSum", ["x", "one"], ["z"], name="running"),
        kit.node("Relu", ["z"], ["r"]),
        kit.node("MaxPool", ["x"], ["p"], kernel_shape=[2], ceil_mode=1),
        kit.node("Conv", ["x", "W"], ["c"], pads=[1, 0]),
        kit.node("ReduceSum", ["x", "zero"], ["y"], name="total"),
    ]
    weights = {"one": np.array(1), "zero": ints(0), "W": kit.r(2, 3, 2)}
    with pytest.raises(Unsupported) as refused:
        from_onnx(kit.model(nodes, kit.r(SAMPLES, 3, 4), weights))
    title, *lines = str(refused.value).partition("\nWhat can be read:\n")[0].splitlines()
    assert title == "4 parts of net cannot be read:"
    assert lines == [
        "  running (CumSum): it has no equations here",
        "  p (MaxPool): ceil_mode=1; there is only ceil_mode=0",
        "  c (Conv): pads=[1, 0], which differ between the two sides",
        "  total (ReduceSum): it works along axis 0, the samples; every sample is to be treated alike",
    ]


def test_open_sizes_and_losses_of_several_outputs_are_refused(kit):
    x, node = kit.r(SAMPLES, 3), kit.node("Relu", ["x"], ["y"])
    two = kit.model([node, kit.node("Tanh", ["x"], ["z"])], x, outputs=("y", "z"))
    with pytest.raises(InvalidNetwork, match=r"^net has 2 outputs; a loss is of one$"):
        from_onnx(two, loss="half-squared")
    model = kit.model([node], x)
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "width"
    with pytest.raises(InvalidNetwork, match=r"^sizes of the input x are open; only the first"):
        from_onnx(model)


def test_files_that_are_none_or_no_models_are_refused(kit, tmp_path):
    with pytest.raises(InvalidNetwork, match=r"^there is no file .*none\.onnx$"):
        from_onnx(tmp_path / "none.onnx")
    (tmp_path / "junk.onnx").write_bytes(b"\xff\x00 no model")
    with pytest.raises(InvalidNetwork, match=r"junk\.onnx is no ONNX model: "):
        from_onnx(tmp_path / "junk.onnx")
