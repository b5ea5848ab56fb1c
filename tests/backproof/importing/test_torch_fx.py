"""Models of PyTorch against autograd in double precision: output, loss and every parameter's gradient."""

from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

from backproof.importing import from_torch
from symbolic.errors import InvalidNetwork, Unsupported

WORST = 1e-11  # of the largest entry of a parameter's gradient
LEAST = 1e-6  # what that entry must be, so that the comparison means something


@pytest.fixture(scope="module")
def torch(require):
    require("torch")
    return import_module("torch")


@pytest.fixture
def kit(torch):
    """torch, nn, F, and `r` that draws a batch; drawn anew for every test."""
    torch.manual_seed(0)

    def r(*shape):
        return torch.randn(shape, dtype=torch.float64)

    def whole(below, *shape):
        return torch.randint(0, below, shape)

    return SimpleNamespace(torch=torch, nn=torch.nn, F=torch.nn.functional, r=r, whole=whole)


def module(kit, forward, **parts):
    """A model of its parts, whose forward pass is a function of them and of its inputs."""

    class Model(kit.nn.Module):
        def __init__(self):
            super().__init__()
            for name, part in parts.items():
                setattr(self, name, part)

        def forward(self, x):
            return forward(self, x)

    return Model()


def held_against_autograd(kit, model, x, loss=None, target=None, imported=None, **options):
    """Import, evaluate, compare; returns what was imported."""
    model, loss = model.double(), loss or kit.nn.MSELoss()
    imported = imported or from_torch(model, x, loss=loss, **options)
    output = model(x)
    target = kit.r(*output.shape) if target is None else target
    wanted = loss(output, target)
    model.zero_grad()
    wanted.backward()
    found = imported.evaluate(x, target=target)
    output = output.detach().numpy()
    np.testing.assert_allclose(found.outputs[0], output, rtol=0, atol=1e-12 * np.abs(output).max())
    assert found.loss == pytest.approx(wanted.item(), rel=1e-12)
    trained = {name: p.grad.numpy() for name, p in model.named_parameters() if p.grad is not None}
    assert found.gradients.keys() == trained.keys() and trained
    for name, gradient in trained.items():
        largest = np.abs(gradient).max()
        assert largest > LEAST, name
        assert np.abs(found.gradients[name] - gradient).max() < WORST * largest, name
    return imported


def lenet(kit):
    nn, F = kit.nn, kit.F

    def forward(self, x):
        x = F.avg_pool2d(kit.torch.tanh(self.c1(x)), 2)
        x = self.pool(self.c2(x).relu())
        x = kit.torch.tanh(self.f1(x.view(x.size(0), -1)))
        return self.f3(kit.torch.tanh(self.f2(x)))

    return module(
        kit,
        forward,
        c1=nn.Conv2d(1, 6, 5, padding=2),
        c2=nn.Conv2d(6, 16, 5),
        pool=nn.MaxPool2d(2),
        f1=nn.Linear(400, 120),
        f2=nn.Linear(120, 84),
        f3=nn.Linear(84, 10),
    )


def residual_block(kit):
    nn = kit.nn

    def forward(self, x):
        out = self.relu(self.b1(self.c1(x)))
        out = self.b2(self.c2(out))
        out += self.shortcut(x)
        return self.head(self.relu(out).mean((2, 3)))

    return module(
        kit,
        forward,
        c1=nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False),
        b1=nn.BatchNorm2d(4),
        c2=nn.Conv2d(4, 4, 3, padding=1, bias=False),
        b2=nn.BatchNorm2d(4),
        shortcut=nn.Sequential(nn.Conv2d(3, 4, 1, stride=2, bias=False), nn.BatchNorm2d(4)),
        relu=nn.ReLU(inplace=True),
        head=nn.Linear(4, 5),
    )


