"""Whether a formula is a number or an array, by what is given, before it has a value."""

from __future__ import annotations

from proofs.claims.formula import Call, Formula, Number, Partial, Reference, Total, children
from proofs.claims.given import Given

ARRAYS = frozenset({"outer", "diag", "ones", "col", "row", "vector", "rows"})
NUMBERS = frozenset({"dot", "delta"})


def is_number(formula: Formula, given: Given) -> bool:
    """Whether a formula is one number. A 1×1 product of arrays is not known to be one before it has a value.

    >>> from proofs.claims.parsing import parse_formula
    >>> from proofs.claims.given import given
    >>> context = given(sizes={"n": False}, arrays={"x": "n"})
    >>> is_number(parse_formula("2*x[i]"), context), is_number(parse_formula("2*x"), context)
    (True, False)
    """
    match formula:
        case Number():
            return True
        case Reference():
            array = given.arrays.get(formula.name)
            if array is None:
                return True
            indices = formula.groups[1:] if array.layers else formula.groups
            return not array.axes or bool(indices)
        case Partial():
            return is_number(formula.of, given) and is_number(formula.by, given)
        case Total():
            return is_number(formula.body, given)
        case Call(function=function) if function in ARRAYS | NUMBERS:
            return function in NUMBERS
        case Call(function=function) if function in given.functions and given.functions[function].whole:
            return True
    return all(is_number(child, given) for child in children(formula))
