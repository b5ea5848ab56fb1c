"""Whether a subject's gradient is the declared one up to factors, of the data term and of the penalty apart.

At every point the subject's entries are solved for the factors, by least squares with the bounds as weights,
and the solution has to hold at every counted entry. A factor is then one formula c·m^p·k^q at all shapes:
one that fits a single shape explains nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any, Final

import numpy as np

from backproof.evidence import Group, Rows
from symbolic.network import Network

NUMBERS: Final = tuple(Fraction(n, d) for n, d in ((1, 1), (2, 1), (1, 2), (4, 1), (1, 4), (3, 1), (1, 3)))
POWERS: Final = (-2, -1, 0, 1, 2)
DETERMINED: Final = 1e-6  # of the largest singular value: below it, two terms look alike
DATA: Final = "D"  # the scalar that a chain's data term is


@dataclass(frozen=True, slots=True)
class Factor:
    """What a term of the gradient is multiplied by, and other formulas that fit as well."""

    text: str
    alternatives: tuple[str, ...] = ()

    @property
    def is_one(self) -> bool:
        return self.text == "1"


@dataclass(frozen=True, slots=True)
class Factors:
    """The factor of the data term; of the penalty that is declared; and, of a penalty that is not, the
    multiples of λw in the gradient by weights and by biases.
    """

    data: Factor
    penalty: Factor | None = None
    weights: Factor | None = None
    biases: Factor | None = None

    @property
    def leave_out(self) -> bool:
        """Whether a term that is declared is not there at all."""
        return any(factor is not None and factor.text == "0" for factor in (self.data, self.penalty))

    @property
    def is_declared(self) -> bool:
        """Whether nothing differs from what was declared."""
        plain = all(factor is None or factor.is_one for factor in (self.data, self.penalty))
        return plain and all(factor is None or factor.text == "0" for factor in (self.weights, self.biases))


def factors(groups: Sequence[Group], *, takes_lam: bool) -> Factors | None:
    """The factors that hold at all counted entries of all groups; None where there are none."""
    systems = [_system(group, takes_lam=takes_lam) for group in groups]
    solved = [(system.group, system.solution()) for system in systems if system.is_determined]
    terms = dict.fromkeys(term for _, solution in solved for term in solution)
    found: dict[str, Factor] = {}
    for term in terms:
        formula = _formula([(group, values[term]) for group, values in solved if term in values])
        if formula is None:
            return None
        found[term] = formula
    if "data" not in found or not all(system.holds(found) for system in systems):
        return None
    return Factors(**found)


def losses_follow(groups: Sequence[Group], found: Factors) -> bool:
    """Whether the losses that are returned have the factors of the gradient, at all points of all groups."""
    return all(_loss_follows(group, found) for group in groups)


def _loss_follows(group: Group, found: Factors) -> bool:
    losses = [next((p for p in outcome.parts if p.name is None), None) for outcome in group.outcomes]
    known = group.ground.known
    data = sum(known[part] for part in group.problem.losses if part.name == DATA)
    whole = sum(known[part] for part in group.problem.losses)
    alpha, beta = (_at(factor, group) for factor in (found.data, found.penalty or found.data))
    for place, part in enumerate(losses):
        if part is None or found.weights or found.biases:
            continue
        expected = alpha * data[place] + beta * (whole - data)[place]
        if abs(float(part.given) - expected) > 2 * max(1.0, abs(alpha), abs(beta)) * float(part.exact.worst):
            return False
    return True


def _at(factor: Factor, group: Group) -> float:
    """A factor's value at a group's shape."""
    known = dict(_candidates())
    return float(known[factor.text](*_shape(group))) if factor.text in known else float(factor.text)


def _columns(group: Group, *, takes_lam: bool) -> dict[str, Rows]:
    """The terms that a gradient may be made of."""
    data = group.without_penalty
    columns = {"data": data}
    if group.problem.has_lambda:
        columns["penalty"] = group.exact - data
    elif takes_lam and isinstance(group.problem.network, Network):
        lam = np.array(group.lam)[:, None]
        values = group.flat({name: group.values[name] for name in group.problem.parameters})
        is_weight = np.zeros(values.shape[1], bool)
        for name, columns_of in group.blocks.items():
            is_weight[columns_of] = name.name == "W"
        columns |= {"weights": lam * values * is_weight, "biases": lam * values * ~is_weight}
    return columns


@dataclass(frozen=True, slots=True, eq=False)
class _System:
    """A group's counted entries as equations for the factors of terms, weighted by the bounds."""

    group: Group
    terms: tuple[str, ...]
    matrix: Rows
    given: Rows

    @property
    def is_determined(self) -> bool:
        """Whether there is one solution, and it is not for want of equations."""
        if len(self.given) <= len(self.terms) or not self.terms:
            return False
        values = np.linalg.svd(self.matrix / np.linalg.norm(self.matrix, axis=0), compute_uv=False)
        return bool(values[-1] > DETERMINED * values[0])

    def solution(self) -> dict[str, tuple[float, float]]:
        """Each factor, and how far it may be off."""
        norms = np.linalg.norm(self.matrix, axis=0)
        solution = np.linalg.lstsq(self.matrix / norms, self.given, rcond=None)[0] / norms
        size = max(1.0, float(np.max(np.abs(solution))))
        spread = 4 * size / norms * np.sqrt(len(self.given))
        pairs = zip(solution.tolist(), spread.tolist(), strict=True)
        return dict(zip(self.terms, pairs, strict=True))

    def holds(self, found: Mapping[str, Factor]) -> bool:
        """Whether these factors give every entry, within what the terms themselves may be off."""
        factors = np.array([_at(found[term], self.group) for term in self.terms])
        allowed = 2 * len(self.terms) * max(1.0, float(np.max(np.abs(factors), initial=0.0)))
        return bool((np.abs(self.matrix @ factors - self.given) <= allowed).all())


