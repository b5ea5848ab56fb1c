r"""LaTeX before it is parsed, and the names, places and ranges that its tokens hold.

What stands around a formula ($…$, aligned, a full stop) is blanked, and the bars of |x| and \|x\|, which open
and close alike, become brackets: a character for a character, so that places in the text stay what they are.
"""

from __future__ import annotations

import re
from itertools import cycle
from typing import Final

from proofs.claims.formula import Place, Range

PLACE: Final = r"(\\?[A-Za-zα-ωΑ-Ω]+|[0-9]+)(?:([-+])([0-9]+))?"
FULL_PLACE: Final = re.compile(PLACE)
LAYERED_SIZE: Final = re.compile(r"([A-Za-z])[_^]\{?[\[(]?" + PLACE + r"[\])]?\}?")
GREEK: Final = re.compile(
    "(var)?(alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon"
    "|phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega)|ell"
)
ACCENTS: Final = {"hat": "hat", "widehat": "hat", "tilde": "tilde", "widetilde": "tilde"} | {
    "bar": "bar",
    "overline": "bar",
    "mathcal": "cal",
    "mathscr": "cal",
}
WRAPPED: Final = (
    re.compile(
        r"\\(begin|end)\s*\{(equation|align|aligned|split|gather|gathered)\*?\}"
        r"|\\(label|tag)\s*\{[^{}]*\}|\\(nonumber|notag)(?![A-Za-z])"
        r"|(?<!\\)\$\$?|(?<!\\)\\[\[\]()]"
        r"|\\\\\s*&(\s|\\q?quad(?![A-Za-z]))*(?=[-+])|\\\\(?=\s*&?\s*(:?=|\\equiv))|&(?=\s*(:?=|\\equiv))"
    ),
    re.compile(r"(\\\\|[.,;])\s*$"),
)
BARS: Final = ((re.compile(r"\\\|"), "⟪ ", "⟫ "), (re.compile(r"\|"), "⦃", "⦄"))


def prepared(text: str) -> str:
    """A text of the same length without what stands around the formula, with brackets for bars."""
    for pattern in WRAPPED:
        text = pattern.sub(lambda found: " " * len(found[0]), text)
    for pattern, opens, closes in BARS:
        bars = cycle((opens, closes))
        text = pattern.sub(lambda found, bars=bars: next(bars), text)  # type: ignore[misc]  # bound at once
    return text


def name_in(latex: str) -> str:
    r"""`\sigma` is sigma, `\hat{\mathbf y}` is yhat, `\mathrm{MSE}` is MSE, `\mathcal{L}` is Lcal."""
    *commands, base = re.findall(r"\\?[A-Za-zα-ωΑ-Ω0-9_]+", latex)
    accent = next((ACCENTS[each[1:]] for each in commands if each[1:] in ACCENTS), "")
    name: str = base.removeprefix("\\").removeprefix("var") + accent
    return name


def range_in(text: str) -> Range:
    r"""`l = 1, \dots, L`, `l \in \{1, \dots, L\}`, `1 \le l \le L` or `l = L-1, L-2, \dots, 1`."""
    place = r"([A-Za-z0-9](?:\s*[-+]\s*[0-9]+)?)"
    found = re.search(
        rf"([A-Za-z])\s*(?:=|\\in\s*(?:\\\{{)?)\s*{place}\s*,.*,\s*{place}[^,]*$", text, re.DOTALL
    )
    if found is None:
        between = re.search(rf"{place}\s*(\\leq?|<)\s*([A-Za-z])\s*(\\leq?|<)\s*{place}[^,]*$", text)
        assert between, "the grammar says so"
        first, below, name, above, last = between.groups()
        start, end = place_of(first), place_of(last)
        return Range(name, moved(start, below == "<"), moved(end, -(above == "<")))
    first_place, last_place = place_of(found[2]), place_of(found[3])
    if first_place.name is not None and last_place.name is None:  # backwards
        first_place, last_place = last_place, first_place
    return Range(found[1], first_place, last_place)


def moved(place: Place, step: int) -> Place:
    """A place a few further."""
    return Place(place.name, place.offset + step, place.layer)


def place_of(text: str) -> Place:
    """A place by its text: l, l+1, 3. Raises ValueError."""
    plain = bare(text)
    found = FULL_PLACE.fullmatch(plain)
    if found is None:
        size = LAYERED_SIZE.fullmatch(plain)
        if size is None:
            raise ValueError(plain)
        return Place(size[1], 0, made_place(*size.groups()[1:]))
    return made_place(*found.groups())


def made_place(name: str, sign: str | None, step: str | None) -> Place:
    """A place from its parts: `l`, `+`, `1`."""
    offset = int(f"{sign or '+'}{step or 0}")
    return Place(None, int(name) + offset) if name.isdigit() else Place(name_in(name), offset)


def bare(script: str) -> str:
    """A script without its sign, braces and spaces."""
    apart = re.sub(r"(\\[A-Za-z]+)\s+(?=[A-Za-z])", r"\1~", script.lstrip("_^"))  # \mu z is not \muz
    text = re.sub(r"\\[,;:! ]|\s|\\left|\\right", "", apart)
    return text[1:-1] if text.startswith("{") and text.endswith("}") else text
