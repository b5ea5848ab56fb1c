"""Theorems: the stable lines of a row, and the forms in which people usually write it, equal its definition.

Statement. For an activation g: the stable value and each form of it are g(z), the stable slope and each form
of it are SymPy's derivative of the definition, with a = g(z) where they name the value, and each logarithm is
log g(z) or log(1 − g(z)). For a loss e: each form is e(a, t); each form that takes z is e(g(z), t) for the
output activation g, and the fused error is its derivative in z.

Assumptions. z and t are real, a parameter α is any real number; a root has its equation. Probabilities are
a = σ(z), positive outputs a = exp(z), for a real z; a target whose logarithm is taken is t = τ².

Scope. Real numbers, not floats. Softmax is proved for every width, given its pull-back
δ_i = A_i (Ā_i − Σ_r A_r Ā_r); that this is the derivative, and what takes a maximum over units, is proved for
widths 2, 3 and 4, by instance.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import sympy as sp
from sympy.codegen.cfunctions import log1p

from proofs.kernel.balls import equation_of
from proofs.kernel.polynomials import Expr
from proofs.kernel.theorem import Step, Theorem
from symbolic.activations import ACTIVATIONS, VALUE, Activation, ActivationRow, Z
from symbolic.grammar.formula import parse_equation, parse_scalar
from symbolic.losses import LOSSES, OUTPUTS, A, Head, Loss, LossRow, T
from symbolic.plain import PlainSum

WIDTH: Final = sp.Symbol("n", integer=True, positive=True)
WIDTHS: Final = (2, 3, 4)
SOFTMAX: Final = "exp(Z[i])/Sum(exp(Z[r]), r)"
SOURCE: Final = "the tables of activations and losses; derivatives by sympy.diff"
TAU: Final = sp.Symbol("tau", real=True)


def stable_form_theorems() -> Iterator[Theorem]:
    """One theorem for each row of the tables, and those of softmax."""
    for row in ACTIVATIONS.values():
        yield from softmax_theorems(row) if row.layer == "softmax" else [activation_theorem(row)]
    for loss_row in LOSSES.values():
        yield from loss_theorems(loss_row)


def activation_theorem(row: ActivationRow) -> Theorem:
    """Stable lines and forms of an activation of single units; its parameter stays a symbol.

    >>> print(activation_theorem(ACTIVATIONS["exp"]).qed())
    Theorem: forms of exp.
    Stable lines, logarithms and forms of exp equal its definition exp(z) and its derivative.
    Scope: all real z, and all real alpha where there is a parameter.
    Proof.
      1. value = exp(z): stable line; the difference reduces to 0.
      2. slope = exp(z): stable line; the difference reduces to 0.
      3. log a = z: stable form; the difference reduces to 0.
      4. slope = a: in the value; the difference reduces to 0.
    QED. Source: the tables of activations and losses; derivatives by sympy.diff.
    """
    given = Activation(row.name, row)
    return Theorem(
        name=f"forms of {row.name}",
        statement=f"Stable lines, logarithms and forms of {row.name} equal its definition {row.definition} "
        "and its derivative",
        assumptions=tuple(f"{root.name} is the root of {equation_of(root)} = 0" for root in row.roots),
        scope="all real z, and all real alpha where there is a parameter",
        steps=tuple(_activation_steps(given, row)),
        source=SOURCE,
        roots=row.roots,
    )


def _activation_steps(given: Activation, row: ActivationRow) -> Iterator[Step]:
    value, slope = _given(given.definition), given.slope
    lines = stable_formulas(given)
    texts = dict(line.split(" = ") for line in row.stable)
    yield Step(f"value = {texts['value']}", lines["value"], value, "stable line")
    yield Step(f"slope = {texts['slope']}", lines["slope"], slope, "stable line")
    for text, formula, inside in zip(row.logs, given.stable_logs(), (value, 1 - value), strict=False):
        name = "log a" if inside is value else "log(1 - a)"
        yield Step(f"{name} = {text}", formula, sp.log(inside), "stable form")
    if row.slope_by_value is not None:
        yield Step(f"slope = {row.slope_by_value}", _read(row.slope_by_value, value), slope, "in the value")
    for name, texts_of, meant in (
        ("value", row.forms, value),
        ("slope", row.slope_forms, slope),
        ("log a", row.log_forms, sp.log(value)),
    ):
        for text in texts_of:
            yield Step(f"{name} = {text}", _read(text, value), meant, "usual form")


def stable_formulas(given: Activation) -> dict[str, Expr]:
    """The stable lines as formulas in z; in exact arithmetic nothing rests of a root."""
    assert given.row is not None
    known: dict[Expr, Expr] = {sp.Symbol(root.rest, real=True): sp.S.Zero for root in given.row.roots}
    for name, formula in given.stable_lines():
        known[sp.Symbol(name, real=True)] = formula.xreplace(known)
    return {name: known[sp.Symbol(name, real=True)] for name in ("value", "slope")}


def _read(text: str, value: Expr) -> Expr:
    return parse_scalar(text, names=("z", "a", "alpha")).xreplace({VALUE: value})


def softmax_theorems(row: ActivationRow) -> tuple[Theorem, Theorem]:
    """Forms of softmax and its logarithm for every width; stable logarithm and pull-back by instance."""
    value = of_unit(SOFTMAX)
    steps = [Step(f"A[i] = {text}", of_unit(text), value, "usual form") for text in row.forms]
    steps += [
        Step(f"log A[i] = {text}", of_unit(text), sp.log(value), "usual form") for text in row.log_forms
    ]
    every = Theorem(
        name="forms of softmax",
        statement=f"Forms of softmax and of its logarithm equal {SOFTMAX} and its logarithm",
        assumptions=(),
        scope="every width, all real Z, every real shift s that is the same for all units",
        steps=tuple(steps),
        source=SOURCE,
    )
    instances = Theorem(
        name="softmax by instance",
        statement="With unit 1 the largest, or any other, log A_i is Z_i - Z_1 - log1p(Sum of exp(Z_r - Z_1) "
        "over the others); the derivative of Sum A_r Y_r by Z_i is A_i (Y_i - Sum A_r Y_r)",
        assumptions=(),
        scope=f"widths {', '.join(map(str, WIDTHS))} by instance, all real Z and Y",
        steps=tuple(step for width in WIDTHS for step in _instances(width)),
        source=SOURCE,
    )
    return every, instances


def _instances(width: int) -> Iterator[Step]:
    z, y = (sp.symbols(f"{name}1:{width + 1}", real=True) for name in "ZY")
    exponentials = [sp.exp(unit) for unit in z]
    a = [each / sp.Add(*exponentials) for each in exponentials]
    rest = log1p(sp.Add(*(sp.exp(other - z[0]) for other in z[1:])))
    mean = sp.Add(*map(sp.Mul, a, y))
    for i in range(width):
        unit = f"unit {i + 1} of {width}"
        yield Step(f"log A, {unit}", z[i] - z[0] - rest, sp.log(a[i]), "stable line")
        yield Step(
            f"pull-back, {unit}", a[i] * (y[i] - mean), mean.diff(z[i]), "derivative of what is written out"
        )


def loss_theorems(row: LossRow) -> Iterator[Theorem]:
    """The forms of a loss in a and t, then those that start from the pre-activation, output by output."""
    given = Loss(row.name, row)
    if row.forms:
        meant = _in_range(row, _given(given.definition))
        yield Theorem(
            name=f"forms of {row.name}",
            statement=f"Forms of {row.name} equal its definition {row.definition}",
            assumptions=_range_of(row),
            scope="all such a and t, and all real epsilon and k where they occur",
            steps=tuple(
                Step(f"e = {text}", _in_range(row, _loss(text)), meant, "usual form") for text in row.forms
            ),
            source=SOURCE,
        )
    for head in row.heads:
        yield _softmax_head(given, head) if head.output == "softmax" else _head(given, head)


def _range_of(row: LossRow) -> tuple[str, ...]:
    a = {
        row.needs_probability: "a = 1/(1 + exp(-z)) for a real z, which is any number in (0, 1)",
        row.needs_positive: "a = exp(z) for a real z, which is any number above 0",
    }
    t = {"log(t" in row.definition: "t = tau**2 for a real tau, which is any number from 0"}
    return tuple(known[True] for known in (a, t) if True in known)


def _in_range(row: LossRow, formula: Expr) -> Expr:
    """A formula in a and t with a in the range that the loss takes, and t where it has a logarithm."""
    output = "sigmoid" if row.needs_probability else "exp" if row.needs_positive else "identity"
    target = {T: TAU**2} if "log(t" in row.definition else {}
    return formula.xreplace({A: _definition(output), **target})


def _head(given: Loss, head: Head) -> Theorem:
    value = _definition(head.output)
    error = _given(given.definition).xreplace({A: value})
    steps = [Step(f"e = {text}", _loss(text, value), error, "usual form") for text in head.forms]
    steps += [
        Step(f"delta = {text}", _loss(text, value), error.diff(Z), "fused") for text in head.error_forms
    ]
    return Theorem(
        name=f"{head.output} with {given.name}",
        statement=f"From z, {given.name} of a = {head.output}(z) and its derivative in z are these",
        assumptions=(),
        scope="all real z and t, and all real epsilon and k where they occur; any scale is a factor of both",
        steps=tuple(steps),
        source=SOURCE,
    )


def _softmax_head(given: Loss, head: Head) -> Theorem:
    """e and its slope written in A = softmax(Z); the slope goes through the pull-back of softmax."""
    value = of_unit(SOFTMAX)
    put = {A: value, T: of_unit("T[i]"), OUTPUTS: WIDTH}
    pulled = value * _given(given.slope).xreplace(put)
    error = _over_units(_given(given.definition).xreplace(put))
    derived = pulled - value * _over_units(pulled)
    steps = [Step(f"E = {text}", of_all(text), error, "usual form") for text in head.forms]
    for text in head.error_forms:
        steps.append(Step(f"delta[i] = {text}", _with_softmax(text), derived, "fused"))
        if head.one_error is not None:
            one = _with_softmax(text).xreplace({of_all("Sum(T[r], r)"): sp.S.One})
            steps.append(
                Step(f"delta[i] = {head.one_error}", _with_softmax(head.one_error), one, "where Σ t = 1")
            )
    return Theorem(
        name=f"softmax with {given.name}",
        statement=f"From Z, {given.name} of A = softmax(Z) and its derivative by Z[i] are these",
        assumptions=("the derivative of Sum A_r Y_r by Z_i is A_i (Y_i - Sum A_r Y_r)",),
        scope="every width, all real Z and T, all epsilon where it occurs; any scale is a factor of both",
        steps=tuple(steps),
        source=SOURCE,
    )


def of_unit(text: str) -> Expr:
    """A formula of unit i in arrays; all sums run over the n units."""
    return _of_units(f"Y[i] = {text}")


def of_all(text: str) -> Expr:
    """A formula of all units together."""
    return _of_units(f"Y = {text}")


def _of_units(text: str) -> Expr:
    value = parse_equation(text, scalars=("s", "k", "epsilon")).value
    sizes = {symbol: WIDTH for symbol in value.free_symbols if symbol.name.startswith("N_")}
    return value.xreplace({**sizes, OUTPUTS: WIDTH})


def _with_softmax(text: str) -> Expr:
    return of_unit(text).xreplace({of_unit("A[i]"): of_unit(SOFTMAX)})


def _over_units(formula: Expr) -> Expr:
    """Σ over the units of a formula of unit i."""
    i, j = (parse_equation(f"Y[{name}] = 1").target.indices[0] for name in "ij")
    return PlainSum(formula.xreplace({i: j}), (j, 1, WIDTH))


def _definition(name: str) -> Expr:
    return Activation(name, ACTIVATIONS[name]).definition


def _given(formula: Expr | None) -> Expr:
    assert formula is not None, "rows of the tables are defined"
    return formula


def _loss(text: str, value: Expr | None = None) -> Expr:
    """A formula in a, t and z, with a = g(z) where that is given."""
    read = parse_scalar(text, names=("a", "t", "z", "k", "epsilon"))
    return read if value is None else read.xreplace({A: value})
