"""Generated C on an emulated Cortex-M4F: it runs there, needs no doubles and no heap, and stays small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.embedded_size import (
    FORMS,
    SHAPES,
    TOOLCHAIN,
    compiled,
    footprint,
    network_of,
    run,
    started,
    text_of,
    write,
)
from symbolic.codegen.request import Form
from symbolic.codegen.targets import generate

pytestmark = pytest.mark.usefixtures("toolchain")


@pytest.fixture(scope="module")
def toolchain(require: Callable[[str], None]) -> None:
    for program in TOOLCHAIN:
        require(program)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_self_test_passes_on_the_device_and_little_memory_is_needed(shape: str, form: Form) -> None:
    found = footprint(shape, form)
    parameters = 4 * int(network_of(shape).parameter_count)
    assert found.forward < found.learning < 16_000
    assert found.work <= 2 * parameters  # less than the training step keeps anyway
    assert found.stack < 1_000 + parameters * (form == "straight-line")  # its values are local variables


def test_the_self_test_fails_on_the_device_where_a_value_is_wrong(tmp_path: Path) -> None:
    files = dict(generate(network_of("2-3-1"), "c", dtype="float32", name="net").files)
    files["net.c"] = files["net.c"].replace("tanhf(", "sinf(")
    write(files, tmp_path)
    compiled(tmp_path)
    with pytest.raises(AssertionError, match=r"qemu-system-arm.*: 1\n"):
        started(next(file for file in files if "test" in file), tmp_path)


@pytest.mark.parametrize("form", FORMS)
def test_single_precision_calls_nothing_but_single_precision(tmp_path: Path, form: Form) -> None:
    write(generate(network_of("8-16-4"), "c", dtype="float32", name="net", form=form).files, tmp_path)
    compiled(tmp_path)
    needed = run("arm-none-eabi-nm", "--undefined-only", "net.o", folder=tmp_path).split()[1::2]
    assert set(needed) <= {"tanhf", "expf", "fabsf", "memcpy", "memset"}  # no __aeabi_dmul, no malloc


def test_loops_do_not_grow_with_the_widths(tmp_path: Path) -> None:
    sizes = []
    for shape in ("8-16-4", "80-160-40"):
        write(generate(network_of(shape), "c", dtype="float32", name="net", form="loops").files, tmp_path)
        compiled(tmp_path)
        sizes.append(text_of("net.o", tmp_path))
    small, large = sizes
    assert large < 1.05 * small  # a wider constant may take a longer instruction
