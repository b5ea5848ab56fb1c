"""The multi-layer perceptrons of scikit-learn, by the private `_backprop` that `fit` calls.

α is the penalty's λ, weights are in×out and samples rows. Poisson regression and two classes have outputs of
their own, which the form names; otherwise a classifier of several outputs is softmax, of one logistic.
"""

from __future__ import annotations

import copy
import inspect
from typing import Any, Callable

import numpy as np

from . import binding
from .functions import Answer, Ask
from .misfit import Misfit


def estimator(subject: Any, form: Any, find: Callable[[str], Any]) -> Ask:
    """An MLPClassifier or MLPRegressor, as a class or with its options."""
    takes_sample_weight = "sample_weight" in inspect.signature(subject._backprop).parameters

    def ask(values: binding.Values, keywords: dict[str, Any]) -> Answer:
        params = values["given"]
        if any(b is None for _, b in params):
            raise Misfit(f"every layer of {type(subject).__name__} has a bias")
        made = subject() if isinstance(subject, type) else copy.copy(subject)
        made.alpha = keywords.get("lam", made.alpha)
        made.n_layers_ = len(params) + 1
        made.out_activation_ = form.output or _output(made, params)
        made.coefs_, made.intercepts_ = [w for w, _ in params], [b for _, b in params]
        x, t, rest = values["x"], values["t"], [None] * len(params)
        lists = [x, *rest], [*rest], [*rest], [*rest]
        weighted = (None,) if takes_sample_weight else ()
        loss, weights, biases = made._backprop(x, t, *weighted, *lists)
        return loss, list(zip(weights, biases))

    return ask


def _output(made: Any, params: Any) -> str:
    if getattr(made, "loss", "log_loss") != "log_loss":
        return "exp" if made.loss == "poisson" else "identity"
    return "softmax" if np.size(params[-1][1]) > 1 else "logistic"
