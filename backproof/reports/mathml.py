"""LaTeX of ours as MathML, which a page shows without fonts or scripts of its own."""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markupsafe import Markup

_NAMESPACE: Final = "{http://www.w3.org/1998/Math/MathML}"
_ELEMENTS: Final = frozenset(
    (
        *("math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot"),
        *("msub", "msup", "msubsup", "munder", "mover", "munderover"),
        *("mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom", "menclose"),
    )
)
_LINKS: Final = frozenset(("href", "src", "style", "class", "id"))


def mathml(latex: str) -> Markup | None:
    """The formula, set apart; None where the converter does not know all of it.

    What it wrote is looked through: only elements of MathML, no links, no styles, no command left over.
    """
    try:
        written = convert(latex, display="block")
        elements = list(ElementTree.fromstring(written).iter())
    except Exception:  # it has some ten kinds, IndexError among them; the text form is there
        return None
    return Markup(written) if latex and all(map(_is_plain, elements)) else None


def _is_plain(element: ElementTree.Element) -> bool:
    known = element.tag.removeprefix(_NAMESPACE) in _ELEMENTS
    steers = any(name in _LINKS or name.startswith(("on", "{")) for name in element.attrib)
    return known and not steers and "\\" not in (element.text or "")
