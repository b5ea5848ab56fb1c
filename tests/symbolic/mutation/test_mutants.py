from __future__ import annotations

import time
from collections import Counter, defaultdict
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest
import sympy as sp

from numeric.arrays import Values, evaluate_arrays
from symbolic.derivation import Derivation, derive
from symbolic.evaluate import shape_of
from symbolic.losses import LAMBDA, OUTPUTS, SAMPLES
from symbolic.mutation import Mutant, affected, mutants, mutated
from symbolic.network import mlp
from symbolic.notation import Array
from symbolic.writing.latex import index_latex
from tests.symbolic.helpers import inputs_of
from tests.symbolic.mutation.mutant_networks import DECAY, NETWORKS

CONSTANTS: Final = {"eta": 0.13, "kappa": 1.7, "epsilon": 0.011}
# network, row of the catalogue, words of the bug
EXPECTED: Final = (
    ("3-4-5-2", 1, "missing 1/m"),
    ("3-4-5-2", 2, "1/m twice"),
    ("3-4-5-2", 2, "1/m again at each layer"),
    ("attention", 3, "mean over time too"),
    ("3-4-5-2", 4, "bias gradient: mean for sum"),
    ("3-4-5-2", 5, "summed over the units too"),
    ("3-4-5-2", 6, "multiplied by the input"),
    ("4-4-4-4", 9, "W for Wᵀ"),
    ("3-4-5-2", 10, "f′ missing"),
    ("3-4-5-2", 10, "A − T for ∂E/∂z, f′ missing"),
    ("3-4-5-2, softmax", 10, "slope of the softmax missing"),
    ("4-4-4-4", 11, "f′ twice"),
    ("3-4-5-2, softmax", 11, "extra slope a(1 − a)"),
    ("3-4-5-2", 12, "f′(a) for f′(z)"),
    ("3-4-5-2", 12, "slope f′ written as 1 - z**2"),
    ("4-4-4-4", 13, "f′ of layer l+1"),
    ("3-4-5-2", 14, "error without f′ passed back"),
    ("3-4-5-2", 15, "weights where the activation belongs"),
    ("3-4-5-2", 16, "updated W used"),
    ("3-4-5-2", 17, "∂E/∂W for W"),
    ("4-4-4-4", 18, "A of layer l+1"),
    ("4-4-4-4", 18, "δ of layer l+1"),
    ("4-4-4-4", 18, "W of layer l"),
    ("3-4-5-2", 19, "sign of the error"),
    ("3-4-5-2", 20, "sign of the penalty"),
    ("3-4-5-2", 21, "penalty halved"),
    ("3-4-5-2", 22, "penalty missing in the gradient"),
    ("from logits", 22, "penalty missing in the gradient"),
    ("3-4-5-2", 23, "biases regularised in the gradient only"),
    ("3-3-3-3-2", 24, "half the slope of the squared error"),
    ("3-4-5-2", 25, "step size in the gradient"),
    ("3-4-5-2", 26, "upstream gradient dropped"),
    ("3-4-5-2", 27, "slope f′ at a kink: mean"),
    ("3-4-5-2", 28, "slope f′ with alpha 1"),
    ("3-4-5-2", 28, "slope f′ with another alpha"),
    ("3-4-5-2", 29, "f′(a) for f′(z)"),
    ("2-2-1", 30, "slope f′ written as "),
    ("4-4-4-4", 30, "slope f′ written as"),
    ("3-4-5-2", 31, "slope f′ written as a"),
    ("3-4-5-2", 31, "slope f′ written as 1 - a"),
    ("3-4-5-2", 32, "slope f′ of relu"),
    ("3-4-5-2, softmax", 33, "softmax: diagonal only"),
    ("attention", 33, "softmax: diagonal only"),
    ("log-softmax", 34, "log-softmax: "),
    ("3-4-5-2, softmax", 36, "ε added to a"),
    ("dropout", 38, "dropout: mask missing"),
    ("dropout", 38, "dropout: 1/(1 − p) missing"),
    ("dropout", 39, "mask inferred"),
    ("batch norm", 41, "norm: term"),
    ("layer norm", 41, "norm: sign of the term"),
    ("batch norm", 42, "norm: scale γ missing"),
    ("rms norm", 42, "norm: scale γ missing"),
    ("layer norm", 43, "another size"),
    ("tied", 44, "one contribution overwrites"),
    ("recurrent", 44, "one contribution overwrites"),
    ("tied", 45, "a contribution counted twice"),
    ("embedding", 47, "repeated indices"),
    ("convolutions", 48, "overlapping windows"),
    ("convolutions", 49, "stride dropped"),
    ("convolutions", 49, "dilation dropped"),
    ("convolutions", 49, "kernel flipped"),
    ("2-2-1", 50, "spread to m×m"),
    ("attention", 51, "softmax along the wrong axis"),
    ("3-4-5-2", 54, "alpha rounded to float32"),
    ("3-4-5-2", 55, "gradient missing"),
    ("attention", None, "1/√d missing"),
    ("tied", None, "shared weights: one use not transposed"),
    ("smoothed", None, "label smoothing in the loss only"),
    ("3-4-5-2", None, "mean over the outputs too"),
    ("3-4-5-2", None, "Z for A"),
    ("3-4-5-2", None, "constant factor"),
    ("3-4-5-2", None, "gradient clipped entry by entry"),
    ("3-4-5-2", None, "gradient clipped by its norm"),
    ("products", 3, "mean over the 3 losses"),
    ("2-2-1", 11, "extra slope f′ by the rule of tanh"),
    ("recurrent", 13, "slope f′ at the state of the step before"),
    ("3-4-5-2", 17, "product of sums over c"),
    ("3-4-5-2", 17, "dot product over i, not elementwise"),
    ("products", 17, "summed over the axis i, not elementwise"),
    ("products", 18, "a factor's own derivative taken for the other's"),
    ("recurrent", 18, "state of the step after"),
    ("recurrent", 18, "state of the first step"),
    ("2-2-1", 21, "slope of the l2 penalty, times 1/2"),
    ("3-4-5-2", 21, "slope of the l1 penalty, times 2"),
    ("trained slope", 26, "upstream gradient dropped"),
    ("trained slope", 28, "mask [condition] the wrong way round"),
    ("3-4-5-2", 29, "the mask of a, at 0 from the left"),
    ("3-4-5-2", 31, "slope f′ times 2"),
    ("log-softmax", 34, "r for the sum over"),
    ("batch norm", 41, "norm: N − 1 for N"),
    ("batch norm", 41, "once more, in the power of the variance"),
    ("batch norm", 41, "path through a statistic missing"),
    ("batch norm", 41, "epsilon forgotten on the way back"),
    ("layer norm", 43, "forward pass: batch-norm for layer-norm"),
    ("rms norm", 43, "norm: sum for the mean"),
    ("products", 44, "one contribution overwrites the other"),
    ("embedding", 47, "the mean for the sum"),
    ("average pool", 48, "the last window overwrites"),
    ("convolutions", 48, "handed to the whole window"),
    ("convolutions", 49, "W not transposed: two of its axes swapped"),
    ("convolutions", 49, "gradient transposed, axes"),
    ("convolutions", 49, "off by one"),
    ("softmax", 51, "forward pass: sum over the axis t"),
    ("softmax", 51, "and not on the way back"),
    ("embedding", 55, "gradient missing at index 0"),
)

