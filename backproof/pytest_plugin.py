"""The pytest plugin: a test that holds a backward pass against a family, and whose failure is the report.

    @bp.backprop_test(bp.mlp(hidden="tanh"))
    def test_my_gradient():
        return my_gradient

    def test_with_the_fixture(backprop):
        backprop(my_gradient, bp.mlp(hidden="tanh"), seed=3)

pytest loads this module at every start, for tests that never heard of it too: it imports nothing that pytest
has not, and says nothing of a stranger among our packages until a test wants one of the two above.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from contextvars import ContextVar
from functools import WRAPPER_ASSIGNMENTS, update_wrapper
from pathlib import Path
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest

import backproof

if TYPE_CHECKING:
    from backproof.report import Report
    from backproof.subjects import Subject
    from symbolic.graph import Graph
    from symbolic.network import Chain

    Tested: TypeAlias = Chain | Graph

INPUTS: Final = ("params", "x", "t")
_RUNNING: ContextVar[pytest.Item | None] = ContextVar("item", default=None)


def backprop_test(family: Tested, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """Make a test of a function that returns the subject, or of the subject itself; `options` go to `check`.

    A function whose parameters begin with params, x, t is the subject; any other is a test as pytest knows
    them, with fixtures and parametrised, and returns the subject. Whatever its name, pytest collects it.
    """

    def decorate(decorated: Callable[..., Any]) -> Callable[..., None]:
        names = tuple(inspect.signature(decorated).parameters) if inspect.isfunction(decorated) else INPUTS
        is_method = names[1:4] == INPUTS
        is_subject = is_method or names[:3] == INPUTS

        def test(*owner: object, **fixtures: object) -> None:
            __tracebackhide__ = True
            if is_subject:
                subject = MethodType(decorated, *owner) if is_method else decorated
            else:
                subject = decorated(*owner, **fixtures)
            if subject is None:
                pytest.fail(
                    f"{test.__name__} returns None; it has to return the backward pass", pytrace=False
                )
            _judge(_RUNNING.get(), subject, family, options)

        update_wrapper(test, decorated, WRAPPER_ASSIGNMENTS, () if is_subject else ("__dict__",))
        if is_subject:
            vars(test)["__signature__"] = inspect.Signature()  # params, x and t are no fixtures
        vars(test)["__test__"] = True
        return test

    return decorate


@pytest.fixture
def backprop(request: pytest.FixtureRequest) -> Callable[..., Report]:
    """backprop(subject, family, **options) checks as `backproof.check` does, and fails with the report."""

    def backprop(subject: Subject | Callable[..., Any], family: Tested, **options: Any) -> Report:
        __tracebackhide__ = True
        return _judge(request.node, subject, family, options)

    return backprop


def _judge(
    item: pytest.Item | None,
    subject: Subject | Callable[..., Any],
    family: Tested,
    options: dict[str, Any],
) -> Report:
    """The report; where its exit status is not 0 the test fails. There is no item outside of pytest."""
    __tracebackhide__ = True
    from backproof.pytest_running import reservation, run

    report = run(subject, family, options, item)
    if report.exit_status:
        pytest.fail(report.text(), pytrace=False)
    if item and report.verdict != "right":
        item.user_properties.append(("backproof", reservation(report)))
    return report


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options that stand above those of every test."""
    group = parser.getgroup("backproof", "backward passes")
    group.addoption("--backproof-seed", type=int, metavar="N", help="draw other networks and points")
    group.addoption(
        "--backproof-max-time", type=float, metavar="SECONDS", help="for one check, instead of its own limit"
    )
    group.addoption(
        "--backproof-html", type=Path, metavar="DIR", help="write a page on every check that is not right"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Tell a decorated function, which pytest calls with fixtures only, which test it is."""
    token = _RUNNING.set(item)
    try:
        return (yield)
    finally:
        _RUNNING.reset(token)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What passed with a reservation; the sentences are properties, which xdist brings from its workers."""
    lines = [
        f"{report.nodeid}: {sentence}"
        for report in terminalreporter.getreports("passed")
        for name, sentence in report.user_properties
        if name == "backproof"
    ]
    if lines:
        terminalreporter.section("backproof")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Stop on a name collision if an import failed over it, or a test with the fixture is going to.

    Of what ends a worker of xdist nobody hears: there it is the module that fails.
    """
    report = yield
    call = getattr(report, "call", None)
    failure = call.excinfo.value.__cause__ if report.failed and call else None
    wanted = any("backprop" in getattr(node, "fixturenames", ()) for node in report.result or ())
    collision = _collision() if wanted or isinstance(failure, ImportError) else None
    if collision and (wanted or str(failure) == str(collision)):
        sentence = _sentence(collision)
        if not hasattr(collector.config, "workerinput"):
            raise pytest.UsageError(sentence)
        report.outcome, report.longrepr, report.result = "failed", sentence, []
    return report


def _collision() -> ImportError | None:
    """What backproof says of somebody else's `symbolic`, `numeric` or `proofs`, if `import` finds one."""
    try:
        backproof._refuse_strangers()
    except ImportError as error:
        return error
    return None


def _sentence(collision: ImportError) -> str:
    own = Path(backproof.__file__).parents[1] / str(collision.name) / "__init__.py"
    return (
        f"backproof's pytest plugin needs its own package {collision.name!r} from {own}, but "
        f"`import {collision.name}` finds {collision.path or 'nothing'}; rename that one, or have "
        "`backproof check FILE.py:FUNCTION … --emit-test FILE` write a test that needs no backproof"
    )
