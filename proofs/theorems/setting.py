"""The notation in which the theorems are stated: one layer of any width, between two others, and a batch.

    j, v        units of the layer before   A0[j,c]                     its output; x in the first layer
    i, r, p, o  units of this layer         W[i,j] b[i] Z[i,c] A[i,c]   A = g(Z), Z = W A0 + b
    k, u        units of the layer after    W1[k,i] b1[k] Z1[k,c]
    h, q        units of the one after that W2[h,k] b2[h]
    c, d        samples                     D[i,c] D1[k,c] D2[h,c]      ∂E/∂Z of each layer

The sizes are N_j, N_i, N_k, N_h and N_c. What the library derives is translated into this notation; a
definition or a formula of a textbook is written down in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import sympy as sp

from proofs.kernel.theorem import IndexStep
from symbolic import chain_rule, derivation
from symbolic.expressions import Expr, name_of
from symbolic.grammar.formula import parse_equation
from symbolic.grammar.functions import Undefined
from symbolic.grammar.indices import size_of
from symbolic.layers import LAYERS
from symbolic.network import mlp
from symbolic.notation import Array, Slot, Step
from symbolic.plain import PlainSum
from symbolic.slots import SLOT_ARGUMENTS, slot_formula

SORTS: Final = {
    "v": "j",
    "r": "i",
    "p": "i",
    "o": "i",
    "u": "k",
    "q": "h",
    "d": "c",
}  # letters of one size with another
ARRAYS: Final = {
    "A[l - 1]": "A0",
    **{f"{name}[l]": name for name in "WbZA"},
    "Z[L]": "Z",
    "A[L]": "A",
    "W[l + 1]": "W1",
    "dZ[l]": "D",
    "dZ[L]": "D",
    "dA[L]": "G",
    "dZ[l + 1]": "D1",
    "T": "T",
}
SIZES: Final = {"n[l - 1]": "j", "n[l]": "i", "n[L]": "i", "n[l + 1]": "k", "m": "c"}


def size(letter: str) -> sp.Symbol:
    """How many values an index of this letter takes."""
    return size_of(sp.Symbol(SORTS.get(letter, letter), integer=True))


AXES: Final = {"D": "ic", "A_bar": "ic", "G": "ij", "D1": "kc", "W1": "ki"}  # of arrays that are put in
SAMPLES: Final = size("c")
_SUMMED: Final = re.compile(r", ([a-z])\)")
ROWS: Final = {sp.Symbol(letter, integer=True): size(letter) for letter in "jvirpokuhqcd"}  # of free indices


def formula(text: str) -> Expr:
    """An expression of the notation; N_c is the number of samples, s, lambda, eta and epsilon are scalars.

    >>> formula("Sum(W[i,v]*A0[v,c], v) + b[i]")
    b[i] + Sum(A0[v, c]*W[i, v], (v, 1, N_j))
    """
    scalars, functions = ("s", "lambda", "eta", "m"), ("g", "e", "p")
    summed = set(_SUMMED.findall(text))
    free = [index.name for index in ROWS if index.name not in summed]
    value = parse_equation(f"Y[{','.join(free)}] = {text}", scalars=scalars, functions=functions).value
    letters = {
        symbol: size(symbol.name.removeprefix("N_")) for symbol in value.free_symbols if _is_size(symbol)
    }
    return value.xreplace({**letters, sp.Symbol("m", real=True): SAMPLES})


def by(entry: str, text: str) -> Expr:
    """SymPy's derivative of a formula by an entry, its Kronecker deltas as they come."""
    return formula(text).diff(formula(entry))


def general(role: str, **options: Any) -> Expr:
    """What the library derives for a generic layer; by default g and the loss E are undefined. The scale of
    the data's part of E, such as 1/m, is written s.

    >>> general("weight gradient")
    Sum(A0[j, c]*D[i, c], (c, 1, N_c))
    """
    chosen = {"output": "g", "loss": "E", **options}
    steps = derivation.derive(mlp(2, 3, 2, **chosen)).general
    return translated(next(step for step in steps if step.role == role))


def module(layer: str, name: str) -> Expr:
    """The cotangent of one input of a layer by itself, as the library derives it, in the layer's names."""
    (forward,) = LAYERS[layer].equations()
    (rule,) = chain_rule.cotangent_rules(forward, name)
    return rule.value


def renamed(value: Expr, names: Mapping[str, str], indices: str = "", to: str = "") -> Expr:
    """A value with arrays and free indices renamed, as for the next layer: {"W": "W1"}, "ij", "ki"."""
    letters = {
        sp.Symbol(old, integer=True): sp.Symbol(new, integer=True)
        for old, new in zip(indices, to, strict=True)
    }
    sizes = {size_of(old): size_of(new) for old, new in letters.items()}

    def moved(entry: sp.Indexed) -> Expr:
        base = sp.IndexedBase(names.get(name_of(entry), name_of(entry)), real=True)
        return base[tuple(place.xreplace(letters) for place in entry.indices)]

    entries = {entry: moved(entry) for entry in value.atoms(sp.Indexed)}
    return value.xreplace({**entries, **letters, **sizes})