# what a generic point does not show, and why
INVISIBLE: Final = (
    ("at a kink", "the point is no kink"),
    ("f′(a) for f′(z)", "the mask of a is that of z, where the slope below 0 is positive"),
    ("mask inferred", "no unit is 0 but where the mask is, or relu's slope is"),
    ("rounded to float32", "smaller than the least difference that is counted here"),
    ("as the least a", "no output is that small"),
    ("slope of the loss poisson", "the same for all outputs, which softmax does not see"),
    ("slope of the loss h", "hinge and huber are another loss in one piece only"),
    ("norm: ", "the mean's path through the variance carries Σ (x - mean) = 0"),
    ("another size for N", "likewise"),
    ("upstream gradient dropped (2)", "likewise"),
    ("f′ of ", "the pieces of two functions agree at the point"),
    ("f′ written as where(a > 0 and a < 6", "likewise"),
    ("f′ by the rule of ", "likewise"),
    ("gradient clipped", "no entry is beyond the limit"),
    ("overlapping windows: the last", "two windows that do not overlap"),
    ("forward pass: bK", "what is added to all scores alike does nothing to a softmax"),
    ("units too", "one unit"),
    ("not elementwise", "one unit"),
    (
        "n2 for n1",
        "the sign of what a trained slope gives is that of what it gets, where the slope is positive",
    ),
    ("product of sums over k", "one unit"),
    ("mean over k", "one unit"),
    ("last k alone", "one unit"),
    ("sign of the error passed back", "two signs at once"),
)
FLAT: Final = {"batch norm": "h.b", "attention": "n1.bK"}  # parameters that E does not depend on
NAMES: Final = sorted(NETWORKS)


