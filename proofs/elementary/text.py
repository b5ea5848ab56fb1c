"""Reads the straight-line C of the elementary functions and runs it over any numbers.

The text is what a generated file holds. Besides declarations, copies of bits and calls it has assignments of
arithmetic, which C and Python write and group alike: Python's own parser reads them. Numbers are floats of a
machine, numbers with error bounds, or polynomials: whatever the given Numbers make of literals and choices.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol

from symbolic.codegen.c.elementary import ROWS, elementary
from symbolic.codegen.request import Dtype

OPERATIONS: Final[dict[type[ast.AST], Callable[..., Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.And: operator.and_,
    ast.USub: operator.neg,
    ast.Lt: operator.lt,
    ast.Gt: operator.gt,
    ast.Eq: operator.eq,
}
FUNCTION: Final = re.compile(
    r"^INLINE \w+ (\w+)\(real (\w+)[^)]*\)\n\{\n(.*?)\n\}$", re.DOTALL | re.MULTILINE
)
ASSIGNED: Final = re.compile(r"(?:const )?(?:real |uint\d+_t )?(\w+)(?:\[\w+\])? (\+?)= (.*)")
COPIED: Final = re.compile(r"memcpy\(&(\w+), &(\w+), sizeof \w+\)")
DECLARED: Final = re.compile(r"(?:(?:real|uint\d+_t) \w+)?")
CALLED: Final = re.compile(r"(\w+)\((.*), &(\w+), &(\w+)\)")
CHOICE: Final = re.compile(r"(.*) \? (.*) : (.*)")
CHOSEN_ARGUMENT: Final = re.compile(r"(\w+)\((.* \? .*)\)")
COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
LITERAL: Final = re.compile(r"\b(0x[0-9a-f]+|[0-9][0-9.]*(?:e[-+]?\d+)?)(?:ull|u|f)?\b")
TYPES: Final = re.compile(r"\((?:void|real|uint\d+_t)\)|\*(?=\w)")  # casts, and the * of a pointer


class Numbers(Protocol):
    """What the arithmetic runs over."""

    def literal(self, text: str) -> Any:
        """A constant of the text, without its suffix."""

    def chosen(self, condition: Any, then: Any, otherwise: Any) -> Any:
        """condition ? then : otherwise"""

    def copied(self, bits: Any) -> Any:
        """The same bits, a word for a real and a real for a word."""


@dataclass(frozen=True, slots=True)
class Function:
    """Its parameter that is no output, and what its statements assign, one name after the other."""

    parameter: str
    steps: tuple[tuple[str, ast.expr], ...]


def functions(dtype: Dtype, *, replaced: Mapping[str, str] = MappingProxyType({})) -> dict[str, Function]:
    """The elementary functions of a type, and the rows built on them; some text may be `replaced`."""
    text = elementary(dtype)
    for old, new in replaced.items():
        text = text.replace(old, new)
    found = {name: Function(parameter, _steps(body)) for name, parameter, body in FUNCTION.findall(text)}
    return found | {f"row {name}": Function("z", _steps(body)) for name, body in ROWS.items()}


def _steps(body: str) -> tuple[tuple[str, ast.expr], ...]:
    plain = TYPES.sub("", COMMENT.sub("", body))
    statements = (" ".join(each.split()) for each in LITERAL.sub(r"'\1'", plain).split(";"))
    return tuple(step for each in statements for step in _assigned(each))


def _assigned(statement: str) -> Iterator[tuple[str, ast.expr]]:
    if copied := COPIED.fullmatch(statement):
        yield copied[1], _expression(f"copied({copied[2]})")
    elif called := CALLED.fullmatch(statement):
        name, argument, value, less_one = called.groups()
        yield value, _call(name, argument, "value")
        yield less_one, _call(name, argument, "less_one")
    elif assigned := ASSIGNED.fullmatch(statement.replace("return ", "return = ", 1)):
        target, more, text = assigned.groups()
        yield target, _expression(f"{target} + ({text})" if more else text)
    elif not DECLARED.fullmatch(statement):
        raise ValueError(f"{statement!r} is no statement that elementary functions are written in")


def _call(name: str, argument: str, output: str) -> ast.expr:
    return ast.Call(ast.Name(name), [_expression(argument), ast.Name(output)], [])


def _expression(text: str) -> ast.expr:
    """Arithmetic as Python reads it, constants as text; a choice is a whole expression or argument."""
    if inside := CHOSEN_ARGUMENT.fullmatch(text):
        return ast.Call(ast.Name(inside[1]), [_expression(inside[2])], [])
    if choice := CHOICE.fullmatch(text.replace("&&", "and")):
        return ast.IfExp(*map(_expression, choice.groups()))
    return ast.parse(text, mode="eval").body


@dataclass(frozen=True, slots=True)
class Run:
    """Runs functions over `numbers`: run("fast_exp", {"x": x})["return"]."""

    functions: Mapping[str, Function]
    numbers: Numbers

    def __call__(self, name: str, values: Mapping[str, Any], *, only: Container[str] = ()) -> dict[str, Any]:
        """All names and their values at the end; what is returned is called `return`.

        Statements that assign to none of the names in `only`, if there are any, are left out.
        """
        found = dict(values)
        for target, expression in self.functions[name].steps:
            if only and target not in only:
                continue
            found[target] = self._value(expression, found)
        return found

    def _value(self, node: ast.expr, values: Mapping[str, Any]) -> Any:
        def value(inside: ast.expr) -> Any:
            return self._value(inside, values)

        match node:
            case ast.Name(id=name):
                return values[name] if name in values else self.numbers.literal(name)
            case ast.Constant(value=str(text)):
                return self.numbers.literal(text)
            case ast.UnaryOp(op=op, operand=operand):
                return OPERATIONS[type(op)](value(operand))
            case (
                ast.BinOp(left=left, op=op, right=right)
                | ast.Compare(left=left, ops=[op], comparators=[right])
                | ast.BoolOp(op=op, values=[left, right])
            ):
                return OPERATIONS[type(op)](value(left), value(right))
            case ast.IfExp(test=test, body=then, orelse=otherwise):
                return self.numbers.chosen(value(test), value(then), value(otherwise))
            case ast.Call(func=ast.Name(id="copied"), args=[argument]):
                return self.numbers.copied(value(argument))
            case ast.Call(func=ast.Name(id=name), args=[argument, *output]):
                wanted = output[0].id if output and isinstance(output[0], ast.Name) else "return"
                return self(name, {self.functions[name].parameter: value(argument)})[wanted]
        raise ValueError(f"{ast.unparse(node)!r} is not what elementary functions are written in")
