"""False alarms and detection, at length.

    python benchmarks/campaign.py alarms [--networks 10000] [--seed 0]
    python benchmarks/campaign.py bugs [--only 16 18 …] [--max-time 30]

`alarms` asks correct implementations in both precisions about drawn networks, each at a generic point and at
one whose weights are tiny or large, and judges them as a check does; a value that is finite and beyond the
worst case is an alarm, and there must be none. `bugs` checks every wrong backward pass of the catalogue:
whether it is found, whether the report says what is wrong in one of the words that are expected, and
whether the first explanation does. Both print tables in Markdown.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache, partial
from statistics import median
from typing import Any

import hypothesis
import numpy as np
import torch
from hypothesis import strategies as st

import backproof as bp
from backproof.judging import Judge, Outcome, judged
from backproof.points import Point
from backproof.strategies import networks, points
from numeric.envelope import PRECISIONS
from numeric.problem import problem_of
from symbolic.activations import Activation
from symbolic.conventions import INTERNAL
from symbolic.network import Network
from tests.implementations import (
    Direct,
    cast,
    implementations,
    in_single_precision,
    scaled_points,
    single,
    textbook_networks,
)
from tests.specimens import SPECIMENS
from tests.specimens.specimen import Specimen

F = torch.nn.functional
LOG_OUTPUTS: dict[str, Callable[[Any], Any]] = {
    "softmax": partial(torch.log_softmax, dim=0),
    "sigmoid": F.logsigmoid,
    "exp": lambda z: z,
}
LOSSES: dict[str, Callable[[Any, Any, Any, Any], Any]] = {  # of a, t, log a and z
    "squared": lambda a, t, log_a, z: (a - t) ** 2,
    "half-squared": lambda a, t, log_a, z: (a - t) ** 2 / 2,
    "cross-entropy": lambda a, t, log_a, z: -t * log_a,
    "binary-cross-entropy": lambda a, t, log_a, z: -t * log_a - (1 - t) * F.logsigmoid(-z),
    "label-smoothing": lambda a, t, log_a, z: -(0.9 * t + 0.1 / len(t)) * log_a,
    "kl": lambda a, t, log_a, z: torch.xlogy(t, t) - t * log_a,
    "poisson": lambda a, t, log_a, z: a - t * log_a,
    "hinge": lambda a, t, log_a, z: torch.relu(1 - a * t),
    "huber": lambda a, t, log_a, z: F.huber_loss(a, t, reduction="none"),
}


@cache
def activated(activation: Activation) -> Callable[[Any], Any]:
    """PyTorch's function of this name; softplus without the shortcut that it takes from z = 20 on, and
    hardsigmoid by its formula: the slope of PyTorch's own is float32's 1/6 in float64, too.
    """
    special: dict[str, Callable[[Any], Any]] = {
        "identity": lambda z: z,
        "softmax": partial(torch.softmax, dim=0),
        "softplus": partial(F.softplus, threshold=40),
        "hardsigmoid": lambda z: F.relu6(z + 3) / 6,
        "prelu": partial(F.leaky_relu, negative_slope=float(activation.alpha or 0)),
        "leaky_relu": partial(F.leaky_relu, negative_slope=float(activation.alpha or 0)),
        "elu": partial(F.elu, alpha=float(activation.alpha or 0)),
    }
    home = torch if hasattr(torch, activation.name) else F
    return special.get(activation.name) or getattr(home, activation.name)


def by_torch(network: Network) -> Callable[..., Any]:
    """The gradient by PyTorch's autograd, in the type of what is given."""
    objective = network.objective

    def number(formula: Any, m: int, lam: float) -> float:
        known = {"m": m, "k": network.sizes[-1], "lambda": lam}
        return float(formula.subs({symbol: known[symbol.name] for symbol in formula.free_symbols}))

    def gradient(params: Any, x: Any, t: Any, lam: float = 0.0) -> Any:
        leaves: Any = [
            [None if v is None else torch.tensor(v, requires_grad=True) for v in p] for p in params
        ]
        a, t = torch.tensor(x), torch.tensor(np.asarray(t, x.dtype))
        for layer, (w, b) in zip(network.layers, leaves, strict=True):
            z = w @ a if b is None else w @ a + b[:, None]
            a = activated(layer.activation)(z)
        log_a = LOG_OUTPUTS.get(network.layers[-1].activation.name, torch.zeros_like)(z)
        m = x.shape[1]
        error = number(objective.scale, m, lam) * LOSSES[objective.loss.name](a, t, log_a, z).sum()
        for penalty in objective.penalties:
            size = torch.abs if penalty.norm == "l1" else torch.square
            for v in (v for w, b in leaves for v in (w, b if penalty.biases else None) if v is not None):
                error = error + number(penalty.factor, m, lam) * size(v).sum()
        error.backward()
        return [tuple(None if v is None else v.grad.numpy() for v in pair) for pair in leaves]

    return gradient


