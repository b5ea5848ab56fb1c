"""The form "blocks" of C: right for every number of samples, vector width and compiler flag."""

import ctypes
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backproof.points import Targets
from backproof.strategies import networks, points
from numeric import backprop
from numeric.native.compiling import compile as compiled_in_process
from symbolic.activations import ACTIVATIONS
from symbolic.codegen.c.source_file import c_module
from symbolic.codegen.request import Request
from symbolic.conventions import Layout
from symbolic.network import mlp
from tests.backproof.test_false_alarms import LAYOUTS, assert_right
from tests.implementations import cast

WIDE = mlp(20, 70, 33, 9, hidden=["tanh", "relu"], output="softmax", loss="cross-entropy", l2="1/(50*m)")
NARROW = mlp(
    3, 4, 1, 2, hidden=["sigmoid", "gelu"], output="softmax", loss="half-squared", bias=[True, False, True]
)
# Of two right evaluations of sums of up to 300 products, in units of the largest entry: 1,000 u covers
# their rounding, and a wrong formula is off by far more. Of E all terms are positive; a row has few terms.
GRADIENT, LOSS, ROW = 1e-12, 1e-13, 1e-13
FLAGS = {
    "vectors of 16 bytes": ("-O2",),
    "no vectors": ("-O2", "-DNO_VECTORS"),
    "fused": ("-O3", "-mavx2", "-mfma", "-ffp-contract=fast"),
    "sanitized": ("-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all", "-static-libubsan"),
}


@settings(max_examples=5)
@given(st.data(), st.sampled_from(LAYOUTS[::3]))
def test_blocks_are_right_for_drawn_networks(data, layout):
    network = data.draw(networks())
    targets: Targets | None = "one-hot" if layout.labels == "integer" else None
    point = data.draw(points(network, targets=targets))
    compiled = compiled_in_process(network, layout=layout, form="blocks")
    assert_right(compiled.gradient, network, point, layout)


@settings(max_examples=3)
@given(st.data())
def test_blocks_of_floats_are_right_for_drawn_networks(data):
    network = data.draw(networks())
    point = data.draw(points(network))
    narrow = replace(cast(cast(point, "float32"), "float64"), lam=float(np.float32(point.lam)))
    compiled = compiled_in_process(network, form="blocks", dtype="float32")

    def gradient(params, x, t, **keywords):
        found = compiled.gradient(cast_all(params), x.astype("f4"), t.astype("f4"), **keywords)
        return [tuple(None if v is None else v.astype(float) for v in pair) for pair in found]

    assert_right(gradient, network, narrow, precision="float32")


def cast_all(params):
    return [tuple(None if v is None else v.astype("f4") for v in pair) for pair in params]


def drawn(network, m, random):
    params = [
        (random.normal(size=(layer.width, before)), random.normal(size=layer.width) if layer.bias else None)
        for before, layer in zip(network.sizes, network.layers, strict=False)
    ]
    t = random.uniform(0.1, 0.9, size=(network.sizes[-1], m))
    return params, random.normal(size=(network.inputs, m)), t / t.sum(axis=0)


def built(network, flags, folder, *, change=lambda text: text):
    """The library of a network's blocks, compiled without a warning."""
    for name, text in c_module(Request(network, form="blocks", batch=64)).files.items():
        (folder / name).write_text(change(text))
    words = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
    source, target = folder / "network.c", folder / "network.so"
    subprocess.run([*words, *flags, "-shared", "-fPIC", str(source), "-o", str(target), "-lm"], check=True)
    return ctypes.CDLL(str(target))


@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS)
@pytest.mark.parametrize("network", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_number_of_samples_gives_the_same_with_any_flags(network, flags, tmp_path, require):
    require("gcc")
    assert_same_for_any_batch(built(network, flags, tmp_path), network)


def test_a_wrong_sign_in_the_file_is_seen(tmp_path, require):
    require("gcc")
    library = built(
        NARROW, ("-O1",), tmp_path, change=lambda text: text.replace("= e * r * r;", "= -e * r * r;")
    )
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_same_for_any_batch(library, NARROW)


def assert_same_for_any_batch(library, network):
    call = library.network_loss_and_gradient_batch
    call.restype = ctypes.c_double
    random = np.random.default_rng(5)
    for m in (1, 2, 15, 16, 33, 130, 300):
        params, x, t = drawn(network, m, random)
        flat = np.concatenate([v.ravel() for pair in params for v in pair if v is not None])
        grad, work = np.full(flat.size + 1, 7.0), np.full(200_000, np.nan)
        arrays = [array.ctypes.data_as(ctypes.c_void_p) for array in (flat, x, t, grad, work)]
        error = call(*arrays[:3], ctypes.c_size_t(m), *arrays[3:])
        expected = backprop.gradient(network, params, x, t)
        wanted = np.concatenate([v.ravel() for pair in expected for v in pair if v is not None])
        np.testing.assert_allclose(grad[:-1], wanted, rtol=0, atol=GRADIENT * np.abs(wanted).max())
        assert grad[-1] == 7.0
        assert error == pytest.approx(backprop.loss(network, params, x, t), rel=LOSS)


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "softmax"])
def test_every_activation_has_its_row(name):
    network = mlp(2, 3, 2, hidden=name, output="identity", loss="half-squared")
    random = np.random.default_rng(3)
    params, x, t = drawn(network, 40, random)
    compiled = compiled_in_process(network, form="blocks", batch=40)
    for found, wanted in zip(
        compiled.gradient(params, x, t), backprop.gradient(network, params, x, t), strict=True
    ):
        for left, right in zip(found, wanted, strict=True):
            np.testing.assert_allclose(left, right, rtol=0, atol=ROW * max(1, np.abs(right).max()))


def test_blocks_are_the_same_in_every_process():
    layout = Layout(weights="in-out", samples="rows", labels="integer")
    request = Request(WIDE, layout, form="blocks", batch=64)
    assert c_module(request).files == c_module(request).files


def test_files_are_those_that_were_reviewed(golden):
    narrow = mlp(2, 3, 1, hidden="tanh", loss="half-squared")
    for name, request in {
        "blocks-2-3-1": Request(narrow, form="blocks", batch=64),
        "blocks-20-70-33-9": Request(WIDE, Layout(weights="in-out", samples="rows"), "float32", batch=64),
    }.items():
        golden(f"c/{name}/network.c", c_module(request).files["network.c"])
