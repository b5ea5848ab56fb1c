"""E and every ∂E/∂w by generated C, beside CasADi, JAX, torch, PyTensor, symengine and NumPy.

    python -m benchmarks.generated_speed                    the table of docs/benchmarks.md, some 4 minutes
    python -m benchmarks.generated_speed --only 2-3-1 --m 1 32 --seconds 0.05
    python -m benchmarks.generated_speed --tables building float32 accuracy

Called from Python, one thread each, on one core. In a cell all take turns, in rounds; a turn is as many calls
as last two milliseconds, nobody spends more than `--seconds` after three calls, and the best turn counts. Who
answers otherwise than the vectorised backprop is not timed. Ours is `backproof.compile` for that batch, by
`prepare`. `building` is generation and compilation in a new process with an empty cache, `accuracy` the
largest error against values that are exact to the last bit.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median
from typing import Any

import numpy as np

import backproof as bp
from benchmarks.peers import (
    PEERS,
    Case,
    Contestant,
    Numbers,
    Skipped,
    agrees,
    by_hand,
    contestants,
    textbook,
)
from numeric.oracle import exact
from numeric.problem import problem_of
from symbolic.codegen.request import DTYPES, Dtype

BATCHES = (1, 32, 1024)
TURN = 2e-3  # seconds: a hundred times what reading the clock and a cold start cost
ROUNDS = 100
SCALES, POINTS, SAMPLES = (0.01, 1.0, 10.0), 20, 4  # of the accuracy
EXACT = ("2-3-1", "3-3-3-3-1", "4-8-8-3", "8-32-32-4, softmax")  # balls take their time for more
LIBRARIES = ("casadi", "jax", "torch", "pytensor", "symengine", "numpy")
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


@dataclass(frozen=True)
class Row:
    """A network, and how many times as fast as the best peer ours is to be for each batch."""

    shape: str
    goals: Sequence[float]
    entropy: bool = False
    called: str = ""

    @property
    def name(self) -> str:
        return self.called or f"{self.shape}{', softmax' * self.entropy}"

    def case(self, m: int) -> Case:
        return Case.of(self.shape, m, entropy=self.entropy)


ROWS = (
    Row("2-3-1", (1, 3, 3)),
    Row("3-3-3-3-1", (1, 5, 3)),
    Row("-".join("3" * 11) + "-1", (1, 5, 3), called="3-…-3-1, 10 hidden"),
    Row("4-8-8-3", (1, 5, 3)),
    Row("8-32-32-4", (2.5, 2.5, 1.5)),
    Row("8-32-32-4", (2.5, 2.5, 1.5), entropy=True),
    Row("16-64-64-64-10", (4, 1.4, 1.1)),
    Row("64-256-256-10", (2.5, 1, 1.1)),
)


def ours(case: Case, dtype: Dtype = "float64") -> Contestant:
    """The generated C on its fixed buffers."""
    compiled = bp.compile(case.network, target="c", dtype=dtype, batch=case.m)
    call = compiled.prepare(case.m)
    for buffer, values in ((call.params, case.params), (call.x, case.x), (call.t, case.t)):
        buffer[...] = values
    return Contestant(call.func, lambda value: np.concatenate([[value], call.grad]), compiled)


def raced(calls: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, float]:
    """The best time of a call in µs of each, all in turn in every round.

    Who has spent more than the rounds so far allow sits out, so that noise hits the slow and the quick alike.
    """
    timers = {name: timeit.Timer(call) for name, call in calls.items()}
    best = {name: min(timer.repeat(3, 1)) for name, timer in timers.items()}
    counts = {name: max(1, int(TURN / took)) for name, took in best.items()}
    spent = {name: 3 * took for name, took in best.items()}
    for played in range(ROUNDS):
        for name, timer in timers.items():
            if spent[name] <= seconds * (played + 1) / ROUNDS:
                took = timer.timeit(counts[name])
                spent[name] += took
                best[name] = min(best[name], took / counts[name])
    return {name: 1e6 * took for name, took in best.items()}


def digits(time: float) -> str:
    return f"{time:.3g}" if time < 1000 else f"{time:,.0f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def compiler() -> str:
    """Its own name for itself."""
    done = subprocess.run(["gcc", "--version"], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.partition("\n")[0]


def race(row: Row, m: int, seconds: float, reasons: dict[str, None]) -> list[str]:
    """A line: ours, the best peer, the ratio and its goal, and all peers in µs."""
    case = row.case(m)
    mine = ours(case)
    agrees("ours", case, mine)
    form, _, _ = mine.kept.choice.partition(",")
    peers = dict(contestants(case))
    reasons.update(dict.fromkeys(str(peer) for peer in peers.values() if isinstance(peer, Skipped)))
    running = {name: peer.call for name, peer in peers.items() if isinstance(peer, Contestant)}
    best = raced({"ours": mine.call, **running}, seconds)
    first = min(running, key=lambda name: best[name])
    ratio, goal = best[first] / best["ours"], row.goals[BATCHES.index(m)]
    told = f"{goal}×" if goal > 1 else "ahead"
    verdict = told if ratio >= goal else f"{told}: **missed**"
    times = [digits(best[name]) if name in best else "–" for name in peers]
    return [row.name, str(m), form, digits(best["ours"]), first, f"{ratio:.2f}", verdict, *times]


def speed(rows: Sequence[Row], batches: Sequence[int], seconds: float) -> None:
    """E and every ∂E/∂w, µs a call from Python, one thread; the ratio is the best peer's time to ours."""
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    print(f"With {compiler()}, {versions}.\n")
    reasons: dict[str, None] = {}
    head = ("µs a call", "m", "form", "ours", "best peer", "ratio", "goal", *PEERS)
    table(head, (race(row, m, seconds, reasons) for row in rows for m in batches))
    for reason in reasons:
        print(f"\n{reason}.")


