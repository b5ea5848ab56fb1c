"""How much a check has seen, counted by entry, and what it has not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from backproof.judging import Outcome
from backproof.points import Point, sizes_of, targets_of
from backproof.report import Evidence
from backproof.strategies import smallest_member
from numeric.oracle import is_curved
from symbolic.conventions import Layout
from symbolic.network import Chain, Network


class Tally:
    """Outcomes added up, and the largest sizes among them."""

    def __init__(self) -> None:
        self._networks: set[Network] = set()
        self._not_counted: Counter[str] = Counter()
        self._precisions: set[str] = set()
        self.points = self.entries = self._losses = self._layers = self._units = self._samples = 0
        self._error = 0.0
        self.changed: set[str] = set()

    def add(self, network: Network, point: Point, outcome: Outcome) -> None:
        self._networks.add(network)
        self.points += 1
        self.entries += outcome.entries
        self._not_counted += outcome.not_counted
        self._error = max(self._error, outcome.error)
        self._layers = max(self._layers, network.depth)
        self._units = max(self._units, *sizes_of(network))
        self._samples = max(self._samples, point.samples)
        self.changed.update(outcome.changed)
        if outcome.answer:
            self._losses += outcome.answer.loss is not None
            self._precisions.add(str(outcome.answer.dtype))

    def evidence(self) -> Evidence:
        return Evidence(
            networks=len(self._networks),
            points=self.points,
            losses=self._losses,
            entries=self.entries,
            error=self._error,
            precision=", ".join(sorted(self._precisions)),
            layers=self._layers,
            units=self._units,
            samples=self._samples,
            not_counted=tuple(self._not_counted.items()),
        )


def not_covered(chain: Chain, evidence: Evidence, layout: Layout) -> Iterator[str]:
    """What a search has left out, as far as it can matter to this chain."""
    member = smallest_member(chain)
    activations = {layer.activation for layer in member.layers}
    if isinstance(chain, Network):
        yield f"other networks than {chain.shape}, and more than {evidence.samples} samples"
    else:
        yield f"more than {evidence.layers} layers, {evidence.units} units or {evidence.samples} samples"
    if any(map(is_curved, activations)):
        yield "large |z|, where a right formula may be unstable: overflow, nan, lost digits"
    if any(activation.row and activation.row.kinks for activation in activations):
        yield "units at a kink, where every slope between the two sides is right"
    if targets_of(member) == "one-hot" and layout.labels == "integer":
        yield "targets other than one-hot ones"
    if not evidence.losses:
        yield "the loss, which the subject does not return"
