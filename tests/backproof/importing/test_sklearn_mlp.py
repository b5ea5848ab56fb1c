"""Perceptrons of scikit-learn against the private `_backprop` that `fit` calls, and against `predict`."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from backproof.importing import from_sklearn
from symbolic.errors import InvalidNetwork, Unsupported

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(8, 3))
LABELS = {
    "classes": np.array([0, 2, 1, 2, 0, 1, 1, 0]),
    "named classes": np.array(list("acbcabba")),
    "two classes": np.array([0, 1, 1, 0, 1, 0, 0, 1]),
    "several labels": DRAW.integers(0, 2, (8, 3)),
}
REALS = {"one": DRAW.normal(size=8), "several": DRAW.normal(size=(8, 2))}
COUNTS = {"counts": DRAW.poisson(2.0, 8)}


@pytest.fixture
def trained(require):
    """An estimator after one step of training, so that its weights are no longer those it began with."""
    require("sklearn")
    kinds = import_module("sklearn.neural_network")

    def trained(kind, labels, **options):
        estimator = getattr(kinds, kind)(hidden_layer_sizes=(4, 4), alpha=0.3, random_state=1, **options)
        classes = np.unique(labels) if labels.ndim == 1 else np.arange(labels.shape[1])
        known = {"classes": classes} if kind == "MLPClassifier" else {}
        return estimator.partial_fit(X, labels, **known)

    return trained


def backprop(estimator, labels):
    """Loss and gradients by name, from scikit-learn's own backward pass."""
    t = labels
    if hasattr(estimator, "_label_binarizer"):
        t = estimator._label_binarizer.transform(labels)
    t, unfilled = np.asarray(t, float).reshape(len(X), -1), [None] * len(estimator.coefs_)
    arrays = {"activations": [X, *unfilled], "deltas": [*unfilled]}
    arrays |= {"coef_grads": [*unfilled], "intercept_grads": [*unfilled]}
    loss, weights, biases = estimator._backprop(X, t, sample_weight=None, **arrays)
    named = {"W": weights, "b": biases}
    return loss, {
        f"{letter}{place}": g for letter, own in named.items() for place, g in enumerate(own, start=1)
    }


def held_against_backprop(estimator, labels, imported=None):
    found = (imported or from_sklearn(estimator)).evaluate(X, target=labels)
    loss, gradients = backprop(estimator, labels)
    assert found.gradients.keys() == gradients.keys()
    for name, gradient in gradients.items():
        assert np.abs(gradient).max() > 1e-6, name
        np.testing.assert_allclose(
            found.gradients[name], gradient, rtol=0, atol=1e-12 * np.abs(gradient).max()
        )
    return found, loss


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("labels", LABELS)
def test_classifiers_are_scikit_learns(trained, labels, activation):
    estimator = trained("MLPClassifier", LABELS[labels], activation=activation)
    found, loss = held_against_backprop(estimator, LABELS[labels])
    assert found.loss == pytest.approx(loss, rel=1e-12)


@pytest.mark.parametrize("labels", REALS)
def test_regressors_are_scikit_learns(trained, labels):
    estimator = trained("MLPRegressor", REALS[labels], activation="tanh")
    found, loss = held_against_backprop(estimator, REALS[labels])
    np.testing.assert_allclose(found.outputs[0].squeeze(), estimator.predict(X), rtol=1e-12)
    # of several outputs scikit-learn reports the mean and steps along the gradient of the sum
    assert (found.loss == pytest.approx(loss, rel=1e-12)) == (labels == "one")


def test_poisson_regressors_are_scikit_learns(trained):
    estimator = trained("MLPRegressor", COUNTS["counts"], activation="tanh", loss="poisson")
    found, loss = held_against_backprop(estimator, COUNTS["counts"])
    assert found.loss == pytest.approx(loss, rel=1e-12)


def test_a_transposed_square_weight_is_noticed(trained):
    estimator = trained("MLPClassifier", LABELS["classes"], activation="tanh")
    right = from_sklearn(estimator)
    (square,) = (array for array in right.values if array.shape == (4, 4))
    wrong = replace(right, values={**right.values, square: right.values[square].T})
    with pytest.raises(AssertionError):
        held_against_backprop(estimator, LABELS["classes"], wrong)


def test_what_is_no_fitted_perceptron_is_refused(require):
    require("sklearn")
    neural, linear = (import_module(f"sklearn.{name}") for name in ("neural_network", "linear_model"))
    with pytest.raises(Unsupported, match=r"^MLPClassifier is not fitted; what can be read are fitted MLPC"):
        from_sklearn(neural.MLPClassifier())
    with pytest.raises(Unsupported, match=r"^Ridge is no multi-layer perceptron; "):
        from_sklearn(linear.Ridge())


def test_labels_that_the_estimator_does_not_know_are_refused(trained):
    estimator = trained("MLPClassifier", LABELS["classes"])
    with pytest.raises(InvalidNetwork, match=r"^the estimator has no class 'none'$"):
        from_sklearn(estimator).evaluate(np.ones((2, estimator.n_features_in_)), target=["none", "none"])
