"""scikit-learn's own backward code, the private `_backprop` that `fit` calls, as functions (params, x, t).

    backproof check examples/scikit_learn.py:classifier '?-…-?' --hidden tanh --output softmax \
        --loss cross-entropy --l2 'lambda/(2*m)' --weights in-out --samples rows

MLP_HIDDEN=relu in the environment gives the estimators other hidden layers, MLP_DTYPE=float32 another
precision. docs/findings.md tells what backproof says of each function. Needs scikit-learn 1.7 or later.
"""

import os

from sklearn.neural_network import MLPClassifier, MLPRegressor

HIDDEN = os.environ.get("MLP_HIDDEN", "tanh")  # identity, logistic, tanh or relu
DTYPE = os.environ.get("MLP_DTYPE", "float64")


def classifier(params, x, t, *, lam=0.0):
    """Classes that exclude each other: softmax and cross-entropy."""
    return loss_and_gradient(MLPClassifier(activation=HIDDEN, alpha=lam), "softmax", params, x, t)


def binary(params, x, t, *, lam=0.0):
    """Two classes in one output, or one label for each of several: logistic and binary cross-entropy."""
    return loss_and_gradient(MLPClassifier(activation=HIDDEN, alpha=lam), "logistic", params, x, t)


def regressor(params, x, t, *, lam=0.0):
    """Real targets: identity and squared error."""
    return loss_and_gradient(MLPRegressor(activation=HIDDEN, alpha=lam), "identity", params, x, t)


def regressor_gradient(params, x, t, *, lam=0.0):
    """Of the same, the gradient alone."""
    return regressor(params, x, t, lam=lam)[1]


def poisson(params, x, t, *, lam=0.0):
    """Targets that are not negative, here t²: exp and half the Poisson deviance."""
    estimator = MLPRegressor(loss="poisson", activation=HIDDEN, alpha=lam)
    return loss_and_gradient(estimator, "exp", params, x, t**2)


def loss_and_gradient(estimator, output, params, x, t):
    """E and [(dE/dW, dE/db), …] of an estimator with params [(W, b), …], W in×out, samples as rows."""
    estimator.n_layers_ = len(params) + 1
    estimator.out_activation_ = output
    estimator.coefs_ = [w.astype(DTYPE) for w, _ in params]
    estimator.intercepts_ = [b.astype(DTYPE) for _, b in params]

    x, t, unfilled = x.astype(DTYPE), t.astype(DTYPE), [None] * len(params)
    loss, d_weights, d_biases = estimator._backprop(
        x,
        t,
        sample_weight=None,
        activations=[x, *unfilled],
        deltas=[*unfilled],
        coef_grads=[*unfilled],
        intercept_grads=[*unfilled],
    )
    return loss, list(zip(d_weights, d_biases, strict=True))
