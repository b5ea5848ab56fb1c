"""What every importer shares: layouts there and back, and tensor operations against NumPy's."""

import sys
from itertools import pairwise
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from backproof.importing import Part, from_onnx, from_torch, operations
from backproof.importing.builder import Builder, Weight, without
from backproof.importing.reports import MissingLibrary
from symbolic.errors import InvalidNetwork, Unsupported
from symbolic.layers import LAYERS
from symbolic.losses import SAMPLES

WHOLE = st.integers(-9, 9).map(float)


def evaluated(operation, *arrays):
    """What an operation makes of arrays, the first axis of each that of the samples."""
    build = Builder()
    values = [build.input("x", (SAMPLES, *array.shape[1:])) for array in arrays]
    result = operation(build, *values)
    return build.finish(values, [result]).evaluate(*arrays).outputs[0]


def drawn(data, shape):
    return data.draw(hnp.arrays(float, shape, elements=WHOLE))


@given(st.data())
def test_what_a_part_takes_it_returns_by_the_transposed_map(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, shape[0])] * 2)))
    taken = (last - first, *shape[1:])
    flat = data.draw(st.sampled_from([None, (prod(taken),), (*taken, 1)]))
    axes = data.draw(st.none() | st.permutations(range(len(flat or taken))).map(tuple))
    part, source = Part("w", (first, last), flat, axes), drawn(data, shape)
    there = part.taken(source)
    cotangent, back = drawn(data, there.shape), np.zeros(shape)
    part.returned(cotangent, back)
    assert np.sum(there * cotangent) == np.sum(source * back)


@st.composite
def reshapes(draw):
    """Two shapes of one number of entries, samples first."""
    factors = draw(st.lists(st.sampled_from([1, 2, 3]), max_size=4))

    def cut():
        ends = sorted(draw(st.lists(st.integers(0, len(factors)), max_size=3)))
        bounds = [0, *ends, len(factors)]
        return tuple(prod(factors[a:b]) for a, b in pairwise(bounds))

    return (3, *cut()), cut()


@given(st.data(), reshapes(), st.booleans())
def test_reshape_is_numpys(data, shapes, leaves_one_open):
    before, after = shapes
    wanted = [*after]
    if leaves_one_open:
        wanted[data.draw(st.integers(0, len(wanted) - 1))] = -1
    x = drawn(data, before)
    got = evaluated(lambda build, value: operations.reshaped(build, value, (SAMPLES, *wanted)), x)
    np.testing.assert_array_equal(got, x.reshape(3, *after))


@given(st.data())
def test_the_samples_may_be_the_open_size_of_a_reshape(data):
    x = drawn(data, (3, 2, 4))
    got = evaluated(lambda build, value: operations.reshaped(build, value, (-1, 8)), x)
    np.testing.assert_array_equal(got, x.reshape(3, 8))


@pytest.mark.parametrize("shape", [(8, SAMPLES), (2, -1), (SAMPLES, 2, -1, 2), (4, SAMPLES, 2)])
def test_reshapes_that_mix_the_samples_are_refused(shape):
    build = Builder()
    value = build.input("x", (SAMPLES, 2, 4)) if shape[0] != SAMPLES else build.input("x", (4, SAMPLES, 2))
    with pytest.raises(Unsupported, match=r"mixes the samples|another number of entries"):
        operations.reshaped(build, value, shape)


UFUNCS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power,
    "maximum": np.maximum, "minimum": np.minimum,
}  # fmt: skip


@pytest.mark.parametrize("kind", operations.BINARY)
@given(st.data())
def test_arithmetic_stretches_axes_as_numpy_does(kind, data):
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3))
    smaller, larger = sorted(shapes.input_shapes, key=len)
    is_stored = len(smaller) < len(larger) or data.draw(st.booleans())
    a = np.abs(drawn(data, (3, *larger))) + 1
    b = np.abs(drawn(data, smaller if is_stored else (3, *smaller))) + 1
    if is_stored:
        got = evaluated(lambda build, x: operations.binary(build, kind, x, Weight("b", b)), a)
    else:
        got = evaluated(lambda build, x, y: operations.binary(build, kind, x, y), a, b)
    np.testing.assert_allclose(got, UFUNCS[kind](a, b), rtol=1e-14)


