"""`train`: gradient descent with the generated code, W ← W − η_l ∂E/∂W in layer l, until E is small enough.

Every step takes all samples. E is looked at before each step, and descent ends where it is at most `until`,
where it is not finite or has grown out of proportion, or after the last step.
"""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from rich.console import Console
from rich.text import Text

from backproof import layouts
from backproof.files import write_whole
from backproof.options import LayoutOptions, SpecOptions
from backproof.points import Point
from backproof.report import counted
from backproof.reports.writing import refuse_unwritable
from backproof.spec import resolve_network
from backproof.training_data import SAMPLES, draw_data, read_data
from numeric.native.buffers import Shapes
from numeric.native.build import find_compiler
from numeric.native.compiled import Compiled, Prepared
from numeric.native.compiling import compile
from symbolic.codegen.request import Dtype
from symbolic.conventions import Layout
from symbolic.errors import InvalidNetwork
from symbolic.network import Network

REACHED, NOT_REACHED = 0, 1
GROWN: Final = 1e3  # times the first E: no descent comes back from there
FALLING: Final = 0.99  # of E at half of the steps: what more of them are good for
End: TypeAlias = Literal["reached", "diverged", "used up"]


@dataclass(frozen=True, slots=True)
class Descent:
    """How it ended: after so many steps, with E before each of them and after the last."""

    end: End
    errors: tuple[float, ...]

    @property
    def steps(self) -> int:
        return len(self.errors) - 1


def run(
    spec: str,
    options: SpecOptions,
    layout: LayoutOptions,
    *,
    rates: str,
    until: float,
    data: Path | None,
    steps: int,
    seed: int,
    lam: float | None,
    dtype: Dtype,
    out: Path | None,
) -> int:
    """Train, print E as it falls, and write the parameters; 0 where E has become small enough, else 1."""
    network = resolve_network(spec, options, command="train")
    used = layout.layout
    each = read_rates(rates, network)
    if network.objective.has_lambda != (lam is not None):
        has = "has a λ; give --lam 0.1" if lam is None else "has no λ; leave out --lam, or give --l2"
        raise InvalidNetwork(f"{network} {has}")
    refuse_unwritable(out)
    layouts.refuse_labels(network, used)
    code = compile(network, "c" if find_compiler() else "numpy", layout=used, dtype=dtype)
    point = draw_data(network, used, seed) if data is None else read_data(data, network, used, seed)
    call = _prepared(code, point, used, lam)
    console = Console(highlight=False)
    console.print(Text(str(network), style="bold"), soft_wrap=True)
    rated = f"{_told(data, point, seed)}; rates {', '.join(map('{:g}'.format, each))}"
    console.print(Text(rated), soft_wrap=True)
    found = descend(
        call,
        _by_parameter(each, network, used, dtype),
        until=until,
        steps=steps,
        told=lambda step, error: console.print(f"  step {step:>7}   E = {error:.6g}"),
    )
    console.print(_ending(found, until), soft_wrap=True)
    if out is not None and found.end != "diverged":
        write_whole(out, _npz(call, network, used, dtype))
        print(f"{out} written", file=sys.stderr)
    return REACHED if found.end == "reached" else NOT_REACHED


def descend(
    call: Prepared,
    rates: np.ndarray,
    *,
    until: float,
    steps: int,
    told: Callable[[int, float], None] = lambda step, error: None,
) -> Descent:
    """Steps of descent on the buffers of `call`; E is told at 0, 1, 2, 5, 10, … steps and at the end."""
    errors: list[float] = []
    with np.errstate(all="ignore"):  # where numbers end, E says so
        for step in range(steps + 1):
            error = float(call())
            errors.append(error)
            end = _end(errors, until, is_last=step == steps)
            if end or str(step).strip("0") in ("", "1", "2", "5"):
                told(step, error)
            if end:
                return Descent(end, tuple(errors))
            call.params[...] -= rates * call.grad
    raise AssertionError("the last step ends it")


def read_rates(text: str, network: Network) -> tuple[float, ...]:
    """η of each layer, from one number or as many as there are layers. Raises InvalidNetwork."""
    try:
        rates = [float(part) for part in text.split(",")]
    except ValueError:
        raise InvalidNetwork(f"--rates {text}: write a number, or one for each layer as in 0.1,0.2") from None
    if not all(0 < rate < math.inf for rate in rates):
        raise InvalidNetwork(f"--rates {text}: a rate is a positive number")
    if len(rates) not in (1, network.depth):
        raise InvalidNetwork(
            f"--rates {text}: {len(rates)} rates, but {network.shape} has {network.depth} layers; "
            "give one number, or one for each layer"
        )
    return tuple(rates * (network.depth if len(rates) == 1 else 1))


def _prepared(code: Compiled, point: Point, layout: Layout, lam: float | None) -> Prepared:
    """E and its gradient on buffers that hold the point."""
    call = code.prepare(point.samples) if lam is None else code.prepare(point.samples, lam=lam)
    params, x, t = layouts.to_subject(point, layout)
    call.params[...] = np.concatenate([each.ravel() for pair in params for each in pair if each is not None])
    call.x[...], call.t[...] = x, t
    return call


def _by_parameter(rates: tuple[float, ...], network: Network, layout: Layout, dtype: Dtype) -> np.ndarray:
    """The rate of each entry of the flat parameters."""
    counts = [sum(math.prod(shape) for shape in pair if shape) for pair in Shapes(network, layout).parameters]
    return np.repeat(rates, counts).astype(dtype)


def _end(errors: list[float], until: float, *, is_last: bool) -> End | None:
    if errors[-1] <= until:
        return "reached"
    if not math.isfinite(errors[-1]) or errors[-1] > GROWN * errors[0]:
        return "diverged"
    return "used up" if is_last else None


def _told(data: Path | None, point: Point, seed: int) -> str:
    if data is not None:
        return f"{point.samples} samples of {data}"
    return f"{SAMPLES} drawn samples, answered by another network of its shape (no --data; --seed {seed})"


def _ending(found: Descent, until: float) -> str:
    first, half, last = (found.errors[place] for place in (0, found.steps // 2, -1))
    count = counted(found.steps, "step")
    if found.end == "reached":
        return f"[green]E = {last:.6g} ≤ {until:g}[/] after {count}"
    if found.end == "diverged":
        return f"[red]diverged[/]: E went from {first:.6g} to {last:.6g} in {count}; give smaller --rates"
    advice = "it still falls: give more --steps or larger --rates"
    if last > FALLING * half:
        advice = (
            "it hardly falls: try other --rates, another --seed or more units; or --until is out of reach"
        )
    fallen = f"E = {last:.6g} > {until:g} after {count}, {half:.6g} at half of them"
    return f"[yellow]not reached[/]: {fallen}; {advice}"


def _npz(call: Prepared, network: Network, layout: Layout, dtype: Dtype) -> bytes:
    """The parameters W1, b1, … as an .npz."""
    buffers = Shapes(network, layout, dtype).buffers(1)
    buffers.params[...] = call.params
    arrays: dict[str, Any] = {
        f"{letter}{l}": array
        for l, pair in enumerate(buffers.param_pairs, start=1)
        for letter, array in zip("Wb", pair, strict=True)
        if array is not None
    }
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()
