"""A program as a readable NumPy module: forward, loss and gradient.

Each line is the matrix form of one step in the layout asked for, with its index equation in a comment.
Activations are evaluated by the stable lines of their rows, logarithms of probabilities from the
pre-activation.
"""

from __future__ import annotations

from symbolic.codegen.arrays.chain import ChainFunctions
from symbolic.codegen.arrays.chain_text import chain_docstring
from symbolic.codegen.arrays.dialect import NUMPY
from symbolic.codegen.arrays.parts import module_text
from symbolic.conventions import INTERNAL, Layout
from symbolic.network import Network
from symbolic.program import program


def numpy_module(network: Network, layout: Layout = INTERNAL) -> str:
    """The source of a module with `forward`, `loss` and `gradient` for a network, needing NumPy alone.

    Raises Unsupported where the network has open widths or undefined functions, or no stable form is known.
    """
    chain = ChainFunctions(program(network), layout, NUMPY)
    functions = [chain.forward(), chain.loss(), chain.gradient()]
    return module_text(chain_docstring(chain), functions, chain.helpers)
