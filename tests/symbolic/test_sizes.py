"""Sizes inferred from where equations read: the formulas of convolution and pooling follow."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from symbolic.errors import InvalidNetwork
from symbolic.graph import graph, node
from symbolic.layer import Layer, size
from symbolic.losses import SAMPLES
from symbolic.sizes import Size, shown

LENGTHS, SHIFTS = st.integers(1, 30), st.integers(1, 5)


def shape_of(row: str | Layer, *shapes: tuple[int | str, ...], **settings: int) -> tuple[Size, ...]:
    names = [f"x{number}" for number in range(len(shapes))]
    network = graph(
        inputs=dict(zip(names, shapes, strict=True)),
        nodes={"y": node(row, *names, **settings)},
    )
    return network.arrays["y"].shape


def windows(length: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
    """How many windows fit, counted one by one: the last place of each is within the padded axis."""
    starts = range(-padding, length + padding, stride)
    return sum(start + dilation * (kernel - 1) <= length - 1 + padding for start in starts)


@given(LENGTHS, SHIFTS, SHIFTS, st.integers(0, 5), SHIFTS)
def test_convolution_has_as_many_places_as_windows_fit(
    length: int, kernel: int, stride: int, padding: int, dilation: int
) -> None:
    options = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    places = windows(length, kernel, stride, padding, dilation)
    assert places == max(0, (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1)
    if places:
        assert shape_of("conv1d", (2, length, "m"), channels=3, **options) == (3, places, SAMPLES)
    else:
        with pytest.raises(InvalidNetwork, match=r"^y: index q has no place to run over: "):
            shape_of("conv1d", (2, length, "m"), channels=3, **options)


@given(LENGTHS, SHIFTS, SHIFTS, st.integers(0, 2), st.sampled_from(["max-pool1d", "average-pool1d"]))
def test_pooling_has_as_many_places_as_windows_fit(
    length: int, kernel: int, stride: int, padding: int, row: str
) -> None:
    places = windows(length, kernel, stride, padding)
    assume(places)
    found = shape_of(row, (2, length, "m"), kernel=kernel, stride=stride, padding=padding)
    assert found == (2, places, SAMPLES)


@given(LENGTHS, SHIFTS, SHIFTS, st.integers(0, 3), SHIFTS)
def test_transposed_convolution_has_the_size_that_the_convolution_came_from(
    length: int, kernel: int, stride: int, padding: int, dilation: int
) -> None:
    whole = (length - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1
    assume(whole > 0)
    options = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    assert shape_of("conv1d-transposed", (2, length, "m"), channels=3, **options) == (3, whole, SAMPLES)
    assert shape_of("conv1d", (3, whole, "m"), channels=2, **options) == (2, length, SAMPLES)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_groups_multiply_channels(groups: int, inner: int, outer: int) -> None:
    network = graph(
        inputs={"x": (groups * inner, 4, "m")},
        nodes={"y": node("conv1d-grouped", "x", groups=groups, channels=outer, kernel=2)},
    )
    assert network.arrays["y"].shape == (groups * outer, 3, SAMPLES)
    assert network.arrays["y.W"].shape == (groups * outer, inner, 2)


@given(st.integers(1, 6), st.integers(1, 6))
def test_unflatten_undoes_flatten(outer: int, inner: int) -> None:
    assert shape_of("flatten", (outer, inner, "m")) == (outer * inner, SAMPLES)
    assert shape_of("unflatten", (outer * inner, "m"), inner=inner) == (outer, inner, SAMPLES)


@given(st.integers(1, 6), st.integers(1, 6))
def test_concatenated_axes_add_up(one: int, other: int) -> None:
    assert shape_of("concatenate", (one, "m"), (other, "m")) == (one + other, SAMPLES)


@given(st.integers(1, 30), st.integers(1, 6), st.integers(0, 6), st.integers(1, 6))
def test_slice_stays_within_its_axis(length: int, wanted: int, start: int, step: int) -> None:
    options = {"length": wanted, "start": start, "step": step}
    if len(range(length)[start::step]) >= wanted:
        assert shape_of("slice", (length, "m"), **options) == (wanted, SAMPLES)
    else:
        with pytest.raises(
            InvalidNetwork, match=rf"^y: X has {length} places along axis 1, but q\*step \+ start"
        ):
            shape_of("slice", (length, "m"), **options)


def test_entry_at_a_fixed_place_says_nothing_where_an_index_runs() -> None:
    mine = Layer.from_equations("Y[i,c] = W[i,i]*X[i,c] + W[0,i]")
    assert shape_of(mine, (3, "m")) == (3, SAMPLES)


def test_neighbour_beyond_the_axis_is_refused_with_what_to_write() -> None:
    message = (
        "y: X has 3 places along axis 1, but i + 1 goes up to 3, counted from 0; "
        "write where(..., X[...], 0) for a range"
    )
    with pytest.raises(InvalidNetwork, match=f"^{re.escape(message)}$"):
        shape_of(Layer.from_equations("Y[i,c] = X[i,c]*X[i + 1,c]"), (3, "m"))


def test_size_that_depends_on_two_unknown_ones_is_asked_for() -> None:
    mine = Layer.from_equations("Y[i,c] = Sum(W[j]*X[i - j,c], j)", settings=[size("past", "j")])
    before_and_after = 1
    assert shape_of(mine, (5, "m"), past=2) == (5 + before_and_after, SAMPLES)
    with pytest.raises(
        InvalidNetwork, match=r"^y: the size of axis 1 of W \(j\) does not follow from the inputs"
    ):
        shape_of(mine, (5, "m"))


def test_shape_is_written_with_its_samples() -> None:
    assert shown((3, SAMPLES)) == "(3, m)"