def hand_written_transformer(kit, width=8, heads=2):
    nn, F = kit.nn, kit.F

    def attend(self, x):
        m, t, _ = x.shape
        query, key, value = self.qkv(x).view(m, t, 3, heads, width // heads).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def block():
        def forward(self, x):
            x = x + self.attention(self.n1(x))
            return x + self.down(F.gelu(self.up(self.n2(x))))

        attention = module(kit, attend, qkv=nn.Linear(width, 3 * width), out=nn.Linear(width, width))
        return module(
            kit,
            forward,
            attention=attention,
            n1=nn.LayerNorm(width),
            n2=nn.LayerNorm(width),
            up=nn.Linear(width, 3 * width),
            down=nn.Linear(3 * width, width),
        )

    def forward(self, tokens):
        places = kit.torch.arange(tokens.size(1))
        x = self.blocks(self.tokens(tokens) + self.places(places))
        return kit.F.linear(self.norm(x), self.tokens.weight)  # tied

    return module(
        kit,
        forward,
        tokens=nn.Embedding(7, width),
        places=nn.Embedding(5, width),
        blocks=nn.Sequential(block(), block()),
        norm=nn.LayerNorm(width),
    )


def test_lenet_is_autograds(kit):
    loss = kit.nn.CrossEntropyLoss()
    held_against_autograd(kit, lenet(kit), kit.r(6, 1, 28, 28), loss, kit.whole(10, 6))


def test_lstm_of_two_layers_is_autograds(kit):
    model = module(
        kit, lambda self, x: self.head(self.lstm(x)[0][:, -1]),
        lstm=kit.nn.LSTM(3, 5, num_layers=2, batch_first=True), head=kit.nn.Linear(5, 4),
    )  # fmt: skip
    loss = kit.nn.CrossEntropyLoss()
    imported = held_against_autograd(kit, model, kit.r(6, 7, 3), loss, kit.whole(4, 6))
    assert "concatenate" not in imported.graph.title, "the last step is read, not all of them joined"


def test_residual_block_with_batch_norm_in_training_is_autograds(kit):
    loss = kit.nn.CrossEntropyLoss()
    held_against_autograd(kit, residual_block(kit), kit.r(5, 3, 8, 8), loss, kit.whole(5, 5))


def test_hand_written_transformer_with_tied_embedding_is_autograds(kit):
    model = hand_written_transformer(kit)
    loss = kit.nn.CrossEntropyLoss()

    class Classes(kit.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, tokens):
            return self.model(tokens).transpose(1, 2)

    held_against_autograd(kit, Classes(), kit.whole(7, 4, 5), loss, kit.whole(7, 4, 5))


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_torchs_own_transformer_is_autograds(kit, norm_first, activation):
    layer = kit.nn.TransformerEncoderLayer(
        8, 2, 12, dropout=0.0, activation=activation, batch_first=True, norm_first=norm_first
    )
    encoder = kit.nn.TransformerEncoder(layer, 2, norm=kit.nn.LayerNorm(8), enable_nested_tensor=False)
    held_against_autograd(kit, encoder, kit.r(3, 4, 8))


ACTIVATIONS = {
    "ReLU": lambda nn: nn.ReLU(),
    "Tanh": lambda nn: nn.Tanh(),
    "Sigmoid": lambda nn: nn.Sigmoid(),
    "GELU": lambda nn: nn.GELU(),
    "GELU tanh": lambda nn: nn.GELU("tanh"),
    "SiLU": lambda nn: nn.SiLU(),
    "ELU": lambda nn: nn.ELU(0.3),
    "CELU": lambda nn: nn.CELU(0.5),
    "SELU": lambda nn: nn.SELU(),
    "Softplus": lambda nn: nn.Softplus(),
    "Softplus linear": lambda nn: nn.Softplus(2.0, 0.5),
    "LeakyReLU": lambda nn: nn.LeakyReLU(0.2),
    "Mish": lambda nn: nn.Mish(),
    "Hardtanh": lambda nn: nn.Hardtanh(),
    "Hardtanh bounds": lambda nn: nn.Hardtanh(-0.3, 0.6),
    "ReLU6": lambda nn: nn.ReLU6(),
    "Softsign": lambda nn: nn.Softsign(),
    "Hardswish": lambda nn: nn.Hardswish(),
    "LogSigmoid": lambda nn: nn.LogSigmoid(),
    "Softshrink": lambda nn: nn.Softshrink(0.1),
    "Hardshrink": lambda nn: nn.Hardshrink(0.1),
    "Tanhshrink": lambda nn: nn.Tanhshrink(),
    "Threshold": lambda nn: nn.Threshold(0.1, 0.2),
    "PReLU": lambda nn: nn.PReLU(),
    "PReLU channels": lambda nn: nn.PReLU(4),
    "Softmax": lambda nn: nn.Softmax(-1),
    "Softmin": lambda nn: nn.Softmin(1),
    "LogSoftmax": lambda nn: nn.LogSoftmax(1),
    "BatchNorm1d": lambda nn: nn.BatchNorm1d(4),
    "LayerNorm": lambda nn: nn.LayerNorm(4),
    "LayerNorm plain": lambda nn: nn.LayerNorm(4, elementwise_affine=False),
    "LayerNorm no bias": lambda nn: nn.LayerNorm(4, bias=False),
    "RMSNorm": lambda nn: nn.RMSNorm(4),
    "GroupNorm": lambda nn: nn.GroupNorm(1, 4),
    "Unflatten": lambda nn: nn.Sequential(nn.Unflatten(1, (2, 2)), nn.Flatten()),
    "Identity": lambda nn: nn.Sequential(nn.Identity(), nn.Dropout().eval(), nn.Dropout(0.0)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_module_after_a_linear_one_is_autograds(kit, name):
    bias = name != "BatchNorm1d"  # whose mean takes the bias away: its gradient is 0
    model = kit.nn.Sequential(kit.nn.Linear(3, 4, bias=bias), ACTIVATIONS[name](kit.nn))
    held_against_autograd(kit, model, kit.r(6, 3))


MODULES = {
    "Linear": ((5, 3), lambda nn: nn.Linear(3, 4)),
    "Linear on a sequence": ((5, 6, 3), lambda nn: nn.Linear(3, 4, bias=False)),
    "Conv1d": ((5, 4, 9), lambda nn: nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2)),
    "Conv1d groups": ((5, 4, 9), lambda nn: nn.Conv1d(4, 6, 3, groups=2)),
    "Conv2d": ((5, 3, 8, 7), lambda nn: nn.Conv2d(3, 4, 3, stride=2, padding=1)),
    "Conv2d groups": (
        (5, 4, 8, 7),
        lambda nn: nn.Conv2d(4, 6, (3, 2), (1, 2), (2, 0), (2, 1), groups=2, bias=False),
    ),
    "Conv2d depthwise": ((5, 4, 6, 7), lambda nn: nn.Conv2d(4, 4, 3, padding="same", groups=4)),
    "ConvTranspose1d": ((5, 4, 9), lambda nn: nn.ConvTranspose1d(4, 6, 3, stride=2, padding=1)),
    "ConvTranspose2d": ((5, 4, 5, 4), lambda nn: nn.ConvTranspose2d(4, 3, 3, stride=2, bias=False)),
    "AvgPool1d": ((5, 2, 9), lambda nn: nn.Sequential(nn.Conv1d(2, 3, 2), nn.AvgPool1d(3, stride=1))),
    "AvgPool2d": ((5, 2, 9, 8), lambda nn: nn.Sequential(nn.Conv2d(2, 3, 2), nn.AvgPool2d(3, 2, 1))),
    "MaxPool1d": ((5, 2, 9), lambda nn: nn.Sequential(nn.Conv1d(2, 3, 2), nn.MaxPool1d(3, stride=2))),
    "MaxPool2d": ((5, 2, 9, 8), lambda nn: nn.Sequential(nn.Conv2d(2, 3, 2), nn.MaxPool2d(3, 2, 1))),
    "AdaptiveAvgPool2d": (
        (5, 2, 9, 9),
        lambda nn: nn.Sequential(nn.Conv2d(2, 3, 2), nn.AdaptiveAvgPool2d(2)),
    ),
    "BatchNorm1d": ((5, 3, 4), lambda nn: nn.Sequential(nn.Conv1d(3, 4, 2, bias=False), nn.BatchNorm1d(4))),
    "BatchNorm2d": (
        (5, 2, 4, 3),
        lambda nn: nn.Sequential(nn.Conv2d(2, 3, 2, bias=False), nn.BatchNorm2d(3)),
    ),
    "BatchNorm2d plain": (
        (5, 2, 4, 3),
        lambda nn: nn.Sequential(nn.Conv2d(2, 3, 2, bias=False), nn.BatchNorm2d(3, affine=False)),
    ),
    "LayerNorm of images": (
        (5, 2, 4, 3),
        lambda nn: nn.Sequential(nn.Conv2d(2, 3, 2), nn.LayerNorm([3, 3, 2])),
    ),
    "GroupNorm": ((5, 2, 4, 3), lambda nn: nn.Sequential(nn.Conv2d(2, 6, 2), nn.GroupNorm(3, 6))),
    "InstanceNorm2d": (
        (5, 2, 4, 3),
        lambda nn: nn.Sequential(nn.Conv2d(2, 6, 2, bias=False), nn.InstanceNorm2d(6, affine=True)),
    ),
    "PReLU of images": ((5, 2, 4, 3), lambda nn: nn.Sequential(nn.Conv2d(2, 3, 2), nn.PReLU(3))),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_autograds(kit, name):
    shape, model = MODULES[name]
    held_against_autograd(kit, model(kit.nn), kit.r(*shape))


@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 2, "bias": False}, {"num_layers": 2, "bidirectional": True}]
)
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("batch_first", [True, False])
def test_a_recurrent_module_is_autograds(kit, name, options, batch_first):
    inner = getattr(kit.nn, name)(3, 4, batch_first=batch_first, **options)
    model = module(kit, lambda self, x: self.inner(x)[0], inner=inner)
    held_against_autograd(kit, model, kit.r(3, 4, 3), samples=1 - batch_first)


