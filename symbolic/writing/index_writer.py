"""How positions and conditions are written: s·q + d·k - p, [s | u + p - d·k], 0 ≤ i < n."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import sympy as sp

from symbolic.expressions import Expr
from symbolic.grammar.indices import Remainder
from symbolic.writing.index_form import facing, indices_in, is_whole, sided
from symbolic.writing.ordering import band, is_negative

if TYPE_CHECKING:
    from symbolic.writing.writer import Style


class IndexWriter:
    """Printing of whole numbers and of conditions; `_words` says where a definition names what first."""

    style: Style
    _print: Callable[[Any], str]
    _grouped: Callable[..., str]
    _words: Mapping[str, int]

    def _print_Holds(self, call: Expr) -> str:
        return self.style.bracket % self._print(call.args[0])

    def _print_Relational(self, condition: Any) -> str:
        if isinstance(condition.lhs, Remainder) and condition.rhs == 0:
            number, divisor = condition.lhs.args
            return self.style.divides % (self._whole(divisor), self._whole(number))
        if is_whole(condition):
            condition = facing(sided(condition))
            sign = self.style.relations.get(condition.rel_op, condition.rel_op)
            return f"{self._whole(condition.lhs)} {sign} {self._whole(condition.rhs)}"
        sign = self.style.relations.get(condition.rel_op, condition.rel_op)
        return f"{self._print(condition.lhs)} {sign} {self._print(condition.rhs)}"

    def _print_And(self, condition: Any) -> str:
        known = band(condition)
        if known is not None:
            return self._print(known)
        parts = [sided(part) for part in condition.args]
        lower = {part.lhs for part in parts if isinstance(part, sp.Ge) and is_whole(part)}
        upper = {part.lhs: part for part in parts if isinstance(part, sp.Lt) and part.lhs in lower}
        written = []
        for part in parts:
            if part.func in (sp.Ge, sp.Lt) and part.lhs in upper:
                if isinstance(part, sp.Ge):
                    written.append(self._between(part, upper[part.lhs]))
            else:
                written.append(self._grouped(part, sp.Or))
        return self.style.both.join(written)

    def _between(self, lower: Any, upper: Any) -> str:
        """c ≤ L < d."""
        inside = self._whole(lower.lhs)
        return f"{self._whole(lower.rhs)} {self.style.relations['<=']} {inside} < {self._whole(upper.rhs)}"

    def _print_Or(self, condition: Any) -> str:
        return self.style.either.join(self._grouped(part, sp.And) for part in condition.args)

    def _print_Not(self, condition: Any) -> str:
        return self.style.opposite + self._grouped(condition.args[0], sp.And, sp.Or)

    def _whole(self, expr: Expr) -> str:
        """A position such as s·q + d·k - p: its terms with an index first, in the order of the definition."""
        written = ""
        for term in sorted(sp.Add.make_args(expr), key=self._term_of_whole):
            negative = is_negative(term)
            factors = sorted(sp.Mul.make_args(-term if negative else term), key=self._factor_of_whole)
            part = self.style.times.join(self._grouped(f, sp.Add, Remainder) for f in factors)
            sign = self.style.minus if negative else "+" * bool(written)
            written += f" {sign} {part}" if written else sign + part
        return written

    def _term_of_whole(self, term: Expr) -> tuple[bool, bool, int, str]:
        """What is negative, what has no index, and entries come last."""
        named = indices_in(term)
        places = [self._words.get(index.name, -1) for index in named]
        last = max(self._words.values(), default=0) + 1
        return (
            is_negative(term),
            not named,
            last if term.has(sp.Indexed) else min(places, default=0),
            str(term),
        )

    def _factor_of_whole(self, factor: Expr) -> tuple[int, str]:
        """Numbers, options, indices, sizes."""
        is_size = isinstance(factor, sp.Symbol) and factor.name.startswith("N_")
        rank = 0 if factor.is_Number else 3 if is_size else 2 if indices_in(factor) else 1
        return rank, str(factor)

    def _print_Exactly(self, quotient: Expr) -> str:
        return self.style.inline_fraction % tuple(map(self._closed_whole, quotient.args))

    def _print_Quotient(self, quotient: Expr) -> str:
        return self.style.floor % (self.style.inline_fraction % tuple(map(self._closed_whole, quotient.args)))

    def _print_Remainder(self, remainder: Expr) -> str:
        return self.style.modulo % tuple(map(self._closed_whole, remainder.args))

    def _closed_whole(self, expr: Expr) -> str:
        is_one = expr.is_Symbol or isinstance(expr, sp.Indexed) or (expr.is_Integer and expr >= 0)
        return self._whole(expr) if is_one else self.style.group(self._whole(expr))
