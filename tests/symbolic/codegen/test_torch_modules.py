"""Generated torch modules: derivatives of both orders pass the checks of PyTorch, modules behave as such."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symbolic.codegen.arrays.modules import array_module
from symbolic.codegen.request import Request
from symbolic.conventions import INTERNAL, Layout
from symbolic.network import Network, mlp
from tests.layer_cases import CASES
from tests.symbolic.codegen.array_targets import load

LAM = 0.3
NETWORKS = {
    "tanh": (mlp(2, 3, 1, hidden="tanh", loss="half-mse"), INTERNAL),
    "softmax, labels": (
        mlp(3, 4, 2, hidden="gelu", output="softmax", loss="cross-entropy", l2="lambda/(2*m)"),
        Layout("in-out", "rows", "1,n", "integer"),
    ),
    "no bias, softmax within": (
        mlp(2, 3, 3, 2, hidden=["mish", "softmax"], output="sigmoid", loss="binary-cross-entropy",
            bias=[True, False, True]),
        Layout("out-in", "rows", "n,1"),
    ),
    "one layer": (mlp(2, 2, output="softplus", loss="huber", scale="1/(m*k)", bias=False), INTERNAL),
}  # fmt: skip


@pytest.fixture
def torch(require: Callable[[str], None]) -> Any:
    require("torch")
    import torch

    torch.manual_seed(0)
    return torch


def source_of(name: str) -> str:
    network, layout = NETWORKS[name]
    return array_module(Request(network, layout), "torch").source


def samples(torch: Any, name: str) -> tuple[Any, Any]:
    """x, which derivatives are wanted by, and t."""
    network, layout = NETWORKS[name]
    assert isinstance(network, Network)
    rows, m, k = layout.samples == "rows", 3, network.sizes[-1]
    x = torch.randn((m, network.inputs) if rows else (network.inputs, m), dtype=torch.float64)
    t = torch.rand((m, k) if rows else (k, m), dtype=torch.float64)
    return x.requires_grad_(), torch.randint(0, k, (m,)) if layout.labels == "integer" else t


def functions(code: Any, name: str, t: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The output and the error, of x and the parameters."""
    lam = (LAM,) if NETWORKS[name][0].objective.has_lambda else ()
    return code.Output.apply, lambda x, *flat: code.Loss.apply(x, t, *lam, *flat)


@pytest.mark.parametrize("name", NETWORKS)
def test_both_derivatives_pass_the_checks_of_pytorch(torch: Any, name: str) -> None:
    code = load(source_of(name))
    (x, t), flat = samples(torch, name), tuple(code.Network().parameters())
    for function in functions(code, name, t):
        assert torch.autograd.gradcheck(function, (x, *flat))
        assert torch.autograd.gradgradcheck(function, (x, *flat))


@pytest.mark.parametrize(
    ("old", "new", "order"),
    [
        ("d_x = w1.T @ d_z1", "d_x = -(w1.T @ d_z1)", 1),
        ("d_w1 = d_z1 @ x.T", "d_w1 = 2 * (d_z1 @ x.T)", 1),
        ("_tanh_curvature(z1)", "_tanh_slope(z1)", 2),
        ("g_z1 @ d_g_x.T", "g_z1 @ d_g_x.T * 0", 2),
    ],
)
def test_checks_of_pytorch_reject_a_wrong_derivative(torch: Any, old: str, new: str, order: int) -> None:
    source = source_of("tanh")
    assert old in source
    code = load(source.replace(old, new))
    (x, t), flat = samples(torch, "tanh"), tuple(code.Network().parameters())
    checked = torch.autograd.gradcheck if order == 1 else torch.autograd.gradgradcheck
    for function in functions(code, "tanh", t):
        assert not checked(function, (x, *flat), raise_exception=False)


