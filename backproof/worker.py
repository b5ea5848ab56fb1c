"""Runs somebody's backward pass in a process of its own, and the frames in which that process and ours talk.

This file is a script for any Python from 3.8 on that has NumPy: the user's interpreter, usually not ours. So
it imports nothing of ours; the other end (`connection`) imports the framing from here. POSIX only.

A frame is three 8-byte big-endian numbers (token, length of the header, length of the payload), a JSON
header, and the bytes of all arrays. A reply bears the token of its request: stray bytes do not pass for one.
In a header, null, true, false and numbers stand for themselves, and everything else is an object:

    {"kind": "list" | "tuple", "items": […]}        {"kind": "dict", "keys": […], "items": […]}
    {"kind": "array" | "scalar", "dtype": "<f8", "shape": […], "start": …, "bytes": …}   part of the payload
    {"kind": "unusable", "type": "generator"}       the type of what no gradient can be read from
"""

from __future__ import annotations

import os
import sys

# A script's own folder comes first on the path, and nothing in ours may stand before the user's modules.
if __name__ == "__main__" and os.path.realpath(sys.path[0]) == os.path.split(os.path.realpath(__file__))[0]:
    del sys.path[0]

import contextlib
import faulthandler
import importlib.util
import inspect
import json
import math
import resource
import signal
import struct
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator

import numpy as np

PREFIX = struct.Struct(">QQQ")
NUMERIC = "biufc"  # NumPy's letters for boolean, signed, unsigned, real and complex
DEPTH = 32  # no network's parameters nest deeper; a list that holds itself ends here
INPUTS = ("params", "x", "t")


@dataclass(frozen=True)
class Unusable:
    """A returned object from which no gradient can be read."""

    type: str


def pack(token: int, header: dict[str, Any], payload: bytes | bytearray) -> bytes:
    """A whole frame."""
    text = json.dumps(header).encode()
    return PREFIX.pack(token, len(text), len(payload)) + text + payload


def frame_length(start: bytearray) -> int:
    """How long the frame is that starts so, as far as can be told."""
    return PREFIX.size + (sum(PREFIX.unpack_from(start)[1:]) if len(start) >= PREFIX.size else 0)


def unpack(frame: bytearray) -> tuple[Any, memoryview]:
    """The header and the payload of a whole frame; ValueError or RecursionError if the header is not JSON."""
    end = PREFIX.size + PREFIX.unpack_from(frame)[1]
    return json.loads(frame[PREFIX.size : end]), memoryview(frame)[end:]


def encode(value: Any, payload: bytearray, depth: int = 0) -> Any:
    """The header's node for a value; the bytes of its arrays, in C order, are appended to the payload."""
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.kind not in NUMERIC:
            return {"kind": "unusable", "type": f"{_type_name(value)} of dtype {value.dtype}"}
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        data, start = value.tobytes(), len(payload)
        payload += data
        shape = list(value.shape)
        return {"kind": kind, "dtype": value.dtype.str, "shape": shape, "start": start, "bytes": len(data)}
    if value is None or isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    if isinstance(value, complex):
        return encode(np.complex128(value), payload)
    if isinstance(value, (list, tuple)) and depth < DEPTH:
        kind = "list" if isinstance(value, list) else "tuple"
        return {"kind": kind, "items": [encode(item, payload, depth + 1) for item in value]}
    if isinstance(value, dict) and depth < DEPTH and all(type(key) in (str, int) for key in value):
        items = [encode(item, payload, depth + 1) for item in value.values()]
        return {"kind": "dict", "keys": list(value), "items": items}
    return {"kind": "unusable", "type": _type_name(value)}


def decode(node: Any, payload: memoryview) -> Any:
    """The value of a node; its arrays are fresh, writable and C-contiguous.

    Raises ValueError, TypeError, LookupError or RecursionError if the node does not describe its payload.
    """
    if not isinstance(node, dict):
        return node
    kind = node["kind"]
    if kind == "unusable":
        return Unusable(str(node["type"]))
    if kind == "list":
        return [decode(item, payload) for item in node["items"]]
    if kind == "tuple":
        return tuple(decode(item, payload) for item in node["items"])
    if kind == "dict":
        return {key: decode(item, payload) for key, item in zip(node["keys"], node["items"])}
    dtype, data = np.dtype(node["dtype"]), _piece(node, payload)
    if dtype.kind not in NUMERIC or dtype.itemsize * math.prod(node["shape"]) != len(data):
        raise ValueError(f"{len(data)} bytes are no {kind} of dtype {dtype} and shape {node['shape']}")
    array = np.ndarray(node["shape"], dtype, buffer=data).copy()
    return array if kind == "array" else array[()]