def float32(rows: Sequence[Row], batches: Sequence[int], seconds: float) -> None:
    """Both precisions of ours."""

    def lines() -> Iterator[list[str]]:
        for row, m in ((row, m) for row in rows for m in batches):
            case = row.case(m)
            both = {dtype: ours(case, dtype) for dtype in DTYPES}
            agrees("ours", case, both["float64"])
            agrees("ours in float32", case, both["float32"], tolerance=1e-4)
            best = raced({dtype: each.call for dtype, each in both.items()}, seconds)
            double, single = best["float64"], best["float32"]
            yield [row.name, str(m), digits(double), digits(single), f"{double / single:.2f}"]

    table(("network", "m", "float64, µs", "float32, µs", "ratio"), lines())


def building(rows: Sequence[Row], batches: Sequence[int], seconds: float) -> None:
    """Processor seconds of generation and compilation, each in a new process with an empty cache."""

    def took(row: Row, m: int) -> str:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "benchmarks.generated_speed", "--build", row.name, str(m)]
            env = {**os.environ, "XDG_CACHE_HOME": folder}
            done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
        return f"{float(done.stdout):.2f}"

    head = ("network", *(f"m = {m}" for m in batches))
    table(head, ([row.name, *(took(row, m) for m in batches)] for row in rows))


def build(name: str, m: str) -> None:
    """Print what it takes from the network to the functions, the compiler's time included."""
    row = next(row for row in ROWS if row.name == name)
    network, compiled = row.case(1).network, bp.compile
    start = sum(os.times()[:4])
    compiled(network, target="c", batch=int(m))
    print(sum(os.times()[:4]) - start)


def accuracy(rows: Sequence[Row], batches: Sequence[int], seconds: float) -> None:
    """Relative error of the gradient's worst entry: at the worst of 20 random points / at the median one."""

    def lines() -> Iterator[list[str]]:
        for row, scale in ((row, scale) for row in rows if row.name in EXACT for scale in SCALES):
            found: dict[str, list[float]] = {name: [] for name in whose}
            for seed in range(POINTS):
                case = Case.of(row.shape, SAMPLES, entropy=row.entropy, scale=scale, seed=seed)
                right = truth(case)
                for name, make in whose.items():
                    contestant = make(case)
                    off = contestant.answer(contestant.call())[1:] - right
                    found[name].append(float((np.abs(off) / np.abs(right)).max()))
            errors = (f"{max(each):.1e} / {median(each):.1e}" for each in found.values())
            yield [row.name, f"{scale:g}", *errors]

    whose = {"ours": ours, "NumPy by hand, stable": by_hand, "textbook": textbook}
    table(("network", "scale of the weights", *whose), lines())


def truth(case: Case) -> Numbers:
    """The flat gradient, to the last bit."""
    problem = problem_of(case.network)
    arrays = [array for pair in case.pairs(case.params) for array in pair]
    values = dict(zip(problem.given, [*arrays, case.x, case.t], strict=True))
    return np.concatenate([np.ravel(each) for each in exact(problem, values, case.m).gradient.values()])


TABLES = {"speed": speed, "float32": float32, "building": building, "accuracy": accuracy}


def on_one_thread() -> None:
    """Start anew where libraries would start threads: they read the environment when they are loaded."""
    if not ONE_THREAD.items() <= os.environ.items():
        command = [sys.executable, "-m", "benchmarks.generated_speed", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **ONE_THREAD})
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [row.name for row in ROWS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NETWORK")
    parser.add_argument("--m", nargs="+", type=int, choices=BATCHES, default=BATCHES)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=["speed"])
    parser.add_argument("--seconds", type=float, default=0.3)
    options = parser.parse_args()
    on_one_thread()
    for name in options.tables:
        print(f"{TABLES[name].__doc__}\n")
        TABLES[name]([row for row in ROWS if row.name in options.only], options.m, options.seconds)
        print()


if __name__ == "__main__":
    build(*sys.argv[2:]) if sys.argv[1:2] == ["--build"] else main()
