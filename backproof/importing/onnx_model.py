"""Models in ONNX, by a table of operators.

A file does not say what is trained: stored real arrays are parameters, under their own names, but for
those of `Constant` nodes, single numbers, and the running statistics of batch normalization, which are
constants. The samples are the first axis of every input. Numbers are read in double precision.
"""

from __future__ import annotations

from typing import Any

from backproof.importing.builder import Builder, Weight
from backproof.importing.imported import LOSS, TARGET, Imported, Numbers, Value, plain
from backproof.importing.layers import front
from backproof.importing.onnx_operators import OPERATORS, Call
from backproof.importing.reports import UNREAD, Problems, Unread, library
from symbolic.errors import BackproofError, InvalidNetwork
from symbolic.graph import loss as loss_node
from symbolic.graph import node
from symbolic.losses import SAMPLES
from symbolic.placement import Node
from symbolic.sizes import Shape


def from_onnx(model: Any, *, loss: str | None = None) -> Imported:
    """Read a model from a path or a ModelProto; `loss` is a row of the losses, a formula in a and t, or
    `softmax-cross-entropy`, from logits.

    Raises Unsupported with every operator that cannot be read, and MissingLibrary.
    """
    onnx = library("onnx", "onnx")
    proto = model if isinstance(model, onnx.ModelProto) else _loaded(onnx, str(model))
    graph, build = proto.graph, Builder()
    problems = Problems(graph.name or "the model")
    known: dict[str, Any] = {"": None} | _stored(onnx, graph)
    infos = [info for info in graph.input if info.name not in known]
    given = [build.input(info.name, _sizes(info)) for info in infos]
    known |= {info.name: value for info, value in zip(infos, given, strict=True)}
    fixed = next((info.type.tensor_type.shape.dim[0].dim_value for info in infos), None)
    for each in graph.node:
        found = _called(onnx, build, each, [known[name] for name in each.input], fixed, problems)
        results = found if isinstance(found, tuple) else (found, *[UNREAD] * (len(each.output) - 1))
        known |= dict(zip(each.output, results, strict=True))
    problems.check(operators=OPERATORS)
    outputs = [build.lifted(known[info.name]) for info in graph.output]
    if loss is None:
        return build.finish(given, outputs)
    if len(outputs) != 1:
        raise InvalidNetwork(f"{problems.model} has {len(outputs)} outputs; a loss is of one")
    output, made = _loss(build, loss, outputs[0])
    return build.finish(given, [output], losses={LOSS: made})


def _loaded(onnx: Any, path: str) -> Any:
    try:
        return onnx.load(path)
    except FileNotFoundError:
        raise InvalidNetwork(f"there is no file {path}") from None
    except Exception as error:  # protobuf's own kinds of errors differ from version to version
        raise InvalidNetwork(f"{path} is no ONNX model: {error}") from None


def _sizes(info: Any) -> Shape:
    """The sizes of an input, its first axis that of the samples. Raises InvalidNetwork for open ones."""
    first, *others = info.type.tensor_type.shape.dim or [None]
    if first is None or any(not each.dim_value for each in others):
        raise InvalidNetwork(f"sizes of the input {info.name} are open; only the first, the samples', may be")
    return (SAMPLES, *(each.dim_value for each in others))


def _stored(onnx: Any, graph: Any) -> dict[str, Any]:
    """Stored arrays by name: real ones with axes are parameters, single numbers and whole ones constants."""
    arrays = {each.name: plain(onnx.numpy_helper.to_array(each)) for each in graph.initializer}
    return {name: _weight(name, array, trained=array.ndim > 0) for name, array in arrays.items()}


def _weight(name: str, array: Numbers, *, trained: bool) -> Weight | Numbers:
    return Weight(name, array, trained=trained) if array.dtype.kind == "f" else array


def _called(
    onnx: Any, build: Builder, each: Any, inputs: list[Any], fixed: int | None, problems: Problems
) -> Any:
    """What a node of the file yields; UNREAD, and a problem noted, where it cannot be read."""
    build.name = each.name or each.output[0]
    options = {own.name: _plain(onnx.helper.get_attribute_value(own)) for own in each.attribute}
    place = f"{build.name} ({each.op_type})"
    if each.op_type == "Constant" and "value" in options:
        return _weight(each.output[0], plain(onnx.numpy_helper.to_array(options["value"])), trained=False)
    if each.domain not in ("", "ai.onnx") or each.op_type not in OPERATORS:
        return problems.note(place, "it has no equations here")
    if any(isinstance(own, Unread) for own in inputs):
        return UNREAD
    try:
        return OPERATORS[each.op_type](Call(build, tuple(inputs), options, len(each.output), fixed))
    except BackproofError as error:
        return problems.note(place, error)


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _loss(build: Builder, name: str, output: Value) -> tuple[Value, Node]:
    if name != "softmax-cross-entropy":
        return output, loss_node(name, output.name, TARGET)
    logits = front(build, output, 1)
    return logits, node(name, logits.name, arrays={"T": TARGET}, scale="1/m")
