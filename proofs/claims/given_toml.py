"""A context of claims as a TOML file, with its conventions.

    depth = 2
    constants = ["eta"]
    definitions = ["a[0] = x", "z[l] = W[l] @ a[l-1] for l in 1..L", "a[l] = g(z[l]) for l in 1..L"]

    [sizes]
    n = "each layer"
    m = "one"

    [arrays]
    x = "n[0], m"
    W = "n[l], n[l-1] for l in 1..L"

    [functions]
    g = ""

    [conventions."E = 1/2 Σ"]
    definitions = ["E = Sum(Sum((a[L][i,c] - t[i,c])**2, i), c)/2"]

A convention replaces or adds arrays, functions and definitions; a claim is judged under each.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from proofs.claims.formula import Reference, every
from proofs.claims.given import Given, defined, given
from symbolic.errors import FormulaError, InvalidNetwork
from symbolic.toml_format import loaded

PLAIN: Final = "as given"
MAX_DEPTH: Final = 5
MAX_DEFINITIONS: Final = 100
MAX_SIZE: Final = 9  # of a size that is a number
SIZES: Final[Mapping[str, bool]] = {"each layer": True, "one": False}
KEYS: Final = ("sizes", "widths", "arrays", "functions", "constants", "definitions", "depth", "conventions")
REPLACED: Final = ("arrays", "functions", "definitions")
NAME: Final = re.compile(r"(?!(?:D|Sum|for|in|L)$)[A-Za-zα-ωΑ-Ω_][A-Za-z0-9_α-ωΑ-Ω]*'*")


def conventions_from(text: str, *, source: str = "the TOML text") -> dict[str, Given]:
    r"""The contexts that a TOML text describes, by name; one, "as given", where there are no conventions.

    Raises InvalidNetwork, which names the source and the key.

    >>> found = conventions_from('definitions = ["E = Sum(x[i]**2, i)"]\n[sizes]\nn = "one"\n'
    ...                          '[arrays]\nx = "n"\nE = ""')
    >>> found["as given"].arrays["x"].axes[0].name
    'n'
    """
    data = loaded(text, source)
    _check_keys(data, KEYS, source)
    conventions = _table(data, "conventions", source)
    if not conventions:
        return {PLAIN: _context(data, {}, source)}
    found = {}
    for name, other in conventions.items():
        where = f"{source}, convention {name!r}"
        if not isinstance(other, dict):
            raise InvalidNetwork(f"{where} is a table of {', '.join(REPLACED)}, not {other!r}")
        _check_keys(other, REPLACED, where)
        found[name] = _context(data, other, where)
    return found


def _context(data: Mapping[str, Any], other: Mapping[str, Any], source: str) -> Given:
    depth = data.get("depth", 1)
    if type(depth) is not int or not 1 <= depth <= MAX_DEPTH:
        raise InvalidNetwork(
            f"{source}: depth is a whole number from 1 to {MAX_DEPTH}, not {depth!r}; what is true for every "
            "depth shows at three layers"
        )
    fixed = {name: size for name, size in _table(data, "sizes", source).items() if type(size) is int}
    words = {name: word for name, word in _table(data, "sizes", source).items() if name not in fixed}
    sizes = _sizes(words, fixed, source)
    arrays = _texts(data, "arrays", source) | _texts(other, "arrays", source)
    functions = _texts(data, "functions", source) | _texts(other, "functions", source)
    constants = _lines(data, "constants", source)
    _check_names([*sizes, *arrays, *functions, *constants], source)
    try:
        context = given(
            sizes=sizes,
            arrays=arrays,
            functions=functions,
            definitions=_lines(data, "definitions", source),
            depth=depth,
            constants=tuple(constants),
            widths=_texts(data, "widths", source),
            fixed=fixed,
        ).with_definitions(*_lines(other, "definitions", source))
    except (FormulaError, InvalidNetwork) as error:
        raise InvalidNetwork(f"{source}: {error}") from None
    _check_arrays(context, source)
    return context


def _sizes(words: Mapping[str, Any], fixed: Mapping[str, int], source: str) -> dict[str, bool]:
    wrong = {name: word for name, word in words.items() if not isinstance(word, str) or word not in SIZES}
    wrong |= {name: size for name, size in fixed.items() if not 1 <= size <= MAX_SIZE}
    for name, size in wrong.items():
        said = ", ".join(map(repr, SIZES))
        raise InvalidNetwork(
            f"{source}: size {name} is {said} or a whole number from 1 to {MAX_SIZE}, not {size!r}"
        )
    return {name: SIZES[word] for name, word in words.items()}


def _check_arrays(context: Given, source: str) -> None:
    """That axes are sizes, at most two of them, and that what is defined is an array."""
    for array in context.arrays.values():
        if len(array.axes) > 2:
            raise InvalidNetwork(
                f"{source}: array {array.name} has {len(array.axes)} axes; claims know numbers, columns and "
                "matrices"
            )
        for axis in array.axes:
            layered = context.sizes.get(axis.name)
            if layered is None or layered != bool(axis.groups):
                known = ", ".join(f"{name}[l]" if each else name for name, each in context.sizes.items())
                raise InvalidNetwork(
                    f"{source}: an axis of array {array.name} is no size; there are {known or 'none'}"
                )
    for claim in context.definitions:
        name, _ = defined(claim)
        if name not in context.arrays:
            raise InvalidNetwork(f"{source}: {claim.text!r} defines {name}, which is not among the arrays")
        array = context.arrays[name]
        if bool(array.layers) and not any(
            isinstance(node, Reference) and node.groups and len(node.groups[0]) == 1
            for node in every(claim.left)
        ):
            raise InvalidNetwork(f"{source}: {claim.text!r} does not say of which layer; write {name}[l]")


def _check_names(names: Collection[str], source: str) -> None:
    for name in names:
        if not NAME.fullmatch(name):
            raise InvalidNetwork(
                f"{source}: {name!r} is no name; names are letters, digits and _, but not D, Sum, for, in, L"
            )


def _check_keys(data: Mapping[str, Any], known: Collection[str], source: str) -> None:
    for key in data:
        if key not in known:
            raise InvalidNetwork(f"{source}: there is no key {key!r}; choose from {', '.join(known)}")


def _table(data: Mapping[str, Any], key: str, source: str) -> dict[str, Any]:
    found = data.get(key, {})
    if not isinstance(found, dict):
        raise InvalidNetwork(f"{source}: {key} is a table, not {found!r}")
    return found


def _texts(data: Mapping[str, Any], key: str, source: str) -> dict[str, str]:
    for name, value in _table(data, key, source).items():
        if not isinstance(value, str):
            raise InvalidNetwork(f"{source}: {key}.{name} is a text, not {value!r}")
    return dict(_table(data, key, source))


def _lines(data: Mapping[str, Any], key: str, source: str) -> list[str]:
    found = data.get(key, [])
    if not isinstance(found, list) or not all(isinstance(line, str) for line in found):
        raise InvalidNetwork(f"{source}: {key} is a list of texts, not {found!r}")
    if len(found) > MAX_DEFINITIONS:
        raise InvalidNetwork(f"{source}: {len(found)} {key} are more than {MAX_DEFINITIONS}")
    return found
