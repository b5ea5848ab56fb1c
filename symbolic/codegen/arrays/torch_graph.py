"""For PyTorch: the error of a graph as a differentiable function, and a module that has it.

The backward of the error is derived, ∂E/∂w and ∂E/∂x, and so is the backward of that, products with the
Hessian; the outputs are lines of PyTorch and differentiated by it.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from symbolic.codegen.arrays.graph import GraphFunctions
from symbolic.codegen.arrays.parts import function_text, quoted
from symbolic.notation import Array

_CLASSES = '''class Network(torch.nn.Module):
    """The graph as a module: `forward` gives what each node computes, `loss` the error.

    Parameters of several axes begin uniform in (-1/√n, 1/√n), n being the sizes after the first multiplied;
    of the others, those called gamma begin as 1 and the rest as 0.
    """

    def __init__(self, *, dtype={dtype}, device=None):
        super().__init__()
        like = {{"dtype": dtype, "device": device}}
{parameters}
        self.reset_parameters()

    def reset_parameters(self):
        """Draws the parameters anew."""
{begins}

    def params(self):
        """The parameters as the functions of this file take them."""
        return {params}

    def forward(self, inputs, constants):
        """What each node computes, by its name; differentiated by PyTorch."""
        return forward(self.params(), inputs, constants)

    def loss(self, inputs, constants{lam}):
        """The error E; its derivatives of both orders are derived."""
        return Loss.apply({lam_passed}*_joined(self.params(), inputs, constants))


class Loss(torch.autograd.Function):
    """The error E, differentiable by parameters and inputs as often as wanted."""

    generate_vmap_rule = True

    @staticmethod
    def forward({lam_first}*flat):
        return loss(*_split(flat){lam_given})

    @staticmethod
    def setup_context(ctx, inputs, output):
        {kept}

    @staticmethod
    def backward(ctx, e_bar):
        found = _LossBackward.apply({ctx_lam_first}*ctx.saved_tensors)
        return ({none}*(e_bar * each for each in found), *[None] * {others})


class _LossBackward(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward({lam_first}*flat):
        return tuple(_loss_gradient(*_split(flat){lam_given}).values())

    @staticmethod
    def setup_context(ctx, inputs, output):
        {kept}

    @staticmethod
    def backward(ctx, *v):
        named = dict(zip(({names}), v, strict=True))
        found = _loss_hessian(*_split(ctx.saved_tensors), named{ctx_lam_given})
        return ({none}*found.values(), *[None] * {others})'''


def torch_graph_parts(graph: GraphFunctions) -> list[str]:
    """The classes, and the functions that they need."""
    places = graph.places
    inputs = [array for array in graph.inputs if array not in places]
    wrt = (*graph.graph.parameters, *inputs)
    others = [*(array for array in graph.inputs if array in places), *graph.graph.constants]
    inner = replace(graph, wrt=wrt, second_order=True)
    texts = {
        "names": ", ".join(quoted(array.name) for array in wrt) + ",",
        "others": len(others),
        **_parameters(graph),
        **_lambda(graph),
    }
    return [
        _CLASSES.format(**texts),
        _joined(graph, [*wrt, *others]),
        _split(graph, [*wrt, *others]),
        inner.gradient("_loss_gradient", "∂E/∂w for each parameter, then ∂E/∂x for each input, by its name."),
        inner.hvp("_loss_hessian", "Products of ∂²E with v, by parameters and inputs, all by their names."),
    ]


def _parameters(graph: GraphFunctions) -> dict[str, str]:
    named = [(graph.names[array], array) for array in graph.graph.parameters]
    declared = [
        f"        self.param_{name} = torch.nn.Parameter(torch.empty({shape}, **like))"
        for name, array in named
        for shape in [tuple(map(int, array.shape))]
    ]
    begins = [f"        {_begin(f'self.param_{name}', array)}" for name, array in named]
    return {
        "dtype": f"torch.{graph.dialect.dtype}",
        "parameters": "\n".join(declared),
        "begins": "\n".join(begins) or "        return",
        "params": "{" + ", ".join(f"{quoted(array.name)}: self.param_{name}" for name, array in named) + "}",
    }


def _begin(name: str, array: Array) -> str:
    if len(array.shape) > 1:
        bound = f"{prod(map(int, array.shape[1:]))}**-0.5"
        return f"torch.nn.init.uniform_({name}, -({bound}), {bound})"
    kind = "ones_" if array.name.rpartition(".")[2] == "gamma" else "zeros_"
    return f"torch.nn.init.{kind}({name})"


def _lambda(graph: GraphFunctions) -> dict[str, str]:
    if not graph.has_lambda:
        names = ("lam", "lam_passed", "lam_first", "lam_given", "ctx_lam_first", "ctx_lam_given", "none")
        return {**dict.fromkeys(names, ""), "kept": "ctx.save_for_backward(*inputs)"}
    return {
        "lam": ", *, lam=0.0",
        "lam_passed": "lam, ",
        "lam_first": "lam, ",
        "lam_given": ", lam=lam",
        "ctx_lam_first": "ctx.lam, ",
        "ctx_lam_given": ", lam=ctx.lam",
        "none": "None, ",
        "kept": "ctx.lam, *flat = inputs\n        ctx.save_for_backward(*flat)",
    }


def _joined(graph: GraphFunctions, order: list[Array]) -> str:
    """A function that lays the arrays in a row."""
    sources = {name: source for name, (source, _) in graph.taken.items()}
    row = "".join(f"{sources[graph.names[array]]}, " for array in order)
    return function_text("_joined(params, inputs, constants)", "All arrays in a row.", [f"return ({row})"])


def _split(graph: GraphFunctions, order: list[Array]) -> str:
    """The inverse."""
    row = "".join(f"{graph.names[array]}, " for array in order)
    parts = (graph.graph.parameters, graph.inputs, graph.graph.constants)
    dicts = ", ".join(
        "{" + ", ".join(f"{quoted(array.name)}: {graph.names[array]}" for array in arrays) + "}"
        for arrays in parts
    )
    return function_text(
        "_split(flat)", "Parameters, inputs and constants by name.", [f"({row}) = flat", f"return {dicts}"]
    )
