"""In which form and layout a subject can be asked: found out by what it is, and by asking.

Candidates stand in tiers, the usual before the rare; the first tier in which an answer has the shapes of a
gradient is the last one tried, and all of its forms that answer so are returned. Whether an answer is right
is not looked at here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, Protocol, TypeAlias

import numpy as np

from backproof import layouts
from backproof.forms import Form
from backproof.points import Point
from backproof.subjects import Nature, Parameters, Returned, SubjectFailed, Value
from symbolic.conventions import CHOICES, Layout
from symbolic.network import Network

Tier: TypeAlias = Iterator[Form]

LAYOUTS: Final = tuple(Layout(*choice) for choice in product(*CHOICES.values()))
WORDS: Final = {  # what people call what they take
    "params": "params parameters theta thetas weights w p layers model net network ws wb coefficients",
    "x": "x xs x_train inputs input data features x_batch batch_x a0",
    "t": "t ts y ys y_train targets target labels label d desired y_batch batch_y y_true expected",
    "eta": "eta lr learning_rate alpha step_size rate step",
}
WEIGHTS: Final = "weights w ws"
BIASES: Final = "biases b bs bias"
ORDERS: Final = ("params, x, t", "x, t, params")
CONTAINERS: Final = ("pairs", "list", "dict", "flat", "flat-weights-first")
JOINED: Final = ("last-column", "first-column", "last-row", "first-row")
HELD: Final = (  # where an object keeps W and b, and where numbers begin
    ("weights[{l}]", "biases[{l}]", 0),
    ("W[{l}]", "b[{l}]", 0),
    ("W{l}", "b{l}", 1),
    ("w{l}", "b{l}", 1),
    ("params[W{l}]", "params[b{l}]", 1),
    ("parameters[W{l}]", "parameters[b{l}]", 1),
    ("layers[{l}].W", "layers[{l}].b", 0),
    ("layers[{l}].w", "layers[{l}].b", 0),
    ("layers[{l}].weights", "layers[{l}].biases", 0),
)
LEFT: Final = (  # where it leaves their gradients, beside what a d before the name says
    ("dW[{l}]", "db[{l}]"),
    ("dw[{l}]", "db[{l}]"),
    ("nabla_w[{l}]", "nabla_b[{l}]"),
    ("grads[W{l}]", "grads[b{l}]"),
    ("layers[{l}].grad_weights", "layers[{l}].grad_biases"),
)
CALLS: Final = {  # a method and how many arguments it takes: the calls that end with it
    ("backward", 0): "forward(x, t); backward()",
    ("backward", 1): "forward(x); backward(t)",
    ("backward", 2): "forward(x); backward(x, t)",
    ("backward", 3): "out = forward(x); backward(x, t, out)",
    ("backprop", 2): "backprop(x, t)",
    ("gradient", 2): "gradient(x, t)",
    ("gradients", 2): "gradients(x, t)",
    ("loss", 2): "loss(x, t)",
}
STEPS: Final = ("train_step", "train", "update", "step", "fit", "partial_fit", "train_on_batch")


@dataclass(frozen=True, slots=True)
class Found:
    """A form and a layout in which a subject gives an answer with the shapes of a gradient."""

    form: Form
    layout: Layout


class Adaptable(Protocol):
    """A subject that can be asked in one form after another."""

    parameters: Parameters

    def take(self, form: Form) -> None: ...
    def call(self, params: Any, x: Any, t: Any, **keywords: float) -> Returned: ...


def detect(
    subject: Adaptable, network: Network, point: Point, choices: Sequence[Layout] = LAYOUTS
) -> list[Found]:
    """The forms and layouts in which a subject can be asked, or none.

    Widths and the number of samples have to differ for shapes to tell anything. A subject that is no function
    is started with `Form("object")`. Raises SubjectFailed where it hangs.
    """
    nature = subject.parameters.nature
    for tier in (row for is_one, row in KINDS if is_one(nature)):
        for forms in tier(nature):
            found = [
                Found(form, layout)
                for form in forms
                for layout in _usable(subject, form, network, point, choices)
            ]
            if found:
                return found
    return []


def _usable(
    subject: Adaptable, form: Form, network: Network, point: Point, choices: Sequence[Layout]
) -> Iterator[Layout]:
    """The layouts in which this form is answered."""
    try:
        subject.take(form)
    except SubjectFailed:
        return
    for layout in dict.fromkeys(form.constrained(choice) for choice in choices):
        try:
            if _fits(subject.call(*layouts.to_subject(point, layout)).value, network, layout):
                yield layout
        except SubjectFailed as failure:
            if failure.what == "hung":
                raise
            if failure.detail.startswith("there is no "):  # in no layout either
                return


def _fits(value: Value, network: Network, layout: Layout) -> bool:
    """Whether a value is grads or (loss, grads), with numbers of the right shapes that are not all 0."""
    match value:
        case [first, list() | tuple() as second] if not isinstance(first, (list, tuple)):
            value = second
    wanted = layouts.shapes(network, layout)
    if not isinstance(value, (list, tuple)) or len(value) != len(wanted):
        return False
    shaped = all(
        isinstance(pair, (list, tuple))
        and len(pair) == 2
        and all(
            array is None if shape is None else isinstance(array, np.ndarray) and array.shape == shape
            for array, shape in zip(pair, shapes, strict=True)
        )
        for pair, shapes in zip(value, wanted, strict=True)
    )
    arrays = [array for pair in value if isinstance(pair, (list, tuple)) for array in pair]
    return shaped and any(isinstance(array, np.ndarray) and bool(array.any()) for array in arrays)


def _functions(nature: Nature) -> Iterator[Tier]:
    """A function of all samples; of one; with biases within its weights; a loss that a framework takes."""
    orders = _orders(nature.takes)

    def forms(batch: str) -> Tier:
        yield from (
            Form(params=held, arguments=order, batch=batch) for held, order in product(CONTAINERS, orders)
        )
        yield from (
            Form(arguments=order, batch=batch, returns=returns)
            for order, returns in product(orders, ("weights, biases", "biases, weights"))
        )
        for order, returns in product(
            _separate_orders(nature.takes), ("", "weights, biases", "loss, weights, biases")
        ):
            yield Form(params="separate", arguments=order, batch=batch, returns=returns)
        if "W1" in nature.takes:
            yield from (
                Form(params="dict", arguments="x, t, **params", grads=grads, returns=returns, batch=batch)
                for grads, returns in (("list", "*grads"), ("list", "loss, *grads"), ("dict", ""))
            )

    yield forms("batch")
    yield forms("single-column")
    yield forms("single")
    yield (
        Form(params=held, arguments=order, biases=place)
        for held, order, place in product(("list", "flat"), orders, JOINED)
    )
    yield (
        Form(kind, params=held, arguments=order)
        for kind, held, order in product(("torch-function", "autograd", "jax"), CONTAINERS, orders)
    )


def _updates(nature: Nature) -> Iterator[Tier]:
    """A step of a function: in the order of its names, η where it stands."""
    named = [_word(name) for name in nature.takes]
    eta = next((name for name in nature.takes if _word(name) == "eta"), "")
    orders = [f"{order}, {eta}=eta" for order in _orders([n for n in nature.takes if n != eta])]
    if sorted(named) == sorted(WORDS):
        orders = [", ".join(named)]
    yield (Form("update", params=held, arguments=order) for held, order in product(CONTAINERS, orders))


def _objects(nature: Nature) -> Iterator[Tier]:
    """An object that is made of its sizes, or of nothing: gradients first, then steps."""
    inits = ("sizes", "*sizes", "") if nature.is_class and nature.takes else ("",)
    gradients = [
        calls for (name, count), calls in CALLS.items() if len(nature.methods.get(name, "-" * 9)) == count
    ]
    for batch in ("batch", "single-column", "single"):
        yield (
            Form("object", init=init, calls=calls, weight=w, bias=b, first=first, batch=batch, **read)
            for (w, b, first), init, calls in product(HELD, inits, gradients)
            for read in _read(w, b)
        )
    yield (
        Form("object-update", init=init, calls=calls, weight=w, bias=b, first=first, eta_path=path)
        for (w, b, first), init, (calls, path) in product(HELD, inits, list(_steps(nature)))
    )


def _read(weight: str, bias: str) -> Iterator[dict[str, Any]]:
    """How an object with these names may give its gradients: left, or returned."""
    prefixed = tuple(
        f"{path.rpartition('.')[0]}.d{path.rpartition('.')[2]}".lstrip(".") for path in (weight, bias)
    )
    for left in (prefixed, *LEFT):
        yield {"weight_gradient": left[0], "bias_gradient": left[1]}
    for container in ("pairs", "dict"):
        yield {"grads": container}
    for returns in ("weights, biases", "biases, weights"):
        yield {"returns": returns}


def _steps(nature: Nature) -> Iterator[tuple[str, str]]:
    for name in STEPS:
        takes = nature.methods.get(name, ())
        rate = next((each for each in takes if _word(each) == "eta"), None)
        if rate:
            yield f"{name}(x, t, {rate}=eta)", ""
        elif len(takes) >= 2:
            yield from ((f"{name}(x, t)", path) for path in ("lr", "eta", "learning_rate"))


def _modules(nature: Nature) -> Iterator[Tier]:
    inits = ("", "*sizes", "sizes") if nature.is_class else ("",)
    yield (Form("torch-module", init=init, arguments="x, t") for init in inits)
    yield (
        Form("torch-module", init=init, loss=loss)
        for init, loss in product(inits, ("mse_loss", "cross_entropy"))
    )


def _torch_functions(nature: Nature) -> Iterator[Tier]:
    yield (
        Form("torch-function", params="list", arguments=order)
        for order in ("x, t, *params", "*params, x, t", "x, *params, t")
    )
    yield iter([Form("torch-function", role="layer", arguments="x, weight, bias", loss="mse_loss")])


def _jax(nature: Nature) -> Iterator[Tier]:
    yield (
        Form("jax", params=held, arguments=order)
        for held, order in product(CONTAINERS, _orders(nature.takes))
    )


def _estimators(nature: Nature) -> Iterator[Tier]:
    yield iter([Form("sklearn")])


def _descends(*names: str) -> Callable[[Nature], bool]:
    return lambda nature: any(each.endswith(names) for each in nature.ancestry)


def _is_update(nature: Nature) -> bool:
    return not nature.methods and any(_word(name) == "eta" for name in nature.takes)


KINDS: Final[tuple[tuple[Callable[[Nature], bool], Callable[[Nature], Iterator[Tier]]], ...]] = (
    (_descends("BaseMultilayerPerceptron"), _estimators),
    (_descends("torch.nn.modules.module.Module"), _modules),
    (_descends("torch.autograd.function.Function"), _torch_functions),
    (_descends(".custom_vjp", ".custom_jvp", ".PjitFunction"), _jax),
    (_is_update, _updates),
    (lambda nature: bool(nature.methods), _objects),
    (lambda nature: not nature.methods, _functions),
)


def _word(name: str) -> str:
    """params, x, t or eta, for what people call it, or nothing."""
    return next((word for word, names in WORDS.items() if name.lower() in names.split()), "")


def _orders(takes: Sequence[str]) -> list[str]:
    """The order of params, x and t by their names, or the usual ones."""
    words = [_word(name) for name in takes[:3]]
    return [", ".join(words)] if sorted(words) == ["params", "t", "x"] else list(ORDERS)


def _separate_orders(takes: Sequence[str]) -> list[str]:
    """The order of weights, biases, x and t."""
    names = [name.lower() for name in takes[:4]]
    words = [
        "weights" if name in WEIGHTS.split() else "biases" if name in BIASES.split() else _word(name)
        for name in names
    ]
    return (
        [", ".join(words)]
        if sorted(words) == ["biases", "t", "weights", "x"]
        else ["*params, x, t", "x, t, *params"]
    )
