"""What a proof for one network costs: a certificate and its check, a Coq file, beside sympy.simplify.

    python -m benchmarks.proving [--limit SECONDS] [--only certificates coq theorem]

sympy.simplify is given the same identities, closed form − derivation of one sample for every parameter, one
after the other in a process that ends after the limit; it has decided those that it has made 0 by then.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import sympy as sp

import proofs
from proofs.certificate import certificate, written
from proofs.checker import check
from proofs.closed_equals_derived import closed_form_theorem
from proofs.coq.network import network_file
from symbolic.derivation import derive
from symbolic.errors import Unsupported
from symbolic.network import Network, mlp

CERTIFIED: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("2-3-1", {"hidden": "tanh"}),
    ("3-4-2", {"hidden": "sigmoid", "output": "softmax", "loss": "cross-entropy"}),
    ("4-8-8-3", {"hidden": "tanh"}),
    ("4-8-8-3", {"hidden": "tanh", "output": "softmax", "loss": "cross-entropy"}),
)
IN_COQ: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("1-2-1", {}),
    ("2-3-1", {"loss": "E", "output": "g"}),
    ("2-3-1", {"hidden": "tanh"}),
    ("3-4-2", {"hidden": "sigmoid", "output": "tanh", "l2": "lambda/m"}),
    ("2-2-2-1", {"hidden": "softplus", "bias": False}),
    ("2-3-2", {"hidden": "relu", "output": "softmax", "loss": "cross-entropy"}),
    ("2-3-1", {"hidden": "gelu", "output": "sigmoid", "loss": "binary-cross-entropy"}),
    ("2-3-1", {"hidden": "hardtanh", "loss": "huber"}),
)


def main() -> None:
    """Print the tables that were asked for."""
    tables: dict[str, Callable[[float], None]] = {
        "certificates": certificates,
        "coq": coq,
        "theorem": theorem,
    }
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--limit", type=float, default=60, help="seconds for sympy.simplify on each network")
    parser.add_argument("--only", nargs="+", choices=tables, default=list(tables))
    given = parser.parse_args()
    for name in given.only:
        tables[name](given.limit)


def certificates(limit: float) -> None:
    """Seconds to derive and write a certificate, to check it, and what sympy.simplify does meanwhile."""
    print(f"{'network':58} {'parameters':>10} {'write':>7} {'check':>7}  sympy.simplify in {limit:.0f} s")
    for sizes, options in CERTIFIED:
        network = built(sizes, options)
        written_in, text = timed(lambda network=network: written(certificate(network, derive(network))))
        checked_in, _ = timed(lambda text=text: check(json.loads(text)))
        count = network.parameter_count
        simplified = f"{by_simplify(network, limit)}/{count}"
        print(f"{network!s:58} {count:10} {written_in:7.2f} {checked_in:7.2f}  {simplified}")


def by_simplify(network: Network, limit: float) -> int:
    """How many of the identities sympy.simplify reduces to 0 within the limit."""
    decided = multiprocessing.Value("i", 0)
    process = multiprocessing.Process(target=_simplify, args=(network, decided))
    process.start()
    process.join(limit)
    process.kill()
    process.join()
    return int(decided.value)


def _simplify(network: Network, decided: Any) -> None:
    try:
        steps = closed_form_theorem(network).steps
    except Unsupported:  # its closed forms are beyond what is written out
        return
    for step in steps:
        sample = (step.left - step.right).replace(sp.Sum, lambda summand, *limits: summand)
        decided.value += sp.simplify(sample) == 0


def coq(limit: float) -> None:
    """Seconds that coqc takes for the lemmas of one network."""
    print(f"{'network':58} {'lemmas':>10} {'coqc':>7} {'each':>7}")
    for sizes, options in IN_COQ:
        network = built(sizes, options)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "N.v").write_text(network_file(network, derive(network)), encoding="utf-8")
            seconds, _ = timed(lambda folder=folder: coqc(folder, "N.v"))
        count = int(network.parameter_count)
        print(f"{network!s:58} {count:10} {seconds:7.2f} {seconds / count:7.2f}")


def theorem(limit: float) -> None:
    """Seconds that coqc takes for the theorem for every network."""
    sources = Path(proofs.__file__).parent / "coq"
    listed = (sources / "_CoqProject").read_text(encoding="utf-8").split()
    with tempfile.TemporaryDirectory() as folder:
        for file in sources.glob("*.v"):
            shutil.copy(file, folder)
        names = [name for name in listed if name.endswith(".v")]
        seconds, _ = timed(lambda: [coqc(folder, "-R", ".", "Backproof", name) for name in names])
    print(f"the theorem, {len(names)} files: {seconds:.1f} s")


def coqc(folder: str, *arguments: str) -> None:
    subprocess.run(
        ["coqc", "-q", "-w", "-ambiguous-paths", *arguments],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def built(sizes: str, options: dict[str, Any]) -> Network:
    network = mlp(sizes, **options)
    assert isinstance(network, Network)
    return network


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