def linear(kit, forward, **parts):
    """A model with a linear module l that keeps the width 4."""
    return module(kit, forward, l=kit.nn.Linear(4, 4), **parts)


def masked(kit, forward, **parts):
    """The same with a real mask."""
    return linear(kit, forward, m=kit.nn.Buffer(kit.r(6, 6)), **parts)


def parameters(kit, forward, **shapes):
    """A model of parameters alone."""
    return module(kit, forward, **{name: kit.nn.Parameter(kit.r(*shape)) for name, shape in shapes.items()})


def looking_back(kit):
    nn, mask = kit.nn, kit.torch.triu(kit.torch.ones(6, 6), 1).bool()
    return module(
        kit, lambda s, x: s.a(x, x, x, attn_mask=s.m, need_weights=False)[0],
        a=nn.MultiheadAttention(4, 2, batch_first=True), m=nn.Buffer(mask),
    )  # fmt: skip


def from_zeros(kit):
    def forward(self, x):
        zeros = kit.torch.zeros(1, x.size(0), 3, dtype=kit.torch.float64)
        return self.a(x, (zeros, zeros))[0]

    return module(kit, forward, a=kit.nn.LSTM(4, 3, batch_first=True))


def last_states(kit):
    def forward(self, x):
        last = self.a(x)[1]
        return last[0][-1] + last[1][0]

    return module(kit, forward, a=kit.nn.LSTM(4, 3, 2, batch_first=True))


