"""Wrong passes written by hand in NumPy are mutants, and the right ones beside them are not."""

from copy import deepcopy

import numpy as np
import pytest

from numeric.mutants import gradient_of, ground
from numeric.problem import problem_of_graph
from symbolic.mutation import mutants
from tests.specimens import SPECIMENS
from tests.test_specimens import SAMPLES, called, member, point

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
# the specimen, and words that one of the mutants equal to it has
WRITTEN = {
    "h∘h: = for +=": "one contribution overwrites",
    "h∘h: the product taken for a matrix's": "summed over the axis i",
    "product rule: each its own factor": "product rule",
    "trained slope: mask of the other side": "wrong way round",
    "embedding: mean over repeats": "the mean for the sum",
    "embedding: token 0 taken for padding": "index 0",
    "gather for scatter": "gather for scatter",
    "batch norm: mean and variance as constants": "path through a statistic",
    "batch norm: 1/s² for 1/s": "power of the variance",
    "batch norm: n - 1 for n": "N − 1 for N",
    "batch norm: ε forgotten on the way back": "epsilon forgotten",
    "layer norm: N = numel/samples": "another size for N",
    "layer norm over the samples": "batch-norm for layer-norm",
    "group norm: one group": "groups = 1",
    "log-softmax: g - s g": "for the sum over",
    "softmax over samples, not over units": "sum over the axis c",
    "attention: softmax over the places that ask": "not on the way back",
    "average pool: = for +=": "the last window overwrites",
    "max pool: padding cut off at the wrong end": "padding dropped",
    "convolution: dW with channels swapped": "gradient transposed",
    "convolution: remainder at the wrong end": "off by one",
    "h_q for h_(q-1) at U": "state of the step after",
    "f' of the step before": "state of the step before",
}


def explaining(specimen, subject):
    """The mutants without constants that have the subject's gradient."""
    network, at = member(specimen.family), point(specimen)
    problem = problem_of_graph(network)
    given = {name: value for part in at.arguments for name, value in part.items()}
    base = ground(problem, {a: np.asarray(given[a.name])[None] for a in problem.given}, SAMPLES, [0.0])
    _, found = called(deepcopy(subject), at)
    size = max(np.abs(value).max() for value in at.gradient.values())

    def is_same(mutant):
        wrong = gradient_of(mutant, base)
        return all(np.allclose(wrong[a][0], found[a.name], 0, 1e-10 * size) for a in problem.parameters)

    return [each for each in mutants(problem.derivation) if not each.constants and is_same(each)]


@pytest.mark.parametrize(("bug", "words"), WRITTEN.items(), ids=str)
def test_a_mutant_has_the_gradient_of_the_wrong_pass(bug, words):
    specimen = next(each for each in SPECIMENS if each.bug == bug)
    assert [mutant for mutant in explaining(specimen, specimen.wrong) if words in mutant.bug]


def test_few_mutants_have_the_gradient_of_the_right_pass():
    """A canary: what the test above calls the same is not everything."""
    specimen = next(each for each in SPECIMENS if each.bug == "trained slope: mask of the other side")
    assert len(explaining(specimen, specimen.right)) <= 5
