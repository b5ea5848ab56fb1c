"""What the theorem in Coq calls the parts of a chain, and what each equation of a chain is claimed to be.

For a generic layer, the theorem's layer and depth are S l and S L; indices count from 0 there and from 1
here, over the same ranges. A layer without biases is one whose b is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import sympy as sp

from proofs.coq.statements import Lemma, Row, lemma
from proofs.coq.terms import Names, slot_name, term
from proofs.coq.tied_functions import function_term, slope_lemma
from symbolic.activations import Activation, activation
from symbolic.derivation import GENERIC, LAST, WIDTHS, Derivation
from symbolic.errors import Unsupported
from symbolic.expressions import Expr
from symbolic.losses import LAMBDA, OUTPUTS, SAMPLES, Loss
from symbolic.network import Dense, Family
from symbolic.notation import Array, Slot, Step
from symbolic.slots import SLOT_ARGUMENTS

VARIABLES: Final = """Variables (m : nat) (n k : nat -> nat) (f : nat -> map) (p : parameters) (X T : matrix).
Variables (lambda : R) (l L : nat)."""
NOTATIONS: Final = """Local Notation Z := (Z n f p X).
Local Notation A := (A n f p X).
Local Notation cost := (scaled {scale} m (outputwise (n {depth}) {e} T)).
Local Notation gradient := (scaled_gradient {scale} (outputwise_slope {e_1} T)).
Local Notation Ybar := (Ybar n f {depth} gradient p X).
Local Notation delta := (delta n f p X {depth} Ybar).
Local Notation Abar := (Abar n f p X {depth} Ybar).
Local Notation error q := (E n f {depth} cost q X).
"""
ARRAYS: Final = {
    "W": "W p {layer}",
    "b": "b p {layer}",
    "X": "A 0",
    "T": "T",
    "Z": "Z {layer}",
    "A": "A {layer}",
    "dZ": "delta {layer}",
    "dA": "Abar {layer}",
}
_GRADIENT: Final = "intros; eapply derives; [eapply ({theorem} m n k f); try eassumption; lia | agree]"
_RIGHT: Final = "right_everywhere m n k f {depth} cost gradient p X"
ROWS: Final = {
    "Z": Row(
        "Z {layer} {i} {j} = {right}",
        "intros; unfold Backpropagation.Z, affine, mul; cbn [pred]; without_bias; agree",
        ("{unbiased}",),
    ),
    "A": Row(
        "A {layer} {i} {j} = {right}",
        "intros; change (A {layer}) with (value (f {layer}) (theta p {layer}) (Z {layer})); of_layer; "
        "unfold softmax_value, Rdiv; agree",
        ("f {layer} = {activation}",),
    ),
    "D": Row("error p = {right}", "intros; unfold E, scaled, outputwise, column; agree"),
    "R": Row(
        "{penalty} * inner (n {layer}) (n (pred {layer})) (W p {layer}) (W p {layer}) =\n  2 * {right}",
        "intros; cbn [pred]; unfold inner, dot; agree",
    ),
    "dZ": Row(
        "delta {layer} {i} {j} =\n  {right}",
        "intros; unfold Backpropagation.delta, through; of_layer; {above}; cost_unfolded; agree",
        ("{range}", "f {layer} = {activation}"),
    ),
    "dA": Row(
        "Abar {layer} {i} {j} =\n  {right}",
        "intros; unfold Backpropagation.delta; {above}; cost_unfolded; agree",
        ("{range}",),
    ),
    "dW": Row(
        "is_derive (fun w => error (set ({place}) p w) + penalty n {depth} {penalty} (set ({place}) p w))\n"
        "    (W p {layer} {i} {j})\n    {right}",
        _GRADIENT.replace("{theorem}", "weight_gradient_penalised"),
        ("{range}", _RIGHT),
    ),
    "db": Row(
        "is_derive (fun w => error (set ({place}) p w)) (b p {layer} {i})\n    {right}",
        _GRADIENT.replace("{theorem}", "bias_gradient"),
        ("{range}", _RIGHT),
    ),
}


@dataclass(frozen=True)
class TiedChain:
    """A derived family of chains in the theorem's words: for a generic layer, where its depth is open."""

    derivation: Derivation

    @property
    def steps(self) -> tuple[Step, ...]:
        """The equations to be tied: a family's own, or the general ones where its depth is open."""
        return self.derivation.steps or self.derivation.general

    @property
    def family(self) -> Family:
        assert isinstance(self.derivation.chain, Family)
        return self.derivation.chain

    @property
    def depth(self) -> str:
        return "(S L)" if self.family.sizes is None else str(len(self.family.sizes) - 1)

    @property
    def layers(self) -> dict[object, Dense]:
        """By their numbers; a hidden one and the last, where the depth is open."""
        family = self.family
        if family.sizes is not None:
            return dict(enumerate(family.symbolic().layers, start=1))
        ends = {GENERIC: (family.hidden[0], family.bias[0]), LAST: (family.output, family.bias[-1])}
        return {at: Dense(WIDTHS[at], *end) for at, end in ends.items()}

    def declarations(self) -> str:
        """What the lemmas speak of: the network, the undefined functions of its equations, and notations."""
        kinds: dict[str, str] = {}
        for slot in (slot for step in self.steps for slot in _slots(step)):
            if slot.source.definition is None:
                others = (0,) * (len(SLOT_ARGUMENTS[type(slot.source)]) - 1)
                names = f"{self.function(slot, (0, *others))} {self.function(slot, (1, *others))}"
                kinds[names] = " -> ".join(["R"] * (len(others) + 2))
        variables = [f"Variables {names} : {kind}." for names, kind in kinds.items()]
        e, e_1 = self.loss((0, 0)), self.loss((1, 0))
        scale = term(self.family.objective.scale, Names(scalars=self.scalars))
        return "\n".join(
            [VARIABLES, *variables, NOTATIONS.format(depth=self.depth, scale=scale, e=e, e_1=e_1)]
        )

    def slopes(self) -> Iterator[Lemma]:
        """That the slope of each defined activation, and of the loss, is its derivative."""
        places = {_PLACES.get(at, str(at)): layer.activation for at, layer in self.layers.items()}
        sources: dict[str, Activation | Loss] = {**places, "_loss": self.family.objective.loss}
        for place, source in sources.items():
            if found := slope_lemma(f"derived_slope{place}", source, self.scalars):
                yield found

    def lemma(self, step: Step) -> Lemma:
        """The lemma of one of the steps, or of a mutant's.

        Raises Unsupported for an equation of which the theorem does not speak.
        """
        target, indices = step.target, step.equation.indices
        name = f"{'d' * target.cotangent}{target.name[0]}"
        if name not in ROWS or target.part:
            raise Unsupported(f"{target.label} is no array of the theorem in Coq")
        words = self.words(step)
        layer = "softmax" if name in ("A", "dZ") and words["activation"].startswith("softmax") else "dense"
        place = target.layer if isinstance(target.layer, int) else _RANGES[step.layers][0]
        sizes = {str(index): _size(step.size(index)) for index in indices}
        return lemma(f"derived_{layer}_{name}{place}", ROWS[name], words, sizes)

    def words(self, step: Step) -> dict[str, str]:
        """What stands for the braces in a row."""
        layer, depth = _layer(step.target.layer), self.depth
        names = dict(zip("ij", map(str, step.equation.indices), strict=False))
        recursion = f"rewrite (Abar_recursion n f p X {depth} _ {layer}) by lia; unfold back, through"
        here = self.layers.get(step.target.layer)
        return names | {
            "depth": depth,
            "layer": layer,
            "penalty": self.penalty,
            "activation": self.activation(step),
            "unbiased": "" if here is None or here.bias else f"(forall i, b p {layer} i = 0)",
            "range": _RANGES.get(step.layers, ("", ""))[1],
            "place": " ".join(["bias" if step.target.name == "b" else "weight", layer, *names.values()]),
            "above": "rewrite Abar_last" if layer == depth else f"try ({recursion}); unfold mul, transpose",
            "right": term(step.equation.value, Names(_array, self.function, _size, self.scalars), step),
        }

    @property
    def scalars(self) -> dict[sp.Symbol, str]:
        return {SAMPLES: "(INR m)", OUTPUTS: f"(INR (n {self.depth}))", LAMBDA: "lambda"}

    @property
    def penalty(self) -> str:
        """The λ of λ/2 Σ w² in the theorem, for a factor times Σ w²."""
        factors = [step.bindings["f"] for step in self.steps if step.role == "penalty"]
        return f"(2 * {term(factors[0], Names(scalars=self.scalars))})" if factors else "0"

    def loss(self, orders: tuple[int, int]) -> str:
        (slot,) = (slot for step in self.steps if step.role == "loss" for slot in _slots(step))
        return self.function(slot, orders)

    def activation(self, step: Step) -> str:
        """The theorem's map of the step's layer: as its forward equation says, else as the network does."""
        layer = step.target.layer
        found = self.layers[layer].activation if layer in self.layers else None
        if step.role == "activation":
            own = [slot.source for slot in _slots(step) if isinstance(slot.source, Activation)]
            found = own[0] if own else activation("softmax")
        if found is None:
            return ""
        if found.layer == "softmax":
            return f"softmax (n {_layer(layer)})"
        slot = Slot("g", layer if isinstance(layer, int) else None, found)
        return f"elementwise {self.function(slot, (0,))} {self.function(slot, (1,))}"

    def function(self, slot: Slot, orders: tuple[int, ...]) -> str:
        """An undefined function by its name, any other by its formula."""
        known = function_term(slot.source, orders, self.scalars)
        return known or slot_name(slot if isinstance(slot.layer, int) else replace(slot, layer=None), orders)


