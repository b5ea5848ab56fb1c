"""Names in a C file: each thing has one, and no two have the same."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from symbolic.codegen.names import identifier

OURS: Final = frozenset(
    (
        *("params", "grad", "work", "lam", "m", "v", "product", "error", "step", "stddef"),
        *("failed", "fill", "fill_whole", "is_near", "next_number"),  # the self-test's
    )
)
_LETTER: Final = re.compile("[A-HJ-Za-z]")  # I is a macro of <complex.h>


def words(text: str) -> str:
    """The identifier of a text; a letter stays as it is."""
    return text if _LETTER.fullmatch(text) else identifier(text, "c")


@dataclass(slots=True)
class Names:
    """Identifiers of one file, in the order in which they are asked for."""

    taken: set[str] = field(default_factory=lambda: set(OURS))
    given: dict[Hashable, str] = field(default_factory=dict)

    def of(self, thing: Hashable, wanted: str) -> str:
        """The identifier of a thing: the wanted one, numbered where it is taken."""
        if thing not in self.given:
            name, number = wanted, 1
            while name in self.taken:
                number += 1
                name = f"{wanted}_{number}"
            self.given[thing] = name
            self.taken.add(name)
        return self.given[thing]

    def of_user(self, thing: Hashable, text: str) -> str:
        """The identifier of what a user has named."""
        return self.of(thing, words(text))
