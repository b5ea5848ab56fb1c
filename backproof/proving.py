"""`prove`: closed form = derivation for one network, decided here, or by a checker, or by Coq."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from backproof.files import write_whole
from backproof.options import SpecOptions
from backproof.spec import resolve, resolve_network
from proofs.certificate import certificate, written
from proofs.checker import Refused, check
from proofs.closed_equals_derived import prove_network
from proofs.coq.network import network_file
from proofs.coq.tie import tie, tie_layer
from proofs.kernel.theorem import NotProved
from symbolic.derivation import derive
from symbolic.layer import Layer
from symbolic.network import Family

EXIT_STATUS: Final = {"equal": 0, "different": 1, "undecided": 4}


def run(spec: str, options: SpecOptions, *, certificate_to: Path | None, coq_to: Path | None) -> int:
    """Write what was asked for, or else print the proof or the first step that is not proved.

    Returns the exit code. A certificate is written once the checker accepts it.
    """
    if coq_to is not None:
        print(_write_coq(spec, options, coq_to))
    if certificate_to is not None:
        return _certify(spec, options, certificate_to)
    return EXIT_STATUS["equal"] if coq_to is not None else _decide(spec, options)


def _decide(spec: str, options: SpecOptions) -> int:
    try:
        print(prove_network(resolve_network(spec, options, command="prove")))
    except NotProved as failure:
        print(f"Not proved. {failure}")
        return EXIT_STATUS[failure.decision.answer]
    return EXIT_STATUS["equal"]


def _certify(spec: str, options: SpecOptions, path: Path) -> int:
    network = resolve_network(spec, options, command="prove --json")
    said = certificate(network, derive(network))
    try:
        bits = check(said)
    except (Refused, ZeroDivisionError) as refusal:
        print(f"Not proved: the checker refuses the certificate, as {refusal}; {path} is not written.")
        return EXIT_STATUS["undecided"]
    write_whole(path, written(said))
    count = len(said["gradient"])
    print(
        f"{path}: closed form = derivation for the {count} parameters of {network}; "
        f"the checker accepts it, a false one with a probability below 2^-{bits}."
    )
    return EXIT_STATUS["equal"]


def _write_coq(spec: str, options: SpecOptions, path: Path) -> str:
    """Lemmas for one network, or for open sizes those that tie the derivation to the theorem."""
    found = resolve(spec, options)
    if isinstance(found, Family | Layer):
        write_whole(path, tie(found) if isinstance(found, Family) else tie_layer(found))
        return f"{path} written; with proofs/coq compiled, check it with coqc -R proofs/coq Backproof {path}."
    network = resolve_network(spec, options, command="prove --coq")
    write_whole(path, network_file(network, derive(network)))
    return f"{path}: {network.parameter_count} lemmas, one for each parameter; check them with coqc {path}."
