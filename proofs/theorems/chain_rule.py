"""Theorem: the chain rule as it is used, along one path and along several.

Statement. For y = f(g(x)), dy/dx = f′(g(x)) g′(x). For y = f(g(x), h(x)), dy/dx = f₁ g′(x) + f₂ h′(x): the
contributions of the paths add up. Along any number of paths, V_i = g(W_i P), ∂E/∂P = Σ_i V̄_i g′(W_i P) W_i.

Proof. The first two by definition, with no rule of differentiation but that of a power: dy/dx is the
coefficient of t in y(x + t), for polynomials f of degree 2, g and h of degree 3 with any coefficients. That
covers every g and h differentiable at x and f differentiable there, as only their values and slopes at one
point occur, and these polynomials take any. The third against SymPy's derivative, for any number of paths.

Source. Leibniz 1676; as used by Rumelhart, Hinton and Williams 1986.
"""

from __future__ import annotations

import sympy as sp

from proofs.kernel.theorem import Step, Theorem
from proofs.theorems.setting import ROWS, step
from symbolic import accumulation, chain_rule
from symbolic.activations import activation
from symbolic.expressions import Expr, name_of
from symbolic.grammar.functions import Undefined
from symbolic.losses import loss
from symbolic.notation import Array, Slot, equation, placed
from symbolic.notation import Step as Derived

X, SHIFT = sp.symbols("x t", real=True)
INNER = sp.symbols("g0:4 h0:4", real=True)
OUTER = sp.symbols("f0:6", real=True)


def theorems() -> list[Theorem]:
    """Along one path, two, and any number."""
    return [along_paths(1), along_paths(2), along_every_path()]


def along_paths(count: int) -> Theorem:
    """By definition, for one path or two."""
    names = ("dy/dx = f'(g(x)) g'(x)", "dy/dx = f_1 g'(x) + f_2 h'(x)")
    return Theorem(
        name=f"chain rule, {('one path', 'two paths')[count - 1]}",
        statement=names[count - 1],
        assumptions=("f, g and h are differentiable where they are taken",),
        scope="all such functions: polynomials with any value and slope at a point stand for them",
        steps=(
            Step(
                "derived = coefficient of t in y(x + t)", _derived(count), _by_definition(count), "definition"
            ),
        ),
        source="left: the library's accumulation over two equations; right: expansion in powers of t",
    )


def along_every_path() -> Theorem:
    """For any number of paths."""
    forward = equation("V[i,c] = g(W[i]*P[c])", functions=("g",))
    (rule,) = chain_rule.cotangent_rules(forward, "P")
    bar, slope = sp.IndexedBase("V_bar", real=True), forward.value
    (i, c), d = forward.indices, sp.Symbol("d", integer=True)
    body = (bar[i, c] * slope).xreplace({c: d})
    whole = sp.Sum(sp.Sum(body, (i, 1, ROWS[i])), (d, 1, ROWS[c]))
    differentiated = whole.diff(sp.IndexedBase("P", real=True)[c])
    return Theorem(
        name="chain rule, every path",
        statement="For V_i = g(W_i P), ∂E/∂P = Σ_i ∂E/∂V_i g'(W_i P) W_i",
        assumptions=("g is differentiable",),
        scope="every number of paths, all real W and P, every g",
        steps=(step("derived = SymPy's derivative of Σ V̄ V", rule.value, differentiated, "linearity"),),
        source="left: the chain rule over index equations; right: sympy.diff",
    )


def _derived(count: int) -> Expr:
    """What the library accumulates for P → U (→ V) → D, its functions put in."""
    arrays = {name: Array(name, None, (1,)) for name in "PUV"}
    bindings = [{"U": arrays["U"], "P": arrays["P"], "g": Slot("g", 1, activation("g"))}]
    steps = [placed(equation("U[i] = g(P[i])", functions=("g",)), bindings[0], "inner")]
    if count == 2:
        second = {"V": arrays["V"], "P": arrays["P"], "g": Slot("g", 2, activation("g"))}
        steps.append(placed(equation("V[i] = g(P[i])", functions=("g",)), second, "inner"))
    reads = {"U": arrays["U"], "V": arrays["V"], "D": Array("D"), "e": Slot("e", None, loss("E"))}
    outer = "D = Sum(e(U[i], V[i]), i)" if count == 2 else "D = Sum(e(U[i], 0), i)"
    used = reads if count == 2 else {name: bound for name, bound in reads.items() if name != "V"}
    steps.append(placed(equation(outer, functions=("e",)), used, "outer"))
    (derived,) = (step for step in accumulation.backward(steps) if step.target.name == "P")
    return _put(derived, derived.equation.value)


def _put(step: Derived, node: Expr) -> Expr:
    """The polynomials for undefined functions, g(x) and h(x) for U and V, x for P."""
    if isinstance(node, sp.Indexed):
        return {"P": X, "U": _inner(1, X), "V": _inner(2, X)}[step.array(name_of(node)).name]
    if isinstance(node, Undefined):
        slot, arguments = step.slot(node.name), [_put(step, part) for part in node.args]
        if slot.name == "g":
            return _slope(_inner(int(slot.layer or 1), X), X).xreplace({X: arguments[0]})
        u, v = sp.symbols("u v", real=True)
        return _slope(_outer(u, v), (u, v)[node.orders.index(1)]).xreplace({u: arguments[0], v: arguments[1]})
    return node.func(*(_put(step, part) for part in node.args)) if node.args else node


def _by_definition(count: int) -> Expr:
    inner = [_inner(1, X + SHIFT), _inner(2, X + SHIFT) if count == 2 else sp.S.Zero]
    return sp.Poly(_outer(*inner), SHIFT).coeff_monomial(SHIFT)


def _inner(number: int, x: Expr) -> Expr:
    """g for 1, h for 2: degree 3, any coefficients."""
    coefficients = INNER[4 * (number - 1) : 4 * number]
    return sp.Add(*(coefficient * x**power for power, coefficient in enumerate(coefficients)))


def _outer(u: Expr, v: Expr) -> Expr:
    """f: degree 2, any coefficients."""
    return sp.Add(*map(sp.Mul, OUTER, (sp.S.One, u, v, u**2, u * v, v**2)))


def _slope(value: Expr, variable: Expr) -> Expr:
    """n xⁿ⁻¹ for xⁿ, term by term."""
    terms = sp.Poly(value, variable).terms()
    return sp.Add(
        *(power * coefficient * variable ** (power - 1) for (power,), coefficient in terms if power)
    )
