"""Checking a backward pass: is it right, right under another convention, or wrong, and which formula is it?

    report = check(my_gradient, mlp(hidden="tanh", scale="1/m"))
    print(report.text())

Here a subject, its form, its layout and λ are settled; `running` asks and judges, `concluding` writes the
report.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeAlias

import numpy.typing as npt

from backproof import graph_points, layouts
from backproof.asking import Progress
from backproof.contract import refuse_unknown
from backproof.discovery import candidates, discover
from backproof.forms import Form
from backproof.graph_points import Draw
from backproof.judging import Judge
from backproof.report import Report
from backproof.running import Interrupted as Interrupted
from backproof.running import Run
from backproof.session import Family, Session
from backproof.strategies import smallest_member
from backproof.subjects import CallableSubject, Subject
from symbolic.conventions import Layout
from symbolic.errors import InvalidNetwork
from symbolic.graph import Graph
from symbolic.program import refuse_undefined

LAMBDA: Final = 0.375  # where a penalty is not declared, and a subject may have one
Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]


def check(
    subject: Subject | Callable[..., Any],
    family: Family,
    *,
    layout: Layout | Mapping[str, str] | None = None,
    form: Form | None = None,
    max_examples: int = 100,
    max_time: float = 30.0,
    seed: int | None = None,
    settings: Mapping[str, float] | None = None,
    given: Mapping[str, Draw] | None = None,
    at: Arrays | None = None,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    strict: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Decide whether `subject(params, x, t)` gives the gradient of a network, or of every one of a family.

    It returns `grads`, shaped like `params`, or `(loss, grads)`. `form` says in what other way it is asked.
    `layout`, or what a mapping leaves out of it, is found out where it is not declared. λ goes to a parameter
    `lam` if it has one; `settings={"lambda": 0.1}` fixes λ, or says what it hard-codes. For a graph params, x
    and t are dicts by name, and `given` draws arrays that are no real numbers, as in
    `{"n.J": lambda random, shape: random.integers(0, 3, shape)}`. With `at`, arrays W1, b1, …, x and t, this
    point alone is looked at. `only` and `skip` name checks of the contract.

    After `max_time` seconds nothing more is asked, and what that leaves out is said; one call may take as
    long as the subject allows. `strict` makes a reservation count as wrong. `progress` is told how far it is.

    Raises InvalidNetwork, InvalidPoint or Unsupported where nothing can be checked, Interrupted on Ctrl-C.
    """
    refuse_unknown(only, skip)
    if isinstance(family, Graph):
        graph_points.refuse_unknown(family, given or {})
    elif given:
        raise InvalidNetwork(f"{', '.join(given)} cannot be drawn: {family} is no graph with such arrays")
    if not isinstance(family, Graph):
        refuse_undefined(smallest_member(family))
    with CallableSubject(subject, form=form) if callable(subject) else subject as asked:
        deadline = time.monotonic() + max_time if at is None else math.inf  # one point is always looked at
        form = form or asked.form or Form()
        depth = len(family.sizes) - 1 if not isinstance(family, Graph) and family.sizes else None
        form.refuse_depth(depth, family.title if isinstance(family, Graph) else str(family))
        fixed, takes_lam = _lambda(family, asked, settings or {}, is_drawn=at is None)
        declared = _declared(layout)
        used, found, alike = _layout(
            asked, family, declared, form, takes_lam=takes_lam, at=at, deadline=deadline
        )
        session = Session(
            Judge(asked, used, takes_lam, form),
            family,
            seed or 0,
            deadline,
            fixed,
            given=dict(given or {}),
        )
        run = Run(session, found, alike, progress or (lambda _: None), strict=strict, max_time=max_time)
        return run.searched(max_examples, only, skip) if at is None else run.at(at)


def _declared(layout: Layout | Mapping[str, str] | None) -> dict[str, str]:
    """What is said of the layout."""
    if isinstance(layout, Layout):
        return vars_of(layout)
    layouts.layout_of(layout or {})  # refuses what is no layout
    return dict(layout or {})


def vars_of(layout: Layout) -> dict[str, str]:
    """A layout's fields by name."""
    return {name: getattr(layout, name) for name in layouts.FIELDS}


def _layout(
    subject: Subject,
    family: Family,
    declared: Mapping[str, str],
    form: Form,
    *,
    takes_lam: bool,
    at: Arrays | None,
    deadline: float,
) -> tuple[Layout, tuple[str, ...], tuple[str, ...]]:
    """The layout that is declared or found, what of it was found, and what cannot be told from it."""
    chosen = layouts.layout_of(declared)
    if isinstance(family, Graph):
        return form.constrained(chosen), (), ()
    found: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    if len(declared) < len(layouts.FIELDS) and at is None:
        chosen, alike = discover(subject, family, declared, form, takes_lam=takes_lam, deadline=deadline)
        every = [vars_of(form.constrained(each)) for each in candidates(family, declared)]
        found = tuple(name for name in layouts.FIELDS if len({each[name] for each in every}) > 1)
    chosen = form.constrained(chosen)
    layouts.refuse_labels(smallest_member(family), chosen)
    return chosen, found, alike


def _lambda(
    family: Family, subject: Subject, settings: Mapping[str, float], *, is_drawn: bool
) -> tuple[float | None, bool]:
    """λ, if it is not to be drawn, and whether the subject is given it."""
    if unknown := [name for name in settings if name != "lambda"]:
        raise InvalidNetwork(f"no setting '{unknown[0]}'; choose from lambda")
    fixed = settings.get("lambda")
    if fixed is not None and not math.isfinite(fixed):
        raise InvalidNetwork(f"lambda is set to {fixed}; it has to be a finite number")
    if isinstance(family, Graph):
        return fixed, "lam" in subject.parameters.keywords
    if not family.objective.has_lambda:
        if fixed is not None:
            raise InvalidNetwork(
                f"lambda is set to {fixed}, but {family} has no λ; give a penalty, such as l2"
            )
        takes_lam = "lam" in subject.parameters.keywords
        is_open = takes_lam and is_drawn and not family.objective.is_declared
        return LAMBDA if is_open else None, takes_lam
    takes_lam = subject.parameters.accept("lam")
    if fixed is None and not (takes_lam and is_drawn):
        reason = "at one point λ is not drawn" if takes_lam else f"{subject.name} has no parameter lam"
        remedy = "say" if takes_lam else "give it one, or say"
        raise InvalidNetwork(
            f"{family} has a λ, and {reason}; {remedy} what λ is: settings={{'lambda': 0.1}}, "
            "--set lambda=0.1"
        )
    return fixed, takes_lam
