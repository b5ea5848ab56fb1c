"""Networks and families: what they are, how they are shown, and the exact words in which they are refused."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from symbolic.activations import activation
from symbolic.errors import BackproofError, FormulaError, InvalidNetwork
from symbolic.losses import loss, penalty, scale
from symbolic.network import Dense, Family, Network, Objective, mlp, per_layer, read_sizes
from symbolic.network_text import objective_text

WIDTHS = st.lists(st.integers(1, 999_999), min_size=2, max_size=6)


@given(WIDTHS)
def test_text_and_whole_numbers_are_one_network(widths: list[int]) -> None:
    network = mlp(*widths)
    assert network == mlp("-".join(map(str, widths))) == mlp(" - ".join(map(str, widths)))
    assert network.sizes == tuple(widths) and network.depth == len(widths) - 1
    assert not network.is_symbolic
    assert hash(network) == hash(mlp(*widths))


@given(st.lists(st.none() | st.integers(1, 99), min_size=2, max_size=6).filter(lambda sizes: None in sizes))
def test_free_widths_in_text_and_in_numbers_are_one_family(sizes: list[int | None]) -> None:
    family = mlp(*sizes)
    assert isinstance(family, Family)
    assert family == mlp("-".join("?" if size is None else str(size) for size in sizes))
    assert family == mlp(*("?" if size is None else size for size in sizes))
    assert family.sizes == tuple(sizes)


@given(st.lists(st.none() | st.integers(1, 9), min_size=2, max_size=4).filter(lambda s: None in s), st.data())
def test_member_of_a_family_has_its_fixed_widths(sizes: list[int | None], data: st.DataObject) -> None:
    family = mlp(*sizes, hidden="tanh")
    widths = [data.draw(st.integers(1, 9)) if size is None else size for size in sizes]
    assert family.network(widths) == mlp(*widths, hidden="tanh")
    place = data.draw(
        st.sampled_from([place for place, size in enumerate(sizes) if size is not None] or [None])
    )
    if place is not None:
        with pytest.raises(InvalidNetwork) as refusal:
            family.network([*widths[:place], widths[place] + 1, *widths[place + 1 :]])
        assert str(refusal.value).endswith(f" is not one of {family}")
    with pytest.raises(InvalidNetwork):
        family.network([*widths, 1])


@pytest.mark.parametrize("text", ["?-…-?", "?-...-?", "n0-…-nL", "n0-...-nL", " ? - … - ? "])
def test_open_depth_has_networks_of_every_depth(text: str) -> None:
    family = mlp(text, hidden="tanh", bias=False)
    assert family == mlp(hidden="tanh", bias=False) and family.sizes is None
    for widths in ([2, 1], [2, 3, 1], [1, 2, 3, 4, 5]):
        assert family.network(widths) == mlp(*widths, hidden="tanh", bias=False)


def test_free_widths_become_symbols() -> None:
    network = mlp(None, 3, None).symbolic()
    assert network.sizes == (
        sp.Symbol("n0", integer=True, positive=True),
        3,
        sp.Symbol("n2", integer=True, positive=True),
    )
    assert network.is_symbolic and network.shape == "n0-3-n2"


@given(WIDTHS, st.data())
def test_parameters_are_counted(widths: list[int], data: st.DataObject) -> None:
    bias = data.draw(st.lists(st.booleans(), min_size=len(widths) - 1, max_size=len(widths) - 1))
    counted = sum(n * before + n * has for before, n, has in zip(widths, widths[1:], bias, strict=False))
    assert mlp(*widths, bias=bias).parameter_count == counted


def test_one_value_serves_all_layers_or_each_has_its_own() -> None:
    network = mlp(2, 3, 4, 1, hidden=["tanh", "relu"], output="sin", bias=[True, False, True])
    assert network.layers == (
        Dense(3, activation("tanh"), bias=True),
        Dense(4, activation("relu"), bias=False),
        Dense(1, activation("sin"), bias=True),
    )
    assert mlp(2, 3, 4, 1, hidden="tanh", bias=False) == mlp(
        2, 3, 4, 1, hidden=["tanh"] * 2, bias=[False] * 3
    )
    assert per_layer("hidden", ("a",), 3) == ("a", "a", "a")


def test_defaults_are_an_undefined_g_identity_and_half_squared() -> None:
    assert mlp(2, 3, 1) == mlp(
        2, 3, 1, hidden="g", output="identity", loss="half-squared", scale="1/m", bias=True
    )


def test_half_mse_is_half_squared_over_m() -> None:
    assert (
        mlp(2, 1, loss="half-mse")
        == mlp(2, 1, loss=" half-mse ", scale="1/m")
        == mlp(2, 1, loss="half-squared")
    )


def test_penalties_stand_in_the_objective() -> None:
    network = mlp(2, 1, l2="lambda/(2*m)", l1="1/10", penalize_biases=True)
    expected = (penalty("l2", "lambda/(2*m)", biases=True), penalty("l1", "1/10", biases=True))
    assert network.objective == Objective(loss("half-squared"), scale("1/m"), expected)
    assert network.objective.has_lambda and not mlp(2, 1, l1="1/10").objective.has_lambda


@pytest.mark.parametrize(
    ("chain", "shown"),
    [
        (mlp(2, 3, 1), "2-3-1, g then identity, half-squared/m"),
        (mlp(2, 1, output="tanh"), "2-1, tanh, half-squared/m"),
        (mlp(2, 3, 4, 1, hidden=["tanh", "relu"]), "2-3-4-1, tanh, relu then identity, half-squared/m"),
        (mlp(2, 3, 4, 1, hidden="tanh", bias=False), "2-3-4-1, tanh then identity, no bias, half-squared/m"),
        (
            mlp(2, 3, 4, 1, bias=[True, False, False]),
            "2-3-4-1, g then identity, no bias in layer 2, 3, half-squared/m",
        ),
        (mlp(2, 1, scale="1", loss="squared"), "2-1, identity, squared"),
        (
            mlp(2, 2, output="softmax", loss="cross-entropy", scale="1/(m*k)", l2="lambda/(2*m)"),
            "2-2, softmax, cross-entropy/(m k) + lambda/(2*m) Σw²",
        ),
        (mlp(2, 1, l1="lambda", penalize_biases=True), "2-1, identity, half-squared/m + lambda Σ|(w, b)|"),
        (mlp(2, 1, loss="(a-t)**4"), "2-1, identity, ((a - t)**4)/m"),
        (mlp(2, None, 1, hidden="leaky_relu(0.2)"), "2-?-1, leaky_relu(1/5) then identity, half-squared/m"),
        (mlp(2, None, output="tanh"), "2-?, tanh, half-squared/m"),
        (mlp(), "?-…-?, g then identity, half-squared/m"),
    ],
)
def test_network_is_shown_in_one_line(chain: Any, shown: str) -> None:
    assert str(chain) == shown
    assert shown.endswith(objective_text(chain.objective))


WHOLE = "widths are whole numbers from 1, or None for a free one"
WRITTEN = "widths are whole numbers from 1, or ? for a free one"
DEPTH = "leaves the depth open in a way that is not known; write ?-…-? or n0-…-nL"
CONSTANT = "softmax on width 1 is the constant 1; use sigmoid, or 2 units or more"
ACTIVATIONS = (
    "choose from elu, exp, gelu, hardsigmoid, hardswish, hardtanh, identity, leaky_relu, mish, prelu, relu, "
    "relu6, selu, sigmoid, silu, sin, softmax, softplus, softsign, tanh, g (undefined), or a formula in z"
)


def logarithms(name: str, output: str) -> str:
    return (
        f"{name} takes logarithms of the output, which {output} does not keep in (0, 1); "
        "choose the output softmax or sigmoid, or another loss"
    )


@pytest.mark.parametrize(
    ("sizes", "options", "message"),
    [
        ((2, 0, 1), {}, "width 1 of 2-0-1 is 0; widths count units, from 1"),
        ((0, 1), {}, "width 0 of 0-1 is 0; widths count units, from 1"),
        ((2, -3), {}, "width 1 of 2--3 is -3; widths count units, from 1"),
        (("2-0-1",), {}, "width 1 of 2-0-1 is 0; widths count units, from 1"),
        ((None, 0), {}, "width 1 of n0-0 is 0; widths count units, from 1"),
        ((2,), {}, "a network needs an input width and at least one layer, such as 2-3-1"),
        ((None,), {}, "a network needs an input width and at least one layer, such as 2-3-1"),
        ((2, 3.0, 1), {}, f"width 1 is 3.0; {WHOLE}"),
        ((True, 3), {}, f"width 0 is True; {WHOLE}"),
        ((2, "3"), {}, f"width 1 is '3'; {WHOLE}"),
        (("2-3", 1), {}, f"width 0 is '2-3'; {WHOLE}"),
        ((2, float("nan")), {}, f"width 1 is nan; {WHOLE}"),
        (("2",), {}, "'2' has one width; a network needs an input width and an output width, such as 2-3-1"),
        (("?",), {}, "'?' has one width; a network needs an input width and an output width, such as 2-3-1"),
        (("",), {}, f"width 0 of '' is missing; {WRITTEN}"),
        (("2--1",), {}, f"width 1 of '2--1' is missing; {WRITTEN}"),
        (("-2-1",), {}, f"width 0 of '-2-1' is missing; {WRITTEN}"),
        (("2-3-",), {}, f"width 2 of '2-3-' is missing; {WRITTEN}"),
        (("2-x-1",), {}, f"width 1 of '2-x-1' is 'x'; {WRITTEN}"),
        (("2-3.5",), {}, f"width 1 of '2-3.5' is '3.5'; {WRITTEN}"),
        (("2-1e3",), {}, f"width 1 of '2-1e3' is '1e3'; {WRITTEN}"),
        (("2-٣",), {}, f"width 1 of '2-٣' is '٣'; {WRITTEN}"),
        (("2-1000000",), {}, f"width 1 of '2-1000000' is '1000000'; {WRITTEN}"),
        (("2-…-1",), {}, f"'2-…-1' {DEPTH}"),
        (("?-…",), {}, f"'?-…' {DEPTH}"),
        (("?-3-…-?",), {}, f"'?-3-…-?' {DEPTH}"),
        ((2, 3, 1), {"output": "softmax"}, f"layer 2: {CONSTANT}"),
        ((2, 1, 3), {"hidden": "softmax"}, f"layer 1: {CONSTANT}"),
        ((None, 1), {"output": "softmax"}, f"layer 1: {CONSTANT}"),
        ((2, 3), {"output": "tanh", "loss": "cross-entropy"}, logarithms("cross-entropy", "tanh")),
        ((2, 3), {"loss": "binary-cross-entropy"}, logarithms("binary-cross-entropy", "identity")),
        ((), {"output": "relu", "loss": "cross-entropy"}, logarithms("cross-entropy", "relu")),
        ((2, 3, 1), {"hidden": "relU"}, f"no activation 'relU' (did you mean 'relu'?); {ACTIVATIONS}"),
        ((2, 3, 1), {"output": "relU"}, f"no activation 'relU' (did you mean 'relu'?); {ACTIVATIONS}"),
        (
            (2, 1),
            {"loss": "mse"},
            "loss 'mse' has two readings; choose 'squared' with scale 1/(m*k), the mean over samples "
            "and outputs, or 'half-mse', one half of the squared error with scale 1/m",
        ),
        (
            (2, 1),
            {"loss": "half-mse", "scale": "1"},
            "half-mse is half-squared with scale 1/m, but scale 1 was given; use half-squared",
        ),
        ((2, 1), {"scale": "2/m"}, "no scale '2/m'; choose from 1, 1/m, 1/(m*k)"),
        ((2, 1), {"penalize_biases": True}, "penalize_biases was given without a penalty; give l2 or l1 too"),
        (
            (2, 3, 1),
            {"hidden": ["tanh"] * 2},
            "hidden gives 2 values for 1 layers; give one, or one for each",
        ),
        ((2, 3, 1), {"hidden": []}, "hidden gives 0 values for 1 layers; give one, or one for each"),
        (
            (2, None, 1),
            {"hidden": ["tanh"] * 3},
            "hidden gives 3 values for 1 layers; give one, or one for each",
        ),
        ((2, 3, 1), {"bias": [True] * 3}, "bias gives 3 values for 2 layers; give one, or one for each"),
        ((2, 3, 1), {"bias": []}, "bias gives 0 values for 2 layers; give one, or one for each"),
    ],
)
def test_impossible_network_is_refused(sizes: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidNetwork) as refusal:
        mlp(*sizes, **options)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    "options",
    [{"hidden": "z*"}, {"output": "1/0"}, {"loss": "(a - t"}, {"l2": "lambda*z"}, {"l1": "lambda**"}],
)
def test_formula_that_does_not_parse_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(FormulaError):
        mlp(2, 3, 1, **options)


def test_network_without_layers_is_refused() -> None:
    with pytest.raises(InvalidNetwork, match=r"^a network needs an input width and at least one layer"):
        Network(2, (), mlp(2, 1).objective)


def test_family_has_no_members_of_another_depth_than_its_layers_say() -> None:
    family = mlp(hidden=["tanh", "relu"], bias=[True, False, True])
    assert family.network([2, 3, 4, 1]).layers[1].bias is False
    with pytest.raises(InvalidNetwork) as refusal:
        family.network([2, 3, 1])
    assert (
        str(refusal.value)
        == "2-3-1 is not one of ?-?-?-?, tanh, relu then identity, no bias in layer 2, half-squared/m"
    )


@pytest.mark.parametrize(
    ("output", "name"), [("g", "cross-entropy"), ("z/2", "cross-entropy"), ("tanh", "-t*log(a)")]
)
def test_output_that_may_stay_between_0_and_1_is_the_users_own_to_judge(output: str, name: str) -> None:
    assert mlp(2, 3, output=output, loss=name).objective.loss == loss(name)


@given(st.text(alphabet="0123456789?-… nL.x", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        sizes = read_sizes(text)
    except InvalidNetwork:
        return
    assert sizes is None or (len(sizes) >= 2 and all(size is None or size >= 0 for size in sizes))


@pytest.mark.parametrize("sizes", [(), (2, None, 1), (2, True, 1), (2, 2.5, 1)])
def test_family_refuses_what_is_no_width(sizes):
    for family in (mlp(), mlp(2, None, 1)):
        with pytest.raises(InvalidNetwork):
            family.network(sizes)


def test_family_shows_its_biases():
    assert str(mlp(2, None, 1, bias=False)) != str(mlp(2, None, 1))


@pytest.mark.parametrize("options", [{"hidden": []}, {"bias": []}, {"bias": ["no"]}, {"bias": 1}, {"l2": ""}])
def test_family_with_no_values_is_refused(options):
    with pytest.raises(BackproofError):
        mlp(**options)


def test_half_mse_takes_its_own_scale_however_it_is_written():
    assert mlp(2, 1, loss="half-mse", scale="1 / m") == mlp(2, 1)


def test_unknown_scale_is_refused_with_the_choices():
    with pytest.raises(Exception, match=r"choose from 1, 1/m, 1/\(m\*k\)"):
        mlp(2, 1, scale="mean")
