"""How objects show themselves in Jupyter."""

from __future__ import annotations


class ShowsLatex:
    """What shows its formulas, typeset, as the last line of a cell."""

    __slots__ = ()

    def _repr_latex_(self) -> str:
        from symbolic.writing.latex import (
            repr_latex,  # the writer knows these classes; they need not know it before
        )

        return repr_latex(self)  # type: ignore[arg-type]  # its three kinds are the subclasses of this
