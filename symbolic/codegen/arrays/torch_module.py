"""For PyTorch: the output and the error of a chain as differentiable functions, and a module that has them.

Each `torch.autograd.Function` has a derived backward, which is a Function again, with a derived backward:

    output    a = f(w, x);      backward: ȳ ↦ (∂a/∂w)ᵀȳ, (∂a/∂x)ᵀȳ;    its backward: derived from E = Σ a·ȳ
    error     E(w, x);          backward: ∂E/∂w, ∂E/∂x, times what is given;    its backward: the Hessian

Further derivatives are PyTorch's own, of the lines of these.
"""

from __future__ import annotations

from symbolic.codegen.arrays.chain import ChainFunctions
from symbolic.codegen.arrays.chain_second import SecondOrder, linear
from symbolic.codegen.arrays.parts import function_text
from symbolic.notation import Array

_FUNCTIONS = '''class Output(torch.autograd.Function):
    """The output a, differentiable by x and the parameters as often as wanted."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x, *flat):
        return forward(_pairs(flat), x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, a_bar):
        return _OutputBackward.apply(a_bar, *ctx.saved_tensors)


class _OutputBackward(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(a_bar, x, *flat):
        return _pullback(_pairs(flat), x, a_bar)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, v_x, *v):
        a_bar, x, *flat = ctx.saved_tensors
        return _pullback_backward(_pairs(flat), x, a_bar, v_x, _pairs(v))


class Loss(torch.autograd.Function):
    """The error E, differentiable by x and the parameters as often as wanted; t{lam_word} is given."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x, t{lam}, *flat):
        return loss(_pairs(flat), x, t{lam_given})

    @staticmethod
    def setup_context(ctx, inputs, output):
        {kept}

    @staticmethod
    def backward(ctx, e_bar):
        x, t, *flat = ctx.saved_tensors
        dx, *rest = _LossBackward.apply(x, t{ctx_lam}, *flat)
        return (e_bar * dx, None{none}, *(e_bar * each for each in rest))


class _LossBackward(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x, t{lam}, *flat):
        return _loss_gradient(_pairs(flat), x, t{lam_given})

    @staticmethod
    def setup_context(ctx, inputs, output):
        {kept}

    @staticmethod
    def backward(ctx, v_x, *v):
        x, t, *flat = ctx.saved_tensors
        dx, *rest = _loss_hessian(_pairs(flat), x, t, v_x, _pairs(v){ctx_lam_given})
        return (dx, None{none}, *rest)'''

_MODULE = '''class Network(torch.nn.Module):
    """{title}

    Parameters begin uniform in (-1/√n, 1/√n), n being what a unit reads: as those of torch.nn.Linear do.
    `forward` gives the output, `loss` the error; both are differentiated by derived formulas, twice.
    """

    def __init__(self, *, dtype={dtype}, device=None):
        super().__init__()
        like = {{"dtype": dtype, "device": device}}
{parameters}
        self.reset_parameters()

    def reset_parameters(self):
        """Draws the parameters anew."""
        for bound, parameter in zip({bounds}, self.parameters(), strict=True):
            torch.nn.init.uniform_(parameter, -(bound**-0.5), bound**-0.5)

    def params(self):
        """The parameters as the functions of this file take them."""
        return _pairs(tuple(self.parameters()))

    def forward(self, x):
        """The output a, {output}, for x, {input}."""
        return Output.apply(x, *self.parameters())

    def loss(self, x, t{lam}):
        """The error E."""
        return Loss.apply(x, t{lam_passed}, *self.parameters())'''


def torch_parts(chain: ChainFunctions) -> list[str]:
    """The functions of differentiation, the classes, and what they need."""
    seed = Array("T", None, chain.target.shape)
    output = SecondOrder(chain, linear(chain.network), by_inputs=True, also=(seed,), target="a_bar")
    error = SecondOrder(chain, chain.program, by_inputs=True)
    return [
        _MODULE.format(**_module_texts(chain)),
        _FUNCTIONS.format(**_function_texts(chain)),
        _pairs(chain),
        output.gradient(
            "_pullback", "The products of a_bar with ∂a/∂x, then with ∂a/∂w for each parameter w."
        ),
        output.transposed(
            "_pullback_backward", "Derivatives of Σ v·_pullback by a_bar, by x, then by each parameter."
        ),
        error.gradient("_loss_gradient", "∂E/∂x, then ∂E/∂w for each parameter w."),
        error.transposed("_loss_hessian", "The product of ∂²E with v, by x, then by each parameter."),
    ]


def _function_texts(chain: ChainFunctions) -> dict[str, str]:
    if not chain.network.objective.has_lambda:
        names = ("lam", "lam_given", "ctx_lam", "ctx_lam_given", "none", "lam_word")
        return {**dict.fromkeys(names, ""), "kept": "ctx.save_for_backward(*inputs)"}
    return {
        "lam": ", lam",
        "lam_given": ", lam=lam",
        "ctx_lam": ", ctx.lam",
        "ctx_lam_given": ", lam=ctx.lam",
        "none": ", None",
        "lam_word": " and lam",
        "kept": "x, t, ctx.lam, *flat = inputs\n        ctx.save_for_backward(x, t, *flat)",
    }


def _module_texts(chain: ChainFunctions) -> dict[str, str]:
    has_lambda = chain.network.objective.has_lambda
    lines, bounds = [], []
    for number, (w, b) in enumerate(chain.program.parameters, start=1):
        for name, array in (("w", w), ("b", b)):
            if array:
                shape = chain.shape_text(array)
                lines.append(
                    f"        self.{name}{number} = torch.nn.Parameter(torch.empty({shape}, **like))"
                )
                bounds.append(chain.network.sizes[number - 1])
    return {
        "title": f"The network {chain.network}.",
        "dtype": f"torch.{chain.dialect.dtype}",
        "parameters": "\n".join(lines),
        "bounds": f"({', '.join(map(str, bounds))}{',' * (len(bounds) == 1)})",
        "output": chain.shape_text(chain.output),
        "input": chain.shape_text(chain.input),
        "lam": ", *, lam=0.0" * has_lambda,
        "lam_passed": ", lam" * has_lambda,
    }


def _pairs(chain: ChainFunctions) -> str:
    """A function that makes pairs of what lies in a row."""
    layers = list(enumerate(chain.program.parameters, start=1))
    row = ", ".join(f"w{n}, b{n}" if b else f"w{n}" for n, (_, b) in layers)
    pairs = ", ".join(f"(w{n}, {f'b{n}' if b else None})" for n, (_, b) in layers)
    comma = "," * (row.count(",") == 0)
    return function_text(
        "_pairs(flat)", "The parameters as pairs.", [f"{row}{comma} = flat", f"return [{pairs}]"]
    )
