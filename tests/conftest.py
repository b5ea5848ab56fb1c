"""What all tests share: Hypothesis without a clock, components that may be missing, golden files.

The tests of one process derive hundreds of networks. So SymPy remembers more than the 1000 results that it
keeps by itself, and what was imported and collected, most of a large heap, is left out of garbage collection:
together that was a fifth of the processor time of tests that derive.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

os.environ.setdefault("SYMPY_CACHE_SIZE", "50000")  # results of each function; read when SymPy is imported

EXAMPLES = 20  # of a property that has no number of its own; in CI they are the same ones in every run

settings.register_profile("backproof", deadline=None, print_blob=True, max_examples=EXAMPLES)
everywhere = settings.get_profile("backproof")
settings.register_profile("backproof-ci", everywhere, derandomize=True)
settings.load_profile("backproof-ci" if "CI" in os.environ else "backproof")


@dataclass(frozen=True, slots=True)
class Component:
    """Something that some tests want and backproof does not depend on."""

    find: Callable[[str], object | None]
    install: str


PACKAGES = "pip install -e '.[packages]'"
COMPONENTS = {
    "pdflatex": Component(
        shutil.which, "apt-get install texlive-latex-base texlive-latex-recommended lmodern"
    ),
    "coqc": Component(shutil.which, "apt-get install coq libcoq-coquelicot"),
    "gcc": Component(shutil.which, "apt-get install gcc libc6-dev"),
    "clang": Component(shutil.which, "apt-get install clang"),
    "valgrind": Component(shutil.which, "apt-get install valgrind"),
    "cppcheck": Component(shutil.which, "apt-get install cppcheck"),
    "arm-none-eabi-gcc": Component(shutil.which, "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"),
    "qemu-system-arm": Component(shutil.which, "apt-get install qemu-system-arm"),
    "node": Component(shutil.which, "apt-get install nodejs"),
    "chromium": Component(shutil.which, "apt-get install chromium"),
    "sklearn": Component(find_spec, "pip install scikit-learn"),
    "torch": Component(find_spec, "pip install torch"),
    "jax": Component(find_spec, "pip install jax"),
    "onnx": Component(find_spec, "pip install onnx"),
    "autograd": Component(find_spec, "pip install autograd"),
    "micrograd": Component(find_spec, "pip install micrograd"),
    "miniMLP": Component(find_spec, PACKAGES),
    "multilayer_perceptron": Component(find_spec, PACKAGES),
    "nerva_numpy": Component(find_spec, PACKAGES),
    "nn": Component(find_spec, PACKAGES),  # of learnneuralnet
    "npnet": Component(find_spec, PACKAGES),
    "vanillanets": Component(find_spec, PACKAGES),
}
collect_ignore = [] if find_spec("jax") else ["jax_route.py"]  # looked through for doctests, it imports JAX
GOLDEN = Path(__file__).parent / "golden"


TOGETHER = ("tests/proofs/published/", "tests/proofs/coq/")  # they need the same verdicts, or the theorem
ONE_BY_ONE = (  # long, and each for itself
    "tests/backproof/",
    "tests/real/",
    "tests/test_scikit_learn.py",
    "tests/test_specimens_checked.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where tests run in several processes, those of a file run in one, for they need much the same."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # it has no type information
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            if file.startswith(ONE_BY_ONE):
                return nodeid
            return next((place for place in TOGETHER if file.startswith(place)), file)

    return ByFile(config, log)


def pytest_collection_finish() -> None:
    """Leave what lives as long as the process out of garbage collections, and have fewer of them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-golden", action="store_true", help="write tests/golden anew, to be reviewed as a diff"
    )


@pytest.fixture(scope="session")
def require() -> Callable[[str], None]:
    """require("pdflatex") skips the test where that is missing and says what to install; in CI it fails."""

    def require(component: str) -> None:
        row = COMPONENTS[component]
        if row.find(component) is None:
            reason = f"{component} is missing: {row.install}"
            if "BACKPROOF_REQUIRE_COMPONENTS" in os.environ:
                pytest.fail(reason)
            pytest.skip(reason)  # the only place in the tests that skips

    return require


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT as in a terminal: a shell that starts pytest in the background has it ignored, here and in
    every process that is started from here.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """golden("network.py", text) holds a text against tests/golden/network.py; --rewrite-golden writes it."""

    def golden(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--rewrite-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return golden
