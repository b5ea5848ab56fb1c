"""Hypothesis as an engine: looking for a case on which something fails, and for the smallest one.

A case is a network, a number of samples and the integers of a generic point. Hypothesis draws cases, and
simplifies the integers of one; which shapes are smaller is ours to say: fewer layers, then fewer units, then
fewer samples. Every smaller shape is tried, so the one that is found is the smallest, unless time runs out or
a failure shows only at some values. Nothing is printed, and no file is left behind.
"""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import groupby, product
from types import FrameType
from typing import Any, Final

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, configuration
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.internal.cache import LRUCache
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from backproof.judging import OutOfTime
from backproof.points import Point, Targets, generic_point, sizes_of
from backproof.strategies import least_widths, networks, shifts
from symbolic.network import Chain, Network

NO_CONSTANTS: Final = {"_get_local_constants": Constants, "CONSTANTS_CACHE": LRUCache(max_size=1024)}
TRIES: Final = 3  # points of a smaller shape; all but a few bugs show at the first
SETTINGS: Final[dict[str, Any]] = {
    "database": None,
    "deadline": None,
    "derandomize": False,
    "print_blob": False,
    "report_multiple_bugs": False,
    "suppress_health_check": list(HealthCheck),
    "verbosity": Verbosity.quiet,
}


@dataclass(frozen=True, slots=True)
class Case:
    """A network and a generic point of it, by the point's integers k."""

    network: Network
    samples: int
    shifts: tuple[int, ...]
    targets: Targets | None = None

    @property
    def point(self) -> Point:
        return generic_point(self.network, self.samples, self.shifts, targets=self.targets)

    @property
    def simplicity(self) -> tuple[int, tuple[int, ...]]:
        """Less is simpler, among cases of one shape."""
        return sum(map(abs, self.shifts)), self.shifts


Fails = Callable[[Case], bool]


def search(
    chain: Chain,
    fails: Fails,
    *,
    seed: int,
    max_examples: int,
    deadline: float,
    targets: Targets | None = None,
) -> Case | None:
    """The first case drawn on which `fails` holds, if any before the deadline, a time of time.monotonic()."""
    engine = _Engine(fails, seed, deadline, shrink=False)
    drawn = networks(chain, max_depth=5) | networks(chain, max_depth=3, min_width=1, unequal=False)
    return engine.run(_cases(drawn, 1, 6, targets), max_examples)


def smallest(
    case: Case, chain: Chain, fails: Fails, *, seed: int, deadline: float, min_outputs: int = 1
) -> Case:
    """The smallest shape on which `fails` holds, at the simplest values; for want of time the case itself.

    Depths at which a network of middling size shows nothing are tried last.
    """
    engine = _Engine(fails, seed, deadline, shrink=True)

    def tried(network: Network, samples: int) -> Case | None:
        return engine.run(_cases(st.just(network), samples, samples, case.targets), TRIES)

    depths = [list(each) for each in _by_depth(smaller_shapes(chain, case, min_outputs))]
    for shapes in sorted(depths, key=lambda shapes: tried(*shapes[len(shapes) // 2]) is None):
        for network, samples in shapes:
            found = tried(network, samples)
            if found or time.monotonic() > deadline:
                return found or case
    return case


def _by_depth(shapes: Iterator[tuple[Network, int]]) -> Iterator[Iterator[tuple[Network, int]]]:
    return (each for _, each in groupby(shapes, key=lambda shape: shape[0].depth))


def smaller_shapes(chain: Chain, case: Case, min_outputs: int = 1) -> Iterator[tuple[Network, int]]:
    """Networks with numbers of samples, by layers, then units, then samples, up to those of the case."""
    if isinstance(chain, Network):
        yield from ((chain, samples) for samples in range(1, case.samples + 1))
        return
    depth = case.network.depth
    for layers in range(1, depth + 1) if chain.sizes is None else [depth]:
        known = chain.sizes or (None,) * (layers + 1)
        least = least_widths(chain, layers, 1)
        least[-1] = max(least[-1], min_outputs)
        widest = max(sizes_of(case.network))
        ranges = [[size] if size else range(low, widest + 1) for size, low in zip(known, least, strict=True)]
        shapes = product(product(*ranges), range(1, case.samples + 1))
        for sizes, samples in sorted(shapes, key=lambda shape: (sum(shape[0]), shape[1])):
            yield chain.network(sizes), samples
            if (sizes, samples) == (case.network.sizes, case.samples):
                return


@dataclass(slots=True)
class _Engine:
    """Runs `fails` on what a strategy draws, until it holds; if it shrinks, on to the simplest such case."""

    fails: Fails
    seed: int
    deadline: float
    shrink: bool
    found: Case | None = None
    interrupts: list[int] = field(default_factory=list)

    def run(self, cases: st.SearchStrategy[Case], max_examples: int) -> Case | None:
        phases = [Phase.generate, Phase.shrink] if self.shrink else [Phase.generate]
        settings = hypothesis.settings(**SETTINGS, max_examples=max_examples, phases=phases)
        trial = hypothesis.seed(self.seed)(settings(hypothesis.given(cases)(self._try)))
        self.found = None
        with _noted(self.interrupts), _no_files(), _no_constants(), suppress(_Stop, _Failure, Flaky):
            trial()
        if self.interrupts:
            raise KeyboardInterrupt
        return self.found

    def _try(self, case: Case) -> None:
        if time.monotonic() > self.deadline or self.interrupts:
            raise _Stop
        try:
            is_failing = self.fails(case)
        except OutOfTime:
            raise _Stop from None
        if is_failing:
            if self.found is None or case.simplicity < self.found.simplicity:
                self.found = case
            raise _Failure if self.shrink else _Stop


class _Stop(BaseException):
    """Leaves Hypothesis at once: an Exception it would catch, and try to reproduce."""


class _Failure(Exception):
    """Tells Hypothesis that this case is one of those to be shrunk."""


@st.composite
def _cases(
    draw: st.DrawFn,
    drawn: st.SearchStrategy[Network],
    min_samples: int,
    max_samples: int,
    targets: Targets | None,
) -> Case:
    network = draw(drawn)
    samples = draw(st.integers(min_samples, max_samples))
    return Case(network, samples, tuple(draw(shifts(network, samples))), targets)


@contextmanager
def _noted(interrupts: list[int]) -> Iterator[None]:
    """Ctrl-C is noted, besides being raised: Hypothesis times collections of garbage in a callback, and
    Python drops what is raised in one. In other threads, and under another handler, nothing is changed.
    """
    handler = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or handler is not signal.default_int_handler:
        yield
        return

    def noted(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, noted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


@contextmanager
def _no_files() -> Iterator[None]:
    """Hypothesis keeps notes on the modules it has seen; they go into a folder that is gone afterwards."""
    home = vars(configuration).get("__hypothesis_home_directory")  # None until somebody sets it
    with tempfile.TemporaryDirectory(prefix="backproof-") as folder:
        configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(home)


@contextmanager
def _no_constants() -> Iterator[None]:
    """Hypothesis also draws constants of the modules that are loaded, and reads those modules for them; but a
    seed means the same networks wherever it is repeated, and reading took half a second.
    """
    kept = {name: getattr(providers, name) for name in NO_CONSTANTS}
    vars(providers).update(NO_CONSTANTS)
    try:
        yield
    finally:
        vars(providers).update(kept)
