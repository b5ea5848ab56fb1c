"""Backward passes of packages from PyPI, each as a function (params, x, t) -> (loss, grads).

Each network is built of the package's own public classes and is given the parameters; its loss is what it
reports, its gradient what its optimiser would be given. Hidden layers are tanh, or sigmoid where there is no
tanh. docs/findings.md tells what backproof says of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Params = list[tuple[Any, Any]]
Answer = tuple[Any, Params]


def vanillanets_classifier(params: Params, x: Any, t: Any) -> Answer:
    """vanillanets: softmax and cross-entropy, each with its own backward pass."""
    from vanillanets.activations import Softmax
    from vanillanets.losses import CategoricalCrossEntropy

    return _vanillanets(params, x, t, Softmax(), CategoricalCrossEntropy())


def vanillanets_binary(params: Params, x: Any, t: Any) -> Answer:
    """vanillanets: sigmoid and binary cross-entropy."""
    from vanillanets.activations import Sigmoid
    from vanillanets.losses import BinaryCrossEntropy

    return _vanillanets(params, x, t, Sigmoid(), BinaryCrossEntropy())


def _vanillanets(params: Params, x: Any, t: Any, output: Any, loss: Any) -> Answer:
    from vanillanets.activations import Tanh
    from vanillanets.layers import DenseLayer

    layers: list[Any] = []
    for w, b in params:
        dense = DenseLayer(*w.shape)
        dense.weights, dense.biases = w, b
        layers += [dense, Tanh()]
    layers[-1] = output
    a = x
    for layer in layers:
        layer.forward(a)
        a = layer.output
    value = loss.calculate(a, t)
    loss.backward(a, t)
    slope = loss.dinputs
    for layer in reversed(layers):
        layer.backward(slope)
        slope = layer.dinputs
    return value, [(dense.dweights, dense.dbiases) for dense in layers[::2]]


def nerva_classifier(params: Params, x: Any, t: Any) -> Answer:
    """nerva-numpy: logits, and softmax with cross-entropy as one."""
    from nerva_numpy.layers import LinearLayer
    from nerva_numpy.loss_functions import StableSoftmaxCrossEntropyLossFunction

    return _nerva(params, x, t, LinearLayer, StableSoftmaxCrossEntropyLossFunction())


def nerva_log_likelihood(params: Params, x: Any, t: Any) -> Answer:
    """nerva-numpy: a softmax layer and the negative logarithm of the likelihood, apart."""
    from nerva_numpy.layers import SoftmaxLayer
    from nerva_numpy.loss_functions import NegativeLogLikelihoodLossFunction

    return _nerva(params, x, t, SoftmaxLayer, NegativeLogLikelihoodLossFunction())


def nerva_regressor(params: Params, x: Any, t: Any) -> Answer:
    """nerva-numpy: squared error."""
    from nerva_numpy.layers import LinearLayer
    from nerva_numpy.loss_functions import SquaredErrorLossFunction

    return _nerva(params, x, t, LinearLayer, SquaredErrorLossFunction())


def _nerva(params: Params, x: Any, t: Any, output: Any, loss: Any) -> Answer:
    from nerva_numpy.activation_functions import HyperbolicTangentActivation
    from nerva_numpy.layers import ActivationLayer
    from nerva_numpy.multilayer_perceptron import MultilayerPerceptron

    sizes = [w.shape[::-1] for w, _ in params]
    layers = [ActivationLayer(*size, HyperbolicTangentActivation()) for size in sizes[:-1]]
    model = MultilayerPerceptron([*layers, output(*sizes[-1])])
    for layer, (w, b) in zip(model.layers, params, strict=True):
        layer.W, layer.b = w, b
    a = model.feedforward(x)
    model.backpropagate(a, loss.gradient(a, t))
    return loss(a, t), [(layer.DW, layer.Db) for layer in model.layers]


def minimlp_regressor(params: Params, x: Any, t: Any) -> Answer:
    """miniMLP: squared error."""
    from miniMLP.losses import MSE

    return _minimlp(params, x, t, "tanh", MSE())


def minimlp_classifier(params: Params, x: Any, t: Any) -> Answer:
    """miniMLP: softmax and cross-entropy."""
    from miniMLP.losses import CrossEntropy

    return _minimlp(params, x, t, "softmax", CrossEntropy())


def minimlp_binary(params: Params, x: Any, t: Any) -> Answer:
    """miniMLP: sigmoid and binary cross-entropy."""
    from miniMLP.losses import BinaryCrossEntropy

    return _minimlp(params, x, t, "sigmoid", BinaryCrossEntropy())


def minimlp_huber(params: Params, x: Any, t: Any) -> Answer:
    """miniMLP: Huber's loss."""
    from miniMLP.losses import HuberLoss

    return _minimlp(params, x, t, "tanh", HuberLoss())


