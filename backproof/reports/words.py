"""Words that every form of a report uses. What comes from a subject is data: nothing in it may steer."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

from backproof.report import Convention, Evidence, Explanation, Power, Sensitivity, counted
from symbolic.graph import Graph
from symbolic.network import Chain

WIDTH: Final = 100  # columns: what a terminal and a page beside code both have
LISTED: Final = 12  # names of a long list that are printed


def described(network: Chain | Graph) -> str:
    """A network in a few words."""
    return network.title if isinstance(network, Graph) else str(network)


def printable(text: str) -> str:
    r"""Text on one line, in which control characters and half surrogates are shown and do nothing.

    >>> printable("\x1b[2Jright")
    '\\x1b[2Jright'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def cut(names: Sequence[str], most: int = LISTED) -> str:
    """The names with commas; the end of a long list is counted.

    >>> cut(["a", "b", "c", "d"], most=2)
    'a, b and 2 more'
    """
    left = len(names) - most
    return ", ".join(names) if left <= 0 else f"{', '.join(names[:most])} and {left} more"


def wrapped(text: str, indent: str = "") -> list[str]:
    """Lines of at most WIDTH columns; those after the first stand two columns in."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def explained(found: Explanation) -> str:
    """What is wrong, where, and what that rests on."""
    entries, networks = counted_entries(found.entries), counted(found.networks, "network")
    constants = f", with {', '.join(found.constants)}" if found.constants else ""
    return f"{found.bug} in {', '.join(found.parameters)}{constants} ({entries}, on {networks})"


def counted_entries(entries: int) -> str:
    """All of the entries that were counted."""
    return "the one counted entry" if entries == 1 else f"all {entries} counted entries"


def factors(convention: Convention) -> str:
    """The factors of the data term and of the penalty, told once where they are the same."""
    if convention.data == convention.penalty == "1":
        return ""
    if convention.data == convention.penalty:
        return f"its gradient is the derived one times {convention.data}"
    return f"its gradient has the data term times {convention.data}, the penalty times {convention.penalty}"


def powered(power: Power) -> str:
    """How many of the wrong formulas would have been seen; what is the same formula is not wrong."""
    all_ = len(power.seen) + len(power.not_seen) + len(power.undecided)
    return f"{len(power.seen)} of {counted(all_, 'wrong formula')} would have been seen"


def unseen(power: Power) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The formulas that were not seen, by what is known of them."""
    rows = (
        ("the same formula here", power.same),
        ("not seen", power.not_seen),
        ("undecided", power.undecided),
    )
    return tuple((title, names) for title, names in rows if names)


def sensed(sensitivity: Sensitivity) -> str:
    """The smallest errors that would have been seen."""
    return (
        f"an error of {sensitivity.half:.0e} would have been seen in half of the entries, "
        f"{sensitivity.most:.0e} in 99 %"
    )


def compared(evidence: Evidence) -> str:
    """What was compared, up to which sizes, and how close it came."""
    if not evidence.entries:
        return "nothing was compared"
    return (
        f"compared: {counted(evidence.entries, 'value')} at {counted(evidence.points, 'point')} of "
        f"{counted(evidence.networks, 'network')}, up to {counted(evidence.layers, 'layer')}, "
        f"{counted(evidence.units, 'unit')} and {counted(evidence.samples, 'sample')}, "
        f"in {evidence.precision}; largest error where they agree: {evidence.error:.1g} of the bound"
    )


def uncounted(evidence: Evidence) -> tuple[str, ...]:
    """What was seen and is no evidence."""
    grey = (("between the bound of what is right and that of what is wrong", evidence.grey),)
    rows = (*evidence.not_counted, *(grey if evidence.grey else ()))
    return tuple(f"not counted: {counted(number, 'value')} {why}" for why, number in rows)
