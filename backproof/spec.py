"""SPEC: one way for every command to say which network, family, graph or layer is meant."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import Final

from backproof.options import SpecOptions
from symbolic.errors import InvalidNetwork
from symbolic.graph import Graph
from symbolic.layer import Layer
from symbolic.layers import LAYERS
from symbolic.network import Chain, Family, Network, mlp, read_sizes
from symbolic.toml_files import Described, from_toml

NOTHING_SAID: Final = SpecOptions()
_SIZES: Final = re.compile(r"[-\s]*(\d|\?|n\d|n…).*")


def resolve(text: str, options: SpecOptions = NOTHING_SAID) -> Described:
    """The network, family, graph or layer that SPEC names.

    A text with = holds equations, separated by semicolons; one with a path separator or ending in `.toml` is
    a file; digits, `?`, `n…` joined by `-` are sizes; anything else is a name in the table of layers. Raises
    InvalidNetwork, also for options that do not apply, and FormulaError.
    """
    if "=" in text:
        _refuse(options, "equations are a layer")
        return Layer.from_equations(*(part.strip() for part in text.split(";") if part.strip()))
    if os.sep in text or text.endswith(".toml"):
        _refuse(options, f"{text} is a file, which says everything itself")
        return from_toml(_read(Path(text)), source=text)
    if _SIZES.fullmatch(text):
        return _network(text, options)
    if text in LAYERS:
        _refuse(options, f"{text} is a layer")
        return LAYERS[text]
    raise InvalidNetwork(
        f"{_unknown_layer(text)}; or give sizes such as 2-3-1, 2-?-1, ?-…-?, n0-…-nL, a .toml file, "
        "or an equation such as 'Y[i,c] = Sum(W[i,j]*X[j,c]**2, j)'"
    )


def _unknown_layer(text: str) -> str:
    """What is said of a name that is no layer's; the whole table would be too long."""
    close = difflib.get_close_matches(text, LAYERS, n=3)
    meant = f"did you mean {' or '.join(close)}? " if close else ""
    return f"no layer '{text}'; {meant}`backproof layers` lists all"


def resolve_chain(text: str, options: SpecOptions, *, command: str) -> Chain:
    """The network or family that SPEC names; InvalidNetwork for a graph or a layer."""
    found = resolve(text, options)
    if isinstance(found, Graph | Layer):
        kind = "a graph" if isinstance(found, Graph) else "a layer"
        raise InvalidNetwork(
            f"{command} needs a chain of layers, but {text} is {kind}; give sizes such as 2-3-1"
        )
    return found


def resolve_network(text: str, options: SpecOptions, *, command: str) -> Network:
    """The network with fixed sizes that SPEC names; InvalidNetwork for a family or a layer."""
    chain = resolve_chain(text, options, command=command)
    if not isinstance(chain, Network) or chain.is_symbolic:
        raise InvalidNetwork(
            f"{command} needs fixed sizes, but {text} leaves some open; give numbers such as 2-3-1"
        )
    return chain


def _network(text: str, options: SpecOptions) -> Chain:
    sizes = read_sizes(text)
    if sizes is not None and len(sizes) == 2 and options.hidden:
        raise InvalidNetwork(f"--hidden does not apply: {text} has no hidden layer; give --output")
    defaults = {
        "hidden": "g",
        "output": "identity",
        "loss": "half-squared",
        "scale": None,
        "l2": None,
        "l1": None,
    }
    said = {name: value for name in defaults if (value := getattr(options, name)) not in (None, [])}
    hidden = said.get("hidden", "g")
    chosen = defaults | said | {"hidden": hidden if isinstance(hidden, str) else tuple(hidden)}
    found = mlp(text, bias=not options.no_bias, penalize_biases=bool(options.penalize_biases), **chosen)
    return found


def assumptions(chain: Chain, options: SpecOptions) -> str:
    """What a bare SPEC was taken to mean, in one sentence; empty where everything was said."""
    silent = []
    has_hidden = isinstance(chain, Family) or chain.depth > 1
    if options.hidden in (None, []) and has_hidden:
        silent.append("an undefined g in hidden layers (--hidden)")
    if options.output is None:
        silent.append("identity output (--output)")
    if options.loss is None:
        silent.append("half squared error (--loss)")
    return f"Taken for granted: {', '.join(silent)}." if silent else ""


def _refuse(options: SpecOptions, reason: str) -> None:
    if options.given:
        names = ", ".join(options.given)
        raise InvalidNetwork(f"{names} {'does' if len(options.given) == 1 else 'do'} not apply: {reason}")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidNetwork(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidNetwork(f"{path} cannot be read: {error}") from None
