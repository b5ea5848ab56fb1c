"""LaTeX: golden documents, exact examples, properties over drawn networks, and a real engine."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic.conventions import CHOICES, INTERNAL, Layout
from symbolic.derivation import derive, derive_layer
from symbolic.grammar.formula import parse_scalar
from symbolic.layers import LAYERS
from symbolic.network import Network, mlp
from symbolic.notation import Array
from symbolic.writing.document import latex_document
from symbolic.writing.equations_document import equations_document
from symbolic.writing.latex import LatexWriter, closed_latex, index_latex, matrix_latex, repr_latex
from symbolic.writing.text import index_text
from tests.layer_cases import CASES
from tests.symbolic.helpers import networks

ACTIVATIONS = [
    "g",
    "tanh",
    "softmax",
    "sigmoid",
    "identity",
    "z*tanh(z)",
    "elu(2/3)",
    "gelu",
    "leaky_relu(1/5)",
]
OBJECTIVES = [("softmax", "cross-entropy"), ("g", "E"), ("identity", "huber"), ("tanh", "(a - t)**4 + a*t")]
LONG = "z*tanh(z) + sqrt(1 + z**2)/(3 + exp(-z) + sin(z)**2) + where(z > 1, log(1 + z**2), z**3/(1 + abs(z)))"
DOCUMENTS = {
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
    "rows": (
        mlp("2-?-2", hidden="softmax", output="sigmoid", loss="binary-cross-entropy"),
        Layout(weights="in-out", samples="rows", bias_shape="1,n", labels="integer"),
    ),
    "any-depth": (mlp(), INTERNAL),
    "fifty-layers": (mlp(*[3] * 50, 1, hidden="relu", loss="E", l1="lambda"), INTERNAL),
    "long-formula": (
        mlp(2, 3, 2, 1, hidden=LONG, loss="(a - t)**4 + log(1 + exp(-a*t)) + a*t/(1 + t**2)"),
        INTERNAL,
    ),
}
layouts = st.builds(Layout, **{name: st.sampled_from(choices) for name, choices in CHOICES.items()})
drawn = networks(activations=ACTIVATIONS, objectives=OBJECTIVES)


@pytest.mark.parametrize("name", ["2-3-1", "3-4-4-2", "any-depth"])
def test_document_reads_as_in_the_golden_file(name: str, golden: Callable[[str, str], None]) -> None:
    chain, layout = DOCUMENTS[name]
    golden(f"latex/{name}.tex", latex_document(derive(chain), layout))


def test_entries_are_small_and_matrices_are_capitals() -> None:
    output, *_, recursion, _, _ = derive(mlp(2, 3, 1, output="g")).backward
    assert index_latex(output) == (
        r"\delta^{[2]}_{i,c} = \frac{1}{m}\,\bigl(a^{[2]}_{i,c} - t_{i,c}\bigr)\,"
        r"g^{[2]\prime}\bigl(z^{[2]}_{i,c}\bigr)"
    )
    assert matrix_latex(recursion) == (
        r"\delta^{[1]} = \bigl(W^{[2]\top} \delta^{[2]}\bigr) \odot g^{[1]\prime}\bigl(Z^{[1]}\bigr)"
    )


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("erf(z/sqrt(2))/2", r"\frac{1}{2}\,\operatorname{erf}\left(\frac{z}{\sqrt{2}}\right)"),
        ("exp(-z**2/2)", "e^{-z^{2}/2}"),
        ("tanh(z)**2", r"\tanh^{2}(z)"),
        ("abs(z)", r"\lvert z\rvert"),
        (
            "where(z > 1, 1, z) - 1",
            r"\left(\begin{cases} 1 & \text{if } z > 1 \\ z & \text{otherwise} \end{cases}\right) - 1",
        ),
    ],
)
def test_formula_is_typeset_as_by_hand(formula: str, latex: str) -> None:
    assert closed_latex(parse_scalar(formula, names=("z",))) == latex


def test_formula_of_the_user_is_printed_from_its_expression() -> None:
    document = latex_document(derive(mlp(2, 3, 1, hidden="  z *tanh(  z )")))
    assert r"g^{[1]}(z) &= z\,\tanh(z)" in document
    assert "z *tanh" not in document


def test_notebook_shows_steps_derivations_networks_and_families() -> None:
    network = mlp(2, 3, 1)
    derived = derive(network)
    assert repr_latex(derived.backward[2]) == (
        r"$\displaystyle \frac{\partial E}{\partial b^{[2]}_{i}} = \sum_{c=1}^{m} \delta^{[2]}_{i,c}$"
    )
    assert repr_latex(derived).count("&=") == len(derived.backward)
    assert repr_latex(network).splitlines()[-2].startswith("E &= ")
    assert "z^{[l]}_{i,c} &=" in repr_latex(mlp())


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("W", "W"),
        ("WQ", "W^{Q}"),
        ("X1", "X^{(1)}"),
        ("h.W", "W^{(h)}"),
        ("conv1.gamma", r"\gamma^{(\mathrm{conv1})}"),
        ("Y_place", r"Y^{\mathrm{place}}"),
        ("state_before", r"\mathrm{state\_before}"),
    ],
)
def test_array_of_any_name_is_a_letter_with_marks(name: str, latex: str) -> None:
    assert LatexWriter.style.matrix(Array(name), transposed=False) == latex


array_names = st.from_regex(r"([a-z]\w{0,2}\.)?([A-Za-z]\w{0,6}|gamma|lambda|lamda|xhat)", fullmatch=True)


@given(array_names.filter(str.isascii), array_names.filter(str.isascii))
def test_different_names_look_different(first: str, second: str) -> None:
    shown = {LatexWriter.style.matrix(Array(name), transposed=False) for name in (first, second)}
    assert len(shown) == len({first, second})


def test_layer_by_itself_keeps_its_capitals_where_a_chain_has_small_entries() -> None:
    forward, *_ = derive_layer(LAYERS["dense"])
    assert index_latex(forward) == r"Z_{i,c} = \sum_{j=1}^{N_{j}} W_{i,j}\,A_{j,c} + b_{i}"


def test_part_of_a_cotangent_bears_its_number() -> None:
    part = next(step for step in derive_layer(LAYERS["group-norm"]) if step.target.part == 2)
    assert index_text(part).startswith("(∂E/∂X)₂[g·N_h + h,t,c] += ")
    assert index_latex(part).startswith(
        r"\Bigl(\frac{\partial E}{\partial X_{g\,N_{h} + h,\,t,\,c}}\Bigr)_{2} \mathrel{{+}{=}} "
    )


def environments(source: str) -> list[str]:
    """The environments that are left open; AssertionError where one is closed that is not the last opened."""
    opened: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{([a-z*]+)\}", source):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    return opened


@settings(max_examples=15)
@given(drawn, layouts)
def test_document_is_ascii_closes_what_it_opens_and_refers_to_what_there_is(
    network: Network, layout: Layout
) -> None:
    source = latex_document(derive(network), layout)
    plain = source.replace(r"\{", "").replace(r"\}", "")
    assert source.isascii()
    assert plain.count("{") == plain.count("}")
    assert plain.count(r"\left") == plain.count(r"\right")
    assert plain.count(r"\bigl") == plain.count(r"\bigr")
    assert environments(source) == []
    labels = re.findall(r"\\label\{(.*?)\}", source)
    assert len(labels) == len(set(labels))
    assert set(re.findall(r"\\eqref\{(.*?)\}", source)) <= set(labels)


@settings(max_examples=15)
@given(drawn)
def test_document_derives_every_parameter_once_in_general_and_once_by_itself(network: Network) -> None:
    source = latex_document(derive(network))
    for number, layer in enumerate(network.layers, start=1):
        for entry in (f"w^{{[{number}]}}_{{i,j}}", f"W^{{[{number}]}}"):
            assert source.count(rf"\frac{{\partial E}}{{\partial {entry}}} &=") == 1
        for entry in (f"b^{{[{number}]}}_{{i}}", f"b^{{[{number}]}}"):
            assert source.count(rf"\frac{{\partial E}}{{\partial {entry}}} &=") == layer.bias
    assert source.count(r"\frac{\partial E}{\partial w^{[l]}_{i,j}} &=") == 1


def complaints(source: str, folder: Path) -> list[str]:
    """What pdflatex says of a document: errors, warnings, boxes too full or too empty."""
    (folder / "document.tex").write_text(source, encoding="ascii")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    for _ in range(2):  # the second run knows the numbers of the references
        subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
    log = (folder / "document.log").read_text(encoding="utf-8", errors="replace")
    return re.findall(r"^(?:!|Overfull|Underfull|LaTeX Warning|Package \w+ Warning).*", log, re.MULTILINE)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_compiles_without_a_complaint(
    name: str, require: Callable[[str], None], tmp_path: Path
) -> None:
    require("pdflatex")
    chain, layout = DOCUMENTS[name]
    assert complaints(latex_document(derive(chain), layout), tmp_path) == []


@pytest.mark.parametrize(
    "name", ["conv2d", "max-pool2d", "group-norm", "multi-head-attention", "lstm-cell", "embedding"]
)
def test_document_of_a_layer_compiles_without_a_complaint(
    name: str, require: Callable[[str], None], tmp_path: Path
) -> None:
    require("pdflatex")
    source = equations_document(LAYERS[name])
    assert source.isascii()
    assert complaints(source, tmp_path) == []


def test_document_of_a_graph_compiles_without_a_complaint(
    require: Callable[[str], None], tmp_path: Path
) -> None:
    require("pdflatex")
    network = CASES["conv2d, strided, padded, dilated"].graph
    source = latex_document(derive(network))
    assert r"\section*{Backward}" in source
    assert complaints(source, tmp_path) == []


@settings(max_examples=5)
@given(drawn, layouts)
def test_documents_of_drawn_networks_compile(
    require: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory, network: Network, layout: Layout
) -> None:
    require("pdflatex")
    assert complaints(latex_document(derive(network), layout), tmp_path_factory.mktemp("drawn")) == []


def test_audit_rejects_a_line_that_is_too_long(require: Callable[[str], None], tmp_path: Path) -> None:
    require("pdflatex")
    wide = "+".join("a" * 200)
    source = latex_document(derive(mlp())).replace(r"\section{Any layer}", rf"\[{wide}\]")
    assert complaints(source, tmp_path)
