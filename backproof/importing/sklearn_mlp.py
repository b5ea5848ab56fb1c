"""Fitted multi-layer perceptrons of scikit-learn, with their losses and their penalty.

scikit-learn divides the penalty α‖W‖² by 2m and steps along ∂/∂a of Σ (a - t)²/2 over m, whatever the number
of outputs (its reported squared error is a mean over outputs too): the loss here is the one whose gradient it
takes. Nothing of scikit-learn is called but the estimator's own label binarizer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from backproof.importing.builder import Builder, Weight
from backproof.importing.imported import LOSS, TARGET, Imported, Numbers, plain
from backproof.importing.layers import dense
from backproof.importing.operations import activation, number
from symbolic.errors import InvalidNetwork, Unsupported
from symbolic.graph import loss, node
from symbolic.losses import SAMPLES

ACTIVATIONS: Final[Mapping[str, str]] = {
    "identity": "identity",
    "logistic": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "softmax": "softmax",
    "exp": "exp",
}
# Half the Poisson deviance, t log(t/a) - t + a, with t log t = 0 at 0.
_POISSON: Final = "where(t > 0, t*log(t), 0) - t*log(a) - t + a"
LOSSES: Final[Mapping[tuple[str, str], str]] = {  # by the loss and the activation of the output
    ("log_loss", "softmax"): "",  # from logits
    ("log_loss", "logistic"): "binary-cross-entropy",
    ("squared_error", "identity"): "half-squared",
    ("poisson", "exp"): _POISSON,
}


def from_sklearn(estimator: Any) -> Imported:
    """Read a fitted MLPClassifier or MLPRegressor, named by coefs_ and intercepts_: `W1`, `b1`, `W2`, ….

    Labels are given as to `fit`. Raises Unsupported for another estimator, or one that is not fitted.
    """
    name = type(estimator).__name__
    if not hasattr(estimator, "coefs_"):
        what = "not fitted" if hasattr(estimator, "hidden_layer_sizes") else "no multi-layer perceptron"
        raise Unsupported(f"{name} is {what}; what can be read are fitted MLPClassifier and MLPRegressor")
    output = estimator.out_activation_
    kind = (str(getattr(estimator, "loss", "log_loss")), output)
    if kind not in LOSSES:
        raise Unsupported(f"{name} has the loss {kind[0]} of a {output} output; there are {sorted(LOSSES)}")
    build = Builder()
    value = given = build.input("x", (SAMPLES, estimator.n_features_in_))
    depth = len(estimator.coefs_)
    for number_, arrays in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True), start=1):
        weight, bias = (
            Weight(f"{letter}{number_}", plain(array)) for letter, array in zip("Wb", arrays, strict=True)
        )
        build.name = f"z{number_}"
        value = dense(build, value, weight, bias, in_out=True)
        build.name = f"a{number_}" if number_ < depth else "y"
        function = ACTIVATIONS[estimator.activation if number_ < depth else output]
        if function not in ("identity", "softmax"):
            value = activation(build, value, function)
    losses = {
        LOSS: loss(LOSSES[kind], value.name, TARGET)
        if LOSSES[kind]
        else node("softmax-cross-entropy", value.name, arrays={"T": TARGET}, scale="1/m")
    }
    factor = f"{number(estimator.alpha)}/(2*m)"
    losses |= {
        f"R{place}": node("l2", f"z{place}.W", factor=factor)
        for place in range(1, depth + 1)
        if estimator.alpha
    }

    def target(labels: Numbers) -> Numbers:
        if hasattr(estimator, "_label_binarizer"):
            if unknown := sorted(set(np.ravel(labels).tolist()) - set(np.ravel(estimator.classes_).tolist())):
                raise InvalidNetwork(f"the estimator has no class {unknown[0]!r}")
            labels = estimator._label_binarizer.transform(labels)
        return np.asarray(labels, float).reshape(len(labels), -1)

    return build.finish([given], [value], losses=losses, target=target)
