"""The search with Hypothesis as its engine: an interrupt ends it, whoever drops what is raised."""

import signal
import time
from contextlib import suppress

import pytest

from backproof.search import search
from symbolic.network import mlp


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_that_is_dropped_ends_the_search() -> None:
    """Python drops what is raised in a callback of the garbage collector, and Hypothesis has one."""
    cases = []

    def fails(case: object) -> bool:
        cases.append(case)
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return False

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        search(mlp("2-3-1", hidden="tanh"), fails, seed=1, max_examples=50, deadline=time.monotonic() + 60)
    assert len(cases) == 1
    assert signal.getsignal(signal.SIGINT) is handler
