"""The form of a subject: what it is, how it takes parameters, samples and targets, and where its gradient is.

    Form()                                                            f(params, x, t) -> grads | (loss, grads)
    Form(params="flat", arguments="x, t, params")                     f(x, t, vector) -> vector
    Form("update", arguments="params, x, t, lr=eta")                  one step of descent
    Form("object", init="sizes", weight="weights[{l}]", bias="biases[{l}]", first=0,
         calls="forward(x); backward(t)", weight_gradient="dW[{l}]", bias_gradient="db[{l}]")

Orientation, the shape of a bias and the form of labels are a `Layout`'s, and nothing of it is said here. What
a form's words do is in `backproof.adapters`, in the worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from backproof.adapters.binding import arguments
from backproof.adapters.misfit import Misfit
from backproof.adapters.objects import Call, calls
from symbolic.conventions import Layout
from symbolic.errors import BackproofError

Array: TypeAlias = npt.NDArray[Any]
Rates: TypeAlias = float | tuple[float, ...]
Pairs: TypeAlias = Sequence[tuple[Array, Array | None]]


class InvalidForm(BackproofError):
    """No subject can have this form."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of subject is, the fields that say more of it, and what these are where nothing is said."""

    what: str
    fields: tuple[str, ...]
    arguments: str = ""
    calls: str = ""


_HELD: Final = ("params", "biases", "bias_input", "weight", "bias", "first", "step")
_ONE_BY_ONE: Final = ("batch", "reduce", "dtype")
_ASKED: Final = (*_ONE_BY_ONE, "seed", "keywords")
_GIVEN: Final = ("grads", "weight_gradient", "bias_gradient", "returns")
_MADE: Final = ("init", "calls", "loss", "loss_gradient", "lifetime", "returns")

KINDS: Final = {
    "function": Kind(
        "a function that returns gradients",
        (*_HELD, *_ASKED, *_GIVEN, "arguments", "layer"),
        arguments="params, x, t",
    ),
    "update": Kind(
        "a function that takes one step of descent",
        (*_HELD, *_ASKED, "arguments", "returns", "layer", "eta", "sign"),
        arguments="params, x, t, eta",
    ),
    "object": Kind(
        "a class, a factory or an object with forward and backward",
        (*_HELD, *_ASKED, *_GIVEN, *_MADE),
        calls="forward(x); backward(t)",
    ),
    "object-update": Kind(
        "a class, a factory or an object that takes one step of descent",
        (*_HELD, *_ASKED, *_MADE, "eta", "eta_path", "sign"),
        calls="train(x, t, eta)",
    ),
    "torch-function": Kind(
        "a torch.autograd.Function, or a function of tensors, that computes a loss",
        (*_HELD, *_ASKED, "arguments", "loss", "role"),
        arguments="params, x, t",
    ),
    "torch-module": Kind(
        "an nn.Module: a class, a factory or an object",
        (*_ASKED, "arguments", "loss", "init", "lifetime"),
        arguments="x",
    ),
    "jax": Kind(
        "a loss of JAX arrays, with or without a custom_vjp",
        (*_HELD, *_ASKED, "arguments", "loss", "role"),
        arguments="params, x, t",
    ),
    "autograd": Kind(
        "a loss of arrays, differentiated by HIPS autograd",
        (*_HELD, *_ASKED, "arguments", "loss", "role"),
        arguments="params, x, t",
    ),
    "scalars": Kind(
        "a loss of scalar values with data, grad and backward()",
        (*_HELD, *_ASKED, "arguments", "loss", "role", "value"),
        arguments="params, x, t",
    ),
    "sklearn": Kind("an MLPClassifier or MLPRegressor", ("dtype", "output")),
    "c": Kind(
        "a function in a shared library, or in a file of C",
        (*_ONE_BY_ONE, "prototype", "order", "accumulates", "flags"),
    ),
    "command": Kind(
        "a program that reads and writes on its standard streams",
        (*_ONE_BY_ONE, "protocol", "stays"),
    ),
}
CONTAINERS: Final = (
    "pairs",
    "list",
    "separate",
    "flat",
    "flat-weights-first",
    "dict",
    "objects",
    "as-is",
)
CHOICES: Final[dict[str, tuple[object, ...]]] = {
    "kind": tuple(KINDS),
    "params": CONTAINERS,
    "grads": ("", *CONTAINERS, "attributes"),
    "biases": (
        "array",
        "first-row",
        "last-row",
        "first-column",
        "last-column",
        "scalar",
        "shared",
        "shared-scalar",
    ),
    "bias_input": (1, -1),
    "batch": ("batch", "single", "single-column", "single-row"),
    "reduce": ("mean", "sum"),
    "sign": ("-", "+"),
    "dtype": ("", "float32", "float64"),
    "role": ("network", "layer"),
    "lifetime": ("call", "run"),
    "order": ("W1 b1 W2 b2", "b1 W1 b2 W2", "W1 W2 b1 b2", "b1 b2 W1 W2"),
    "protocol": ("json", "words", "npz"),
}
WORDS: Final = {  # what the words of a field may be
    "arguments": ("params", "x", "t", "eta", "samples", "sizes", "weights", "biases"),
    "init": ("sizes", "params", "weights", "biases", "eta"),
    "returns": ("grads", "params", "loss", "weights", "biases", "_"),
    "calls": ("params", "x", "t", "eta", "samples", "sizes", "weights", "biases", "out", "grad"),
}
SEVERAL: Final = ("eta",)  # may be a tuple, a number for each layer
LAYER_WORDS: Final = ("x", "weight", "bias")
SHARED: Final = ("list", "separate", "dict", "flat", "flat-weights-first")  # can hold a bias of all layers


