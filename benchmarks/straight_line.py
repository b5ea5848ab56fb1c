"""The straight-line program of E and its whole gradient, beside CasADi SX, symengine and sympy.diff.

    python benchmarks/straight_line.py [seconds]

E is the half-squared error of one sample, hidden layers are tanh. Everyone starts from the widths and ends
with something that computes E and every ∂E/∂w: rows (ours), a `casadi.Function`, a list of expressions. Each
works in a process of its own, with `seconds` (default 30) and 4 GB to spend; what is cut off says how many
derivatives it had. Best of up to 9 rounds; the peak of memory is that of the whole process.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

SHAPES = ["2-3-1", "4-8-4", "16-64-64-64-10", "64-256-256-10"]
LIMIT, ROUNDS, ENOUGH, BYTES = 30.0, 9, 8.0, 4 << 30


def parameters(sizes: Sequence[int]) -> int:
    return sum((columns + 1) * rows for columns, rows in pairwise(sizes))


def point(count: int) -> list[float]:
    """Numbers for all inputs, the same for everyone."""
    return [math.sin(n) / 4 for n in range(1, count + 1)]


def ours(sizes: Sequence[int]) -> Callable[[], dict[str, Any]]:
    from numeric.numbers import Floats
    from symbolic.forward import forward
    from symbolic.losses import SAMPLES
    from symbolic.network import mlp
    from symbolic.straight_line import straight_line

    network = mlp(*sizes, hidden="tanh")

    def build() -> Any:
        steps = forward(network)
        dense = [step for step in steps if step.role == "pre-activation"]
        wrt = [step.array(name) for step in dense for name in "Wb"]
        return straight_line(steps, wrt=wrt, sizes={SAMPLES: 1})

    def describe(line: Any) -> dict[str, Any]:
        names = [*line.gradient, *(array for array in line.shapes if array.name in "XT")]
        numbers = iter(point(sum(math.prod(line.shapes[array]) for array in names)))
        values = {array: [next(numbers) for _ in range(math.prod(line.shapes[array]))] for array in names}
        _, gradient = line.evaluate(values, {}, Floats())
        squares = math.fsum(g * g for entries in gradient.values() for g in entries)
        return {"operations": line.operations.total(), "squares": squares}

    return timed(build, describe)


def casadi(sizes: Sequence[int]) -> Callable[[], dict[str, Any]]:
    import casadi as ca

    def build() -> Any:
        x, t = ca.SX.sym("x", sizes[0]), ca.SX.sym("t", sizes[-1])
        a, given = x, []
        for number, (columns, rows) in enumerate(pairwise(sizes), start=1):
            w, b = ca.SX.sym("w", columns, rows), ca.SX.sym("b", rows)  # column-major: wᵀ is row-major
            given += [ca.vec(w), b]
            z = w.T @ a + b
            a = z if number == len(sizes) - 1 else ca.tanh(z)
        error, given = ca.sumsqr(a - t) / 2, ca.vertcat(*given)
        return ca.Function("f", [given, x, t], [error, ca.gradient(error, given)])

    def describe(function: Any) -> dict[str, Any]:
        leaves = {ca.OP_INPUT, ca.OP_OUTPUT, ca.OP_CONST}
        instructions = (function.instruction_id(n) for n in range(function.n_instructions()))
        count = parameters(sizes)
        numbers = point(count + sizes[0] + sizes[-1])
        _, gradient = function(
            numbers[:count], numbers[count : count + sizes[0]], numbers[count + sizes[0] :]
        )
        return {
            "operations": sum(operation not in leaves for operation in instructions),
            "squares": float(ca.sumsqr(gradient)),
        }

    return timed(build, describe)


def expressions(library: str, sizes: Sequence[int]) -> Callable[[], dict[str, Any]]:
    """E as one expression, differentiated by one weight after the other."""
    import importlib

    algebra = importlib.import_module(library)

    def build() -> int:
        a = algebra.symbols(f"x0:{sizes[0]}")
        given = []
        for number, (columns, rows) in enumerate(pairwise(sizes), start=1):
            w = algebra.symbols(f"w{number}_0:{rows * columns}")
            b = algebra.symbols(f"b{number}_0:{rows}")
            given += [*w, *b]
            z = [algebra.Add(*(w[i * columns + j] * a[j] for j in range(columns)), b[i]) for i in range(rows)]
            a = z if number == len(sizes) - 1 else [algebra.tanh(unit) for unit in z]
        t = algebra.symbols(f"t0:{sizes[-1]}")
        error = algebra.Add(*((unit - target) ** 2 for unit, target in zip(a, t, strict=True))) / 2
        gradient = []
        for weight in given:
            gradient.append(error.diff(weight))
            print(json.dumps({"derivatives": len(gradient)}), flush=True)
        return len(gradient)

    return timed(build, lambda count: {"derivatives": count})


def timed(
    build: Callable[[], Any], describe: Callable[[Any], dict[str, Any]]
) -> Callable[[], dict[str, Any]]:
    def run() -> dict[str, Any]:
        took: list[float] = []
        while len(took) < ROUNDS and sum(took) < ENOUGH:
            start = time.perf_counter()
            made = build()
            took.append(time.perf_counter() - start)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            if len(took) < ROUNDS and sum(took) < ENOUGH:
                del made
        return {"best": min(took), "first": took[0], "peak": peak, **describe(made)}

    return run


PEERS: dict[str, Callable[[Sequence[int]], Callable[[], dict[str, Any]]]] = {
    "straight_line": ours,
    "CasADi SX": casadi,
    "symengine": lambda sizes: expressions("symengine", sizes),
    "sympy.diff": lambda sizes: expressions("sympy", sizes),
}


def worker(who: str, shape: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    print(json.dumps(PEERS[who](tuple(map(int, shape.split("-"))))()), flush=True)


def measured(who: str, shape: str, limit: float) -> dict[str, Any]:
    """What a worker found, or how far it came."""
    command = [sys.executable, __file__, "--worker", who, shape]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = started.communicate(timeout=limit)
        cause = err.strip().rpartition("\n")[2]
    except subprocess.TimeoutExpired:
        started.kill()
        out, _ = started.communicate()
        cause = f"cut off after {limit:.0f} s"
    lines = [json.loads(line) for line in out.splitlines() if line.endswith("}")]
    last: dict[str, Any] = lines[-1] if lines else {"derivatives": 0}
    return last if "best" in last else {**last, "cause": cause}


def main(limit: float) -> None:
    print("| network | who | best, s | first, s | µs a weight | of ours | peak, MB | operations |")
    print("|---|---|---|---|---|---|---|---|")
    for shape in SHAPES:
        count = parameters(tuple(map(int, shape.split("-"))))
        found = {who: measured(who, shape, limit) for who in PEERS}
        reference = found["straight_line"]
        for who, result in found.items():
            row = f"| {shape} ({count:,}) | {who} |"
            if "cause" in result:
                print(
                    row, f"{result['cause']}, {result['derivatives']:,} of {count:,} derivatives | | | | | |"
                )
                continue
            assert math.isclose(result.get("squares", reference["squares"]), reference["squares"]), who
            best, first = result["best"], result["first"]
            times = f"{best:.4f} | {first:.4f} | {1e6 * best / count:.1f} | {best / reference['best']:.2f}"
            operations = f"{result['operations']:,}" if "operations" in result else ""
            print(row, f"{times} | {result['peak']:.0f} | {operations} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(*sys.argv[2:])
    else:
        main(float(sys.argv[1]) if sys.argv[1:] else LIMIT)
