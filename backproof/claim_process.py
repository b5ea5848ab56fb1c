"""The process in which a claim is judged: JSON comes in, a line of JSON goes out for each thing found.

A claim may blow up, as 9**9**9 does, where no deadline is looked at. So it is judged in a process with little
memory, which an alarm ends, and every line is written as soon as it is known.

    python -m backproof.claim_process < request.json
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final, TypeAlias

from proofs.claims.counterexamples import small_counterexample
from proofs.claims.every_size import for_every_size
from proofs.claims.formula import Claim
from proofs.claims.given import Given
from proofs.claims.given_toml import conventions_from
from proofs.claims.judging import Judgement, judge
from proofs.claims.latex import Reading, readings
from proofs.claims.nearest import Nearest, nearest
from proofs.claims.parsing import parse_claims
from proofs.claims.shapes import mismatches, true_where
from proofs.claims.writing import claim_latex, claim_text
from symbolic.errors import BackproofError

MEMORY: Final = 2_000_000_000  # bytes
FRAMES: Final = 20_000  # a sum of a thousand terms is a thousand deep
GRACE: Final = 0.5  # seconds after the deadline, which is looked at between two steps
SEARCH: Final = 2.0  # seconds for the nearest true formula
LIFT: Final = 2.0  # seconds for the proof that a true claim is true for every size
EXPLAINED: Final = ("false", "ill-formed")
Work: TypeAlias = tuple[str, str, Claim, Given]
Lines: TypeAlias = Iterator[dict[str, Any]]


def main() -> None:
    """Judge the claim of a request: `formula`, `given` (TOML), `source`, `latex`, `seconds`."""
    with suppress(OSError, ValueError):  # where the system has no limits, or stricter ones
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    sys.setrecursionlimit(FRAMES)
    request = json.load(sys.stdin)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which ends the process, whatever it computes
    signal.setitimer(signal.ITIMER_REAL, request["seconds"] + GRACE)
    for line in lines(request):
        print(json.dumps(line), flush=True)


def lines(request: Mapping[str, Any]) -> Lines:
    """What is found, as soon as it is: why a request is refused; or the work, then by its number each answer,
    what explains those that are not true, and which of the others are so for every size.
    """
    deadline = time.monotonic() + request["seconds"]
    try:
        conventions = conventions_from(request["given"], source=request["source"])
        work = _work(request["formula"], conventions, latex=request["latex"])
    except BackproofError as error:
        yield {"refused": str(error)}
        return
    yield {"work": [_named(*each) for each in work]}
    answers = []
    for number, (_, _, claim, given) in enumerate(work):
        left = (deadline - time.monotonic()) / (len(work) - number)
        found = _judged(claim, given, max(0.0, left))
        answers.append(found)
        yield {"number": number, **_answer(found, given)}
    fitting = [each[0] for each, found in zip(work, answers, strict=True) if found.answer != "ill-formed"]
    wrong = [number for number, found in enumerate(answers) if found.answer in EXPLAINED]
    for done, number in enumerate(wrong):
        left = (deadline - time.monotonic()) / (len(wrong) - done)
        explained = work[number][0] in fitting or not fitting  # of several readings, those whose shapes fit
        yield from _explanation(number, work[number], answers[number], left, near=explained)
    for number, found in enumerate(answers):
        if found.answer == "true":
            yield from _for_every_size(number, work[number], found, deadline)


def _explanation(number: int, work: Work, found: Judgement, seconds: float, *, near: bool) -> Lines:
    """What is wrong with a claim that is not true, and what is `near` it and true."""
    _, _, claim, given = work
    if found.answer == "ill-formed":
        yield {"number": number, **_misfits(claim, given, found, seconds)}
    else:
        yield {"number": number, **_counterexample(claim, given, found, seconds)}
    if near:
        true = nearest(claim, given, seconds=min(SEARCH, seconds / 2))
        yield {"number": number, "nearest": [_near(each, given) for each in true]}


def _for_every_size(number: int, work: Work, true: Judgement, deadline: float) -> Lines:
    """What becomes of a claim that is true for the sizes that were tried, where others are looked at."""
    _, _, claim, given = work
    left = deadline - time.monotonic()
    found = true
    with suppress(RecursionError, MemoryError, ArithmeticError, ValueError):  # the answer stays
        found = for_every_size(claim, given, true, seconds=min(LIFT, left / 2))
    if found is not true:
        yield {"number": number, **_answer(found, given)}
    if found.answer == "false":
        yield from _explanation(number, work, found, deadline - time.monotonic(), near=False)


def _work(formula: str, conventions: Mapping[str, Given], *, latex: bool) -> list[Work]:
    """Every equation of every reading, in every convention, both with what they are called."""
    found = []
    for convention, given in conventions.items():
        read = readings(formula, given) if latex else (Reading("", parse_claims(formula)),)
        found += [(each.words, convention, claim, given) for each in read for claim in each.claims]
    return found


def _named(words: str, convention: str, claim: Claim, given: Given) -> dict[str, str]:
    return {"reading": words, "convention": convention, "claim": claim_text(claim)}


def _judged(claim: Claim, given: Given, seconds: float) -> Judgement:
    try:
        return judge(claim, given, seconds=seconds)
    except RecursionError:
        return Judgement("undecided", "definitions go round in a circle, or the formula is nested too deep")
    except MemoryError:
        return Judgement("undecided", f"it takes more than {MEMORY // 10**6:,} MB of memory")
    except (ArithmeticError, ValueError) as error:
        return Judgement("undecided", f"it cannot be computed: {error}")


def _answer(found: Judgement, given: Given) -> dict[str, Any]:
    return {
        "answer": found.answer,
        "reason": found.reason,
        "marks": [] if found.at is None else [[found.at, found.reason]],
        "tried": found.tried,
        "scope": found.scope,
        "sizes": "every" if found.every_size else list(map(dict, found.sizes)),
        "depth": given.depth if any(array.layers for array in given.arrays.values()) else None,
        "assumptions": list(found.assumptions),
        "if_square": found.if_square,
    }


def _misfits(claim: Claim, given: Given, found: Judgement, seconds: float) -> dict[str, Any]:
    """Every mismatch; where a claim is true for equal sizes, which these are."""
    marks = [list(mark) for mark in mismatches(claim, given)]
    where = true_where(claim, given, seconds=seconds / 2) if found.if_square == "true" else ""
    return {"true_where": where, **({"marks": marks} if marks else {})}


def _counterexample(claim: Claim, given: Given, found: Judgement, seconds: float) -> dict[str, Any]:
    sizes = found.counterexample.sizes if found.counterexample else None
    small = small_counterexample(claim, given, seconds=seconds / 4, sizes=sizes)
    return {} if small is None else {"counterexample": {**asdict(small), "entry": list(small.entry)}}


def _near(near: Nearest, given: Given) -> dict[str, str]:
    return {
        "claim": claim_text(near.claim),
        "latex": claim_latex(near.claim, given),
        "error_class": near.error_class,
        "words": near.words,
    }


if __name__ == "__main__":
    main()
