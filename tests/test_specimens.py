"""Every specimen's right pass is the derivation's gradient; its wrong one is not, where that can be seen."""

import ast
import sys
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

import backproof as bp
from numeric.native.compiled import compiled
from tests import specimens
from tests.specimens import NOT_EXPRESSED, SPECIMENS
from tests.specimens.specimen import Seen

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # overflow is what some specimens are about
ROWS_OF_THE_CATALOGUE = range(1, 57)
CLOSE = 1e-10  # of the largest entry: far above rounding, far below what any specimen does
SIZES = (3, 5, 4, 2)
SAMPLES, LAMBDA = 6, 0.3
DESCRIBING = {*["Family", "Graph", "Layer", "Layout", "Network", "graph", "loss", "mlp", "node", "unrolled"]}
LARGE = 1000  # exp overflows from 710 on


@dataclass
class Point:
    """What a subject is called with, and what the derivation says there: gradients, and E for a chain."""

    arguments: tuple[Any, ...]
    keywords: dict[str, float]
    gradient: Any
    loss: float | None = None


def first_unit_at_zero(name, array):
    if name in ("0.W", "0.b", "h.W", "h.b"):
        array[0] = 0
    return array


def symmetric(name, array):
    return array + array.T if array.ndim == 2 and len({*array.shape}) == 1 else array


# how parameters are drawn: (name, generic values) -> values
CIRCUMSTANCES = {
    "at zero": first_unit_at_zero,
    "saturated": lambda name, array: LARGE * array,
    "symmetric": symmetric,
    "b = 0": lambda name, array: 0 * array if name.endswith(".b") else array,
    "γ = 1": lambda name, array: 0 * array + 1 if name.endswith(".gamma") else array,
}
CIRCUMSTANCES |= {seen: lambda name, array: array for seen in get_args(Seen) if seen not in CIRCUMSTANCES}


@cache
def member(family):
    """The network that stands for a family: free widths are filled in."""
    described = family()
    if not isinstance(described, bp.Family):
        return described
    free = described.sizes or (None,) * len(SIZES)
    return described.network([size or SIZES[place] for place, size in enumerate(free)])


@cache
def program(family):
    return bp.graph_program(member(family))


def point(specimen, *, circumstance="anywhere", seed=0, samples=SAMPLES, lam=LAMBDA):
    random = np.random.default_rng([seed, *map(ord, specimen.bug)])
    network, held = member(specimen.family), CIRCUMSTANCES[circumstance]
    if isinstance(network, bp.Graph):
        return of_graph(specimen, network, random, held, samples)
    return of_chain(specimen.layout, network, random, held, samples, lam)


def of_chain(layout, network, random, held, samples, lam):
    turned = (lambda a: a.T.copy()) if layout.samples == "rows" else (lambda a: a)
    widths = list(zip(network.sizes[1:], network.sizes, strict=False))
    params = [
        (held(f"{l}.W", random.normal(size=pair)), held(f"{l}.b", random.normal(size=pair[0])))
        for l, pair in enumerate(widths)
    ]
    params = [(w if layout.weights == "out-in" else w.T.copy(), b) for w, b in params]
    x = turned(3 * random.normal(size=(network.sizes[0], samples)))  # 3: beyond every kink, too
    t = turned(targets(network, random, samples))
    keywords = {"lam": lam} if network.objective.has_lambda else {}
    ours, arguments = compiled(network, layout), (params, x, t)
    gradient, loss = (found(*arguments, **keywords) for found in (ours.gradient, ours.loss))
    return Point(arguments, keywords, gradient, loss)


def targets(network, random, samples):
    """Classes for an entropy of a softmax, probabilities for a logistic loss, else any numbers."""
    outputs, loss = network.sizes[-1], network.objective.loss
    if loss.name in ("cross-entropy", "label-smoothing"):
        return np.eye(outputs)[:, random.integers(0, outputs, samples)]
    if loss.row is not None and loss.row.needs_probability:
        return random.uniform(size=(outputs, samples))
    return 2 * random.normal(size=(outputs, samples))


def of_graph(specimen, network, random, held, samples):
    def drawn(array):
        shape = tuple(samples if n == bp.SAMPLES else n for n in array.shape)
        return specimen.given.get(array.name, lambda random, shape: random.normal(size=shape))(random, shape)

    inputs = {name: drawn(network.arrays[name]) for name in network.inputs}
    params, constants = (
        {array.name: drawn(array) for array in arrays} for arrays in (network.parameters, network.constants)
    )
    params = {name: held(name, array) for name, array in params.items()}
    values = {network.arrays[name]: array for name, array in {**inputs, **params, **constants}.items()}
    steps = program(specimen.family).steps
    found = bp.evaluate_arrays(steps, deepcopy(values), {bp.SAMPLES: samples})
    gradient = {array.name: found[array.bar] for array in network.parameters}
    return Point((params, inputs, constants), {}, gradient)


def called(subject, at):
    """(loss or None, gradients), on arguments of its own."""
    return answered(subject(*deepcopy(at.arguments), **at.keywords))


