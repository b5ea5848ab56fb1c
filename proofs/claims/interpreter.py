"""What a world does with a formula, node by node: the walk, whatever the values are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, Self, TypeVar

import sympy as sp

from proofs.claims.formula import (
    Binary,
    Call,
    Formula,
    Negative,
    Number,
    Partial,
    Power,
    Reference,
    Total,
    Transpose,
)
from symbolic.expressions import Expr


class Entries(Protocol):
    """Numbers in rows and columns."""

    @property
    def turned(self) -> Self: ...

    def mapped(self, function: Callable[[Expr], Expr]) -> Self: ...


V = TypeVar("V", bound=Entries)
At = TypeVar("At")


class Interpreter(ABC, Generic[V, At]):
    """Gives every formula a value `V`, for indices and layers `At`."""

    def value(self, formula: Formula, at: At) -> V:
        """The value of a formula. Raises what the rules of the world raise."""
        match formula:
            case Number():
                return self._number(formula.value)
            case Reference():
                return self._reference(formula, at)
            case Negative():
                return self.value(formula.body, at).mapped(lambda entry: -entry)
            case Transpose():
                return self.value(formula.body, at).turned
            case Power():
                return self._power(formula, at)
            case Binary():
                return self._binary(formula, self.value(formula.left, at), self.value(formula.right, at))
            case Total():
                return self._total(formula, at)
            case Partial():
                return self._partial(formula, at)
            case Call():
                return self._call(formula, at)
        raise TypeError(f"no value for {type(formula).__name__}")

    @abstractmethod
    def _number(self, value: sp.Rational) -> V: ...

    @abstractmethod
    def _reference(self, reference: Reference, at: At) -> V: ...

    @abstractmethod
    def _power(self, power: Power, at: At) -> V: ...

    @abstractmethod
    def _binary(self, formula: Binary, left: V, right: V) -> V: ...

    @abstractmethod
    def _total(self, total: Total, at: At) -> V: ...

    @abstractmethod
    def _partial(self, partial: Partial, at: At) -> V: ...

    @abstractmethod
    def _call(self, call: Call, at: At) -> V: ...
