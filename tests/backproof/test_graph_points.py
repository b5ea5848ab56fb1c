"""Whole numbers for arrays of a graph, said on the command line, in a manifest and in a call."""

import numpy as np
import pytest

import backproof as bp
from backproof import checking_command
from backproof.checking import check
from backproof.checking_command import Request
from backproof.graph_points import whole_numbers
from backproof.manifest import Manifest, Options, manifest_from, write_manifest
from backproof.options import DeclaredLayout, ReportOptions, SearchOptions, SpecOptions, SubjectOptions
from symbolic.errors import InvalidNetwork
from symbolic.network import mlp

GRAPH = """
[inputs]
x = [3, "m"]

[nodes.h]
layer = "dense"
inputs = ["x"]
units = 2

[nodes.n]
layer = "dropout"
inputs = ["h"]
rate = "1/4"

[losses.E]
loss = "half-squared"
inputs = ["n"]
arrays = {T = "t"}
"""
SUBJECT = """
import numpy as np


def gradient(params, x, t):
    drawn = t["n.D"] != 0  # which is D where D is 0 or 1
    n = (params["h.W"] @ x["x"] + params["h.b"][:, None]) * drawn / 0.75
    delta = (n - t["t"]) * drawn / 0.75 / n.shape[1]
    return {"h.W": delta @ x["x"].T, "h.b": delta.sum(axis=1)}
"""


def checked(tmp_path, **search):
    (tmp_path / "graph.toml").write_text(GRAPH)
    (tmp_path / "net.py").write_text(SUBJECT)
    request = Request(
        str(tmp_path / "net.py") + ":gradient",
        str(tmp_path / "graph.toml"),
        SpecOptions(),
        DeclaredLayout(),
        SubjectOptions(),
        SearchOptions(max_examples=2, **search),
        ReportOptions(),
    )
    return checking_command.run(request)


def test_a_mask_is_drawn_as_what_it_is_said_to_be(tmp_path, capsys):
    assert checked(tmp_path, draw=["n.D=0..1"]) == 0
    assert "--draw n.D=0..1" in capsys.readouterr().out
    assert checked(tmp_path) == 1


def test_a_range_has_both_its_ends():
    name, draw = whole_numbers("n.J=-1..2")
    assert name == "n.J"
    assert set(draw(np.random.default_rng(0), (200,)).tolist()) == {-1, 0, 1, 2}


@pytest.mark.parametrize("text", ["n.J", "n.J=3", "n.J=3..0", "=0..1", "n.J=0..1.5", "n.J=0:3"])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(InvalidNetwork, match=r"write --draw NAME=LOW\.\.HIGH, as in --draw n\.J=0\.\.3"):
        whole_numbers(text)


def test_what_no_array_is_called_is_refused():
    family = bp.graph(
        inputs={"x": (2, "m")},
        nodes={"y": bp.node("dense", "x", units=2)},
        losses={"E": bp.loss("half-squared", "y")},
    )
    draws = dict([whole_numbers("y.J=0..1")])
    with pytest.raises(InvalidNetwork, match=r"no array to draw 'y\.J'.*choose from x, y\.W, y\.b"):
        check(lambda params, x, t: params, family, given=draws)
    with pytest.raises(InvalidNetwork, match=r"y\.J cannot be drawn"):
        check(lambda params, x, t: params, mlp(2, 1), given=draws)


def test_a_manifest_says_it_too():
    told = Manifest("net.py:gradient", "graph.toml", check=Options(draw=("n.D=0..1",)))
    assert manifest_from(write_manifest(told), source="backproof.toml") == told