_RANGES: Final = {  # what a lemma's name says of the layers it holds for, and its hypothesis
    "": ("", ""),
    "l = L": ("_output", ""),
    "1 ≤ l < L": ("_hidden", "(S l < S L)%nat"),
    "1 ≤ l ≤ L": ("", "(l < S L)%nat"),
}
_PLACES: Final[dict[object, str]] = {GENERIC: "_hidden", LAST: "_output"}
_LAYERS: Final[dict[object, str]] = {  # as the theorem counts them: S l for the generic one, S L for the last
    GENERIC: "(S l)",
    GENERIC - 1: "l",
    GENERIC + 1: "(S (S l))",
    LAST: "(S L)",
    LAST - 1: "L",
    None: "",
}
_SIZES: Final[dict[object, str]] = {SAMPLES: "m"} | {
    WIDTHS[layer]: f"(n {text})" for layer, text in _LAYERS.items() if layer is not None
}


def _slots(step: Step) -> list[Slot]:
    return [bound for bound in step.bindings.values() if isinstance(bound, Slot)]


def _array(array: Array) -> str:
    form = ARRAYS.get(f"{'d' * array.cotangent}{array.name}")
    if form is None or array.part:
        raise Unsupported(f"{array.label} is no array of the theorem in Coq")
    return form.format(layer=_layer(array.layer))


def _layer(layer: object) -> str:
    return _LAYERS.get(layer, str(layer))


def _size(size: int | Expr) -> str:
    """m, or the width of a layer; an open width n2 of a chain is that of layer 2."""
    if size in _SIZES:
        return _SIZES[size]
    if isinstance(size, sp.Symbol) and size.name[1:].isdigit():
        return f"(n {size.name[1:]})"
    raise Unsupported(f"width {size} is fixed; the theorem in Coq is about open widths")