def _system(group: Group, *, takes_lam: bool) -> _System:
    use = group.counted.ravel()
    weights = 1 / np.maximum(group.worst.ravel()[use], 1e-300)
    every = {name: c.ravel()[use] * weights for name, c in _columns(group, takes_lam=takes_lam).items()}
    told = {name: column for name, column in every.items() if np.any(np.abs(column) > 1)}
    matrix = np.array(list(told.values())).reshape(len(told), -1).T
    return _System(group, tuple(told), matrix, group.given.ravel()[use] * weights)


def _formula(found: Sequence[tuple[Group, tuple[float, float]]]) -> Factor | None:
    """The simplest formula with these values at these shapes."""
    fitting = [text for text, value in _candidates() if all(_fits(value(*_shape(g)), v) for g, v in found)]
    if fitting:
        return Factor(fitting[0], tuple(fitting[1:3]))
    values = [value for _, (value, _) in found]
    middle = values[0]
    if all(abs(value - middle) <= 2 * error + 1e-12 * abs(middle) for _, (value, error) in found):
        return Factor(_short(middle, max(error for _, (_, error) in found)))
    return None


def _fits(wanted: float, found: tuple[float, float]) -> bool:
    value, error = found
    return abs(value - wanted) <= 2 * error + 1e-13 * abs(wanted)


def _shape(group: Group) -> tuple[int, int]:
    network = group.problem.network
    outputs = int(network.sizes[-1]) if isinstance(network, Network) else 1
    return group.samples, outputs


def _candidates() -> Iterator[tuple[str, Any]]:
    """Formulas with their values by m and k, the simplest first."""
    yield "0", lambda m, k: 0.0
    choices = sorted(
        product(NUMBERS, (1, -1), POWERS, POWERS),
        key=lambda c: (abs(c[2]) + abs(c[3]) + 1.5 * NUMBERS.index(c[0]), c[1] < 0, -c[2], -c[3]),
    )
    for number, sign, p, q in choices:
        yield _text(sign * number, p, q), _value(sign * number, p, q)


def _value(number: Fraction, p: int, q: int) -> Any:
    return lambda m, k: float(number) * float(m) ** p * float(k) ** q


def _text(number: Fraction, p: int, q: int) -> str:
    """2·m/k as text."""
    above = [name + (f"^{power}" if power > 1 else "") for name, power in (("m", p), ("k", q)) if power > 0]
    below = [name + (f"^{-power}" if power < -1 else "") for name, power in (("m", p), ("k", q)) if power < 0]
    if abs(number.numerator) != 1 or not above:
        above.insert(0, str(abs(number.numerator)))
    if number.denominator != 1:
        below.insert(0, str(number.denominator))
    bottom = "*".join(below)
    text = "*".join(above) + (f"/({bottom})" if len(below) > 1 else f"/{bottom}" if below else "")
    return f"-{text}" if number < 0 else text


def _short(value: float, error: float) -> str:
    """The shortest decimal that the value may be."""
    for digits in range(1, 17):
        text = f"{value:.{digits}g}"
        if abs(float(text) - value) <= 2 * error + 1e-15 * abs(value):
            return text
    return repr(value)


def short_number(value: float) -> str:
    """A fitted constant in three digits where these are all it seems to have, else in as few as tell nine;
    one that is close to 1, by how much it is off.
    """
    if 0 < abs(value - 1) <= 1e-7:
        return f"1 {'+' if value > 1 else '-'} {abs(value - 1):.2g}"
    few = float(f"{value:.3g}")
    return f"{few:g}" if abs(value - few) <= 1e-7 * abs(value) else _short(value, 1e-9 * abs(value))
