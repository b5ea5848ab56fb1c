"""What the names of a formula mean, decided on the parse tree before anything is built."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import sympy as sp
from lark import Token, Tree

from symbolic.errors import FormulaError
from symbolic.grammar.functions import FUNCTIONS, Expr, undefined_written
from symbolic.grammar.indices import option, size_of

Bound = frozenset[str]


@dataclass(slots=True)
class Names:
    """The names of one text: `scalars` and undefined `functions` from the caller, the rest read off the tree.

    A formula has scalars alone; an equation (`arrays`) has arrays and indices too, and `options`, which are
    whole numbers such as a stride. A scalar may be called pi.
    """

    text: str
    scalars: frozenset[str]
    functions: frozenset[str]
    options: frozenset[str] = frozenset()
    arrays: bool = False
    target: str | None = None
    indices: Bound = frozenset()
    ranks: dict[str, int] = field(default_factory=dict)

    def symbol(self, token: Token) -> Expr:
        """The symbol of a name that `check` has accepted."""
        name = str(token)
        if name in self.scalars:
            return _scalar(name)
        if name in self.indices:
            return sp.Symbol(name, integer=True)
        if name in self.options:
            return option(name)
        return size_of(sp.Symbol(name.removeprefix("N_"))) if self._is_size(name) else sp.pi

    def error(self, problem: str, token: Token) -> FormulaError:
        """The error at a token."""
        assert token.start_pos is not None
        return FormulaError(problem, self.text, token.start_pos)

    def check(self, tree: Tree[Token]) -> None:
        """Raise FormulaError at the first name of the text that is unknown or used against its meaning."""
        ranges = tree.find_data("range")
        self.indices = frozenset(str(index) for index, *_ in map(_tokens, ranges))
        free = frozenset().union(*map(self._check_target, tree.find_data("target")))
        nodes = [(tree, free)]
        while nodes:  # no recursion: a tree may be deeper than Python's stack
            node, bound = nodes.pop()
            inner = self._check_node(node, bound)
            nodes += [(child, inner) for child in reversed(node.children) if isinstance(child, Tree)]

    def _check_target(self, target: Tree[Token]) -> Bound:
        """The indices of a target: what its positions name, but for options and sizes."""
        name, *_ = _tokens(target)
        positions = [place for place in target.children if isinstance(place, Tree)]
        self.target, self.ranks[name] = str(name), len(positions)
        plain = [
            step
            for place in positions
            for step in place.children
            if isinstance(step, Tree) and step.data == "step"
        ]
        named = [token for step in target.find_data("step") for token in _tokens(step)]
        self.indices |= {str(token) for token in named}
        self.indices -= self.options | {token for token in map(str, named) if self._is_size(token)}
        self._bind([token for step in plain for token in _tokens(step)], frozenset())
        return frozenset(str(token) for token in named if token in self.indices)

    def _check_node(self, node: Tree[Token], bound: Bound) -> Bound:
        """Check the names that stand directly in a node; the indices that are bound in its children."""
        match node.data:
            case "variable":
                self._check_variable(_tokens(node)[0], bound)
            case "call":
                self._check_call(_tokens(node)[0], len(node.children) - 1)
            case "entry":
                self._check_entry(_tokens(node)[0], len(node.children) - 1, bound)
            case "step":
                self._check_step(_tokens(node), bound)
            case "total":
                head, *_ = _tokens(node)
                if not self.arrays:
                    raise self.error(f"{head} stands in equations between arrays, not in a formula", head)
                ranges = [_tokens(child) for child in node.children[2:] if isinstance(child, Tree)]
                self._check_step((end for _, *ends in ranges for end in ends), frozenset())
                return self._bind((index for index, *_ in ranges), bound)
        return bound

    def _check_variable(self, token: Token, bound: Bound) -> None:
        if token in self.scalars | self.options | bound or token == "pi" or self._is_size(token):
            return
        if token == self.target:
            raise self.error(f"the target '{token}' is used in its own value", token)
        if token in self.indices:
            raise self.error(f"the index '{token}' is neither on the left nor summed here", token)
        functions = sorted(FUNCTIONS.keys() | self.functions)
        if token in functions:
            raise self.error(f"'{token}' is a function; write {token}(...)", token)
        names = [*sorted(self.scalars | self.options | bound), "pi"]
        known = f"the names here are {', '.join(names)}; the functions are {', '.join(functions)}"
        raise self.error(f"unknown name '{token}'{_suggestion(token, names)}; {known}", token)

    def _check_call(self, head: Token, count: int) -> None:
        if undefined_written(head, count, self.functions) is not None:
            if count > 9:  # a derivative is written with one digit per argument
                raise self.error(f"{head} takes at most 9 arguments, {count} are given", head)
            return
        if head in self.scalars:
            raise self.error(f"'{head}' is no function; a product is written {head}*(...)", head)
        if head not in FUNCTIONS:
            functions = sorted(FUNCTIONS.keys() | self.functions)
            known = f"the functions are {', '.join(functions)}"
            raise self.error(f"unknown function '{head}'{_suggestion(head, functions)}; {known}", head)
        arity = FUNCTIONS[head].arity
        if arity != count:
            given = f"{count} {'is' if count == 1 else 'are'} given"
            raise self.error(f"{head} takes {arity} argument{'s' * (arity > 1)}, {given}", head)

    def _check_entry(self, name: Token, rank: int, bound: Bound) -> None:
        if not self.arrays:
            raise self.error("arrays stand in equations, not in a formula", name)
        if name == self.target:
            raise self.error(f"the target '{name}' is used in its own value", name)
        if name in self.scalars | self.options | bound:
            kind = "an index" if name in bound else "a scalar"
            raise self.error(f"'{name}' is {kind} and has no indices", name)
        before = self.ranks.setdefault(name, rank)
        if before != rank:
            word = "index" if before == 1 else "indices"
            raise self.error(f"the array '{name}' has {before} {word} before and {rank} here", name)

    def _check_step(self, tokens: Iterable[Token], bound: Bound) -> None:
        for token in tokens:
            if token.type != "NAME" or token in self.options | bound or self._is_size(token):
                continue
            if token in self.scalars:
                raise self.error(f"'{token}' is a scalar; an index is wanted", token)
            raise self.error(f"the index '{token}' is neither on the left nor summed here", token)

    def _bind(self, indices: Iterable[Token], bound: Bound) -> Bound:
        for index in indices:
            if index in self.scalars | self.options:
                kind = "a scalar" if index in self.scalars else "a whole number that is given"
                raise self.error(f"'{index}' is {kind}; an index is wanted", index)
            if index in bound:
                raise self.error(f"the index '{index}' is bound twice", index)
            bound |= {str(index)}
        return bound

    def _is_size(self, name: str) -> bool:
        return name.startswith("N_") and name.removeprefix("N_") in self.indices


@lru_cache(maxsize=1024)
def _scalar(name: str) -> sp.Symbol:
    return sp.Symbol(name, real=True)


def _tokens(node: Tree[Token]) -> list[Token]:
    return [child for child in node.children if isinstance(child, Token)]


def _suggestion(name: str, choices: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(choices), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""