@dataclass
class Count:
    """What was seen of one implementation in one precision; errors in units of the two bounds."""

    points: int = 0
    entries: int = 0
    agreeing: int = 0
    unstable: int = 0
    alarms: int = 0
    norm_wise: int = 0
    worst: float = 0.0
    near: float = 0.0

    def add(self, outcome: Outcome) -> bool:
        """Whether it is an alarm."""
        self.points += 1
        for part in outcome.parts:
            compared = part.comparison.counted & np.isfinite(part.given)
            with np.errstate(divide="ignore", invalid="ignore"):
                error = np.abs(part.given - part.exact.value)
                near = np.where(error > 0, error / part.exact.near, 0.0)
            self.entries += int(compared.sum())
            self.agreeing += int(part.comparison.agrees.sum())
            self.worst = max(self.worst, float(np.max(part.comparison.excess, where=compared, initial=0.0)))
            self.near = max(self.near, float(np.max(near, where=compared, initial=0.0)))
        self.unstable += outcome.kind == "not finite"
        is_wrong = any(found.kind in ("wrong gradient", "wrong loss") for found in outcome.findings)
        self.norm_wise += is_wrong and outcome.is_norm_wise
        self.alarms += is_wrong and not outcome.is_norm_wise
        return is_wrong or outcome.kind == "failed"


@dataclass
class Alarms:
    """Correct implementations, asked about one network after the other."""

    counts: defaultdict[tuple[str, str], Count] = field(default_factory=lambda: defaultdict(Count))
    networks: int = 0

    def look(self, network: Network, points_: Sequence[Point]) -> None:
        self.networks += 1
        every = [*implementations(network), ("PyTorch", by_torch(network))]
        for point in points_:
            for name, precision in [(name, PRECISIONS[name]) for name in ("float64", "float32")]:
                narrowed = in_single_precision if name == "float32" else lambda function: function
                judges = [
                    Judge(Direct(narrowed(f)), INTERNAL, network.objective.has_lambda)  # type: ignore[arg-type]
                    for _, f in every
                ]
                with np.errstate(all="ignore"):
                    asked = [judge.ask(problem_of(network), point) for judge in judges]
                    outcomes = judged(asked, precision, judges[0])
                for (who, _), outcome in zip(every, outcomes, strict=True):
                    if self.counts[who, name].add(outcome):
                        print(f"{who}, {name}: {outcome.findings[0].sentence}", flush=True)
        if self.networks % 100 == 0:
            print(f"{self.networks} networks", file=sys.stderr, flush=True)

    def table(self) -> Iterator[str]:
        yield "| implementation | precision | points | entries | agree | not finite | error/bounds | alarms |"
        yield "|---" * 8 + "|"
        for (who, name), each in sorted(self.counts.items()):
            share = each.agreeing / max(each.entries, 1)
            wrong = f"{each.alarms} + {each.norm_wise} norm-wise"
            yield (
                f"| {who} | {name} | {each.points:,} | {each.entries:,} | {100 * share:.3f} % "
                f"| {each.unstable} | {each.worst:.2f}, {each.near:.2f} | {wrong} |"
            )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Network, tuple[Point, Point]]:
    """A network with a generic point and a scaled one, all numbers float32's."""
    network = draw(networks(max_depth=5, unequal=False, min_width=1) | textbook_networks())
    generic = draw(points(network, min_samples=1))
    rounded = {"params": single(generic.params), "x": single(generic.x), "t": single(generic.t)}
    generic = replace(generic, **rounded, lam=float(np.float32(generic.lam)))
    return network, (cast(generic, "float64"), cast(draw(scaled_points(network)), "float64"))


