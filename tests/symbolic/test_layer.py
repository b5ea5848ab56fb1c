"""Layers of one's own: what is inferred from their equations, and what is refused, with the character."""

from __future__ import annotations

import re
from time import process_time

import pytest

from symbolic.errors import FormulaError, InvalidNetwork
from symbolic.grammar.indices import Place
from symbolic.graph import graph, node
from symbolic.layer import Layer, real, size, whole
from symbolic.layers import LAYERS

mine = Layer.from_equations
SECONDS = 0.1  # of the processor, for any refusal
QUICK = 1.0  # likewise, for any layer that is read


def test_inputs_and_parameters_are_inferred_in_order_of_appearance() -> None:
    layer = mine("H[i,c] = U[i]*X2[i,c] + V[i]*X1[i,c]", "Y[i,c] = M[i]*H[i,c] + U[i]", constants=["M"])
    assert (layer.inputs, layer.parameters, layer.constants) == (("X1", "X2"), ("U", "V"), ("M",))
    assert (layer.targets, layer.output) == ({"H", "Y"}, "Y")


def test_inputs_may_be_named() -> None:
    layer = mine("Y[i,c] = G[i,c]*Xs[i]", inputs=["G"])
    assert (layer.inputs, layer.parameters) == (("G",), ("Xs",))


def test_equations_of_a_row_say_the_same_as_ones_own() -> None:
    row = LAYERS["dense"]
    own = mine(*row.texts, inputs=row.inputs, settings=row.settings)
    assert own.equations(2) == row.equations(2)
    assert own.parameters == row.parameters


@pytest.mark.parametrize(
    ("extra", "axis", "target"),
    [(1, 0, "A[i, c]"), (1, 1, "A[c, i]"), (2, 0, "A[i, t, c]"), (2, 1, "A[t, i, c]"), (0, 0, "A[i]")],
)
def test_dots_stand_for_further_axes_the_samples_last(extra: int, axis: int, target: str) -> None:
    (softmax,) = LAYERS["softmax"].equations(extra, axis)
    assert str(softmax.target) == target


def test_maximum_is_its_place_and_the_value_there() -> None:
    place, value = mine("Y[q,c] = Max(X[2*q + k,c]*W[k], k)").equations()
    assert isinstance(place.value, Place)
    assert place.name == "Y_place"
    assert str(value.value) == "W[Y_place[q, c] + 1]*X[2*q + Y_place[q, c] - 1, c]"


def test_layer_of_ones_own_has_sizes_and_numbers_to_choose() -> None:
    settings = [size("units", "i"), whole("skip", 1, "s"), real("slope", "1/3", "a")]
    layer = mine("Y[i,c] = a*Sum(W[i,j]*X[s*j,c], j)", settings=settings)
    network = graph(inputs={"x": (7, "m")}, nodes={"y": node(layer, "x", units=2, skip=3, slope="1/7")})
    (step,) = network.steps
    assert network.arrays["y.W"].shape == (2, 3)
    assert (step.bindings["s"], str(step.bindings["a"])) == (3, "1/7")


@pytest.mark.parametrize("row", LAYERS.values(), ids=lambda row: row.name)
def test_row_holds_forward_equations_and_no_other_mathematics(row: Layer) -> None:
    assert row.equations()[-1].name == row.output == row.stable_equations()[-1].name
    assert all(name in row.targets for name in (each.name for each in row.equations()))
    assert {"backward", "slope", "gradient", "rule"}.isdisjoint(Layer.__dataclass_fields__)