def _minimlp(params: Params, x: Any, t: Any, output: str, loss: Any) -> Answer:
    from miniMLP.activation import ActivationFunction
    from miniMLP.engine import MLP
    from miniMLP.layers import Layer

    names = ["tanh"] * (len(params) - 1) + [output]
    layers = [
        Layer(*w.shape, getattr(ActivationFunction, g)) for (w, _), g in zip(params, names, strict=True)
    ]
    for layer, (w, b) in zip(layers, params, strict=True):
        layer.weights, layer.biases = w, b
    model = MLP(layers, loss, None)
    a = model.forward(x)
    model.backward(loss.compute_gradient(t, a))
    return loss.compute_loss(t, a), [(layer.grads["dW"], layer.grads["db"]) for layer in layers]


def learnneuralnet_regressor(params: Params, x: Any, t: Any) -> Answer:
    """learnneuralnet: squared error."""
    return _learnneuralnet(params, x, t, "linear", "mse")


def learnneuralnet_binary(params: Params, x: Any, t: Any) -> Answer:
    """learnneuralnet: sigmoid and binary cross-entropy."""
    return _learnneuralnet(params, x, t, "sigmoid", "bce")


def _learnneuralnet(params: Params, x: Any, t: Any, output: str, name: str) -> Answer:
    from nn.layers import Dense
    from nn.losses import get_loss

    layers = [Dense(w.shape[1], "sigmoid") for w, _ in params[:-1]] + [Dense(params[-1][0].shape[1], output)]
    a = x
    for layer, (w, b) in zip(layers, params, strict=True):
        layer.build(len(w))
        layer.W, layer.b = w, b
        a = layer.forward(a)
    loss = get_loss(name)
    slope = loss.gradient(t, a)
    for layer in reversed(layers):
        slope = layer.backward(slope)
    return loss.compute(t, a), [(layer.dW, layer.db) for layer in layers]


def npnet_regressor(params: Params, x: Any, t: Any) -> Answer:
    """npnet: squared error."""
    from npnet.losses import MSE

    return _npnet(params, x, t, MSE())


def npnet_classifier(params: Params, x: Any, t: Any) -> Answer:
    """npnet: logits, and softmax with cross-entropy as one."""
    from npnet.losses import SoftMaxCrossEntropyWithLogits

    return _npnet(params, x, t, SoftMaxCrossEntropyWithLogits())


def _npnet(params: Params, x: Any, t: Any, loss: Any) -> Answer:
    import npnet

    class Net(npnet.Module):  # type: ignore[misc]  # has no type information
        def __init__(self) -> None:
            super().__init__()
            activations = [npnet.act.Tanh()] * (len(params) - 1) + [None]
            dense = [npnet.layers.Dense(*w.shape, g) for (w, _), g in zip(params, activations, strict=True)]
            self.whole = self.sequential(*dense)

        def forward(self, x: Any) -> Any:
            return self.whole(x)

    net = Net()
    for layer, (w, b) in zip(net.whole.layers, params, strict=True):
        layer.w[:], layer.b[:] = w, b
    value = loss(net(x.astype(np.float32)), t)
    net.backward(value)
    every = [net.params[f"layer_{l}"]["grads"] for l in range(len(params))]
    return value.data, [(grads["w"], grads["b"]) for grads in every]


def micrograd_regressor(params: Params, x: Any, t: Any) -> Answer:
    """micrograd: its own MLP, relu and a linear output, one sample after the other."""
    from micrograd.nn import MLP

    model = MLP(len(params[0][0]), [w.shape[1] for w, _ in params])
    for layer, (w, b) in zip(model.layers, params, strict=True):
        for neuron, weights, bias in zip(layer.neurons, w.T.tolist(), b.tolist(), strict=True):
            neuron.b.data = bias
            for value, weight in zip(neuron.w, weights, strict=True):
                value.data = weight
    rows = [(model(row), targets) for row, targets in zip(x.tolist(), t.tolist(), strict=True)]
    outputs = [(row if isinstance(row, list) else [row], targets) for row, targets in rows]
    loss = sum((a - each) ** 2 for row, targets in outputs for a, each in zip(row, targets, strict=True))
    loss.backward()
    grads = [
        (
            np.array([[value.grad for value in neuron.w] for neuron in layer.neurons]).T,
            np.array([neuron.b.grad for neuron in layer.neurons]),
        )
        for layer in model.layers
    ]
    return loss.data, grads