@dataclass(frozen=True, slots=True)
class Form:
    """How a subject wants to be asked; what a kind of subject does not use has to be left at its default.

    params, grads: what holds the parameters, and a returned gradient (as the parameters, if not said);
        `grads="attributes"` reads it from the objects given. Names of W and b, and of their gradients, are
        keys of a dict, attributes of objects or paths such as layers[{l}].W, with l counted from `first` in
        steps of `step`.
    biases: arrays, a row or column of W for a constant input ±1, a scalar for a layer, or one for all layers.
    arguments, returns: "x, t, params, lr=eta"; "loss, grads", "biases, weights", "loss, *grads".
    batch, reduce: all samples, or one at a time as a vector, column or row, and the mean or sum over them.
    eta, sign, eta_path: the step is W - ηg or, upwards, W + ηg; η is set where a word or a path takes it. It
        is one number, or one for each layer.
    init, calls, lifetime: arguments of the factory, methods called in turn, anew for each call or for a run.
    loss, loss_gradient, layer, value, seed: names in its file; a seed may also be numpy, random or torch.
    keywords: "lam=reg" gives a penalty's λ under the subject's own name.
    prototype, order, accumulates, flags: of a C function, whose compiler is given the flags.
    protocol, stays: of a program; one that stays answers line after line (docs/protocol.md).
    """

    kind: str = "function"
    params: str = "pairs"
    grads: str = ""
    biases: str = "array"
    bias_input: int = 1
    weight: str = ""
    bias: str = ""
    weight_gradient: str = ""
    bias_gradient: str = ""
    first: int = 1
    step: int = 1
    arguments: str = ""
    returns: str = ""
    batch: str = "batch"
    reduce: str = "mean"
    eta: Rates = 1.0
    eta_path: str = ""
    sign: str = "-"
    init: str = ""
    calls: str = ""
    lifetime: str = "call"
    loss: str = ""
    loss_gradient: str = ""
    layer: str = ""
    role: str = "network"
    value: str = "Value"
    output: str = ""
    dtype: str = ""
    seed: str = ""
    keywords: str = ""
    prototype: str = ""
    order: str = "W1 b1 W2 b2"
    accumulates: bool = False
    flags: str = ""
    protocol: str = "json"
    stays: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.eta, list):  # as TOML and JSON have it
            object.__setattr__(self, "eta", tuple(self.eta))
        for field in fields(self):
            value = getattr(self, field.name)
            _refuse_type(field.name, value, field.default)
            if field.name in CHOICES and value not in CHOICES[field.name]:
                raise InvalidForm(
                    f"no {field.name.replace('_', ' ')} {value!r}; choose from {_listed(CHOICES[field.name])}"
                )
        unused = set(self.said) - {"kind", *KINDS[self.kind].fields}
        if unused:
            raise InvalidForm(
                f"a subject of kind {self.kind} has no {min(unused)}; it has "
                f"{_listed(sorted(set(KINDS[self.kind].fields)))}"
            )
        self._refuse_contradictions()

    def _refuse_contradictions(self) -> None:
        given = {"arguments": arguments(self.arguments), "init": arguments(self.init)}
        given["returns"] = arguments(self.returns)
        given["calls"] = [argument for call in self._calls() for argument in call.wanted]
        for name, found in given.items():
            words = LAYER_WORDS if name == "arguments" and self.role == "layer" else WORDS[name]
            for argument in found:
                if argument.word not in words:
                    raise InvalidForm(f"no word '{argument.word}' in {name}; choose from {_listed(words)}")
        for rate in self.rates:
            if rate <= 0 or not np.isfinite(rate):
                raise InvalidForm(f"eta is {rate}; it has to be a positive number")
        if len(self.rates) > 1 and self.biases.startswith("shared"):
            raise InvalidForm(
                f"eta has {len(self.rates)} rates, and one bias of all layers has one; give eta one number"
            )
        if self.biases.startswith("shared") and self.params not in SHARED:
            raise InvalidForm(f"params {self.params} hold no shared bias; choose from {_listed(SHARED)}")
        if self.batch != "batch" and self.params == "as-is":
            raise InvalidForm("params as-is go with batches alone; samples of a graph have no common axis")
        if self.stays and self.protocol == "npz":
            raise InvalidForm("an .npz is no line; a program that stays speaks json or words")
        if self.kind == "object-update" and not self.weight:
            raise InvalidForm('an object-update has a path to its weights, as in weight = "weights[{l}]"')

    def _calls(self) -> list[Call]:
        try:
            return calls(self.calls)
        except Misfit as error:
            raise InvalidForm(str(error)) from None

    @property
    def said(self) -> dict[str, Any]:
        """The fields that are not at their defaults."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }

    @property
    def rates(self) -> tuple[float, ...]:
        """η, or that of each layer."""
        return self.eta if isinstance(self.eta, tuple) else (self.eta,)

    def rate(self, layer: object) -> float:
        """η of a layer, counted from 1."""
        return (
            self.eta[layer - 1] if isinstance(self.eta, tuple) and isinstance(layer, int) else self.rates[0]
        )

    def scaled_eta(self, factor: float) -> Rates:
        """η times a number, of the same kind."""
        scaled = tuple(factor * rate for rate in self.rates)
        return scaled if isinstance(self.eta, tuple) else scaled[0]

    def refuse_depth(self, depth: int | None, what: str) -> None:
        """Raise InvalidForm where there is not a rate for each layer; the depth is None where it is open."""
        if isinstance(self.eta, tuple) and depth != len(self.eta):
            has = "has no fixed number of layers" if depth is None else f"has {depth}"
            raise InvalidForm(
                f"eta has a rate for each of {len(self.eta)} layers, but {what} {has}; "
                "give one number, or as many as the network has layers"
            )

    @property
    def config(self) -> dict[str, Any] | None:
        """What the worker is told, as JSON; None for a subject that is called as it stands."""
        if not self.said:
            return None
        kind = KINDS[self.kind]
        return {
            **asdict(self),
            "arguments": self.arguments or kind.arguments,
            "calls": self.calls or kind.calls,
        }

    def constrained(self, layout: Layout) -> Layout:
        """The layout with what the form implies: a bias in a row is beside in×out weights."""
        if self.kind == "sklearn":
            return replace(layout, weights="in-out", samples="rows", bias_shape="n", labels="one-hot")
        if self.kind == "c" or self.params.startswith("flat") or "-" in self.biases:
            layout = replace(layout, bias_shape="n")  # its shape is not to be seen
        if self.biases.endswith("-row"):
            layout = replace(layout, weights="in-out")
        if self.biases.endswith("-column"):
            layout = replace(layout, weights="out-in")
        if self.batch != "batch" or any(a.word == "samples" for a in arguments(self.arguments)):
            layout = replace(layout, samples="columns")
        return layout

    @property
    def shares_biases(self) -> bool:
        """Whether several units have one bias."""
        return self.biases in ("scalar", "shared", "shared-scalar")

    def tied(self, params: Pairs) -> list[tuple[Array, Array | None]]:
        """The parameters with equal numbers where the subject has one bias for several units."""
        return [(w, _filled(b, params, self.biases)) for w, b in params]

    def folded(self, gradient: Pairs) -> list[tuple[Array, Array | None]]:
        """A gradient by biases of their own as the subject's, by those it has: sums, given to each unit."""
        total = _total(gradient, self.biases)
        return [(w, b if b is None or total is None else total(b)) for w, b in gradient]


