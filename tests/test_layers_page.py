"""docs/layers.md is what its generator writes; --rewrite-golden writes it anew."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from symbolic.layers import LAYERS

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = spec_from_file_location("generate_layers", DOCS / "generate_layers.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_of_layers_is_what_the_generator_writes(
    generator: ModuleType, request: pytest.FixtureRequest
) -> None:
    path = DOCS / "layers.md"
    page = generator.page()
    if request.config.getoption("--rewrite-golden"):
        path.write_text(page, encoding="utf-8")
    assert page == path.read_text(encoding="utf-8")


def test_every_layer_has_a_section_and_a_test(generator: ModuleType) -> None:
    page = generator.page()
    for name in LAYERS:
        assert f"\n## {name}\n" in page
        assert generator.tests_of(name), f"no test names {name}"


def test_case_belongs_to_the_layer_with_the_longest_fitting_name(generator: ModuleType) -> None:
    assert generator.layers_of("dense-no-bias-W") == {"dense-no-bias"}
    assert generator.layers_of("conv1d, strided, padded, dilated") == {"conv1d"}
    assert generator.layers_of("every activation") == {"activation", "loss"}
    assert generator.layers_of("densely") == set()
