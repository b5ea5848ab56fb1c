"""The interface of the C functions of a graph.

    void   NAME_forward_batch(params, inputs…, m, outputs…, work)
    real   NAME_loss_batch(params, inputs and constants…, m, [lam,] work)
    void   NAME_gradient_batch(…, m, [lam,] grad, work), NAME_loss_and_gradient_batch, NAME_hvp_batch

Every input and every array that is given beside them (targets, masks, places) is an argument of its own,
parameters lie in one buffer. An output is a node that no other reads.
"""

from __future__ import annotations

from symbolic.codegen.c.file_scope import FileScope
from symbolic.codegen.c.parts import Signature
from symbolic.codegen.c.passes import Passes


def graph_signatures(passes: Passes) -> tuple[Signature, ...]:
    """The public functions: a graph without losses has no error, one without parameters no gradient."""
    scope = passes.scope
    plan, number = scope.plan, scope.number
    params = (f"const {number} *params",) * bool(plan.parameters)
    given = [scope.argument(scope.name(array)) for array in plan.inputs]
    read = {
        name for each in ("prepare", "layers") if each in passes.found for name in passes.found[each].takes
    }
    inputs = [scope.argument(name) for name in scope.order if name in read and name in _names(scope)]
    outputs = [f"{number} *{scope.output(array)}" for array in plan.outputs]
    lam = (f"{number} lam",) * plan.has_lambda
    work = f"{number} *work"
    rows = []
    if outputs:
        rows.append(
            (
                "forward",
                "void",
                (*params, *inputs, "size_t m", *outputs, work),
                "The outputs: what no other node reads.",
            )
        )
    data = (*params, *given, "size_t m", *lam)
    if plan.error:
        rows.append(("loss", number, (*data, work), "The error E."))
    if plan.error and plan.parameters:
        grad = f"{number} *grad"
        rows.append(("gradient", "void", (*data, grad, work), "∂E/∂params."))
        rows.append(("loss_and_gradient", number, (*data, grad, work), "E, and ∂E/∂params."))
    if plan.second:
        product = (f"const {number} *v", f"{number} *product")
        rows.append(("hvp", "void", (*data, *product, work), "(∂²E/∂params²) v."))
    return tuple(Signature(f"{name}_batch", result, tuple(takes), doc) for name, result, takes, doc in rows)


def _names(scope: FileScope) -> set[str]:
    return {scope.name(array) for array in scope.plan.inputs}