def form_from(data: Mapping[str, Any], source: str) -> Form:
    """The form of a table of fields. Raises InvalidForm, which names the source and the known keys."""
    known = [field.name for field in fields(Form)]
    for key in data:
        if key not in known:
            raise InvalidForm(f"{source}: no key '{key}'; choose from {_listed(known)}")
    try:
        return Form(**data)
    except InvalidForm as error:
        raise InvalidForm(f"{source}: {error}") from None


def form_of(texts: Iterable[str]) -> dict[str, Any]:
    """The fields of texts such as "params=flat" or "eta=0.1", of their types. Raises InvalidForm."""
    defaults = {field.name: field.default for field in fields(Form)}
    said: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidForm(f"{text!r} says nothing; write KEY=VALUE, such as params=flat")
        name = name.strip().replace("-", "_")
        said[name] = _typed(name, value.strip(), defaults.get(name, ""))
    return said


def _typed(name: str, text: str, default: object) -> object:
    if name in SEVERAL and "," in text:
        rates = [_typed("", part.strip(), default) for part in text.split(",")]
        return text if any(isinstance(rate, str) for rate in rates) else tuple(rates)
    if isinstance(default, str):
        return text
    try:
        return {"true": True, "false": False}[text] if isinstance(default, bool) else type(default)(text)  # type: ignore[call-arg]
    except (KeyError, ValueError):
        return text  # which is refused as what it is not


