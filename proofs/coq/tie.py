"""The tie between the theorem in Coq and this library: each derived equation, printed as a lemma.

`proofs/coq/` proves what the backward pass of every network is. That this library derives the same is a lemma
for each of its equations,

    the theorem's array at (i, c) = the right side of the equation,

with the theorem's Z, A, δ, Ā on both sides, and for a gradient

    is_derive (fun w => E with w for W^l_ij, penalty included) (W^l_ij) (the right side of the equation).

Scope. Chains of dense layers of open widths, E = 1/m Σ_c Σ_i e(a_i, t_i) with or without an L2 penalty on
weights; layers with any g, or softmax. For a generic layer, the theorem's layer and depth are S l and S L;
indices count from 0 there and from 1 here, over the same ranges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import sympy as sp

from proofs.coq.terms import Names, slot_name, term
from symbolic.activations import Activation, activation
from symbolic.derivation import GENERIC, LAST, WIDTHS, Derivation, derive
from symbolic.errors import Unsupported
from symbolic.expressions import Expr
from symbolic.losses import LAMBDA, SAMPLES, scale
from symbolic.network import Family
from symbolic.notation import Array, Slot, Step
from symbolic.slots import SLOT_ARGUMENTS, slot_formula

HEADER: Final = """From Backproof Require Import Costs.

(** Equal sums of equal terms, whatever the order of their factors. *)
Ltac agree := cbv beta; try ring; try solve [field];
  match goal with
  | |- ?u = ?v =>
    match u with context [sum ?n ?F] =>
      match v with context [sum n ?G] =>
        tryif constr_eq F G then fail
        else (replace (sum n F) with (sum n G) by (apply sum_ext; intros; agree)); agree
      end
    end
  end.

Lemma Abar_last n f p X L Y : Abar n f p X L Y L = Y.
Proof. destruct L; simpl; now rewrite ?Nat.eqb_refl. Qed.

Lemma softmax_A n f p X l : f (S l) = softmax (n (S l)) ->
  A n f p X (S l) = softmax_value (n (S l)) (Z n f p X (S l)).
Proof. intros H. simpl. now rewrite H. Qed.

Ltac of_layer :=
  match goal with
  | H : _ = elementwise _ _ |- _ => rewrite H
  | H : _ = softmax _ |- _ => rewrite ?(softmax_A _ _ _ _ _ H), H
  end; cbn [value adjoint elementwise plain softmax].
Ltac cost_unfolded := unfold Ybar, mean_gradient, outputwise_slope, column.
"""
VARIABLES: Final = """Variables (m : nat) (n k : nat -> nat) (f : nat -> map) (p : parameters) (X T : matrix).
Variables (lambda : R) (l L : nat)."""
NOTATIONS: Final = """Local Notation Z := (Z n f p X).
Local Notation A := (A n f p X).
Local Notation cost := (mean m (outputwise (n {depth}) {e} T)).
Local Notation gradient := (mean_gradient m (outputwise_slope {e_1} T)).
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


@dataclass(frozen=True, slots=True)
class Row:
    """How the equation of one array is claimed of the theorem's, under which hypotheses, and proved."""

    claim: str
    proof: str
    hypotheses: tuple[str, ...] = ()