@pytest.mark.parametrize("name", NETWORKS)
def test_module_has_the_output_the_error_and_the_gradient_of_the_functions(torch: Any, name: str) -> None:
    code = load(source_of(name))
    network, (x, t) = code.Network(), samples(torch, name)
    lam = {"lam": LAM} if NETWORKS[name][0].objective.has_lambda else {}
    torch.testing.assert_close(network(x), code.forward(network.params(), x))
    error = network.loss(x, t, **lam)
    torch.testing.assert_close(error, code.loss(network.params(), x, t, **lam))
    error.backward()
    expected = [each for pair in code.gradient(network.params(), x, t, **lam) for each in pair]
    for parameter, slope in zip(network.parameters(), filter(lambda e: e is not None, expected), strict=True):
        torch.testing.assert_close(parameter.grad, slope)
    assert x.grad.shape == x.shape


@pytest.mark.parametrize(
    "name", ["batch-norm", "conv1d, strided, padded, dilated", "embedding", "masked-attention", "l2"]
)
def test_error_of_a_graph_passes_the_checks_of_pytorch_to_second_order(torch: Any, name: str) -> None:
    case = CASES[name]
    code = load(array_module(Request(case.graph), "torch").source)
    values = {array.name: value for array, value in case.values().items()}
    whole = {"x1"} & case.whole

    def tensors(names: Any) -> dict[str, Any]:
        return {
            each: torch.as_tensor(values[each] if each in whole else np.asarray(values[each], float))
            for each in names
        }

    inputs = tensors(case.graph.inputs)
    constants = tensors(array.name for array in case.graph.constants)
    params = tensors(array.name for array in case.graph.parameters)
    network = code.Network()
    assert {each: one.shape for each, one in network.params().items()} == {
        each: one.shape for each, one in params.items()
    }
    for each in (*params.values(), *(x for x in inputs.values() if x.is_floating_point())):
        each.requires_grad_()
    flat, lam = code._joined(params, inputs, constants), (LAM,) * (name == "l2")
    assert torch.autograd.gradcheck(lambda *given: code.Loss.apply(*lam, *given), flat)
    assert torch.autograd.gradgradcheck(lambda *given: code.Loss.apply(*lam, *given), flat)
    network.loss(inputs, constants).backward()
    gradient = code.gradient(network.params(), inputs, constants)
    for each, one in network.params().items():
        torch.testing.assert_close(one.grad, gradient[each])


def test_state_of_a_module_is_saved_loaded_and_of_any_precision(torch: Any) -> None:
    code = load(source_of("tanh"))
    one, other, (x, t) = code.Network(), code.Network(), samples(torch, "tanh")
    assert sorted(one.state_dict()) == ["b1", "b2", "w1", "w2"]
    assert not torch.equal(one.w1, other.w1)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(x), other(x))
    single = other.to(torch.float32)
    loss = single.loss(x.float(), t.float())
    (slope,) = torch.autograd.grad(loss, single.w1, create_graph=True)
    (second,) = torch.autograd.grad(slope.sum(), single.w1)
    assert {loss.dtype, slope.dtype, second.dtype} == {torch.float32}
    assert code.Network(dtype=torch.float32, device="meta").w1.device.type == "meta"


def test_parameters_begin_as_those_of_linear_layers_do(torch: Any) -> None:
    network = load(array_module(Request(mlp(400, 300, 1, hidden="tanh")), "torch").source).Network()
    for parameter, reads in ((network.w1, 400), (network.b1, 400), (network.w2, 300)):
        assert 0.95 * reads**-0.5 < parameter.abs().max() <= reads**-0.5


def test_module_learns_with_an_optimizer_of_pytorch(torch: Any) -> None:
    network, (x, t) = load(source_of("tanh")).Network(), samples(torch, "tanh")
    optimizer, x = torch.optim.SGD(network.parameters(), lr=0.1), x.detach()
    errors = []
    for _ in range(20):
        optimizer.zero_grad()
        error = network.loss(x, t)
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < 0.5 * errors[0] and np.isfinite(errors).all()


def test_functions_map_over_samples(torch: Any) -> None:
    code = load(source_of("tanh"))
    network, (x, _) = code.Network(), samples(torch, "tanh")
    params = tuple(each.detach() for each in network.parameters())
    mapped = torch.func.vmap(
        torch.func.grad(lambda column: code.Output.apply(column[:, None], *params).sum()), in_dims=1
    )(x.detach())
    (expected,) = torch.autograd.grad(network(x).sum(), x)
    torch.testing.assert_close(mapped.T, expected)