def answered(answer):
    return answer if isinstance(answer, tuple) else (None, answer)


def flat(gradient):
    if isinstance(gradient, dict):
        return [gradient[name] for name in sorted(gradient)]
    return [array for pair in gradient for array in pair]


def agrees(answer, at):
    loss, gradient = answer
    found, expected = flat(gradient), flat(at.gradient)
    if [np.shape(array) for array in found] != [array.shape for array in expected]:
        return False
    size = max(np.abs(array).max() for array in expected)
    near = all(np.abs(a - b).max() <= CLOSE * size for a, b in zip(found, expected, strict=True))
    return near and (loss is None or bool(abs(loss - at.loss) <= CLOSE * abs(at.loss)))


def shows(specimen):
    """Whether the wrong pass is wrong where the specimen says that it is."""
    subject, at = deepcopy(specimen.wrong), point(specimen, circumstance=specimen.seen)
    if specimen.seen == "second call":
        called(subject, point(specimen, seed=1))
    if specimen.seen == "kept answer":
        kept = answered(subject(*at.arguments))
        called(subject, point(specimen, seed=1))
        return not agrees(kept, at)
    if specimen.seen == "inputs":
        params, *rest = deepcopy(at.arguments)
        subject(*at.arguments, **at.keywords)
        before, after = [*flat(params), *rest], [*flat(at.arguments[0]), *at.arguments[1:]]
        return not all(map(np.array_equal, before, after))
    return not agrees(called(subject, at), at)


every = pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda each: f"{each.number} {each.bug}")


@every
def test_right_pass_is_the_derivations_gradient(specimen):
    for at in (point(specimen), point(specimen, circumstance=specimen.seen), point(specimen, samples=1)):
        assert agrees(called(specimen.right, at), at)


@every
def test_wrong_pass_is_wrong_where_it_is_seen(specimen):
    assert shows(specimen)


@pytest.mark.parametrize(
    "specimen", [each for each in SPECIMENS if each.seen != "anywhere"], ids=lambda each: each.bug
)
def test_wrong_pass_that_is_seen_in_a_circumstance_is_right_elsewhere(specimen):
    at = point(specimen)
    assert agrees(called(deepcopy(specimen.wrong), at), at)


# where a bug is hidden, by the words of the table
HIDING = {
    "m = 1": {"samples": 1},
    "λ = 0": {"lam": 0.0},
    "λ = 0 or m = 1": {"samples": 1},
    "λ = 0 or b = 0": {"circumstance": "b = 0"},
    "γ = 1": {"circumstance": "γ = 1"},
    "W is symmetric": {"circumstance": "symmetric"},
    "W is symmetric; crashes at unequal widths": {"circumstance": "symmetric"},
    "U is symmetric; one step": {"circumstance": "symmetric"},
}


@pytest.mark.parametrize(
    "specimen", [each for each in SPECIMENS if each.hidden_when in HIDING], ids=lambda each: each.bug
)
def test_wrong_pass_is_hidden_where_the_table_says(specimen):
    at = point(specimen, **HIDING[specimen.hidden_when])
    assert agrees(called(specimen.wrong, at), at)


def test_right_pass_in_the_place_of_the_wrong_one_is_no_specimen():
    assert not any(shows(replace(each, wrong=each.right)) for each in SPECIMENS)


def test_comparison_rejects_one_entry_off_by_one_in_a_billion():
    at = point(SPECIMENS[0])
    gradient = deepcopy(at.gradient)
    largest = max(flat(gradient), key=lambda array: np.abs(array).max())
    largest *= 1 + 1e-9
    assert agrees((None, at.gradient), at)
    assert not agrees((None, gradient), at)


def test_every_row_of_the_catalogue_is_built_or_has_a_reason():
    built = {specimen.number for specimen in SPECIMENS}
    assert built | NOT_EXPRESSED.keys() == {0, *ROWS_OF_THE_CATALOGUE}
    assert built.isdisjoint(NOT_EXPRESSED)


def test_expected_words_say_something():
    """A word of one letter would be found in any explanation."""
    assert all(len(word) > 1 for specimen in SPECIMENS for word in specimen.expected)
    assert all(specimen.expected and specimen.hidden_when for specimen in SPECIMENS)


def test_no_two_specimens_bear_one_name():
    names = [(specimen.number, specimen.bug) for specimen in SPECIMENS]
    assert len(names) == len({*names})


@pytest.mark.parametrize(
    "path", sorted(Path(specimens.__file__).parent.glob("*.py")), ids=lambda path: path.stem
)
def test_specimen_is_numpy_alone(path):
    """backproof's own names are for the networks; nothing of its mathematics computes a gradient here."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    imported = {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    roots = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    assert roots <= {"numpy", "backproof", "tests"}
    assert all(name.startswith("tests.specimens") for name in imported if name.startswith("tests"))
    used = {
        node.attr for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "bp"
    }
    assert used <= DESCRIBING