ROWS: Final = {
    "Z": Row(
        "Z {layer} {i} {j} = {right}", "intros; unfold Backpropagation.Z, affine, mul; cbn [pred]; agree"
    ),
    "A": Row(
        "A {layer} {i} {j} = {right}",
        "intros; change (A {layer}) with (value (f {layer}) (theta p {layer}) (Z {layer})); of_layer; "
        "unfold softmax_value, Rdiv; agree",
        ("f {layer} = {activation}",),
    ),
    "D": Row("error p = {right}", "intros; unfold E, mean, outputwise, column; agree"),
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


@dataclass(frozen=True, slots=True)
class Lemma:
    """A statement about the theorem's arrays, and the tactic that proves it."""

    name: str
    statement: str
    proof: str

    def __str__(self) -> str:
        return f"Lemma {self.name} :\n  {self.statement}.\nProof.\n  {self.proof}.\nQed.\n"


def tie(family: Family) -> str:
    """The lemmas for a family of open depth, as a file to compile beside `proofs/coq/`.

    Raises Unsupported for what the theorem's corollaries do not cover.
    """
    objective = family.objective
    if family.sizes is not None:
        raise Unsupported(
            f"--coq ties networks of open depth to the theorem, but {family.shape} has one depth"
        )
    if objective.scale != scale("1/m") or family.bias != (True,):
        raise Unsupported("the theorem in Coq has E = 1/m Σ_c Σ_i e, and biases in all layers")
    if any(penalty.norm != "l2" or penalty.biases for penalty in objective.penalties):
        raise Unsupported("the theorem in Coq has a penalty λ/2 Σ w² on weights, and no other")
    derivation = derive(family)
    found = map(str, lemmas(derivation, derivation.general))
    return "\n".join([HEADER, "Section Derived.", declarations(derivation), *found, "End Derived.\n"])


def declarations(derivation: Derivation) -> str:
    """What the lemmas speak of: a network, the undefined functions of its equations, and notations."""
    network = _Network(derivation)
    kinds: dict[str, str] = {}
    for slot in (slot for step in network.forward for slot in _slots(step)):
        if slot.source.definition is None:
            others = (0,) * (len(SLOT_ARGUMENTS[type(slot.source)]) - 1)
            names = f"{_function(slot, (0, *others))} {_function(slot, (1, *others))}"
            kinds[names] = " -> ".join(["R"] * (len(others) + 2))
    notations = NOTATIONS.format(depth=network.depth, e=network.loss((0, 0)), e_1=network.loss((1, 0)))
    variables = [f"Variables {names} : {kind}." for names, kind in kinds.items()]
    return "\n".join([VARIABLES, *variables, notations])


def lemmas(derivation: Derivation, steps: Iterable[Step]) -> Iterator[Lemma]:
    """One lemma for each of some steps of a derivation for open widths, or of a mutant's.

    Raises Unsupported for an equation of which the theorem does not speak.
    """
    return map(_Network(derivation).lemma, steps)


@dataclass(frozen=True)
class _Network:
    """What the theorem calls the parts of a network: of a generic layer, where its depth is open."""

    derivation: Derivation

    @property
    def forward(self) -> tuple[Step, ...]:
        return self.derivation.forward or self.derivation.general

    @property
    def family(self) -> Family:
        assert isinstance(self.derivation.chain, Family)
        return self.derivation.chain

    @property
    def depth(self) -> str:
        return "(S L)" if self.family.sizes is None else str(len(self.family.sizes) - 1)

    @property
    def activations(self) -> dict[object, Activation]:
        """By the numbers of the layers; those of a hidden layer and of the last, where the depth is open."""
        if self.family.sizes is None:
            return {GENERIC: self.family.hidden[0], LAST: self.family.output}
        return {at: layer.activation for at, layer in enumerate(self.family.symbolic().layers, start=1)}

    def lemma(self, step: Step) -> Lemma:
        target, indices = step.target, step.equation.indices
        name = f"{'d' * target.cotangent}{target.name[0]}"
        if name not in ROWS or target.part:
            raise Unsupported(f"{target.label} is no array of the theorem in Coq")
        row, words = ROWS[name], self.words(step)
        layer = "softmax" if name in ("A", "dZ") and words["activation"].startswith("softmax") else "dense"
        bounds = [f"({index} < {_size(step.size(index))})%nat" for index in indices]
        said = [hypothesis.format(**words) for hypothesis in row.hypotheses]
        premises = "".join(f"{premise} ->\n  " for premise in (*said, *bounds) if premise)
        bound = f"forall {' '.join(map(str, indices))} : nat,\n  " if indices else ""
        place = target.layer if isinstance(target.layer, int) else _RANGES[step.layers][0]
        return Lemma(
            f"derived_{layer}_{name}{place}",
            bound + premises + row.claim.format(**words),
            row.proof.format(**words),
        )

    def words(self, step: Step) -> dict[str, str]:
        """What stands for the braces in a row."""
        layer, depth = _layer(step.target.layer), self.depth
        names = dict(zip("ij", map(str, step.equation.indices), strict=False))
        recursion = f"rewrite (Abar_recursion n f p X {depth} _ {layer}) by lia; unfold back, through"
        arrays = Names(self.array, _function, _size, {SAMPLES: "(INR m)", LAMBDA: "lambda"})
        return names | {
            "depth": depth,
            "layer": layer,
            "penalty": self.penalty,
            "activation": self.activation(step),
            "range": _RANGES.get(step.layers, ("", ""))[1],
            "place": " ".join(["bias" if step.target.name == "b" else "weight", layer, *names.values()]),
            "above": "rewrite Abar_last" if layer == depth else f"try ({recursion}); unfold mul, transpose",
            "right": term(step.equation.value, arrays, step),
        }

    def array(self, array: Array) -> str:
        form = ARRAYS.get(f"{'d' * array.cotangent}{array.name}")
        if form is None or array.part:
            raise Unsupported(f"{array.label} is no array of the theorem in Coq")
        return form.format(layer=_layer(array.layer))

    @property
    def penalty(self) -> str:
        """The λ of λ/2 Σ w² in the theorem, for a factor times Σ w²."""
        factors = [step.bindings["f"] for step in self.forward if step.role == "penalty"]
        scalars = Names(scalars={SAMPLES: "(INR m)", LAMBDA: "lambda"})
        return f"(2 * {term(factors[0], scalars)})" if factors else "0"

    def loss(self, orders: tuple[int, int]) -> str:
        (slot,) = (slot for step in self.forward if step.role == "loss" for slot in _slots(step))
        return _function(slot, orders)

    def activation(self, step: Step) -> str:
        """The theorem's map of the step's layer: as its forward equation says, else as the network does."""
        layer = step.target.layer
        found = self.activations.get(layer)
        if step.role == "activation":
            own = [slot.source for slot in _slots(step) if isinstance(slot.source, Activation)]
            found = own[0] if own else activation("softmax")
        if found is None:
            return ""
        if found.layer == "softmax":
            return f"softmax (n {_layer(layer)})"
        slot = Slot("g", layer if isinstance(layer, int) else None, found)
        return f"elementwise {_function(slot, (0,))} {_function(slot, (1,))}"


_RANGES: Final = {  # what a lemma's name says of the layers it holds for, and its hypothesis
    "": ("", ""),
    "l = L": ("_output", ""),
    "1 ≤ l < L": ("_hidden", "(S l < S L)%nat"),
    "1 ≤ l ≤ L": ("", "(l < S L)%nat"),
}


def _slots(step: Step) -> list[Slot]:
    return [bound for bound in step.bindings.values() if isinstance(bound, Slot)]


def _function(slot: Slot, orders: tuple[int, ...]) -> str:
    """An undefined function by its name, any other by its formula."""
    arguments = SLOT_ARGUMENTS[type(slot.source)]
    formula = slot_formula(slot.source, orders)
    if formula is None:
        return slot_name(slot if isinstance(slot.layer, int) else replace(slot, layer=None), orders)
    body = term(formula, Names(scalars={symbol: str(symbol) for symbol in arguments}))
    return f"(fun {' '.join(map(str, arguments))} => {body})"


def _layer(layer: object) -> str:
    """A layer as the theorem counts it: S l for the generic one, S L for the last."""
    return _LAYERS.get(layer, str(layer))


_LAYERS: Final[dict[object, str]] = {
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


def _size(size: int | Expr) -> str:
    """m, or the width of a layer; an open width n2 of a chain is that of layer 2."""
    if size in _SIZES:
        return _SIZES[size]
    if isinstance(size, sp.Symbol) and size.name[1:].isdigit():
        return f"(n {size.name[1:]})"
    raise Unsupported(f"width {size} is fixed; the theorem in Coq is about open widths")
