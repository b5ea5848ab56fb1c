"""Second order: the derivation derived again.

A backward pass is a program like any other. With a direction v for each parameter,

    q = Σ_w ∂E/∂w · v_w,        ∂q/∂w = (H v)_w,        H = ∂²E/∂w²

so a Hessian-vector product is the derivation of q, scatters and conditions included. A vector-Jacobian
product of an array with respect to others is the derivation whose first cotangent is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count

from symbolic.accumulation import backward, varying
from symbolic.chain_rule import BAR
from symbolic.derivation import Derivation
from symbolic.expressions import entry_of, fresh_indices
from symbolic.notation import Array, Binding, Equation, Step, placed, size_of
from symbolic.plain import PlainSum
from symbolic.unification import renamed


@dataclass(frozen=True)
class HessianVector:
    """Steps in order; `directions` and `products` give v and H v for each array."""

    steps: tuple[Step, ...]
    directions: Mapping[Array, Array]
    products: Mapping[Array, Array]


@dataclass(frozen=True)
class VectorJacobian:
    """Steps in order; `seed` is the cotangent that is given, `products` are those of the arrays asked for."""

    steps: tuple[Step, ...]
    seed: Array
    products: Mapping[Array, Array]


def hessian_vector(
    derivation: Derivation, wrt: Iterable[Array] = (), *, also: Iterable[Array] = ()
) -> HessianVector:
    """H v for every parameter, or for the arrays `wrt`, which the derivation must have gradients of.

    Arrays `also` have no direction, but their product is there: ∂q/∂t for targets t.
    """
    gradients = [step for step in derivation.backward if step.role.endswith("gradient")]
    arrays = tuple(wrt) or tuple(replace(step.target, cotangent=False) for step in gradients)
    forward = [step for step in derivation.forward if step.target.shape]
    order = next(n for n in count(1) if not any(s.target.name.startswith(_mark(n)) for s in forward))
    first = [*forward, *(_plain(step, order) for step in derivation.backward)]
    directions = {array: replace(array, name=f"v.{array.name}") for array in arrays}
    dots = [_dot(_plain_array(array.bar, order), directions[array]) for array in arrays]
    steps = (*first, *dots)
    varied = (*arrays, *also)
    known = varying(steps, varied)
    second = backward(steps, constants=lambda array: array not in known, roles={})
    return HessianVector((*first, *second), directions, {array: array.bar for array in varied})


def vector_jacobian(derivation: Derivation, output: Array, wrt: Iterable[Array]) -> VectorJacobian:
    """Σ_o ȳ_o ∂y_o/∂u for every array u of `wrt`, such as the inputs, with y the array `output`."""
    arrays = tuple(wrt)
    forward = [step for step in derivation.forward if step.target.shape]
    last = next(number for number, step in enumerate(forward) if step.target == output)
    steps = tuple(forward[: last + 1])
    known = varying(steps, arrays)
    found = backward(steps, seeds=[output], constants=lambda array: array not in known, roles={})
    return VectorJacobian((*steps, *found), output.bar, {array: array.bar for array in arrays})


def _mark(order: int) -> str:
    """What a cotangent is called once it is an array like any other; orders do not mix."""
    return "∂" if order == 1 else f"∂{order}"


def _plain(step: Step, order: int) -> Step:
    """The step with its cotangents as arrays like any other, under local names that leave Z_bar free."""
    names = {name: f"{name.removesuffix(BAR)}_order{order}" for name in step.bindings if name.endswith(BAR)}
    bindings: dict[str, Binding] = {
        names.get(name, name): _plain_array(bound, order) if isinstance(bound, Array) else bound
        for name, bound in step.bindings.items()
    }
    return replace(step, equation=renamed(step.equation, frozenset(names.items())), bindings=bindings)


def _plain_array(array: Array, order: int) -> Array:
    return replace(array, name=f"{_mark(order)}{array.name}", cotangent=False) if array.cotangent else array


def _dot(first: Array, second: Array) -> Step:
    """The sum over all entries of the product of two arrays."""
    indices = [index for index, _ in zip(fresh_indices(()), first.shape, strict=False)]
    product = entry_of("G", indices) * entry_of("v", indices)
    total = PlainSum(product, *((index, 1, size_of(index)) for index in indices))
    equation = Equation(entry_of("q", ()), total, "q = Sum(G*v)")
    return placed(equation, {"q": Array(f"q.{first.label}"), "G": first, "v": second}, "direction")
