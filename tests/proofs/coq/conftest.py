"""What the tests of the theorem and of the tie share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.coq_files import Compiled, compiled_in


@pytest.fixture(scope="session")
def compiled(require: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    require("coqc")
    return compiled_in(tmp_path_factory.mktemp("coq"))
