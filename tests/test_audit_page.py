"""docs/audit.md is what its generator writes; --rewrite-golden writes it anew."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from proofs.published.audit import stored

DOCS = Path(__file__).parents[1] / "docs"


def test_page_of_the_audit_is_what_the_generator_writes(request: pytest.FixtureRequest) -> None:
    spec = spec_from_file_location("generate_audit", DOCS / "generate_audit.py")
    assert spec is not None
    assert spec.loader is not None
    generator = module_from_spec(spec)
    spec.loader.exec_module(generator)
    page = generator.page()
    if request.config.getoption("--rewrite-golden"):
        (DOCS / "audit.md").write_text(page, encoding="utf-8")
    assert page == (DOCS / "audit.md").read_text(encoding="utf-8")
    assert all(row["id"] in page for row in stored())
