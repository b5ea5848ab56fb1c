"""What a checked point costs, and how small an error is seen, beside gradcheck and check_grads.

    python benchmarks/checking_speed.py [rounds]

The subject is a torch.autograd.Function of a whole tanh network with half-squared error, m = 4, in float64;
JAX checks the same as a custom_vjp. Times are the best of so many rounds, in which everybody takes turns, of
processor time, but for the round trip, which is by the clock. Our points are judged 32 at a time, as those of
one network are; what a point costs beyond one forward and backward of the subject is the round trip to its
process (with the conversion to tensors and back), the oracle with its bounds, and the comparison. The errors
are relative, seeded into one entry of the gradient, drawn at random, or into all.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jax.test_util import check_grads

from backproof.forms import Form
from backproof.judging import Asked, Judge, expected, judged
from backproof.points import Point, generic_point, shift_count
from backproof.rounding import in_precision
from backproof.subjects import CallableSubject
from numeric.comparison import compare
from numeric.envelope import DOUBLE, PRECISIONS, Precision
from numeric.problem import Problem, problem_of
from numeric.references import references
from symbolic.conventions import INTERNAL
from symbolic.network import Network, mlp

SHAPES = ("2-3-1", "4-8-8-3", "8-32-32-4")
SAMPLES, BATCH = 4, 32
ERRORS = tuple(10.0**-n for n in range(1, 13))
Tensors = Sequence[Any]
Check = Callable[[], bool]


def forward(tanh: Callable[[Any], Any], x: Any, parameters: Tensors) -> list[Any]:
    """The activations of all layers, the network's input first."""
    activations = [x]
    for w, b in zip(parameters[::2], parameters[1::2], strict=True):
        z = w @ activations[-1] + b[:, None]
        activations.append(z if w is parameters[-2] else tanh(z))
    return activations


def backward(error: Any, activations: Tensors, weights: Tensors) -> list[Any]:
    """∂E/∂W and ∂E/∂b of all layers, in the order of the parameters."""
    gradient: list[Any] = []
    for l in reversed(range(len(weights))):
        gradient = [error @ activations[l].T, error.sum(1), *gradient]
        error = (weights[l].T @ error) * (1 - activations[l] ** 2)
    return gradient


def torch_function(factors: Tensors | None = None) -> Callable[..., Any]:
    """E of x, t and the parameters, with a backward pass of its own, off by these factors."""

    class Mlp(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, t: Any, *parameters: Any) -> Any:
            activations = forward(torch.tanh, x, parameters)
            ctx.save_for_backward(t, *activations, *parameters[::2])
            return ((activations[-1] - t) ** 2).sum() / (2 * x.shape[1])

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            t, *saved = ctx.saved_tensors
            depth = len(saved) // 2
            activations, weights = saved[: depth + 1], saved[depth + 1 :]
            error = upstream * (activations[-1] - t) / t.shape[1]
            gradient = backward(error, activations, weights)
            if factors is not None:
                gradient = [each * factor for each, factor in zip(gradient, factors, strict=True)]
            return None, None, *gradient

    return Mlp.apply


def jax_function(x: Any, t: Any, factors: Tensors | None = None) -> Callable[..., Any]:
    """The same of the parameters, as a custom_vjp."""

    def value(parameters: Tensors) -> Any:
        return ((forward(jnp.tanh, x, parameters)[-1] - t) ** 2).sum() / (2 * x.shape[1])

    def pulled(parameters: Tensors, upstream: Any) -> Any:
        activations = forward(jnp.tanh, x, parameters)
        gradient = backward(upstream * (activations[-1] - t) / t.shape[1], activations, parameters[::2])
        ones = factors or [1.0] * len(gradient)
        return ([each * factor for each, factor in zip(gradient, ones, strict=True)],)

    function = jax.custom_vjp(value)
    function.defvjp(lambda parameters: (value(parameters), parameters), pulled)
    return jax.jit(function)


def passes(check: Callable[..., Any], *arguments: Any, **options: Any) -> bool:
    """Whether a checker lets it pass."""
    try:
        return check(*arguments, **options) is not False
    except AssertionError:
        return False