@cache
def derivation(name: str) -> Derivation:
    return derive(NETWORKS[name])


@cache
def found(name: str) -> tuple[Mutant, ...]:
    return mutants(derivation(name))


def scalars(name: str, samples: int) -> dict[sp.Symbol, float]:
    targets = [array for array in inputs_of(derivation(name).steps) if array.name in ("T", "t")]
    outputs = {int(array.shape[0]) for array in targets} or {1}
    constants = {sp.Symbol(each, real=True): value for each, value in CONSTANTS.items()}
    return {SAMPLES: samples, OUTPUTS: max(outputs), LAMBDA: 0.37, **constants}


def values(name: str, samples: int) -> Values:
    """Values at random, all of one forward and backward pass."""
    random = np.random.default_rng(9)
    steps = derivation(name)
    known: Values = {}
    for array in inputs_of(steps.steps):
        shape = shape_of(array, {SAMPLES: samples})
        known[array] = special(name, array, shape, random)
    return evaluate_arrays(steps.steps, known, scalars(name, samples))


def special(name: str, array: Array, shape: tuple[int, ...], random: np.random.Generator) -> npt.NDArray[Any]:
    if name == "embedding" and array.name == "x":
        return np.asarray(random.integers(0, 3, shape))
    if array.name == "o.D":
        return np.where(random.random(shape) < 0.6, 1.0, 0.0)
    if array.name in ("T", "t"):
        return random.uniform(0.1, 0.9, shape)
    return np.asarray(random.uniform(0.1, 1, shape) * random.choice([-1, 1], shape))


def gradient(name: str, mutant: Mutant | None, at: Values, samples: int) -> Values:
    """∂E/∂(every parameter); what a mutant leaves alone is taken from `at`, which holds the right one."""
    steps = derivation(name).backward
    run = steps if mutant is None else affected(steps, mutant)
    known = evaluate_arrays(run, at, scalars(name, samples))
    return {step.target: known[step.target] for step in steps if step.role.endswith("gradient")}


@pytest.mark.parametrize(("network", "number", "bug"), EXPECTED, ids=str)
def test_the_bug_is_among_the_mutants(network: str, number: int | None, bug: str) -> None:
    assert [mutant for mutant in found(network) if mutant.number == number and bug in mutant.bug]


@pytest.mark.parametrize("name", NAMES)
def test_no_two_mutants_are_called_the_same(name: str) -> None:
    count = Counter((mutant.bug, mutant.where) for mutant in found(name))
    assert not [each for each, times in count.items() if times > 1]


@pytest.mark.parametrize("name", NAMES)
def test_no_two_mutants_say_the_same(name: str) -> None:
    said = Counter(
        frozenset(
            (step.target, step.equation, frozenset(step.bindings.items()))
            for step in (*mutant.changed, *mutant.extra)
        )
        for mutant in found(name)
    )
    assert max(said.values()) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_step_computes_what_the_right_one_does_and_is_another(name: str) -> None:
    for mutant in found(name):
        for wrong, right in zip(mutant.changed, mutant.original, strict=True):
            assert wrong.target == right.target and right in derivation(name).backward
            assert (wrong.equation, dict(wrong.bindings)) != (right.equation, dict(right.bindings))


@pytest.mark.parametrize("name", NAMES[::3])
def test_changed_steps_are_written_in_text_and_in_latex(name: str) -> None:
    steps = {id(step): step for mutant in found(name) for step in (*mutant.changed, *mutant.extra)}
    for step in [*steps.values()][::2]:  # mutants of several layers share those of one; like ones are next
        assert " = " in str(step) or " += " in str(step)
        assert "=" in index_latex(step)


