"""Formulas as text: golden derivations, exact examples, and properties over drawn networks and formulas."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from hypothesis import assume, example, given, reject, settings
from hypothesis import strategies as st

from symbolic.closed_form import ClosedForm, read_weight
from symbolic.conventions import INTERNAL, Layout
from symbolic.derivation import derive
from symbolic.errors import FormulaError, Unsupported
from symbolic.grammar.formula import parse_scalar
from symbolic.network import Chain, Network, mlp
from symbolic.notation import Step
from symbolic.writing.text import (
    closed_text,
    definitions_text,
    error_text,
    index_text,
    matrix_text,
    range_text,
)
from tests.symbolic.helpers import CLOSE, Decimals, Point, networks, value

ROWS = Layout(weights="in-out", samples="rows", bias_shape="1,n")
ACTIVATIONS = ["g", "tanh", "softmax", "sigmoid", "identity", "z*tanh(z)", "elu(2/3)", "gelu"]
OBJECTIVES = [("softmax", "cross-entropy"), ("g", "E"), ("identity", "huber"), ("tanh", "(a - t)**4 + a*t")]
GOLDEN = {
    "2-3-1": (mlp(2, 3, 1), INTERNAL),
    "3-4-4-2": (
        mlp(3, 4, 4, 2, hidden="tanh", output="softmax", loss="cross-entropy", l2="lambda/(2*m)"),
        INTERNAL,
    ),
    "2-3-4-1": (
        mlp(
            *(2, 3, 4, 1),
            hidden=["gelu", "leaky_relu(1/5)"],
            output="sigmoid",
            loss="huber",
            scale="1/(m*k)",
            bias=[True, False, True],
            l1="lambda/m",
            penalize_biases=True,
        ),
        INTERNAL,
    ),
    "any-depth": (mlp(hidden="softmax", loss="E", l2="lambda"), ROWS),
}


def written(chain: Chain, layout: Layout) -> str:
    """Everything that text can say of a derivation."""
    derived = derive(chain)
    lines = [str(chain), str(layout)]
    for steps in filter(None, (derived.general, derived.steps)):
        lines += ["", error_text(steps), *definitions_text(steps), ""]
        for step in steps:
            said = [index_text(step), range_text(step), step.layers]
            lines.append("   ".join(filter(None, said)))
            try:
                lines.append(f"    {matrix_text(step, layout)}")
            except Unsupported as error:
                lines.append(f"    {error}")
    return "\n".join([*lines, ""])


@pytest.mark.parametrize("name", GOLDEN)
def test_derivation_reads_as_in_the_golden_file(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"text/{name}.txt", written(*GOLDEN[name]))


def backward(*sizes: int, layout: Layout | None = None, **options: Any) -> list[str]:
    steps = derive(mlp(*sizes, **options)).backward
    return [index_text(step) if layout is None else matrix_text(step, layout) for step in steps]


def test_undefined_network_is_written_as_in_a_textbook() -> None:
    assert backward(2, 3, 1, output="g") == [
        "δ2[i,c] = (1/m)·(A2[i,c] − T[i,c])·g2′(Z2[i,c])",
        "∂E/∂W2[i,j] = Σ_c δ2[i,c]·A1[j,c]",
        "∂E/∂b2[i] = Σ_c δ2[i,c]",
        "δ1[i,c] = g1′(Z1[i,c])·Σ_k W2[k,i]·δ2[k,c]",
        "∂E/∂W1[i,j] = Σ_c δ1[i,c]·X[j,c]",
        "∂E/∂b1[i] = Σ_c δ1[i,c]",
    ]


def test_matrix_forms_follow_the_layout() -> None:
    columns, rows = (backward(2, 3, 1, layout=layout) for layout in (INTERNAL, ROWS))
    assert columns[2:] == [
        "∂E/∂b2 = δ2 𝟏",
        "δ1 = (W2ᵀ δ2) ∘ g1′(Z1)",
        "∂E/∂W1 = δ1 Xᵀ",
        "∂E/∂b1 = δ1 𝟏",
    ]
    assert rows[2:] == [
        "∂E/∂b2 = 𝟏ᵀ δ2",
        "δ1 = (δ2 W2ᵀ) ∘ g1′(Z1)",
        "∂E/∂W1 = Xᵀ δ1",
        "∂E/∂b1 = 𝟏ᵀ δ1",
    ]


def test_penalty_stands_behind_the_data() -> None:
    shown = backward(2, 1, l2="lambda/(2*m)")
    assert "∂E/∂W1[i,j] = Σ_c δ1[i,c]·X[j,c] + (λ/m)·W1[i,j]" in shown


def test_entry_of_a_gradient_keeps_its_numbers() -> None:
    step = derive(mlp(2, 3, 1)).backward[4]
    at = dict(zip(step.equation.indices, map(sp.Integer, (2, 1)), strict=True))
    equation = type(step.equation)(
        step.equation.target.xreplace(at), step.equation.value.xreplace(at), step.equation.rule
    )
    entry = Step(equation, step.bindings, step.role)
    assert index_text(entry) == "∂E/∂W1[2,1] = Σ_c δ1[2,c]·X[1,c]"
    assert range_text(entry) == ""


def test_closed_form_names_the_entries() -> None:
    network = mlp(1, 1, 1)
    assert isinstance(network, Network)
    form = ClosedForm(network)
    assert closed_text(form.derivative(read_weight("W1[1,1]", network))) == (
        "(1/m)·Σ_c W2[1,1]·X[1,c]·(W2[1,1]·g1(W1[1,1]·X[1,c] + b1[1]) + b2[1] − T[1,c])"
        "·g1′(W1[1,1]·X[1,c] + b1[1])"
    )


def test_second_layer_with_the_same_formula_refers_to_the_first() -> None:
    shown = definitions_text(derive(mlp(2, 3, 3, 1, hidden="z*tanh(z)")).forward)
    assert shown == ("g1(z) = z·tanh(z)", "g1′(z) = tanh(z) + z·(1 − tanh(z)²)", "g2 = g1")


def test_band_of_two_conditions_is_an_absolute_value_only_about_zero() -> None:
    inside = parse_scalar("where(abs(z) <= 2, z, 0)", names=("z",))
    aside = parse_scalar("where(z > 0 and z < 2, z, 0)", names=("z",))
    assert closed_text(inside) == "{z if |z| ≤ 2, 0 otherwise}"
    assert closed_text(aside) == "{z if z > 0 and z < 2, 0 otherwise}"


def read_back(text: str) -> sp.Expr:
    """The expression that a text without cases says."""
    for written_so, meant in (("−", "-"), ("·", "*"), ("π", "pi"), ("^", "**"), ("√(", "sqrt(")):
        text = text.replace(written_so, meant)
    text = re.sub(r"\be\b", "exp(1)", text)
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: f"**{digits(found[0])}", text)
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    return parse_scalar(re.sub(r"√(\w+)", r"sqrt(\1)", text), names=("z",))


def digits(superscript: str) -> str:
    return superscript.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))


def formulas() -> st.SearchStrategy[str]:
    """Formulas in z that have a value at every z."""
    leaf = st.sampled_from(["z", "1", "2", "3/7", "-5/2", "pi", "sqrt(2)", "exp(1)"])
    pairs = ["({} + {})", "({} - {})", "({}*{})", "({}/(1 + ({})**2))", "({}*exp(-tanh({})))"]
    ones = [
        "tanh({})",
        "abs({})",
        "({})**3",
        "sqrt(1 + ({})**2)",
        "-({})",
        "2/(3 + ({})**4)",
        "log(2 + ({})**2)",
    ]
    return st.recursive(
        leaf,
        lambda inner: (
            st.builds(str.format, st.sampled_from(pairs), inner, inner)
            | st.builds(str.format, st.sampled_from(ones), inner)
        ),
        max_leaves=6,
    )


@settings(max_examples=100)
@given(formulas(), st.integers(1, 9))
@example("z*(1 + erf(z/sqrt(2)))/2", 3)
@example("(z + 1)*(-z - 2)/(3*(z**2 + 1))", 2)
def test_formula_reads_back_with_the_same_value(formula: str, tenths: int) -> None:
    try:
        expr = parse_scalar(formula, names=("z",))
    except FormulaError:  # too many kinks inside one another
        reject()
    kind = Decimals()
    point = Point(kind, scalars={"z": kind.constant(sp.Rational(tenths, 10))})
    shown = closed_text(expr)
    assume("{" not in shown and shown.count("|") <= 2)  # bars within bars cannot be told apart
    again = value(read_back(shown), point)
    assert abs(again - value(expr, point)) <= CLOSE * (1 + abs(again))


@settings(max_examples=40)
@given(networks(activations=ACTIVATIONS, objectives=OBJECTIVES))
def test_every_gradient_is_written_once_and_all_brackets_close(network: Network) -> None:
    steps = derive(network).steps
    shown = [index_text(step) for step in steps] + [matrix_text(step) for step in steps]
    left = Counter(line.split(" = ")[0] for line in shown)
    for number, layer in enumerate(network.layers, start=1):
        names = [f"∂E/∂W{number}[i,j]", f"∂E/∂W{number}"] + [
            f"∂E/∂b{number}[i]",
            f"∂E/∂b{number}",
        ] * layer.bias
        assert all(left[name] == 1 for name in names)
    for line in shown:
        assert all(line.count(opened) == line.count(closed) for opened, closed in ("()", "[]", "{}"))
        assert "Piecewise" not in line and "_bar" not in line


@settings(max_examples=40)
@given(networks(activations=ACTIVATIONS, objectives=OBJECTIVES))
def test_ranges_are_the_shapes_of_the_arrays(network: Network) -> None:
    for step in derive(network).steps:
        ends = [part.split(" = ")[1].removeprefix("1…") for part in range_text(step).split(", ") if part]
        assert ends == [str(size) for size in step.target.shape]
