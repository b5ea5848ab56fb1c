"""Where a fault is that no formula explains, and for which networks and calls it shows at all.

    sentences = localised(session, outcomes, is_explained=False)

After which calls it is wrong; for which shapes (`localising_shape`); from the output back, which is the way
errors travel, the first gradient that is wrong; and at one sample which factor of the chain rule is not what
it should be (`localising_factors`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from backproof.judging import Asked, Outcome
from backproof.localising_factors import in_factors
from backproof.localising_shape import in_shape, is_bad
from backproof.session import Session
from numeric.problem import Problem
from symbolic.graph import Graph
from symbolic.network import Network
from symbolic.placement import Node

CALLS: Final = 6
KEPT: Final = "something is kept between calls"


def localised(session: Session, outcomes: Sequence[Outcome], *, is_explained: bool) -> tuple[str, ...]:
    """Sentences about where a wrong subject is wrong, the one that tells most first; none of a right one.

    A formula that explains the subject says itself where it is wrong, but for the shapes and calls at which
    it shows.
    """
    bad = [outcome for outcome in outcomes if is_bad(outcome)]
    if not bad:
        return ()
    by_calls = tuple(_by_calls(session, bad[0], outcomes))
    by_shape = () if by_calls else in_shape(session, outcomes)
    answered = [outcome for outcome in bad if outcome.parts]
    if is_explained or not answered:
        return by_calls + by_shape
    problem = answered[0].asked.problem
    same = [outcome for outcome in answered if outcome.asked.problem.network == problem.network]
    network = problem.network
    if isinstance(network, Graph):
        return (*by_calls, *by_shape, *_in_nodes(network, problem, same))
    return (*by_calls, *by_shape, *_in_layers(network, problem, same), *in_factors(session, problem))


def _by_calls(session: Session, wrong: Outcome, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Whether a point that is wrong is right in a fresh process, and after which calls no longer."""
    here = wrong.asked
    if not here.is_patient or session.is_late:
        return
    bad = _repeated(session, here, CALLS)
    if all(bad):
        return
    if any(bad):
        right = bad.index(True)
        first = "the first call is right" if right == 1 else f"the first {right} calls are right"
        if right and all(bad[right:]):
            yield f"in a fresh process {first}, and from call {right + 1} on it is wrong: {KEPT}"
        else:
            yield f"asked the same {CALLS} times, it is right some times and wrong at others"
        return
    every = [outcome.asked for outcome in outcomes if outcome is not wrong]
    alike = [each for each in every if _shape(each) == _shape(here)]
    others = [each for each in every if _shape(each) != _shape(here)]
    for before, words in ((alike, "with other values of the same shapes"), (others, "with other shapes")):
        if before and all(_repeated(session, here, 1, after=before[-1])):
            yield f"it is right in a fresh process, and wrong after a call {words}: {KEPT}"
            return
    yield "it was wrong once, and is right in a fresh process: it depends on more than params, x and t"


def _repeated(session: Session, asked: Asked, times: int, *, after: Asked | None = None) -> list[bool]:
    """Whether a new process is wrong at a point, in so many calls; before these it may be asked another."""
    session.judge.subject.close()
    if after is not None:
        session.judge.ask(after.problem, after.point)
    return [is_bad(outcome) for outcome in session.outcomes(asked.problem, [asked.point] * times)]


def _shape(asked: Asked) -> tuple[Network | Graph, int]:
    return asked.problem.network, asked.point.samples


def _wrong_names(outcomes: Sequence[Outcome]) -> set[str]:
    """The parameters whose gradient is wrong somewhere."""
    return {
        part.label
        for outcome in outcomes
        for part in outcome.parts
        if part.name
        and (part.comparison.disagrees | (part.comparison.not_finite & part.comparison.counted)).any()
    }


def _in_layers(network: Network, problem: Problem, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The first wrong gradient from the output back."""
    wrong = _wrong_names(outcomes)
    if not wrong:
        yield "every gradient is right; the loss alone is not"
        return
    layers = range(network.depth, 0, -1)
    names = {l: [a.label for a in problem.parameters if a.layer == l] for l in layers}
    last = next(l for l in layers if wrong.intersection(names[l]))
    own = [name for name in names[last] if name not in wrong]
    before = [name for l in layers if l > last for name in names[l]]
    faulty = [name for name in names[last] if name in wrong]
    told = f"{_are(own + before, 'right')}; " if own + before else ""
    if own:
        part = "weight" if faulty[0].startswith("W") else "bias"
        fault = f"the fault is in the {part} gradient of layer {last}"
    elif last == network.depth:
        fault = "the fault is at the output already"
    else:
        fault = f"the fault is on the way from layer {last + 1} to layer {last}"
    only = wrong == set(faulty) and last > 1
    first = (
        f"{_are(faulty, 'wrong')}, and nothing else"
        if only
        else f"from the output back, {_are(faulty, 'wrong')} first"
    )
    yield f"{told}{first}: {fault}"


def _in_nodes(graph: Graph, problem: Problem, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The wrong gradients of a graph from its losses back, and what lies behind the nearest."""
    wrong = _wrong_names(outcomes)
    if not wrong:
        yield "every gradient is right; the loss alone is not"
        return
    owners = {array.label: _owner(graph, array.label) for array in problem.parameters}
    labels = sorted(owners, key=lambda label: -graph.order.index(owners[label]))
    faulty = [label for label in labels if label in wrong]
    right = [label for label in labels if label not in wrong]
    nearest = owners[faulty[0]]
    own = [label for label in right if owners[label] == nearest]
    told = f"{_are(right, 'right')}; " if right else ""
    way = [_described(graph, name) for name in _readers(graph, nearest)]
    if own:
        fault = f"the fault is in the gradient of {_described(graph, nearest)} by its parameters"
    elif way:
        fault = (
            f"the fault is in {_described(graph, nearest)} or on the way back to it through {_listed(way)}"
        )
    else:
        fault = f"the fault is in {_described(graph, nearest)}"
    yield f"{told}{_are(faulty, 'wrong')}, and the nearest to the loss is that of {nearest}: {fault}"


def _owner(graph: Graph, label: str) -> str:
    """The node of a parameter; of those that share one, the nearest to the loss."""
    every = {**graph.nodes, **graph.losses}
    sharing = (name for name in reversed(graph.order) if label in every[name].arrays.values())
    return next(sharing, label.rpartition(".")[0])


def _described(graph: Graph, name: str) -> str:
    node = {**graph.nodes, **graph.losses}[name]
    return f"{name} ({node.settings.get('activation', node.layer.name)})"


def _readers(graph: Graph, start: str) -> list[str]:
    """The nodes and losses through which errors come back to a node, as far as those with parameters."""
    every = {**graph.nodes, **graph.losses}
    found: dict[str, None] = {}
    pending = [start]
    while pending:
        name = pending.pop()
        for reader in (other for other, node in every.items() if _reads(graph, node, name)):
            if reader not in found:
                found[reader] = None
                if not every[reader].layer.parameters:
                    pending.append(reader)
    return [name for name in reversed(graph.order) if name in found]


def _reads(graph: Graph, node: Node, name: str) -> bool:
    """Whether a node reads a result of another; its parameters, which a penalty reads, are none."""
    results = set(node.inputs) - {array.label for array in graph.parameters}
    return name in results or any(each.startswith(f"{name}.") for each in results)


def _are(names: Sequence[str], what: str) -> str:
    return f"{_listed([f'∂E/∂{name}' for name in names])} {'is' if len(names) == 1 else 'are'} {what}"


def _listed(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
