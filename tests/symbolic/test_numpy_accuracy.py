"""Generated activations and losses against ball arithmetic, in units in the last place of the exact value."""

import math
import sys
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from flint import arb, ctx, fmpq

from numeric.native.compiled import compiled
from symbolic.activations import ACTIVATIONS, Activation, activation
from symbolic.codegen.arrays.helpers import Helpers
from symbolic.conventions import INTERNAL
from symbolic.network import mlp

ULP = 8
ELEMENTWISE = [
    *(name for name in ACTIVATIONS if name != "softmax"),
    "leaky_relu(0.3)",
    "elu(0.7)",
    "prelu(-0.3)",
]
SMALLEST = sys.float_info.min


def exact(name: str, alpha: arb) -> tuple[Callable[[arb], arb], Callable[[arb], arb]]:
    """Value and slope written by hand for balls."""
    one = arb(1)
    scale, selu = arb(fmpq(10507009873554805, 10**16)), arb(fmpq(16732632423543772, 10**16))

    def half_erfc(z):
        return (-z / arb(2).sqrt()).erfc() / 2

    def density(z):
        return (-z * z / 2).exp() / (2 * arb.pi()).sqrt()

    def sigmoid(z):
        return one / (one + (-z).exp())

    def mish(z):
        return z * z.exp().log1p().tanh()

    def mish_slope(z):
        return z.exp().log1p().tanh() + z * sigmoid(z) / z.exp().log1p().cosh() ** 2

    def between(low, high, below, inside, above):
        return lambda z: below(z) if z <= low else above(z) if z >= high else inside(z)

    def flat(value):
        return lambda z: arb(value)

    def positive(then, otherwise):
        return lambda z: then(z) if z > 0 else otherwise(z)

    return {
        "identity": (lambda z: z, lambda z: one),
        "sigmoid": (sigmoid, lambda z: sigmoid(z) * sigmoid(-z)),
        "tanh": (lambda z: z.tanh(), lambda z: one / z.cosh() ** 2),
        "relu": (positive(lambda z: z, lambda z: arb(0)), positive(lambda z: one, lambda z: arb(0))),
        "leaky_relu": (positive(lambda z: z, lambda z: alpha * z), positive(lambda z: one, lambda z: alpha)),
        "elu": (
            positive(lambda z: z, lambda z: alpha * z.expm1()),
            positive(lambda z: one, lambda z: alpha * z.exp()),
        ),
        "prelu": (positive(lambda z: z, lambda z: alpha * z), positive(lambda z: one, lambda z: alpha)),
        "selu": (
            positive(lambda z: scale * z, lambda z: scale * selu * z.expm1()),
            positive(lambda z: scale, lambda z: scale * selu * z.exp()),
        ),
        "mish": (mish, mish_slope),
        "hardtanh": (
            between(-1, 1, flat(-1), lambda z: z, flat(1)),
            between(-1, 1, flat(0), flat(1), flat(0)),
        ),
        "relu6": (
            between(0, 6, flat(0), lambda z: z, flat(6)),
            between(0, 6, flat(0), flat(1), flat(0)),
        ),
        "hardsigmoid": (
            between(-3, 3, flat(0), lambda z: (z + 3) / 6, flat(1)),
            between(-3, 3, flat(0), flat(one / 6), flat(0)),
        ),
        "hardswish": (
            between(-3, 3, flat(0), lambda z: z * (z + 3) / 6, lambda z: z),
            between(-3, 3, flat(0), lambda z: (2 * z + 3) / 6, flat(1)),
        ),
        "softplus": (lambda z: z.exp().log1p(), sigmoid),
        "silu": (lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * sigmoid(-z))),
        "gelu": (lambda z: z * half_erfc(z), lambda z: half_erfc(z) + z * density(z)),
        "softsign": (lambda z: z / (1 + abs(z)), lambda z: one / (1 + abs(z)) ** 2),
        "sin": (lambda z: z.sin(), lambda z: z.cos()),
        "exp": (lambda z: z.exp(), lambda z: z.exp()),
    }[name]


def functions(
    given: Activation,
) -> tuple[Callable[..., np.ndarray], Callable[..., tuple[np.ndarray, np.ndarray]]]:
    """The generated value function and value-and-slope function."""
    helpers = Helpers(INTERNAL)
    value, both = helpers.value(given, "z"), helpers.value_and_slope(given)
    names: dict[str, object] = {}
    exec(
        "import math\nimport numpy as np\n"
        + "\n\n".join(helpers.sources())
        + f"\ndef value(z):\n    return {value}\n",
        names,
    )
    return names["value"], names[both]


