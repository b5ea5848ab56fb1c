"""A request, written for NumPy, JAX or PyTorch: one file that needs that library alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from symbolic.codegen.arrays.chain import ChainFunctions
from symbolic.codegen.arrays.chain_second import SecondOrder
from symbolic.codegen.arrays.chain_text import chain_docstring
from symbolic.codegen.arrays.dialect import Dialect, Target, dialect
from symbolic.codegen.arrays.graph import GraphFunctions
from symbolic.codegen.arrays.helpers import Helpers
from symbolic.codegen.arrays.parts import module_text
from symbolic.codegen.arrays.torch_graph import torch_graph_parts
from symbolic.codegen.arrays.torch_module import torch_parts
from symbolic.codegen.arrays.training import DICT, PAIRS, training_step
from symbolic.codegen.names import identifier
from symbolic.codegen.request import Generated, Request
from symbolic.graph import Graph
from symbolic.network import Network
from symbolic.program import program

_NOTES: Final[Mapping[Target, str]] = {
    "numpy": "Arrays are of {dtype}, and so is every result.",
    "jax": "Pure functions for jax.jit and jax.vmap in the precision of what is given; for {dtype}{x64}.",
    "torch": "Results have the precision and the device of what is given; written for {dtype}.",
}
_CHAIN_MORE: Final[Mapping[Target, Callable[[ChainFunctions], list[str]]]] = {"torch": torch_parts}

_GRAPH_MORE: Final[Mapping[Target, Callable[[GraphFunctions], list[str]]]] = {"torch": torch_graph_parts}


def array_module(request: Request, target: Target) -> Generated:
    """The module of a network or a graph with `forward`, `loss`, `gradient` and `loss_and_gradient`, `hvp`
    and `step` on request; for torch a Module whose derivatives are derived, too.

    Raises Unsupported for open widths, undefined functions, and poles that do not cancel.
    """
    language = dialect(target, request.dtype)
    written = _graph if isinstance(request.network, Graph) else _chain
    return Generated({f"{identifier(request.name, 'python')}.py": written(request, language)})


def _chain(request: Request, language: Dialect) -> str:
    assert isinstance(request.network, Network)
    chain = ChainFunctions(program(request.network), request.layout, language)
    functions = [chain.forward(), chain.loss(), chain.gradient(), chain.loss_and_gradient()]
    if request.hvp:
        functions.append(SecondOrder(chain, chain.program).hvp())
    if request.optimizer:
        functions += training_step(request.optimizer, PAIRS, language)
    functions += _CHAIN_MORE.get(language.target, _nothing)(chain)
    return module_text(chain_docstring(chain, [_note(language)]), functions, chain.helpers)


def _graph(request: Request, language: Dialect) -> str:
    assert isinstance(request.network, Graph)
    graph = GraphFunctions(request.network, Helpers(dialect=language), second_order=request.hvp)
    functions = [graph.forward()]
    if request.network.losses:
        functions += [graph.loss(), graph.gradient(), graph.loss_and_gradient()]
        if request.hvp:
            functions.append(graph.hvp())
        functions += _GRAPH_MORE.get(language.target, _nothing)(graph)
    if request.optimizer:
        functions += training_step(request.optimizer, DICT, language)
    return module_text(graph.docstring([_note(language)]), functions, graph.helpers)


def _nothing(_: ChainFunctions | GraphFunctions) -> list[str]:
    return []


def _note(language: Dialect) -> str:
    x64 = " (set jax_enable_x64)" if language.dtype == "float64" else ""
    return _NOTES[language.target].format(dtype=language.dtype, x64=x64)