def changed_in_place(kit):
    def forward(self, x):
        y = self.l(x)
        return kit.F.relu(y, inplace=True) + y

    return linear(kit, forward)


FUNCTIONS = {
    "last states": last_states,
    "zeros before": from_zeros,
    "RNNCell": lambda k: module(k, lambda s, x: s.a(x[:, 1], s.a(x[:, 0])), a=k.nn.RNNCell(4, 3)),
    "LSTMCell": lambda k: module(k, lambda s, x: s.a(x[:, 1], s.a(x[:, 0]))[0], a=k.nn.LSTMCell(4, 3)),
    "GRUCell": lambda k: module(k, lambda s, x: s.a(x[:, 1], s.a(x[:, 0])), a=k.nn.GRUCell(4, 3)),
    "causal": looking_back,
    "attention": lambda k: masked(k, lambda s, x: k.torch.softmax(s.l(x) @ x.mT / 2 + s.m, -1) @ s.l(x)),
    "scaled": lambda k: masked(
        k, lambda s, x: k.F.scaled_dot_product_attention(s.l(x), x, x, s.m, scale=0.3)
    ),
    "parameters": lambda k: parameters(k, lambda s, x: x * s.g + s.h - s.s, g=(6, 1), h=(1, 6, 4), s=()),
    "computed weights": lambda k: parameters(
        k,
        lambda s, x: k.F.linear(x, s.w / s.w.square().sum(1, keepdim=True).sqrt() * s.g),
        w=(3, 4),
        g=(3, 1),
    ),
    "slices": lambda k: linear(k, lambda s, x: k.torch.cat([s.l(x), x], -1)[:, 1:5:2, :-1].sum(1)),
    "stack": lambda k: linear(k, lambda s, x: k.torch.stack([s.l(x).mean((1, 2)), s.l(x)[:, -1, 0]], 1)),
    "axes": lambda k: linear(
        k, lambda s, x: s.l(x)[:, None].expand(-1, 3, -1, -1) * x.unsqueeze(1)[..., None, :, :, :].squeeze(1)
    ),
    "chunks": lambda k: linear(k, lambda s, x: k.torch.stack(s.l(x).split([1, 3], -1)[1].unbind(1), 1)),
    "arithmetic": lambda k: linear(
        k, lambda s, x: (s.l(x) ** 2 + 1).sqrt() / (1 + k.torch.exp(-x)) - 0.5 * x
    ),
    "bounds": lambda k: linear(k, lambda s, x: k.torch.maximum(s.l(x), x).clamp(-0.5, 0.7)),
    "einsum": lambda k: linear(k, lambda s, x: k.torch.einsum("nij,nkj->nik", s.l(x), x)),
    "pools": lambda k: parameters(
        k, lambda s, x: k.F.max_pool1d(k.F.layer_norm(k.F.conv1d(x, s.w, padding=1), (4,)), 2), w=(3, 6, 3)
    ),
    "gather": lambda k: linear(k, lambda s, x: s.l(x)[:, s.i], i=k.nn.Buffer(k.whole(6, 4))),
    "twice": lambda k: linear(k, lambda s, x: s.l(s.l(x).relu())),
    "in place": changed_in_place,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_and_methods_are_autograds(kit, name):
    held_against_autograd(kit, FUNCTIONS[name](kit), kit.r(5, 6, 4))


def test_bilinear_of_two_inputs_is_autograds(kit):
    model, x, y, t = kit.nn.Bilinear(3, 4, 2).double(), kit.r(5, 3), kit.r(5, 4), kit.r(5, 2)
    found = from_torch(model, x, y, loss=kit.nn.MSELoss()).evaluate(x, y, target=t)
    kit.F.mse_loss(model(x, y), t).backward()
    np.testing.assert_allclose(found.gradients["weight"], model.weight.grad, rtol=1e-11)


def test_batch_norm_in_evaluation_takes_its_statistics_for_constants(kit):
    model = kit.nn.Sequential(kit.nn.Linear(3, 4), kit.nn.BatchNorm1d(4)).double()
    model(kit.r(6, 3))
    held_against_autograd(kit, model.eval(), kit.r(6, 3))


def test_dropout_takes_the_mask_that_was_drawn(kit):
    model, x = kit.nn.Sequential(kit.nn.Linear(3, 4), kit.nn.Dropout(0.3)).double(), kit.r(5, 3)
    with pytest.raises(
        Unsupported, match=r"1 \(Dropout\): in training it draws a mask; give the one that was"
    ):
        from_torch(model, x)
    target, output = kit.r(5, 4), model(x)
    mask = (output != 0).numpy()
    found = from_torch(model, x, loss=kit.nn.MSELoss(), masks={"1": mask}).evaluate(x, target=target)
    kit.F.mse_loss(output, target).backward()
    np.testing.assert_allclose(found.gradients["0.weight"], model[0].weight.grad, rtol=1e-11)


LOSSES = {
    "mean squared": (lambda nn: nn.MSELoss(), "real"),
    "sum of squares": (lambda nn: nn.MSELoss(reduction="sum"), "real"),
    "absolute": (lambda nn: nn.L1Loss(), "real"),
    "Huber": (lambda nn: nn.HuberLoss(), "real"),
    "Huber 1/2": (lambda nn: nn.HuberLoss(delta=0.5), "real"),
    "smooth": (lambda nn: nn.SmoothL1Loss(beta=0.7), "real"),
    "binary with logits": (lambda nn: nn.BCEWithLogitsLoss(), "share"),
    "Poisson": (lambda nn: nn.PoissonNLLLoss(), "share"),
    "soft margin": (lambda nn: nn.SoftMarginLoss(), "sign"),
    "cross entropy": (lambda nn: nn.CrossEntropyLoss(), "label"),
    "cross entropy summed": (lambda nn: nn.CrossEntropyLoss(reduction="sum"), "label"),
    "label smoothing": (lambda nn: nn.CrossEntropyLoss(label_smoothing=0.2), "label"),
    "ignored label": (lambda nn: nn.CrossEntropyLoss(ignore_index=1), "label"),
    "probabilities": (lambda nn: nn.CrossEntropyLoss(label_smoothing=0.1), "distribution"),
}


def target_of(kit, kind, shape):
    classes = (shape[0], *shape[2:])
    return {
        "real": lambda: kit.r(*shape),
        "share": lambda: kit.r(*shape).sigmoid(),
        "sign": lambda: kit.r(*shape).sign(),
        "label": lambda: kit.whole(shape[1], *classes),
        "distribution": lambda: kit.r(*shape).softmax(1),
    }[kind]()


@pytest.mark.parametrize("shape", [(6, 2), (6, 2, 5)], ids=["flat", "with places"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_autograds(kit, name, shape):
    loss, kind = LOSSES[name]
    model = kit.nn.Linear(2, 3) if len(shape) == 2 else kit.nn.Conv1d(2, 3, 1)
    target = target_of(kit, kind, (6, 3, *shape[2:]))
    held_against_autograd(kit, model, kit.r(*shape), loss(kit.nn), target)


def test_class_weights_go_into_the_target(kit):
    weight = kit.torch.tensor([0.2, 1.0, 3.0], dtype=kit.torch.float64)
    loss = kit.nn.CrossEntropyLoss(weight=weight, label_smoothing=0.1)
    held_against_autograd(kit, kit.nn.Linear(2, 3), kit.r(6, 2), loss, kit.whole(3, 6))


def test_losses_of_probabilities_and_their_logarithms_are_autograds(kit):
    nn = kit.nn
    logs = nn.Sequential(nn.Linear(2, 3), nn.LogSoftmax(1))
    x, shares = kit.r(6, 2), kit.r(6, 3).softmax(1)
    held_against_autograd(kit, nn.Sequential(nn.Linear(2, 3), nn.Sigmoid()), x, nn.BCELoss(), shares)
    held_against_autograd(kit, logs, x, nn.NLLLoss(), kit.whole(3, 6))
    held_against_autograd(kit, logs, x, nn.KLDivLoss(reduction="batchmean"), shares)
    held_against_autograd(kit, logs, x, nn.KLDivLoss(reduction="sum", log_target=True), shares.log())


def test_a_transposed_square_weight_is_noticed(kit):
    model, x = kit.nn.Sequential(kit.nn.Linear(4, 4), kit.nn.Tanh()).double(), kit.r(5, 4)
    right = from_torch(model, x, loss=kit.nn.MSELoss())
    (square,) = (array for array in right.values if array.name.endswith(".W"))
    wrong = replace(right, values={**right.values, square: right.values[square].T})
    held_against_autograd(kit, model, x, imported=right)
    with pytest.raises(AssertionError):
        held_against_autograd(kit, model, x, imported=wrong)


def test_a_gradient_that_goes_back_transposed_is_noticed(kit):
    model, x = kit.nn.Linear(4, 4).double(), kit.r(5, 4)
    right = from_torch(model, x, loss=kit.nn.MSELoss())
    (square,) = (array for array in right.parts if array.name.endswith(".W"))
    turned = tuple(replace(part, axes=(1, 0)) for part in right.parts[square])
    wrong = replace(right, parts={**right.parts, square: turned})
    with pytest.raises(AssertionError, match="weight"):
        held_against_autograd(kit, model, x, imported=wrong)


def test_slopes_that_torch_rounds_to_single_precision_are_seen(kit):
    """torch 2.13 multiplies by 1/6 in single precision in the backward pass of hardsigmoid."""
    x = kit.torch.tensor([[0.5]], dtype=kit.torch.float64)
    model = kit.nn.Sequential(kit.nn.Linear(1, 1, bias=False), kit.nn.Hardsigmoid()).double()
    model[0].weight.data.fill_(1.0)
    found = from_torch(model, x, loss=kit.nn.L1Loss()).evaluate(x, target=kit.r(1, 1) - 9)
    kit.F.l1_loss(model(x), kit.r(1, 1) - 9).backward()
    assert found.gradients["0.weight"].item() == pytest.approx(0.5 / 6, rel=1e-15)
    assert model[0].weight.grad.item() == pytest.approx(0.5 / 6, rel=1e-7)


def test_everything_that_cannot_be_read_is_named_at_once(kit):
    class Opaque(kit.nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    def forward(self, x):
        x = self.pool(self.conv(x)).flatten(1)
        x = kit.torch.cumsum(self.opaque(self.norm(x)), 1)
        return self.drop(x).reshape(-1)

    model = module(
        kit,
        forward,
        conv=kit.nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"),
        pool=kit.nn.LPPool2d(2, 2),
        norm=kit.nn.CrossMapLRN2d(2),
        opaque=Opaque(),
        drop=kit.nn.Dropout(),
    )
    with pytest.raises(Unsupported) as refused:
        from_torch(model, (1, 1, 4, 4))
    title, *lines = str(refused.value).partition("\nWhat can be read:\n")[0].splitlines()
    without = "it has no equations here"
    assert title == "5 parts of Model cannot be read:"
    assert lines == [
        "  opaque (Opaque): torch.fx cannot trace it: "
        "symbolically traced variables cannot be used as inputs to control flow",
        "  conv (Conv2d): padding_mode='reflect'; there is only padding_mode='zeros'",
        f"  pool (LPPool2d): {without}",
        f"  norm (CrossMapLRN2d): {without}",
        f"  cumsum in forward: {without}",
    ]


def changed_beside_its_view(kit):
    def forward(self, x):
        y = self.l(x)
        view = y.view(-1, 8)
        y.relu_()
        return view

    return linear(kit, forward)


REFUSED = {
    "padding_idx=0: torch leaves this row": ((1, 4), lambda k: k.nn.Embedding(3, 2, padding_idx=0)),
    "ceil_mode=True; there is only ceil_mode=False": ((1, 2, 5), lambda k: k.nn.MaxPool1d(2, ceil_mode=True)),
    r"output_padding=\(1,\); there is only 0": (
        (1, 2, 5),
        lambda k: k.nn.ConvTranspose1d(2, 2, 3, stride=2, output_padding=1),
    ),
    "even kernel pads one side more": ((1, 2, 9), lambda k: k.nn.Conv1d(2, 2, 4, padding="same")),
    "batch_first=False, but the samples are axis 0": ((1, 4, 2), lambda k: k.nn.LSTM(2, 3)),
    "windows of several sizes": ((1, 2, 5), lambda k: k.nn.AdaptiveAvgPool1d(2)),
    "works along axis 0, the samples": ((5, 2), lambda k: k.nn.Softmax(0)),
    "a view is used later": ((1, 2, 4), changed_beside_its_view),
    "query, key and value are not the same": (
        (1, 2, 4),
        lambda k: module(
            k, lambda s, x: s.a(x, x * 2, x)[0], a=k.nn.MultiheadAttention(4, 2, batch_first=True)
        ),
    ),
    "dropout=0.5 in training draws masks": (
        (1, 2, 4),
        lambda k: k.nn.LSTM(4, 3, 2, dropout=0.5, batch_first=True),
    ),
    "dim=None; say along which axis": ((1, 2), lambda k: module(k, lambda s, x: k.F.softmax(x, dim=None))),
    "write every index and the result": ((1, 2), lambda k: module(k, lambda s, x: k.torch.einsum("...i", x))),
    "its channels would be the samples": ((4,), lambda k: k.nn.Linear(4, 2)),
    "a convolution in 3 dimensions": (
        (1, 1, 3, 3, 3),
        lambda k: parameters(k, lambda s, x: k.torch.conv2d(x, s.w), w=(1, 1, 2, 2, 2)),
    ),
    "the attribute data": ((1, 2), lambda k: module(k, lambda s, x: x.data)),
    "dropout in forward: it draws a mask": ((1, 2), lambda k: module(k, lambda s, x: k.F.dropout(x))),
    "keep their axis, as in x.flatten": ((1, 2), lambda k: module(k, lambda s, x: x.reshape(2, -1))),
    "forward: torch.fx cannot trace it: symbolically traced variables": (
        (1, 2),
        lambda k: module(k, lambda s, x: x if x.sum() > 0 else -x),
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_an_option_without_equations_is_refused_by_name(kit, message):
    shape, model = REFUSED[message]
    with pytest.raises(Unsupported, match=message):
        from_torch(model(kit), shape)


def test_masks_of_what_is_no_dropout_and_losses_of_several_outputs_are_refused(kit):
    with pytest.raises(InvalidNetwork, match=r"^masks: '0' is no nn.Dropout of the model$"):
        from_torch(kit.nn.Sequential(kit.nn.Linear(2, 2)), (1, 2), masks={"0": np.ones((1, 2))})
    model = module(kit, lambda self, x: (x, x))
    with pytest.raises(InvalidNetwork, match=r"^Model returns 2 tensors; a loss is of one$"):
        from_torch(model, (1, 2), loss=kit.nn.MSELoss())


@pytest.mark.parametrize("name", ["mean squared", "binary with logits", "Poisson", "smooth"])
def test_a_loss_of_one_number_a_sample_is_autograds(kit, name):
    loss, kind = LOSSES[name]
    model = kit.nn.Sequential(kit.nn.Linear(4, 1), kit.nn.Flatten(0))
    held_against_autograd(kit, model, kit.r(6, 4), loss(kit.nn), target_of(kit, kind, (6,)))


def test_batches_of_other_sizes_and_labels_of_no_class_are_refused(kit):
    torch, nn = kit.torch, kit.nn
    imported = from_torch(nn.Linear(4, 3).double(), ("m", 4), loss=nn.CrossEntropyLoss())
    labels = torch.zeros(6, dtype=torch.long)
    with pytest.raises(InvalidNetwork, match=r"is of shape \(4, 6\), but values of shape \(3, 6\) are given"):
        imported.evaluate(kit.r(6, 3), target=labels)
    for wrong in (labels + 7, labels - 1, labels + 0.5):
        with pytest.raises(InvalidNetwork, match=r"labels are whole numbers from 0 to 2"):
            imported.evaluate(kit.r(6, 4), target=wrong)
    for given in ((lambda x: x, (2, 3)), (nn.Linear(3, 2),)):
        with pytest.raises(InvalidNetwork, match=r"takes an nn\.Module and an example"):
            from_torch(*given)