@pytest.mark.parametrize(
    ("equation", "message", "character"),
    [
        ("Y[i,c] = X[j,c]", "the index 'j' is neither on the left nor summed here", 12),
        ("Y[i,c] = Sum(X[j,k], j)", "the index 'k' is neither on the left nor summed here", 18),
        ("Y[i,c] = Sum(X[i,c], i)", "the index 'i' is bound twice", 22),
        ("Y[i,c] = Sum(Sum(X[i,j]*W[j], j)*W[j], j)", "the index 'j' is bound twice", 31),
        ("Y[i,c] = Y[i,c]*X[i,c]", "the target 'Y' is used in its own value", 10),
        ("Y[i,c] = X[i,c] + X[i]", "the array 'X' has 2 indices before and 1 here", 19),
        ("Y[i,c] = X[i,c]*i[c]", "'i' is an index and has no indices", 17),
        ("Y[i,c] = X[i,c]/0", "division by zero", 16),
        ("Y[i,c] = X[i,c]/(1 - 1)", "division by zero", 16),
        ("Y[i,c] = X.T[i,c]", "found '.'; it has no meaning in a formula", 11),
        ("Y[i,c] = __import__('os').system('true')", "found '_'; a name begins with a letter", 10),
        ("Y[i,c] = X[i,c]\u200b", "found '\\u200b' (U+200B); it has no meaning in a formula", 16),
        ("Y[i,c] = X[i,c]*10**100000", "this power is too large; a number here has at most 308 digits", 19),
        ("", "found the end, expected a name", 1),
        ("Y[i,c] = " + "(" * 3000 + "X[i,c]" + ")" * 3000, "this is nested more than 64 deep", 74),
        ("Y[i,c] = " + "-" * 9000 + "X[i,c]", "this is nested more than 64 deep", 74),
        (
            "Y[i,c] = " + " + ".join(["X[i,c]"] * 2200),
            "this has 19,806 characters; a formula has at most 10,000",
            10001,
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_error_points_at_the_character_in_a_tenth_of_a_second(
    equation: str, message: str, character: int
) -> None:
    seconds = []
    for _ in range(3):  # the first in a process pays for the grammar's being loaded
        start = process_time()
        with pytest.raises(FormulaError, match=f"^{re.escape(f'{message} at character {character}:')}\n"):
            mine(equation)
        seconds.append(process_time() - start)
    assert min(seconds) < SECONDS


@pytest.mark.parametrize("name", ["lambda", "S", "eval", "N_q"])
def test_name_that_means_nothing_is_answered_with_those_that_do(name: str) -> None:
    with pytest.raises(FormulaError, match=f"^unknown name '{name}'; the names here are c, i, pi; .* 10:\n"):
        mine(f"Y[i,c] = {name}*X[i,c]")


@pytest.mark.parametrize(
    ("equations", "options", "message"),
    [
        (
            ["H[i,c] = Y[i,c]*X[i,c]", "Y[i,c] = H[i,c]"],
            {},
            "'Y' is read by 'H[i,c] = Y[i,c]*X[i,c]' before its own equation; equations run in order",
        ),
        (
            ["Y[i,c] = X[i,c]", "Y[i,c] = 2*X[i,c]"],
            {},
            "'Y' is defined twice; an array has one equation",
        ),
        ([], {}, "a layer has at least one equation"),
        (
            ["Y[i,c] = A[i,c]"],
            {},
            "no array of the equations begins with X; say by inputs which of A come from other nodes",
        ),
        (["Y[i,c] = A[i,c]"], {"inputs": ["B"]}, "the input 'B' occurs in no equation; the arrays are A"),
        (
            ["Y[i,c] = X[i,c]"],
            {"constants": ["M"]},
            "the constant 'M' occurs in no equation; the arrays are X",
        ),
        (
            ["Y[J[i],c] = X[i,c]"],
            {},
            "'Y[J[i],c] = X[i,c]' says by an array where it writes; only what is read may be so",
        ),
        *(
            (
                [f"Y[i,c] = {name}[i]*X[i,c]"],
                {},
                f"'{name}' is what a derivation calls an array of its own; "
                "choose a name that does not end in _bar or _place",
            )
            for name in ("Y_bar", "W_bar", "Y_place")
        ),
    ],
)
def test_equations_that_do_not_fit_together_are_refused(
    equations: list[str], options: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(InvalidNetwork, match=f"^{re.escape(message)}$"):
        mine(*equations, **options)


def test_index_of_two_sizes_is_refused_where_the_layer_is_used() -> None:
    layer = mine("Y[i,c] = X[i,c] + X[c,i]")
    with pytest.raises(InvalidNetwork, match=r"^y: index i has two sizes: m, and 3 along axis 1 of X$"):
        graph(inputs={"x": (3, "m")}, nodes={"y": node(layer, "x")})


@pytest.mark.parametrize(
    "equation",
    [
        "Y[i,c] = " + " + ".join(["X[i,c]"] * 1100),
        "Y[i,c] = " + "*".join(["X[i,c]"] * 1400),
        "Y[i,c] = " + " + ".join(f"W{number}[i]*X[i,c]" for number in range(550)),
        "Y[i,c] = (X[i,c] + W[i])**100000",
    ],
    ids=["sum", "product", "many arrays", "power"],
)
def test_long_equation_is_read(equation: str) -> None:
    start = process_time()
    assert mine(equation).inputs == ("X",)
    assert process_time() - start < QUICK