def translated(step: Step) -> Expr:
    """The right-hand side of a generic step in this notation, the scale of E left as s."""
    bindings = step.bindings

    def read(node: Expr) -> Expr:
        match node:
            case sp.Indexed():
                array = bindings[name_of(node)]
                assert isinstance(array, Array)
                return sp.IndexedBase(ARRAYS[array.label], real=True)[node.indices]
            case sp.Symbol() if isinstance(bindings.get(node.name), sp.Expr):
                if node.name == "s":
                    return node
                scalar: Expr = bindings[node.name]
                return _size(scalar) if str(scalar) in SIZES else scalar.replace(_is_batch, _size)
            case Undefined():
                return _applied(bindings[node.name], node, [read(part) for part in node.args])
        return node.func(*(read(part) for part in node.args)) if node.args else node

    return read(step.equation.value)


def _applied(slot: Any, node: Any, arguments: list[Expr]) -> Expr:
    assert isinstance(slot, Slot)
    known = slot_formula(slot.source, node.orders)
    if known is None:
        return node.func(*arguments)
    return known.xreplace(dict(zip(SLOT_ARGUMENTS[type(slot.source)], arguments, strict=True)))


def _is_batch(node: Expr) -> bool:
    return isinstance(node, sp.Symbol) and node.name == "m"


def _size(bound: Expr) -> sp.Symbol:
    return size(SIZES[str(bound)])


def _is_size(symbol: sp.Symbol) -> bool:
    return bool(symbol.name.startswith("N_"))


def step(claim: str, left: Expr, right: Expr, reason: str) -> IndexStep:
    """An equation of this notation, for all sizes."""
    return IndexStep(claim, left, right, reason, ROWS)


def delta(first: str, second: str) -> Expr:
    """Kronecker's δ of two indices."""
    return sp.KroneckerDelta(*(sp.Symbol(letter, integer=True) for letter in (first, second)))


def with_softmax(value: Expr) -> Expr:
    """A value with A = softmax(Z), sample by sample."""
    z, unit = sp.IndexedBase("Z", real=True), sp.Symbol("o", integer=True)

    def put(i: sp.Symbol, c: sp.Symbol) -> Expr:
        return sp.exp(z[i, c]) / PlainSum(sp.exp(z[unit, c]), (unit, 1, size("i")))

    entries = {entry: put(*entry.indices) for entry in value.atoms(sp.Indexed) if name_of(entry) == "A"}
    return value.xreplace(entries)


def softmax_error(loss: str) -> Expr:
    """The library's output error of softmax with a loss, ∂E/∂A put in."""
    upstream = general("cotangent", output="softmax", loss=loss)
    i, c = (sp.Symbol(letter, integer=True) for letter in "ic")
    error = general("output error", output="softmax", loss=loss)
    entries = (entry for entry in error.atoms(sp.Indexed) if name_of(entry) == "G")
    return error.xreplace(
        {each: upstream.xreplace(dict(zip((i, c), each.indices, strict=True))) for each in entries}
    )


def forward(layer: str) -> Expr:
    """The forward equation of a layer, in its own names."""
    (equation,) = LAYERS[layer].equations()
    return equation.value


def put(value: Expr, name: str, inside: Expr) -> Expr:
    """A value with something put in for the entries of an array; `inside` is what stands for the entry at the
    indices of `AXES`.
    """
    entries = [entry for entry in value.atoms(sp.Indexed) if name_of(entry) == name]
    return value.xreplace({entry: _at(inside, name, entry.indices) for entry in entries})


def _at(inside: Expr, name: str, places: tuple[sp.Symbol, ...]) -> Expr:
    """`inside` at other free indices; its bound ones move away."""
    bound = sorted({limit[0] for total in inside.atoms(sp.Sum) for limit in total.limits}, key=str)
    moved = inside.xreplace({index: sp.Symbol(f"{index}_{name}", integer=True) for index in bound})
    free = [sp.Symbol(letter, integer=True) for letter in AXES[name]]
    return moved.xreplace(dict(zip(free, places, strict=False)))


def scaled(value: Expr, name: str, factor: Expr) -> Expr:
    """A value with every entry of an array times a factor."""
    entries = [entry for entry in value.atoms(sp.Indexed) if name_of(entry) == name]
    return value.xreplace({entry: factor * entry for entry in entries})


def transposed(value: Expr, name: str) -> Expr:
    """A value with an array transposed."""
    entries = [entry for entry in value.atoms(sp.Indexed) if name_of(entry) == name]
    return value.xreplace({entry: entry.base[entry.indices[::-1]] for entry in entries})