@given(st.permutations(range(3)), st.permutations(range(3)))
def test_axes_come_back_in_the_frameworks_order_whatever_the_graphs_is(first, second):
    x = np.arange(24.0).reshape(2, 3, 4)

    def operation(build, value):
        turned = operations.permuted(value, first)
        moved = build.arranged(turned, [*sorted({*turned.axes} - {turned.samples}), turned.samples])
        return operations.permuted(moved, second)

    np.testing.assert_array_equal(evaluated(operation, x), x.transpose(first).transpose(second))


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [("nij,njk->nik", [(3, 2, 4), (3, 4, 5)]), ("nij,nij->n", [(3, 2, 4)] * 2), ("nij->nji", [(3, 2, 4)])],
)
def test_einsum_is_numpys(equation, shapes):
    draw = np.random.default_rng(0)
    arrays = [draw.normal(size=shape) for shape in shapes]
    got = evaluated(lambda build, *values: operations.einsum(build, equation, *values), *arrays)
    np.testing.assert_allclose(got, np.einsum(equation, *arrays), rtol=1e-13)


@pytest.mark.parametrize(
    "operation",
    [
        lambda build, x: operations.einsum(build, "ni,nj->ij", x, x),
        lambda build, x: operations.einsum(build, "ni,mi->nm", x, x),
        lambda build, x: operations.reduced(build, "sum", x, None),
        lambda build, x: operations.along(build, "softmax", x, 0),
        lambda build, x: operations.joined(build, [x, x], 0),
        lambda build, x: operations.sliced(build, x, 0, 0, 1, None),
        lambda build, x: operations.taken(build, x, 0, 0),
        lambda build, x: operations.binary(build, "add", x, operations.exchanged(x, 0, 1)),
    ],
)
def test_what_mixes_the_samples_is_refused(operation):
    build = Builder()
    with pytest.raises((Unsupported, InvalidNetwork), match=r"samples|two sizes: m, and 4"):
        operation(build, build.input("x", (SAMPLES, 4)))


def test_a_step_of_a_stack_is_the_value_itself_until_its_axes_are_renamed():
    build = Builder()
    steps = [build.input(name, (SAMPLES, 2)) for name in "ab"]
    whole = operations.stacked(build, steps, 1)
    assert operations.taken(build, whole, 1, 1) is steps[1]
    renamed = operations.permuted(whole, (0, 2, 1))
    assert operations.taken(build, renamed, 1, 1).name not in "ab"


def test_a_bias_that_a_model_has_not_is_left_out_of_the_equations():
    assert without("dense", "b").texts == LAYERS["dense-no-bias"].texts
    assert without("batch-norm", "gamma", "beta").parameters == ()
    assert without("lstm-cell", "bi", "bf", "bg", "bo").parameters == tuple(
        each for each in LAYERS["lstm-cell"].parameters if each[0] != "b"
    )


def test_a_batch_that_does_not_fit_is_refused():
    build = Builder()
    x, y = build.input("x", (SAMPLES, 2)), build.input("y", (SAMPLES, 2))
    model = build.finish([x, y], [operations.binary(build, "add", x, y)])
    with pytest.raises(InvalidNetwork, match=r"^the model takes 2 inputs, 1 are given$"):
        model.evaluate(np.ones((3, 2)))
    with pytest.raises(InvalidNetwork, match=r"^the inputs have \[3, 4\] samples"):
        model.evaluate(np.ones((3, 2)), np.ones((4, 2)))
    with pytest.raises(InvalidNetwork, match=r"^x has 2 axes, but an array of shape \(3,\) is given$"):
        model.evaluate(np.ones(3), np.ones((3, 2)))


@pytest.mark.parametrize(("name", "read"), [("torch", from_torch), ("onnx", from_onnx)])
def test_a_missing_library_is_named_with_what_to_install(monkeypatch, name, read):
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"{name}.fx", raising=False)
    with pytest.raises(MissingLibrary, match=rf"is missing; pip install 'backproof\[{name}\]'$"):
        read("model", (1, 2)) if name == "torch" else read("model")