def _refuse_type(name: str, value: Any, default: Any) -> None:
    if name in SEVERAL and isinstance(value, tuple) and value:
        for part in value:
            _refuse_type(name, part, default)
        return
    several = ", or one for each layer" if name in SEVERAL else ""
    accepted = (int, float) if isinstance(default, float) else type(default)
    if not isinstance(value, accepted) or isinstance(value, bool) != isinstance(default, bool):
        wanted = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}[
            type(default)
        ]
        raise InvalidForm(f"{name} is {value!r}; it has to be {wanted}{several}")


def _filled(b: Array | None, params: Pairs, biases: str) -> Array | None:
    if b is None or biases not in ("scalar", "shared", "shared-scalar"):
        return b
    if biases == "scalar":
        return np.full_like(b, b.flat[0])
    first = next(own for _, own in params if own is not None)
    return first if biases == "shared" else np.full_like(b, first.flat[0])


def _total(gradient: Pairs, biases: str) -> Any:
    """What becomes of the gradient by one layer's bias; None where nothing does."""
    own = [b for _, b in gradient if b is not None]
    if biases == "scalar":
        return lambda b: np.full_like(b, b.sum())
    if biases == "shared":
        return lambda b: sum(own[1:], own[0])
    if biases == "shared-scalar":
        return lambda b: np.full_like(b, sum(each.sum() for each in own))
    return None


def _listed(words: Sequence[object]) -> str:
    return ", ".join(str(word) for word in words if word != "")
