"""The kernel does not depend on which integers SymPy computes with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SELECTION = "test_proves_equal or test_equal_for_every_size or test_what_follows or test_equal_sides"
FILES = ("test_normal_form.py", "test_index_form.py", "test_relations.py", "test_exact.py")


def test_the_kernel_with_pythons_integers() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", SELECTION]
    environment = {**os.environ, "SYMPY_GROUND_TYPES": "python"}
    script = "import sympy; assert sympy.polys.domains.ZZ.of_type(1), sympy.polys.domains.ZZ"
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    files = [str(HERE / name) for name in FILES]
    done = subprocess.run(
        [*command, *files], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
