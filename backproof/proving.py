"""`prove`: the theorem that closed form and derivation agree, for one network."""

from __future__ import annotations

from typing import Final

from backproof.options import SpecOptions
from backproof.spec import resolve_network
from proofs.closed_equals_derived import prove_network
from proofs.theorem import NotProved

EXIT_STATUS: Final = {"equal": 0, "different": 1, "undecided": 4}


def run(spec: str, options: SpecOptions) -> int:
    """Print the proof, or the first step that is not proved; returns the exit code."""
    try:
        print(prove_network(resolve_network(spec, options, command="prove")))
    except NotProved as failure:
        print(f"Not proved. {failure}")
        return EXIT_STATUS[failure.decision.answer]
    return EXIT_STATUS["equal"]