@pytest.mark.parametrize("name", NAMES)
def test_mutants_have_the_right_shapes_and_nearly_all_another_gradient(name: str) -> None:
    samples = 3
    at = values(name, samples)
    right = gradient(name, None, at, samples)
    same = []
    for mutant in found(name):
        wrong = gradient(name, mutant, at, samples)
        assert {array: value.shape for array, value in wrong.items()} == {
            array: value.shape for array, value in right.items()
        }
        if all(np.allclose(wrong[array], right[array], rtol=1e-6, atol=1e-9) for array in right):
            same.append(mutant)
    unexplained = [
        mutant
        for mutant in same
        if not any(words in mutant.bug for words, _ in INVISIBLE) and mutant.where != FLAT.get(name)
    ]
    assert not unexplained
    assert len(same) <= len(found(name)) / 10


def test_the_smallest_mutant_is_not_taken_for_the_right_derivation() -> None:
    """The comparison above sees a relative error of 1e-5: a canary."""
    at = values("3-4-5-2", 3)
    right = gradient("3-4-5-2", None, at, 3)
    near = {array: value * (1 + 1e-5) for array, value in right.items()}
    assert not all(np.allclose(near[array], right[array], rtol=1e-6, atol=1e-9) for array in right)


def test_a_mutant_of_one_layer_is_known_by_the_names_it_has_in_deeper_networks() -> None:
    missing = [m for m in found("smoothed") if m.bug == "f′ missing"]
    assert {"hidden layers", "layer 1"} <= {scope for m in missing for scope in m.scopes}


def test_updated_weights_are_there_before_they_are_read() -> None:
    mutant = next(m for m in found("3-4-5-2") if m.number == 16 and m.where == "hidden layers")
    steps = mutated(derivation("3-4-5-2").backward, mutant)
    place = {step.target: number for number, step in enumerate(steps)}
    assert len(mutant.extra) == 2 and mutant.constants == ("eta",)
    for number, step in enumerate(steps):
        assert all(place[array] < number for array in step.inputs if array in place)


def test_shapes_that_do_not_fit_make_no_mutant() -> None:
    assert not [m for m in found("3-4-5-2") if m.number in (9, 13, 18)]
    assert [m.where for m in found("3-3-3-3-2") if m.number == 9] == ["layer 2", "layer 1"]


def test_a_single_network_has_some_hundred_mutants() -> None:
    assert 100 <= len(found("3-4-5-2")) <= 500


def test_mutants_of_four_layers_take_less_than_half_a_second_once_the_formulas_are_known() -> None:
    functions = {"hidden": ["tanh", "tanh", "elu"], "output": "tanh", "loss": "squared"}
    mutants(derive(mlp(5, 4, 6, 3, 2, **functions, l2=DECAY)))  # type: ignore[arg-type]
    steps = derive(mlp(6, 5, 4, 3, 2, **functions, l2=DECAY))  # type: ignore[arg-type]
    start = time.process_time()
    mutants(steps)
    assert time.process_time() - start < 0.5


DESIGNED: Final = {"3-4-5-2": 5, "4-4-4-4": 7, "3-3-3-3-2": 3, "2-2-1": 4}


def test_the_designed_networks_part_all_but_a_few_mutants(capsys: pytest.CaptureFixture[str]) -> None:
    """Mutants by the values of their gradients: a class holds those that one network cannot tell apart."""
    for name, samples in DESIGNED.items():
        at = values(name, samples)
        classes: dict[bytes, list[str]] = defaultdict(list)
        for mutant in found(name):
            every = gradient(name, mutant, at, samples).values()
            whole = np.concatenate([value.ravel() for value in every])
            classes[np.array([f"{x:.9e}" for x in whole]).tobytes()].append(str(mutant))
        alike = [members for members in classes.values() if len(members) > 1]
        with capsys.disabled():
            print(f"\n{name}, m = {samples}: {len(found(name))} mutants in {len(classes)} classes")
        assert len(classes) >= 0.85 * len(found(name)), alike