def peers(arrays: Sequence[Any], x: Any, t: Any, factors: Tensors | None = None) -> dict[str, Check]:
    """The other checkers of one function at one point, by name; each says whether it lets it pass."""
    tensors = [torch.tensor(each, requires_grad=True) for each in arrays]
    scales = None if factors is None else [torch.tensor(each) for each in factors]
    function = partial(torch_function(scales), torch.tensor(x), torch.tensor(t))
    compiled, given = jax_function(x, t, factors), ([jnp.asarray(each) for each in arrays],)
    of_torch = partial(passes, torch.autograd.gradcheck, function, tensors, raise_exception=False)
    return {
        "gradcheck": of_torch,
        "fast": partial(of_torch, fast_mode=True),
        "check_grads": partial(passes, check_grads, compiled, given, 1, modes=["rev"]),
    }


@dataclass(frozen=True)
class Case:
    """A network, points of it, and the subject's gradient at the first one in some precision."""

    problem: Problem
    points: list[Point]

    @classmethod
    def of(cls, shape: str) -> Case:
        network, random = mlp(shape, hidden="tanh", scale="1/m"), Random(0)
        assert isinstance(network, Network)
        count = shift_count(network, SAMPLES)
        points = [generic_point(network, SAMPLES, random.choices((-1, 0, 1), k=count)) for _ in range(BATCH)]
        return cls(problem_of(network), points)

    def arrays(self, point: Point, dtype: str = "float64") -> tuple[list[Any], Any, Any]:
        """The parameters, x and t as NumPy arrays."""
        given = [each.astype(dtype) for pair in point.params for each in pair if each is not None]
        return given, point.x.astype(dtype), point.t.astype(dtype)

    def gradient(self, point: Point, dtype: str = "float64") -> list[Any]:
        """By the subject, in this process."""
        given, x, t = self.arrays(point, dtype)
        tensors = [torch.tensor(each, requires_grad=True) for each in given]
        value = torch_function()(torch.tensor(x), torch.tensor(t), *tensors)
        return [each.numpy() for each in torch.autograd.grad(value, tensors)]


