"""A scalar formula as source that works entry by entry on arrays of NumPy, JAX or PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import sympy as sp
from sympy.printing.numpy import NumPyPrinter
from sympy.printing.pycode import PythonCodePrinter

from symbolic.codegen.arrays.dialect import NUMPY, Dialect
from symbolic.expressions import Expr
from symbolic.grammar.functions import FUNCTIONS

Calls = Callable[[Any, Callable[[Any], str]], str]

LONG: Final = 10**6  # of a denominator
HUGE: Final = 2**53  # a whole number that is written as a float
LARGEST: Final = {"float64": 1e308, "float32": 1e38}


class _Printer(NumPyPrinter):  # type: ignore[misc]  # SymPy has no type information
    """Source with `where` and its kin for pieces; undefined functions are written by `calls`, which is given
    the node and how its arguments are written.
    """

    def __init__(self, dialect: Dialect, calls: Calls | None = None) -> None:
        super().__init__()
        self.dialect = dialect
        self.calls = calls

    def _module_format(self, fqn: str, *arguments: Any) -> str:
        return str(super()._module_format(fqn, *arguments)).replace("numpy.", f"{self.dialect.np}.")

    def _print(self, node: Any, **options: Any) -> Any:
        """Constants such as sqrt(2) are numbers of Python, which take the precision of what they meet."""
        if isinstance(node, sp.Expr) and node.is_number and not node.is_Rational:
            return number_source(node)
        return super()._print(node, **options)

    def _print_Integer(self, node: Any) -> str:
        if abs(node.p) < HUGE:
            return str(node.p)
        return repr(max(-LARGEST[self.dialect.dtype], min(float(node), LARGEST[self.dialect.dtype])))

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
            return self._called(*known)
        if not rest or condition == sp.true:
            return str(self._print(value))
        value = value.replace(sp.log, lambda inside: _guarded_log(inside, condition))
        otherwise = sp.Piecewise(*rest) if rest[0][1] != sp.true else rest[0][0]
        sides = self._print(condition), self._print(value), self._print(otherwise)
        if value.is_number and otherwise.is_number:
            like = min(
                (str(symbol) for symbol in condition.free_symbols if not symbol.is_integer), default=""
            )
            return self.dialect.pieces(sides[0], sides[1], sides[2], like)
        return f"{self.dialect.np}.where({', '.join(sides)})"

    def _called(self, name: str, arguments: tuple[Expr, ...]) -> str:
        sources = [self._print(argument) for argument in arguments]
        if len(arguments) == 1:
            return f"{self.dialect.np}.{name}({sources[0]})"
        first, second = sources
        left, right = (bool(argument.is_number) for argument in arguments)
        return self.dialect.pair(name, first, second, (left, right))

    def _print_Relational(self, node: Any) -> str:
        return f"{self._print(node.lhs)} {node.rel_op} {self._print(node.rhs)}"

    def _print_And(self, node: Any) -> str:
        return " & ".join(f"({self._print(part)})" for part in node.args)

    def _print_Or(self, node: Any) -> str:
        return " | ".join(f"({self._print(part)})" for part in node.args)

    def _print_Not(self, node: Any) -> str:
        return f"~({self._print(node.args[0])})"

    def _print_erf(self, node: Any) -> str:
        return f"{self.dialect.texts['erf']}({self._print(node.args[0])})"

    def _print_erfc(self, node: Any) -> str:
        return f"{self.dialect.texts['erfc']}({self._print(node.args[0])})"

    def _print_Quotient(self, node: Any) -> str:
        return self._divided("//", node)

    def _print_Remainder(self, node: Any) -> str:
        return self._divided("%", node)

    def _divided(self, sign: str, node: Any) -> str:
        left, right = (self._print(side) if side.is_Atom else f"({self._print(side)})" for side in node.args)
        return f"({left} {sign} {right})"

    def _print_AppliedUndef(self, node: Any) -> str:
        assert self.calls is not None, f"{node} has no numbers"
        return self.calls(node, self._print)


@cache
def number_source(number: Expr) -> str:
    """Source of a formula in numbers, by the standard library."""
    return str(PythonCodePrinter().doprint(number))


def _guarded_log(inside: Expr, condition: Any) -> Expr:
    """The logarithm with log 1 where the condition does not hold: every piece is evaluated everywhere."""
    safe = (
        inside
        if inside.is_positive or inside.has(sp.Piecewise)
        else sp.Piecewise((inside, condition), (1, True))
    )
    return sp.log(safe)


_KNOWN: Final[Mapping[str, str]] = {"max": "maximum", "min": "minimum", "abs": "abs", "sign": "sign"}


@cache
def _known(node: Any) -> tuple[str, tuple[Expr, ...]] | None:
    """The function that a `Piecewise` of the table of functions is, with its arguments."""
    (value, condition), *rest = node.args
    if not rest or not isinstance(condition, sp.Rel):
        return None
    candidates = {
        (value, rest[-1][0]),
        (value,),
        (condition.lhs - condition.rhs,),
        (condition.rhs - condition.lhs,),
    }
    for name, array_name in _KNOWN.items():
        row = FUNCTIONS[name]
        for arguments in candidates:
            if len(arguments) == row.arity and row.build(*arguments) == node:
                return array_name, arguments
    return None


def scalar_source(formula: Expr, dialect: Dialect = NUMPY, calls: Calls | None = None) -> str:
    """Source of a formula; its symbols are variables."""
    return str(_Printer(dialect, calls).doprint(formula))


def binding(formula: Expr) -> int:
    """How tightly the outermost operation of the source binds: 1 for sums, 2 for products, 3 for powers, 4
    for the rest.
    """
    if formula.could_extract_minus_sign() or isinstance(formula, sp.Add):
        return 1
    if isinstance(formula, sp.Mul) or (isinstance(formula, sp.Rational) and not formula.is_Integer):
        return 2
    return 3 if isinstance(formula, sp.Pow) else 4