def points() -> np.ndarray:
    """Ordinary, tiny, huge and awkward pre-activations."""
    rng = np.random.default_rng(2)
    roots = [-1.2784645427610738, -0.7517915246935645, -1.1924312145154952, -1.5, -3.0, 3.0, math.pi / 2]
    near = [root * (1 + sign * 2.0**-k) for root in roots for k in range(1, 53) for sign in (1, -1)]
    wide = np.concatenate([rng.uniform(-1, 1, 200), rng.uniform(-50, 50, 400), rng.uniform(-745, 745, 200)])
    scales = rng.choice([-1, 1], 200) * 10 ** rng.uniform(-300, 308, 200)
    return np.concatenate(
        [wide, scales, near, roots, [0.25 - 0.7517915246935645, 1.7e308, -1.7e308, 5e-324, 1e-310]]
    )


def errors(found: np.ndarray, exact_of: Callable[[arb], arb], z: np.ndarray) -> Iterator[tuple[float, float]]:
    """(z, error in ulp) wherever the exact value is a normal float."""
    ctx.prec = 2400
    try:
        for at, value in zip(z, found, strict=True):
            reference = exact_of(arb(float(at)))
            size = abs(float(reference.mid()))
            if SMALLEST * 16 < size < sys.float_info.max:
                yield float(at), abs(float((arb(float(value)) - reference).mid())) / math.ulp(size)
    finally:
        ctx.prec = 53


@pytest.mark.parametrize("text", ELEMENTWISE)
def test_generated_activation_is_within_8_ulp_and_silent(text):
    given = activation(text)
    alpha = arb(0) if given.alpha is None else arb(int(given.alpha.p)) / int(given.alpha.q)
    z = points()
    z = z[z != 0]
    value, both = functions(given)
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="raise", divide="raise"):
        warnings.simplefilter("error")
        found, (again, slope) = value(z), both(z)
    np.testing.assert_array_equal(found, again)
    assert not np.isnan(found).any() and not np.isnan(slope).any()
    for result, reference in zip((found, slope), exact(given.name, alpha), strict=True):
        at, worst = max(errors(result, reference, z), key=lambda pair: pair[1])
        assert worst <= ULP, f"{text}: {worst:.1f} ulp at z = {at!r}"


def log_sum_exp(z: list[arb]) -> arb:
    return sum((value.exp() for value in z), arb(0)).log()


LOSSES = {
    ("softmax", "cross-entropy"): lambda z, t: sum(
        ((log_sum_exp(z) - a) * b for a, b in zip(z, t, strict=True)), arb(0)
    ),
    ("sigmoid", "cross-entropy"): lambda z, t: sum(
        ((-a).exp().log1p() * b for a, b in zip(z, t, strict=True)), arb(0)
    ),
    ("sigmoid", "binary-cross-entropy"): lambda z, t: sum(
        ((-a).exp().log1p() * b + a.exp().log1p() * (1 - b) for a, b in zip(z, t, strict=True)), arb(0)
    ),
    ("softmax", "kl"): lambda z, t: sum(
        ((log_sum_exp(z) - a) * b for a, b in zip(z, t, strict=True)), arb(0)
    ),  # where t is 0 or 1, t log t is 0
    ("softmax", "label-smoothing(1/4)"): lambda z, t: sum(
        ((log_sum_exp(z) - a) * (arb(3) / 4 * b + arb(1) / 12) for a, b in zip(z, t, strict=True)), arb(0)
    ),
    ("identity", "hinge"): lambda z, t: sum(
        (max(1 - a * b, arb(0)) for a, b in zip(z, t, strict=True)), arb(0)
    ),
    ("identity", "squared"): lambda z, t: sum(((a - b) ** 2 for a, b in zip(z, t, strict=True)), arb(0)),
}


@pytest.mark.parametrize(("output", "loss"), LOSSES)
def test_generated_loss_is_within_8_ulp_of_the_exact_loss_given_z(output, loss):
    network = mlp(3, 3, output=output, loss=loss, scale="1", bias=False)
    module, rng = compiled(network), np.random.default_rng(5)
    ctx.prec = 2400
    for scale in (1e-8, 1.0, 30.0, 400.0, 1e5, 1e100):
        for _ in range(60):
            z, t = rng.uniform(-scale, scale, (3, 1)), np.eye(3)[:, [rng.integers(3)]]
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = module.loss([(np.eye(3), None)], z, t)
                ((gradient, _),) = module.gradient([(np.eye(3), None)], z, t)
            reference = LOSSES[output, loss](
                [arb(float(v)) for v in z[:, 0]], [arb(float(v)) for v in t[:, 0]]
            )
            size = float(reference.mid())
            assert not np.isnan(gradient).any()
            if size > SMALLEST * 16:
                assert abs(float((arb(float(found)) - reference).mid())) <= ULP * math.ulp(size), (z, t)
    ctx.prec = 53


def test_a_textbook_slope_is_rejected():
    z = np.array([20.0])
    ((_, error),) = errors(1 - np.tanh(z) ** 2, exact("tanh", arb(0))[1], z)
    assert error > ULP
