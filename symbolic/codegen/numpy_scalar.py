"""A scalar formula as NumPy source that works entry by entry."""

from __future__ import annotations

from typing import Any, Final

import sympy as sp
from sympy.printing.numpy import NumPyPrinter

from symbolic.expressions import Expr
from symbolic.grammar.functions import FUNCTIONS

HELPERS: Final = {"erf": "_erf", "erfc": "_erfc"}  # not in NumPy: the module brings its own

LONG: Final = 10**6  # of a denominator


class _Printer(NumPyPrinter):  # type: ignore[misc]  # SymPy has no type information
    """NumPy source under the name `np`, with `np.where` and its kin for pieces."""

    def _module_format(self, fqn: str, *arguments: Any) -> str:
        return str(super()._module_format(fqn, *arguments)).replace("numpy.", "np.")

    def _print_Rational(self, node: Any) -> str:
        """p/q, or where that is long the float that Python would make of it."""
        return f"{node.p}/{node.q}" if node.q < LONG else repr(float(node))

    def parenthesize(self, item: Any, level: int, strict: bool = False) -> str:  # noqa: FBT001, FBT002
        """A long rational is written as one float, which needs no brackets."""
        is_float = isinstance(item, sp.Rational) and item.q >= LONG
        return self._print(item) if is_float else str(super().parenthesize(item, level, strict))

    def _print_Piecewise(self, node: Any) -> str:
        (value, condition), *rest = node.args
        known = _known(node)
        if known:
            name, arguments = known
            return f"np.{name}({', '.join(map(self._print, arguments))})"
        if not rest or condition == sp.true:
            return str(self._print(value))
        value = value.replace(sp.log, lambda inside: _guarded_log(inside, condition))
        otherwise = self._print(sp.Piecewise(*rest)) if rest[0][1] != sp.true else self._print(rest[0][0])
        return f"np.where({self._print(condition)}, {self._print(value)}, {otherwise})"

    def _print_Relational(self, node: Any) -> str:
        return f"{self._print(node.lhs)} {node.rel_op} {self._print(node.rhs)}"

    def _print_And(self, node: Any) -> str:
        return " & ".join(f"({self._print(part)})" for part in node.args)

    def _print_Or(self, node: Any) -> str:
        return " | ".join(f"({self._print(part)})" for part in node.args)

    def _print_Not(self, node: Any) -> str:
        return f"~({self._print(node.args[0])})"

    def _print_erf(self, node: Any) -> str:
        return f"{HELPERS['erf']}({self._print(node.args[0])})"

    def _print_erfc(self, node: Any) -> str:
        return f"{HELPERS['erfc']}({self._print(node.args[0])})"


def _guarded_log(inside: Expr, condition: Any) -> Expr:
    """The logarithm with log 1 where the condition does not hold: NumPy evaluates every piece everywhere."""
    safe = (
        inside
        if inside.is_positive or inside.has(sp.Piecewise)
        else sp.Piecewise((inside, condition), (1, True))
    )
    return sp.log(safe)


_KNOWN: Final = {"max": "maximum", "min": "minimum", "abs": "abs", "sign": "sign"}


def _known(node: Any) -> tuple[str, tuple[Expr, ...]] | None:
    """The NumPy function that a `Piecewise` of the table of functions is, with its arguments."""
    (value, condition), *rest = node.args
    if not rest or not isinstance(condition, sp.Rel):
        return None
    candidates = {
        (value, rest[-1][0]),
        (value,),
        (condition.lhs - condition.rhs,),
        (condition.rhs - condition.lhs,),
    }
    for name, numpy_name in _KNOWN.items():
        row = FUNCTIONS[name]
        for arguments in candidates:
            if len(arguments) == row.arity and row.build(*arguments) == node:
                return numpy_name, arguments
    return None


def scalar_source(formula: Expr) -> str:
    """NumPy source of a formula; its symbols are variables."""
    return str(_Printer().doprint(formula))


def binding(formula: Expr) -> int:
    """How tightly the outermost operation of the source binds: 1 for sums, 2 for products, 3 for powers, 4
    for the rest.
    """
    if formula.could_extract_minus_sign() or isinstance(formula, sp.Add):
        return 1
    if isinstance(formula, sp.Mul) or (isinstance(formula, sp.Rational) and not formula.is_Integer):
        return 2
    return 3 if isinstance(formula, sp.Pow) else 4
