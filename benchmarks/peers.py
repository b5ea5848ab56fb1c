"""Those who compute E and every ∂E/∂w of a tanh network, each as its users would have it for speed.

A case is a network with one point of it: parameters in one flat array, W then b of each layer, samples as
columns. A contestant is a call without arguments that computes both anew from arrays of its own kind, which
are there before the clock runs, and waits until the answer is there. Where it matters, each has the faster
of its ways: JAX takes the flat parameters (lists of arrays take 1.6 to 2.5 times as long at m = 1), torch
takes leaves, PyTensor compiles by numba, symengine by LLVM with common subexpressions, CasADi's softmax
does without a shift. CasADi and symengine write out one sample; more are mapped, and summed.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numeric import backprop
from symbolic.network import Network, mlp

Numbers = NDArray[np.float64]
Pairs = Sequence[tuple[Any, Any]]
GCC = ("gcc", "-O3", "-march=native", "-shared", "-fPIC")
CODE = 1_000_000  # bytes of straight-line C: gcc takes 8 s for a quarter of it, and its time grows faster
WEIGHTS = 1_000  # LLVM has not finished symengine's gradient of 1,476 weights after a minute


class Skipped(Exception):
    """A peer does not compete in a case, and why."""


@dataclass(frozen=True)
class Case:
    """A network of tanh layers with its parameters, and m samples."""

    network: Network
    params: Numbers
    x: Numbers
    t: Numbers

    @classmethod
    def of(cls, shape: str, m: int, *, entropy: bool = False, scale: float = 1.0, seed: int = 0) -> Case:
        """A random point; half-squared error, or softmax with cross-entropy, each with 1/m."""
        output, loss = ("softmax", "cross-entropy") if entropy else ("identity", "half-squared")
        network = mlp(shape, hidden="tanh", output=output, loss=loss, scale="1/m")
        assert isinstance(network, Network)
        random = np.random.default_rng(seed)
        sizes = [int(size) for size in shape.split("-")]
        parts = [
            scale * random.normal(size=count) / np.sqrt(k) for k, n in pairwise(sizes) for count in (n * k, n)
        ]
        t = random.normal(size=(sizes[-1], m))
        one_hot = np.eye(sizes[-1])[:, t.argmax(axis=0)]
        x = random.normal(size=(sizes[0], m))
        return cls(network, np.concatenate(parts), x, np.ascontiguousarray(one_hot) if entropy else t)

    @property
    def m(self) -> int:
        return int(self.x.shape[1])

    @property
    def entropy(self) -> bool:
        return by_entropy(self.network)

    def pairs(self, flat: Any) -> Pairs:
        """W and b of each layer as views of a flat array."""
        return pairs_of(self.network, flat)

    @cached_property
    def reference(self) -> Numbers:
        """E and the flat gradient, by the vectorised backprop."""
        return by_hand(self).answer(None)


@dataclass(frozen=True)
class Contestant:
    """What is timed, and E with the flat gradient from what it returned; `kept` are its buffers."""

    call: Callable[[], Any]
    answer: Callable[[Any], Numbers]
    kept: Any = field(default=None, repr=False)


Peer = Callable[[Case], Contestant]


def sizes_of(network: Network) -> list[int]:
    return [int(str(size)) for size in network.sizes]


def by_entropy(network: Network) -> bool:
    return network.objective.loss.name == "cross-entropy"


def pairs_of(network: Network, flat: Any) -> Pairs:
    """W and b of each layer, of flat parameters of any library."""
    found, start = [], 0
    for k, n in pairwise(sizes_of(network)):
        end = start + n * k
        found.append((flat[start:end].reshape((n, k)), flat[end : end + n]))
        start = end + n
    return found


def flat(value: Any, pairs: Any) -> Numbers:
    """E and the gradient as one array."""
    return np.concatenate([np.ravel(value), *(np.ravel(each) for pair in pairs for each in pair)])


def by_hand(case: Case) -> Contestant:
    """numeric.backprop, stable for every z."""
    given = (case.network, case.pairs(case.params), case.x, case.t)

    def call() -> tuple[float, backprop.Gradient]:
        return backprop.loss(*given), backprop.gradient(*given)

    return Contestant(call, lambda _: flat(*call()))


def textbook(case: Case) -> Contestant:
    """NumPy, written for speed: slopes by 1 - a², results into one buffer."""
    pairs, x, t, m = case.pairs(case.params), case.x, case.t, case.m
    weights, biases = [w for w, _ in pairs], [b[:, None] for _, b in pairs]
    gradient = np.empty_like(case.params)
    slots, last = case.pairs(gradient), len(pairs) - 1

    def call() -> float:
        values = [x]
        for w, b in zip(weights, biases, strict=True):
            z = w @ values[-1]
            z += b
            values.append(z if len(values) > last else np.tanh(z, out=z))
        z = values.pop()
        if case.entropy:
            z -= z.max(axis=0)
            e = np.exp(z)
            total = e.sum(axis=0)
            value = (np.log(total).sum() - np.vdot(t, z)) / m
            delta = e / total - t
        else:
            delta = z - t
            value = np.vdot(delta, delta) / (2 * m)
        delta /= m
        for l in range(last, -1, -1):
            dw, db = slots[l]
            np.matmul(delta, values[l].T, out=dw)
            np.sum(delta, axis=1, out=db)
            if l:
                slope = np.square(values[l])
                np.subtract(1, slope, out=slope)
                delta = weights[l].T @ delta
                delta *= slope
        return float(value)

    return Contestant(call, lambda value: np.concatenate([[value], gradient]))


def error(network: Network, pairs: Pairs, x: Any, t: Any, tanh: Any, log_sum_exp: Any) -> Any:
    """E of arrays of any library."""
    z = None
    for w, b in pairs:
        z = w @ (x if z is None else tanh(z)) + b[:, None]
    total = (t * (log_sum_exp(z) - z)).sum() if by_entropy(network) else ((z - t) ** 2).sum() / 2
    return total / x.shape[1]


def jax(case: Case) -> Contestant:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]

    log_sum_exp = partial(jax.nn.logsumexp, axis=0)

    def value(params: Any, x: Any, t: Any) -> Any:
        return error(case.network, case.pairs(params), x, t, jnp.tanh, log_sum_exp)

    compiled = jax.jit(jax.value_and_grad(value))
    given = [jnp.asarray(each) for each in (case.params, case.x, case.t)]
    return Contestant(
        lambda: jax.block_until_ready(compiled(*given)),  # type: ignore[no-untyped-call]
        lambda found: np.concatenate([np.ravel(each) for each in found]),
    )


def torch(case: Case) -> Contestant:
    import torch

    torch.set_num_threads(1)
    arrays = (array for pair in case.pairs(case.params) for array in pair)
    leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
    pairs = list(zip(leaves[::2], leaves[1::2], strict=True))
    x, t = torch.tensor(case.x), torch.tensor(case.t)

    def call() -> Any:
        value = error(case.network, pairs, x, t, torch.tanh, partial(torch.logsumexp, dim=0))
        return value.detach(), torch.autograd.grad(value, leaves)

    return Contestant(call, lambda found: flat(found[0], [found[1]]))


@cache
def pytensor_function(network: Network) -> Any:
    """For any number of samples: numba takes ten seconds."""
    import pytensor.tensor as pt
    from pytensor.compile.maker import function
    from pytensor.gradient import grad

    symbols = [pt.dvector("params"), pt.dmatrix("x"), pt.dmatrix("t")]
    params, x, t = symbols
    log_sum_exp = partial(pt.logsumexp, axis=0)
    value = error(network, pairs_of(network, params), x, t, pt.tanh, log_sum_exp)
    outputs = [value, grad(value, params)]
    return function(symbols, outputs, mode="NUMBA", trust_input=True)


def pytensor(case: Case) -> Contestant:
    function, given = pytensor_function(case.network), (case.params, case.x, case.t)
    return Contestant(lambda: function(*given), lambda found: np.concatenate([np.ravel(e) for e in found]))


def symengine(case: Case) -> Contestant:
    import symengine

    if case.entropy or len(case.params) > WEIGHTS:
        raise Skipped(f"symengine: LLVM does not finish beyond {WEIGHTS:,} weights")
    names = [("p", len(case.params)), ("x", len(case.x)), ("t", len(case.t))]
    symbols = [symengine.symbols(f"{name}0:{count}") for name, count in names]
    params, a, t = symbols
    pairs = case.pairs(np.array(params, dtype=object))
    for w, b in pairs:
        z = [
            symengine.Add(*(u * v for u, v in zip(row, a, strict=True)), c)
            for row, c in zip(w, b, strict=True)
        ]
        a = [symengine.tanh(each) for each in z]
    value = symengine.Add(*((u - v) ** 2 for u, v in zip(z, t, strict=True))) / (2 * case.m)
    gradient = [value.diff(weight) for weight in params]
    inputs = [each for group in symbols for each in group]
    function = symengine.Lambdify(inputs, [value, *gradient], backend="llvm", cse=True)
    given = np.hstack([np.tile(case.params, (case.m, 1)), case.x.T, case.t.T])
    if case.m == 1:
        result, numbers = np.empty(1 + len(gradient)), given.ravel()
        return Contestant(lambda: function.unsafe_real(numbers, result), lambda _: result)
    return Contestant(lambda: function(given).sum(axis=0), lambda found: found)


def casadi_function(case: Case, kind: str) -> Any:
    """E and the gradient: SX of one sample, mapped over all, or MX of matrices."""
    import casadi as ca

    symbol, m = getattr(ca, kind), case.m if kind == "MX" else 1
    params = symbol.sym("p", len(case.params))
    x, t = symbol.sym("x", len(case.x), m), symbol.sym("t", len(case.t), m)
    z: Any = None
    start = 0
    for k, n in pairwise(sizes_of(case.network)):
        end = start + n * k
        w, b = ca.reshape(params[start:end], k, n).T, params[end : end + n]  # CasADi's columns are our rows
        z, start = w @ (x if z is None else ca.tanh(z)) + ca.repmat(b, 1, m), end + n
    if case.entropy:
        total = ca.sum2(ca.sum1(t) * ca.log(ca.sum1(ca.exp(z)))) - ca.dot(t, z)
    else:
        total = ca.sumsqr(z - t) / 2
    value = total / case.m
    function = ca.Function("f", [params, x, t], [value, ca.gradient(value, params)])
    return function if m == case.m else function.map("mapped", "serial", case.m, [0], [0, 1])


def casadi(case: Case, kind: str, *, in_c: bool = False) -> Contestant:
    """A CasADi function on buffers, by its virtual machine or as generated C."""
    function = casadi_function(case, kind)
    folder = compiled = None
    if in_c:
        folder = tempfile.TemporaryDirectory()
        compiled = function = in_machine_code(function, folder.name)
    given: list[Any] = [np.ravel(each, order="F") for each in (case.params, case.x, case.t)]
    found: list[Any] = [np.empty(1), np.empty_like(case.params)]
    buffer, call = function.buffer()
    for place, array in enumerate(given):
        buffer.set_arg(place, memoryview(array))
    for place, array in enumerate(found):
        buffer.set_res(place, memoryview(array))
    return Contestant(call, lambda _: np.concatenate(found), (buffer, given, compiled, folder))


def in_machine_code(function: Any, folder: str) -> Any:
    """A CasADi function as C, compiled."""
    import casadi as ca

    code = ca.CodeGenerator("code.c")
    code.add(function)
    code.generate(f"{folder}/")
    source = Path(folder, "code.c")
    if (size := source.stat().st_size) > CODE:
        raise Skipped(f"CasADi SX, C: gcc is not given {size / 1e6:.1f} MB of straight-line code")
    library = source.with_suffix(".so")
    subprocess.run([*GCC, str(source), "-o", str(library)], check=True)
    return ca.external(function.name(), str(library))


PEERS: dict[str, Peer] = {
    "CasADi SX": lambda case: casadi(case, "SX"),
    "CasADi SX, C": lambda case: casadi(case, "SX", in_c=True),
    "CasADi MX": lambda case: casadi(case, "MX"),
    "CasADi MX, C": lambda case: casadi(case, "MX", in_c=True),
    "JAX": jax,
    "torch": torch,
    "PyTensor": pytensor,
    "symengine": symengine,
    "NumPy": textbook,
    "numeric.backprop": by_hand,
}


def contestants(case: Case) -> Iterator[tuple[str, Contestant | Skipped]]:
    """All peers by name, each held against the vectorised backprop, or why it does not compete."""
    for name, peer in PEERS.items():
        try:
            contestant = peer(case)
        except Skipped as reason:
            yield name, reason
        else:
            agrees(name, case, contestant)
            yield name, contestant


def agrees(name: str, case: Case, contestant: Contestant, *, tolerance: float = 1e-9) -> None:
    """Refuse one that does not compute E and the gradient: nobody is quick at something else."""
    found = contestant.answer(contestant.call())
    worst = np.abs(found - case.reference).max() / np.abs(case.reference).max()
    assert worst < tolerance, (
        f"{name} is off by {worst:.1e} of the largest entry on {case.network}, m = {case.m}"
    )
