"""What a network takes of a microcontroller: generated C for a Cortex-M4F, compiled for size, run under qemu.

    python -m benchmarks.embedded_size

Tanh, half-squared error, float32. Code and constants in bytes: of the whole object, all functions for one
sample and for batches; and linked with newlib's libm, of what `forward` needs alone and of what
`loss_and_gradient` needs. RAM of a step of learning: parameters and gradient, one sample, the work array, and
the stack that a call was seen to use, libm's included. The self-test of each ran before on that machine.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from symbolic.codegen.request import Form
from symbolic.codegen.targets import generate
from symbolic.network import Network, mlp

SHAPES = ("2-3-1", "8-16-4")
FORMS: tuple[Form, ...] = tuple(form for form in get_args(Form) if form != "blocks")  # these are for SIMD
HERE = Path(__file__).parent / "embedded"
TOOLCHAIN = ("arm-none-eabi-gcc", "qemu-system-arm")
MACHINE = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wdouble-promotion", "-Werror")
SIZE = ("-Os", "-ffunction-sections", "-fdata-sections")
FIRMWARE = ("--specs=rdimon.specs", "-nostartfiles", "-Wl,--gc-sections", "-T", str(HERE / "mps2.ld"))
QEMU = (
    *("qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none"),
    *("-semihosting-config", "enable=on,target=native", "-kernel"),
)
PATIENCE = 60  # seconds


@dataclass(frozen=True)
class Footprint:
    """Bytes."""

    everything: int
    forward: int
    learning: int
    work: int
    stack: int


def network_of(shape: str) -> Network:
    network = mlp(shape, hidden="tanh")
    assert isinstance(network, Network)
    return network


def run(*command: str, folder: Path) -> str:
    """Its standard output. Raises AssertionError, which shows what it wrote, where it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def write(files: Mapping[str, str], folder: Path) -> None:
    for name, text in files.items():
        Path(folder, name).write_text(text, encoding="utf-8")


def compiled(folder: Path) -> None:
    """net.o of net.c, without a warning."""
    run(TOOLCHAIN[0], *MACHINE, *STRICT, *SIZE, "-c", "net.c", "-o", "net.o", folder=folder)


def started(main: str, folder: Path) -> str:
    """What a program with net.o writes on the emulated machine."""
    sources = (main, str(HERE / "startup.c"), "net.o")
    options = (*MACHINE, "-std=gnu99", "-Os", "-I.", *FIRMWARE)
    run(TOOLCHAIN[0], *options, *sources, "-lm", "-o", "firmware.elf", folder=folder)
    return run(*QEMU, "firmware.elf", folder=folder)


def text_of(file: str, folder: Path) -> int:
    """Bytes of code and constants, as `size` counts them."""
    return int(run("arm-none-eabi-size", file, folder=folder).splitlines()[1].split()[0])


def linked(function: str, folder: Path) -> int:
    """Bytes of code and constants that a function needs, libm's included."""
    entry = ("-nostartfiles", "--specs=nosys.specs", "-Wl,--gc-sections", f"-Wl,-e,{function}")
    run(TOOLCHAIN[0], *MACHINE, *entry, "net.o", "-lm", "-o", "function.elf", folder=folder)
    return text_of("function.elf", folder)


def footprint(shape: str, form: Form) -> Footprint:
    """Of a network in a form, after its self-test passed on the emulated machine."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = generate(network_of(shape), "c", dtype="float32", name="net", form=form).files
        write(files, folder)
        compiled(folder)
        started(next(file for file in files if file not in ("net.c", "net.h")), folder)
        work, stack = map(int, started(str(HERE / "probe.c"), folder).split())
        forward, learning = (linked(f"net_{name}", folder) for name in ("forward", "loss_and_gradient"))
        return Footprint(text_of("net.o", folder), forward, learning, work, stack)


def main() -> None:
    head = ("network", "form", "object", "forward", "loss_and_gradient", "parameters", "gradient", "sample")
    print(f"| {' | '.join((*head, 'work', 'stack', 'RAM'))} |\n{'|---' * (len(head) + 3)}|")
    for shape in SHAPES:
        network = network_of(shape)
        parameters = 4 * int(network.parameter_count)
        sample = 4 * int(network.inputs + network.sizes[-1])
        for form in FORMS:
            found = footprint(shape, form)
            code = (found.everything, found.forward, found.learning)
            memory = (parameters, parameters, sample, found.work, found.stack)
            row = (f"{each:,}" for each in (*code, *memory, sum(memory)))
            print(f"| {shape} | {form} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