def alarms(count: int, seed: int) -> int:
    looked, start = Alarms(), time.perf_counter()
    settings = hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    ask = hypothesis.given(cases())(lambda case: looked.look(*case))
    hypothesis.seed(seed)(settings(ask))()
    print(f"{looked.networks:,} networks, {time.perf_counter() - start:.0f} s\n")
    print("\n".join(looked.table()))
    return int(any(each.alarms for each in looked.counts.values()))


@dataclass(frozen=True)
class Result:
    """What became of one wrong backward pass."""

    specimen: Specimen
    verdict: str
    is_found: bool
    is_named: bool
    is_first: bool
    seconds: float

    def __str__(self) -> str:
        named = "named first" if self.is_first else "named" if self.is_named else "NOT NAMED"
        found = "found" if self.is_found else "NOT FOUND"
        what = f"{self.specimen.number:>3} {self.specimen.bug}"
        return f"{what:<60} {found}, {named}, {self.verdict}, {self.seconds:.1f} s"


def checked(specimen: Specimen, max_time: float) -> Result:
    start = time.perf_counter()
    try:
        report = bp.check(
            deepcopy(specimen.wrong),
            specimen.family(),
            layout=specimen.layout,
            given=specimen.given,
            max_time=max_time,
            strict=True,
        )
    except Exception as error:  # one that cannot be checked must not end the campaign
        said = f"{type(error).__name__}: {error}"
        return Result(specimen, said, False, False, False, time.perf_counter() - start)
    best = [f"{each.bug}\n{each.formula}\n{each.equivalents}" for each in report.explanations]
    contract = [f"{check.name}: {check.sentence}" for check in report.contract if check.passed == "failed"]
    findings = [f"{finding.kind}: {finding.sentence}" for finding in report.findings]
    said_besides = [report.verdict, *findings, *report.localisation, *report.remarks, *contract]
    said_besides += report.convention.sentences if report.convention else ()

    def has(texts: Sequence[str]) -> bool:
        return any(word.lower() in "\n".join(texts).lower() for word in specimen.expected)

    return Result(
        specimen,
        report.verdict,
        report.exit_status != 0 or has(report.remarks),
        has([*best, *said_besides]),
        has(best[:1] or said_besides),
        time.perf_counter() - start,
    )


def bugs(only: Sequence[int], max_time: float) -> int:
    results = []
    for specimen in SPECIMENS:
        if not only or specimen.number in only:
            results.append(checked(specimen, max_time))
            print(results[-1], flush=True)
    print("\n| row | specimens | found | named | named first | verdicts | seconds, median and most |")
    print("|---|---|---|---|---|---|---|")
    for number in sorted({each.specimen.number for each in results}):
        _row(str(number or "–"), [each for each in results if each.specimen.number == number])
    _row("all", results)
    return int(not all(each.is_found for each in results))


def _row(title: str, results: Sequence[Result]) -> None:
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in Counter(r.verdict for r in results).most_common())
    found, named, first = (
        sum(getattr(each, name) for each in results) for name in ("is_found", "is_named", "is_first")
    )
    seconds = [each.seconds for each in results]
    print(
        f"| {title} | {len(results)} | {found} | {named} | {first} | {verdicts} "
        f"| {median(seconds):.1f}, {max(seconds):.1f} |"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="False alarms and detection, at length.")
    commands = parser.add_subparsers(dest="command", required=True)
    of_alarms, of_bugs = commands.add_parser("alarms"), commands.add_parser("bugs")
    of_alarms.add_argument("--networks", type=int, default=10_000)
    of_alarms.add_argument("--seed", type=int, default=0)
    of_bugs.add_argument("--only", type=int, nargs="*", default=(), help="rows of the catalogue")
    of_bugs.add_argument("--max-time", type=float, default=30.0, help="seconds for each check")
    told = parser.parse_args()
    if told.command == "alarms":
        sys.exit(alarms(told.networks, told.seed))
    sys.exit(bugs(told.only, told.max_time))