def timed(rounds: int, functions: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """The best time of each in this process in milliseconds, one after the other in every round."""
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.process_time()
            function()
            best[name] = min(best[name], 1e3 * (time.process_time() - start))
    return best


def asked_in_turn(case: Case, judge: Judge, rounds: int) -> tuple[list[Asked], float]:
    """The answers at all points, and how many milliseconds pass until one is there, at best."""
    asked, best = [], []
    for point in case.points:
        passed = []
        for _ in range(rounds):
            start = time.perf_counter()
            answer = judge.ask(case.problem, point)
            passed.append(1e3 * (time.perf_counter() - start))
        asked.append(answer)
        best.append(min(passed))
    return asked, sum(best) / len(best)


def times(case: Case, judge: Judge, rounds: int) -> str:
    arrays, x, t = case.arrays(case.points[0])
    given = [torch.tensor(each) for each in (x, t)]
    tensors = [torch.tensor(each, requires_grad=True) for each in arrays]
    function, (asked, asking) = torch_function(), asked_in_turn(case, judge, rounds)
    found = timed(
        rounds,
        {
            "subject": lambda: [
                torch.autograd.grad(function(*given, *tensors), tensors) for _ in range(BATCH)
            ],
            "oracle": lambda: expected(asked, DOUBLE),
            "judging": lambda: judged(asked, DOUBLE, judge),
        },
    )
    others = timed(max(rounds // 10, 3), dict(peers(arrays, x, t)))
    subject, oracle, judging = (each / BATCH for each in found.values())
    trip = asking - subject
    row = [subject, trip, oracle, judging - oracle, trip + judging, *others.values()]
    return " | ".join(f"{each:.3f}" if each < 10 else f"{each:.0f}" for each in row)


def factors_of(arrays: Sequence[Any], error: float, *, place: int | None) -> list[Any]:
    """1 + error in every entry, or in the one at this place."""
    ends = np.cumsum([each.size for each in arrays])
    flat = np.full(ends[-1], 1 + error) if place is None else np.ones(ends[-1])
    if place is not None:
        flat[place] = 1 + error
    return [
        part.reshape(each.shape).astype(each.dtype)
        for part, each in zip(np.split(flat, ends[:-1]), arrays, strict=True)
    ]


def least(sees: Callable[[float], bool]) -> str:
    """The smallest of the errors down to which each is seen."""
    seen = "none"
    for error in ERRORS:
        if not sees(error):
            break
        seen = f"{error:.0e}"
    return seen


def sensitivity(case: Case) -> Iterable[str]:
    """How small an error each sees in one entry and in all."""
    point = case.points[0]
    arrays, x, t = case.arrays(point)
    place = Random(1).randrange(sum(each.size for each in arrays))

    def sees(name: str, where: int | None, error: float) -> bool:
        if name == "ours":
            return any(disagreeing.any() for disagreeing, _ in seen(case, point, DOUBLE, error, where))
        return not peers(arrays, x, t, factors_of(arrays, error, place=where))[name]()

    for name in ("ours", "gradcheck", "fast", "check_grads"):
        yield " / ".join(least(partial(sees, name, where)) for where in (place, None))


def seen(
    case: Case, point: Point, precision: Precision, error: float, place: int | None
) -> Iterable[tuple[Any, Any]]:
    """Which entries disagree, and which are not zero, for every array of the subject's gradient."""
    point = in_precision(point, precision)
    found = case.gradient(point, precision.name)
    values = {array: value[None] for array, value in point.values(case.problem).items()}
    right = references(case.problem, values, point.samples, precision)
    factors = factors_of(found, error, place=place)
    for name, given, factor in zip(case.problem.parameters, found, factors, strict=True):
        bounded = right.gradient[name].at(0)
        yield compare(bounded, given * factor).disagrees, bounded.value != 0


def fraction(case: Case, precision: Precision, error: float) -> float:
    """Of the non-zero entries at all points, those in which an error would have been seen."""
    pairs = [pair for point in case.points for pair in seen(case, point, precision, error, None)]
    disagreeing, telling = (
        np.concatenate([np.ravel(each) for each in part]) for part in zip(*pairs, strict=True)
    )
    return float(disagreeing[telling].mean())


def main(rounds: int) -> None:
    torch.set_num_threads(1)
    form = Form("torch-function")

    function = torch_function()

    def loss(params: Any, x: Any, t: Any) -> Any:
        return function(x, t, *[each for pair in params for each in pair])

    cases, judges = {shape: Case.of(shape) for shape in SHAPES}, {}
    for shape, case in cases.items():  # children are forked before this process has used autograd
        judges[shape] = Judge(CallableSubject(loss, form=form), INTERNAL, takes_lam=False, form=form)
        asked = [judges[shape].ask(case.problem, each) for each in case.points]
        outcomes = judged(asked, DOUBLE, judges[shape])
        assert not any(outcome.findings for outcome in outcomes)
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    print(
        "| ms a point | subject | round trip | oracle | comparison | ours | gradcheck | fast | check_grads |"
    )
    print("|---" * 9 + "|")
    for shape, case in cases.items():
        print(f"| {shape} | {times(case, judges[shape], rounds)} |", flush=True)
    print("\n| smallest error, one entry / all | ours | gradcheck | fast | check_grads |")
    print("|---" * 5 + "|")
    for shape, case in cases.items():
        print(f"| {shape} | {' | '.join(sensitivity(case))} |", flush=True)
    print(
        "\n| entries in which ours sees | 1e-10, float64 | 1e-12, float64 | 1e-3, float32 | 1e-5, float32 |"
    )
    print("|---" * 5 + "|")
    for shape, case in cases.items():
        shares = (
            fraction(case, PRECISIONS[name], error)
            for name, error in (("float64", 1e-10), ("float64", 1e-12), ("float32", 1e-3), ("float32", 1e-5))
        )
        print(f"| {shape} | {' | '.join(f'{100 * share:.2f} %' for share in shares)} |", flush=True)
    for judge in judges.values():
        judge.subject.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