def serve(requests: int, replies: int, function: Callable[..., Any] | None = None) -> None:
    """Answer every request until the other end closes."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    faulthandler.enable(2)
    server = _Server(function)
    with contextlib.suppress(EOFError):
        while True:
            prefix = _read(requests, PREFIX.size)
            header, payload = unpack(prefix + _read(requests, frame_length(prefix) - PREFIX.size))
            # Whoever asks kills us at the limit; should it be gone by then, a hung subject still ends.
            signal.setitimer(signal.ITIMER_REAL, 2 * header["limit"] + 1)
            answer = pack(PREFIX.unpack(prefix)[0], *server.answer(header, payload))
            signal.setitimer(signal.ITIMER_REAL, 0)
            _write(replies, answer)


class _Server:
    """The function that is called; it stays, with whatever state it keeps, from one call to the next."""

    def __init__(self, function: Callable[..., Any] | None) -> None:
        self.function = function
        code = None if function is None else getattr(inspect.unwrap(function), "__code__", None)
        self.file: str | None = code and code.co_filename

    def answer(self, header: dict[str, Any], payload: memoryview) -> tuple[dict[str, Any], bytearray]:
        result = bytearray()
        try:
            if header["request"] == "call":
                return self._call(header, payload, result), result
            if header["request"] == "load":
                return self._load(header["file"], header["function"]), result
            return {} if self.function is None else _parameters(self.function), result
        except BaseException as error:  # sys.exit() and whatever else somebody raises is a finding too
            return _failure(error, self.file), bytearray()

    def _load(self, file: str, name: str) -> dict[str, Any]:
        self.file = file
        sys.path.insert(0, str(Path(file).parent))
        sys.argv = [file]
        module_name = Path(file).stem
        if module_name in sys.modules:  # somebody's json.py must not become everybody's json
            module_name += "_"
        spec = importlib.util.spec_from_file_location(module_name, file)
        assert spec is not None, "a name that ends in .py has a spec"
        assert spec.loader is not None
        module = sys.modules[module_name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.function = getattr(module, name, None)
        if callable(self.function):
            return _parameters(self.function)
        return {
            "functions": [key for key, value in vars(module).items() if _is_function(key, value, module_name)]
        }

    def _call(self, header: dict[str, Any], payload: memoryview, result: bytearray) -> dict[str, Any]:
        assert self.function is not None
        values = decode(header["values"], payload)
        value = self.function(*values, **decode(header["keywords"], payload))
        changed = _changed(values, header["values"], payload)
        return {"value": encode(value, result), "changed": changed}


def _changed(values: list[Any], before: Any, payload: memoryview) -> list[str]:
    """The paths of the inputs, as in params[0][1], whose bytes are not those that were received."""
    now = bytearray()
    after = encode(values, now)
    if after == before and now == payload[: len(now)]:
        return []
    old, new = dict(_leaves(before, payload)), dict(_leaves(after, memoryview(now)))
    return [path for path in {**old, **new} if old.get(path) != new.get(path)]


def _leaves(node: Any, payload: memoryview, path: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(node, dict) or node["kind"] == "unusable":
        yield path, node
    elif "items" in node:
        steps = node.get("keys", range(len(node["items"]))) if path else INPUTS
        for step, item in zip(steps, node["items"]):
            yield from _leaves(item, payload, f"{path}[{step!r}]" if path else step)
    else:
        yield path, (node["dtype"], node["shape"], bytes(_piece(node, payload)))


def _parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """What can be given: how many by position (null: any number), and by keyword beside the inputs."""
    kind = inspect.Parameter
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some compiled functions have no signature
        return {"names": [], "positional": None, "keywords": [], "any_keyword": False}
    places = [p for p in parameters if p.kind in (kind.POSITIONAL_ONLY, kind.POSITIONAL_OR_KEYWORD)]
    free = [p for p in places[len(INPUTS) :] if p.kind == kind.POSITIONAL_OR_KEYWORD]
    kinds = [p.kind for p in parameters]
    return {
        "names": [p.name for p in parameters],
        "positional": None if kind.VAR_POSITIONAL in kinds else len(places),
        "keywords": [p.name for p in free + [p for p in parameters if p.kind == kind.KEYWORD_ONLY]],
        "any_keyword": kind.VAR_KEYWORD in kinds,
    }


def _failure(error: BaseException, file: str | None) -> dict[str, Any]:
    """What was raised and where, told without the frames of this file and of the import system."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename.startswith(
        (_failure.__code__.co_filename, "<frozen importlib")
    ):
        trace = trace.tb_next
    frames = traceback.extract_tb(trace)
    detail = traceback.format_exception_only(type(error), error)[0].strip()
    if isinstance(error, SyntaxError):
        detail = f"{type(error).__name__}: {error}"  # names file and line itself
    elif frames:
        place = ([frame for frame in frames if frame.filename == file] or frames)[-1]
        detail = f"{detail[:1000]} ({Path(place.filename).name}, line {place.lineno})"
    text = "".join(traceback.format_exception(type(error), error, trace))
    what = "exited" if isinstance(error, SystemExit) else "raised"
    return {"failure": {"what": what, "detail": detail, "traceback": text[-8000:]}}


def _is_function(name: str, value: Any, module_name: str) -> bool:
    ours = (
        callable(value) and not isinstance(value, type) and getattr(value, "__module__", None) == module_name
    )
    return ours and not name.startswith("_")


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _piece(node: dict[str, Any], payload: memoryview) -> memoryview:
    return payload[node["start"] : node["start"] + node["bytes"]]


def _read(descriptor: int, size: int) -> bytearray:
    data = bytearray(size)
    rest = memoryview(data)
    while rest:
        count = os.readv(descriptor, [rest])
        if not count:
            raise EOFError
        rest = rest[count:]
    return data


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        os.write(2, f"the reply could not be sent: {error.strerror}\n".encode())
        os._exit(1)


if __name__ == "__main__":
    ours, theirs = map(int, sys.argv[1:])
    for end in (ours, theirs):
        os.set_inheritable(end, False)  # what the subject starts must not hold the channel open
    serve(ours, theirs)
