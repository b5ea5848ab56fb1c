"""Models of PyTorch, by symbolic tracing: `torch.fx` says what a model calls, tables say what that means.

The model is not run: sizes follow from the forward equations, with the number of samples m left open, so that
`x.view(x.size(0), -1)` is read for every batch. The model is as it stands: `.train()` makes batch norm a
function of the batch, `.eval()` of its running statistics.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from functools import partial, reduce
from typing import Any, Final

import sympy as sp

from backproof.importing.builder import Builder, Weight
from backproof.importing.imported import LOSS, Imported, Numbers, Value
from backproof.importing.reports import UNREAD, Problems, Unread, library
from backproof.importing.torch_functions import ALIASES, FUNCTIONS
from backproof.importing.torch_losses import read_loss
from backproof.importing.torch_modules import MODULES, applied, kind
from backproof.importing.torch_reader import Reader, Row
from symbolic.errors import BackproofError, InvalidNetwork, Unsupported
from symbolic.losses import SAMPLES
from symbolic.sizes import Shape

PURE: Final = ("_operator", "math", "builtins")  # what they compute of sizes may be computed at once
IN_PLACE: Final = ("iadd", "isub", "imul", "itruediv")
SUPPORTED: Final = {"modules": MODULES, "functions": [name for name in FUNCTIONS if name[0] != "_"]}
VIEWS: Final = (
    *("getitem", "reshape", "reshape_as", "flatten", "permute", "transpose", "t", "unsqueeze", "squeeze"),
    *("expand", "split", "chunk", "unbind", "T", "mT"),
)
WITHOUT: Final = "it has no equations here"


def from_torch(
    module: Any,
    *inputs: Any,
    loss: Any = None,
    masks: Mapping[str, Numbers] | None = None,
    samples: int = 0,
) -> Imported:
    """Read a model of PyTorch: an `nn.Module`, and an example of each input or its shape with the samples.

    `loss` is a module of torch.nn such as `nn.CrossEntropyLoss()`, `masks` are those that dropout has drawn,
    by the module's path, and `samples` is their axis in the inputs; in an example or a shape, any number may
    stand there. Raises Unsupported with every part of the model that cannot be read, and MissingLibrary.
    """
    library("torch.fx", "torch")
    if not hasattr(module, "named_parameters") or not inputs:
        raise InvalidNetwork("from_torch takes an nn.Module and an example, or the shape, of each input")
    problems = Problems(type(module).__name__)
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    read = Reader(Builder(), names, masks or {})
    for path in read.masks:
        if kind(dict(module.named_modules()).get(path)) != "Dropout":
            raise InvalidNetwork(f"masks: {path!r} is no nn.Dropout of the model")
    given, outputs = _read(read, module, problems, [_sizes(each, samples) for each in inputs])
    found = None
    if loss is not None and len(outputs) == 1:
        try:
            found = read_loss(read.build, loss, outputs[0])
        except Unsupported as error:
            problems.note("loss", error)
    problems.check(**SUPPORTED)
    if not outputs or (loss is not None and len(outputs) > 1):
        raise InvalidNetwork(f"{problems.model} returns {len(outputs)} tensors; a loss is of one")
    if found is None:
        return read.build.finish(given, outputs)
    return read.build.finish(given, [found.output], losses={LOSS: found.node}, target=found.target)


def _read(
    read: Reader, module: Any, problems: Problems, sizes: Sequence[Shape]
) -> tuple[list[Value], list[Value]]:
    """Inputs and outputs of a module; one that is itself a row of the table is not taken apart."""
    if kind(module) not in MODULES:
        reading = _Reading(read, module, problems, sizes)
        reading.run(_traced(module, len(sizes), problems))
        return reading.given, [value for value in reading.outputs if isinstance(value, Value)]
    given = [read.build.input("x", each) for each in sizes]
    read.build.name = kind(module).lower()
    try:
        result = applied(read, module, "", *given)
    except Unsupported as error:
        result = problems.note(kind(module), error)
    return given, [value for value in _leaves(result) if isinstance(value, Value)]


def _sizes(given: Any, samples: int) -> Shape:
    sizes = list(getattr(given, "shape", given))
    if not -len(sizes) <= samples < len(sizes):
        raise InvalidNetwork(f"an input of shape {tuple(sizes)} has no axis {samples} for the samples")
    sizes[samples] = SAMPLES
    return tuple(size if size == SAMPLES else int(size) for size in sizes)


def _traced(module: Any, inputs: int, problems: Problems) -> Any:
    """The graph of calls. What cannot be traced is noted, taken as one piece, and tracing begins again."""
    fx = library("torch.fx", "torch")
    signature = inspect.signature(module.forward).parameters.values()
    optional = {
        each.name: each.default for each in list(signature)[inputs:] if each.default is not each.empty
    }
    opaque: set[str] = set()

    class Tracer(fx.Tracer):  # type: ignore[misc, name-defined]  # known only where torch is
        def __init__(self) -> None:
            super().__init__()
            self.path = ""

        def is_leaf_module(self, m: Any, module_qualified_name: str) -> bool:
            return module_qualified_name in opaque or bool(super().is_leaf_module(m, module_qualified_name))

        def call_module(self, m: Any, forward: Any, args: Any, kwargs: Any) -> Any:
            outer, self.path = self.path, self.path_of_module(m)
            result = super().call_module(m, forward, args, kwargs)
            self.path = outer
            return result

    while True:
        tracer = Tracer()
        try:
            return tracer.trace(module, concrete_args=optional)
        except Exception as error:  # a forward that meets a proxy may fail in any way
            why = (str(error) or repr(error)).strip("'").partition(". ")[0]
            reason = f"torch.fx cannot trace it: {why}"
            if not tracer.path:
                problems.note("forward", reason)
                problems.check(**SUPPORTED)
            problems.note(_at(tracer.path, module.get_submodule(tracer.path)), reason)
            opaque.add(tracer.path)


class _Reading:
    """One pass over the calls of a model; `given` and `outputs` are there afterwards.

    What a call yields is a value of the graph, a size, or a tensor of the model that no input has touched.
    """

    def __init__(self, read: Reader, module: Any, problems: Problems, sizes: Sequence[Shape]) -> None:
        self.read, self.module, self.problems, self.sizes = read, module, problems, sizes
        self.torch = library("torch", "torch")
        self.known: dict[Any, Any] = {}
        self.given: list[Value] = []
        self.outputs: list[Any] = []

    def run(self, calls: Any) -> None:
        """Read every call in order."""
        for call in calls.nodes:
            self.read.build.name = call.name
            self.known[call] = getattr(self, f"_{call.op}")(call)

    def _placeholder(self, call: Any) -> Any:
        if len(self.given) == len(self.sizes):
            return call.args[0] if call.args else None
        self.given.append(self.read.build.input(call.target, self.sizes[len(self.given)]))
        return self.given[-1]

    def _get_attr(self, call: Any) -> Any:
        return reduce(getattr, call.target.split("."), self.module)

    def _output(self, call: Any) -> None:
        result = self._values(call.args[0])
        leaves = result.values() if isinstance(result, dict) else result
        self.outputs = list(leaves) if isinstance(result, dict | tuple | list) else [result]

    def _call_module(self, call: Any) -> Any:
        module = self.module.get_submodule(call.target)
        place = _at(call.target, module)
        if kind(module) not in MODULES:
            return self.problems.note(place, WITHOUT) if kind(module) else UNREAD  # noted when it was traced
        row = partial(applied, self.read, module, call.target)
        return self._tried(call, place, row, changes=getattr(module, "inplace", False))

    def _call_method(self, call: Any) -> Any:
        return self._called(call, call.target, is_pure=False)

    def _call_function(self, call: Any) -> Any:
        return self._called(call, call.target.__name__, is_pure=call.target.__module__ in PURE)

    def _called(self, call: Any, name: str, *, is_pure: bool) -> Any:
        leaves = list(_leaves(self._values((call.args, call.kwargs))))
        if not any(isinstance(each, Value | Unread) or self.read.trained(each) for each in leaves) and (
            is_pure or not any(isinstance(each, sp.Basic) for each in leaves)
        ):
            return self._computed(call)
        plain = name if name.startswith("_") else name.rstrip("_")
        place = f"{name} in {next(reversed(call.meta.get('nn_module_stack') or {}), '') or 'forward'}"
        row = FUNCTIONS.get(ALIASES.get(plain, plain))
        if row is None:
            return self.problems.note(place, WITHOUT)
        changes = name != plain or name in IN_PLACE or call.kwargs.get("inplace", False)
        return self._tried(call, place, partial(self._lifted, row), changes=changes)

    def _lifted(self, row: Row, *arguments: Any, **named: Any) -> Any:
        """A function's row, its tensor as a value if it is a weight."""
        first, *rest = arguments or (None,)
        first = self.read.build.lifted(first) if isinstance(first, Weight) else first
        return row(self.read, *([first, *rest] if arguments else []), **named)

    def _computed(self, call: Any) -> Any:
        """A call that no input or parameter has part in is made."""
        arguments, named = self._values(call.args), self._values(call.kwargs)
        if call.op == "call_method":
            return getattr(arguments[0], call.target)(*arguments[1:], **named)
        return call.target(*arguments, **named)

    def _tried(self, call: Any, place: str, row: Row, *, changes: bool) -> Any:
        arguments, named = self._weights(self._values((call.args, call.kwargs)))
        if any(isinstance(each, Unread) for each in _leaves((arguments, named))):
            return UNREAD
        try:
            result = row(*arguments, **named)
        except (BackproofError, TypeError) as error:  # TypeError: an argument that the row does not know
            return self.problems.note(place, error)
        if changes:  # in place: whatever was the old tensor is now the new one
            if self._is_shared(call):
                return self.problems.note(place, "it changes a tensor in place of which a view is used later")
            old = self.known[call.args[0]]
            self.known |= {each: result for each, value in self.known.items() if value is old}
        return result

    def _is_shared(self, call: Any) -> bool:
        """Whether what a call changes is a view of a tensor that is used later, or has such a view."""
        source = call.args[0]
        kin = [user for user in source.users if self._is_view(user)]
        kin += [source.args[0]] if self._is_view(source) else []
        places = list(call.graph.nodes)
        return any(places.index(user) > places.index(call) for each in kin for user in each.users)

    def _is_view(self, call: Any) -> bool:
        if call.op == "call_module":
            return kind(self.module.get_submodule(call.target)) in ("Flatten", "Unflatten")
        name = call.target if isinstance(call.target, str) else call.target.__name__
        name = call.args[1] if name == "getattr" else name
        return ALIASES.get(name, name) in VIEWS

    def _values(self, given: Any) -> Any:
        """Arguments with what the calls that they name have yielded."""
        return self.torch.fx.node.map_arg(given, lambda call: self.known[call])

    def _weights(self, given: Any) -> Any:
        """Arguments with the model's tensors as weights."""
        if isinstance(given, dict):
            return {name: self._weights(each) for name, each in given.items()}
        if isinstance(given, tuple | list):
            return tuple(map(self._weights, given))
        return self.read.weight(given) if isinstance(given, self.torch.Tensor) else given


def _leaves(given: Any) -> Iterator[Any]:
    inner = given.values() if isinstance(given, dict) else given
    if isinstance(given, dict | tuple | list):
        for each in inner:
            yield from _leaves(each)
    else:
        yield given


def _at(path: str, module: Any) -> str:
    return f"{path} ({type(module).__name__})"
