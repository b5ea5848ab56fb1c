"""What a LaTeX document says before its first equation: the network, its arrays, functions and slopes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

import sympy as sp

from symbolic.activations import Activation
from symbolic.conventions import Layout
from symbolic.grammar.formula import to_text
from symbolic.losses import Loss
from symbolic.network import Chain, Dense, Family, Network, Objective
from symbolic.notation import Slot, Step
from symbolic.writing.latex import LatexWriter
from symbolic.writing.shown import Definition, definition, definitions
from symbolic.writing.text import TextWriter

WIDEST: Final = 80  # characters, as text, of a formula that fits on a line
ROWS: Final = 40  # rows of a table that fit on a page
MOST: Final = 10  # layers whose widths make a title
_ESCAPES: Final = str.maketrans(
    {character: rf"\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)
_NOTATION: Final = r"""\paragraph{Notation.} All indices count from 1. Layer $l$ has $n_l$ units and the
activation $g^{[l]}$; there are $m$ samples; $x_{j,c} = a^{[0]}_{j,c}$ is input $j$ of sample $c$, and
$t_{i,c}$ is target $i$ of sample $c$. The weight from unit $j$ of layer $l-1$ to unit $i$ of layer $l$ is
$w^{[l]}_{i,j}$, and the bias of that unit is $b^{[l]}_i$."""
_WEIGHTS: Final = {
    "out-in": r"$W^{[l]}$ is $n_l \times n_{l-1}$, with $w^{[l]}_{i,j}$ in row $i$ and column $j$",
    "in-out": r"$W^{[l]}$ is $n_{l-1} \times n_l$, with $w^{[l]}_{i,j}$ in row $j$ and column $i$",
}
_SAMPLES: Final = {
    "columns": r"samples are columns: $X$ is $n_0 \times m$, with $x_{j,c}$ in row $j$ and column $c$",
    "rows": r"samples are rows: $X$ is $m \times n_0$, with $x_{j,c}$ in row $c$ and column $j$",
}
_LABELS: Final = {
    "one-hot": "",
    "integer": " Labels $y_c$ are class numbers from 0: $t_{i,c}$ is $1$ if $y_c = i - 1$ and $0$ otherwise.",
}
_OPERATIONS: Final = r"""Functions, $\odot$, $\oslash$ and powers with $\circ$ are taken entry by entry;
$\mathbf{1}$ is a column of ones, as long as its place asks for."""


def network_of(chain: Chain) -> Network | None:
    """The network with symbols for open widths; None where the depth is open."""
    if isinstance(chain, Family):
        return None if chain.sizes is None else chain.symbolic()
    return chain


def subject_latex(network: Network | None) -> str:
    """What a document is about; None stands for networks of any depth."""
    if network is None:
        return "networks of any depth"
    if network.depth > MOST:
        return f"a network of {network.depth} layers"
    sizes = (str(size) if isinstance(size, int) else f"${sp.latex(size)}$" for size in network.sizes)
    return f"the network {'--'.join(sizes)}"


def network_latex(network: Network) -> str:
    """The widths, activations and biases of each layer, in a table."""
    count = "" if network.is_symbolic else f" It has {network.parameter_count} parameters."
    rows = [rf"$0$ & ${sp.latex(network.inputs)}$ & input & \\", *_rows(network.layers)]
    tables = [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)]
    return "\n".join(
        [f"This is {subject_latex(network)}; $L = {network.depth}$.{count}", *map(_table, tables)]
    )


def family_latex(family: Chain) -> str:
    """Which networks a family of any depth has."""
    assert isinstance(family, Family)
    layer = sp.Symbol("l")
    hidden, output = (_activation(Slot("g", layer, given)) for given in (family.hidden[0], family.output))
    bias = "with" if all(family.bias) else "without"
    return (
        r"These are the networks of any depth $L \ge 1$ and any widths $n_0, \dots, n_L$, "
        f"{bias} biases; the activation is {hidden} in the hidden layers and {output} in the output layer."
    )


def notation_latex(layout: Layout, objective: Objective) -> str:
    """What the letters mean, and how the arrays are stored."""
    strength = r" The strength of the penalty is $\lambda$." if objective.has_lambda else ""
    weights, samples = _WEIGHTS[layout.weights], _SAMPLES[layout.samples]
    bias = "a row" if layout.bias_shape == "1,n" else "a column"
    arrays = (
        f"As matrices: {weights}; {samples}, and likewise $T$, $Z^{{[l]}}$, "
        rf"$A^{{[l]}}$ and $\delta^{{[l]}}$; $b^{{[l]}}$ is {bias}. "
        "A derivative by an array is stored as the array is."
    )
    return f"{_NOTATION}{_LABELS[layout.labels]}{strength}\n\n{arrays} {_OPERATIONS}"


def functions_latex(steps: Sequence[Step], loss: Loss) -> str:
    """The loss of one output and the activations, each with its slope, as SymPy derives it."""
    shown = [
        each for each in definitions(steps) if isinstance(each.slot.source, Activation) and not each.same
    ]
    lines = [r"\paragraph{Functions.}", *_loss(loss)]
    if any(_is_open(step) for step in steps):
        lines.append("An activation $g^{[l]}$ that is undefined is any differentiable function.")
    if shown:
        lines += ["The activations and their slopes are", *displayed(shown)]
    if any(formula.has(sp.Piecewise) for each in shown for formula in each.formulas):
        lines.append("Where two cases of a function meet, its slope is that of the case which holds there.")
    return "\n".join(lines)


def _loss(loss: Loss) -> list[str]:
    if loss.undefined:
        return ["The loss $e(a, t)$ of an output $a$ with the target $t$ is any differentiable function."]
    name = f" ({loss.name.translate(_ESCAPES)})" if loss.row else ""
    said = f"The loss of an output $a$ with the target $t${name} and its slope are"
    return [said, *displayed(definition(Slot("e", None, loss)))]


def _is_open(step: Step) -> bool:
    """Whether a step has an activation that is undefined."""
    slots = (bound.source for bound in step.bindings.values() if isinstance(bound, Slot))
    return any(isinstance(source, Activation) and source.undefined for source in slots)


def _rows(layers: Sequence[Dense]) -> Iterator[str]:
    """A row for each run of equal layers; a formula that an earlier layer has too is said to be its g."""
    numbered = list(enumerate(layers, start=1))
    first: dict[Activation, int] = {}
    for number, layer in numbered:
        first.setdefault(layer.activation, number)
    for layer, run in groupby(numbered, key=lambda pair: pair[1]):
        numbers = [number for number, _ in run]
        start, end = numbers[0], numbers[-1]
        index = sp.Symbol("l") if end > start else start
        places = rf"{start}, \dots, {end}" if end > start + 1 else ", ".join(map(str, numbers))
        written = _activation(Slot("g", index, layer.activation))
        known = first[layer.activation]
        if layer.activation.name == "formula" and known != index:
            written += f" = {_activation(Slot('g', known, layer.activation))}"
        yield rf"${places}$ & ${sp.latex(layer.width)}$ & {written} & {'yes' if layer.bias else 'no'} \\"


def _activation(slot: Slot) -> str:
    source = slot.source
    assert isinstance(source, Activation)
    if source.name in ("identity", "softmax"):
        return source.name
    return f"${LatexWriter.style.slot(slot, (0,))}$" + " (undefined)" * source.undefined


def _table(rows: Sequence[str]) -> str:
    head = [r"\begin{center}", r"\renewcommand{\arraystretch}{1.2}", r"\begin{tabular}{cclc}"]
    titles = r"layer $l$ & units $n_l$ & activation & bias \\ \hline"
    return "\n".join([*head, titles, *rows, r"\end{tabular}", r"\end{center}"])


def displayed(found: Sequence[Definition]) -> Iterator[str]:
    """Chains of equal formulas as displays; what is too long for a line as text that breaks anywhere."""
    for fits, run in groupby(found, key=lambda each: _lines(each) is not None):
        if fits:
            rows = [line for each in run for line in _lines(each) or ()]
            yield "\n".join([r"\begin{align*}", " \\\\\n".join(rows), r"\end{align*}"])
        else:
            yield from map(_as_text, run)


def _lines(each: Definition) -> list[str] | None:
    """A chain of equal formulas on one line, or on one for each; None where one is too long."""
    head, *formulas = each.chain(LatexWriter)
    texts = each.chain(TextWriter)
    if not formulas:
        return []
    if len(" = ".join(texts)) <= WIDEST:
        return [f"{head} &= {' = '.join(formulas)}"]
    if max(map(len, texts)) <= WIDEST:
        return [f"{head} &= {formulas[0]}", *(f"&= {formula}" for formula in formulas[1:])]
    return None


def _as_text(each: Definition) -> str:
    head = each.chain(LatexWriter)[0]
    letters = (
        letter if letter.isalpha() else letter.translate(_ESCAPES) + r"\allowbreak{}"
        for letter in to_text(each.formulas[0])
    )
    return rf"\begin{{quote}}\raggedright ${head} =$ \texttt{{{''.join(letters)}}}\end{{quote}}"
