"""Runs somebody's backward pass in a process of its own, and the frames in which that process and ours talk.

This file is a script for any Python from 3.8 on that has NumPy: the user's interpreter, usually not ours. So
it imports nothing of ours; the other end (`connection`) imports the framing from here. What adapts a subject
of another form lies beside it, in `adapters`, and is loaded by its path. POSIX only.

A frame is three 8-byte big-endian numbers (token, length of the header, length of the payload), a JSON
header, and the bytes of all arrays. A reply bears the token of its request: stray bytes do not pass for one.
In a header, null and integers stand for themselves, and everything else is a list that begins with its kind:

    ["list", …]  ["tuple", …]  ["dict", [key, …], …]  items in turn
    ["array", "<f8", [2, 3], 0]  ["scalar", "<f8", [], 48]  ["float", "<f8", [], 56]  a place in the payload
    ["bool", 1]  ["unusable", "generator"]  the type of what no gradient can be read from

Numbers are in the payload, so a network has the same headers in all calls, and short ones are remembered.
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
import resource
import signal
import struct
import traceback
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Iterator

import numpy as np

PREFIX = struct.Struct(">QQQ")
NUMERIC = "biufc"  # NumPy's letters for boolean, signed, unsigned, real and complex
DEPTH = 32  # no network's parameters nest deeper; a list that holds itself ends here
INPUTS = ("params", "x", "t")
REMEMBERED = 1 << 16  # bytes: longer headers and payloads come rarely, and one is soon too much to keep
REPLY_LIMIT = 1 << 28  # bytes: no gradient is as long, and who asks has to hold it
FOREIGN = 0  # memory that NumPy did not allocate, whose owner it cannot tell
OVERLAP_WORK = 10**4  # steps in which NumPy decides whether two views overlap
ADAPTERS = Path(__file__).parent / "adapters"
ADAPTERS_NAME = "_adapters_of_subjects"  # no name of ours may stand in the way of the user's


@dataclass(frozen=True)
class Unusable:
    """A returned object from which no gradient can be read."""

    type: str


def pack(token: int, header: dict[str, Any], payload: bytes | bytearray) -> bytes:
    """A whole frame."""
    try:
        text = _written(tuple(header.items())) if len(payload) < REMEMBERED else json.dumps(header).encode()
    except TypeError:  # it holds what has no hash
        text = json.dumps(header).encode()
    return PREFIX.pack(token, len(text), len(payload)) + text + payload


def frame_length(start: bytearray) -> int:
    """How long the frame is that starts so, as far as can be told."""
    return PREFIX.size + (sum(PREFIX.unpack_from(start)[1:]) if len(start) >= PREFIX.size else 0)


def unpack(frame: bytearray) -> tuple[Any, memoryview]:
    """The header and the payload of a whole frame; ValueError or RecursionError if the header is not JSON."""
    end = PREFIX.size + PREFIX.unpack_from(frame)[1]
    text = bytes(frame[PREFIX.size : end])
    return (_read_header if len(text) < REMEMBERED else _parsed)(text), memoryview(frame)[end:]


@lru_cache(maxsize=64)
def _written(items: tuple[tuple[str, Any], ...]) -> bytes:
    return json.dumps(dict(items)).encode()


def _parsed(text: bytes) -> Any:
    return _frozen(json.loads(text))


_read_header = lru_cache(maxsize=64)(_parsed)


def _frozen(tree: Any) -> Any:
    """The same with tuples for lists, so that nobody changes what is remembered."""
    if isinstance(tree, list):
        return tuple(map(_frozen, tree))
    return {key: _frozen(item) for key, item in tree.items()} if isinstance(tree, dict) else tree


def encode(value: Any, payload: bytearray, depth: int = 0) -> Any:
    """The header's node for a value; the bytes of its arrays, in C order, are appended to the payload."""
    if isinstance(value, np.ndarray):
        return _stored("array", value, payload)
    if isinstance(value, (list, tuple)) and depth < DEPTH:
        kind = "list" if isinstance(value, list) else "tuple"
        return (kind, *[encode(item, payload, depth + 1) for item in value])
    if isinstance(value, np.generic):
        return _stored("scalar", value, payload)
    if isinstance(value, float):
        return _stored("float", np.float64(value), payload)
    if isinstance(value, bool):
        return ("bool", int(value))
    if value is None or (isinstance(value, int) and abs(value) < 2**63):
        return value
    if isinstance(value, complex):
        return encode(np.complex128(value), payload)
    if isinstance(value, dict) and depth < DEPTH and all(type(key) in (str, int) for key in value):
        return ("dict", tuple(value), *[encode(item, payload, depth + 1) for item in value.values()])
    array = _array_of(value)
    if array is not None:
        return encode(array, payload, depth)
    return ("unusable", _type_name(value))


def _stored(kind: str, value: Any, payload: bytearray) -> Any:
    dtype = _code(value.dtype)
    if dtype is None:
        return ("unusable", f"{_type_name(value)} of dtype {value.dtype}")
    start = len(payload)
    payload += value.tobytes()
    return (kind, dtype, value.shape, start)


@lru_cache(maxsize=None)
def _code(dtype: Any) -> str | None:
    return str(dtype.str) if dtype.kind in NUMERIC else None


def _array_of(value: Any) -> Any:
    """The array of numbers that another library's array or tensor is, if it is one."""
    if not hasattr(value, "__array__") or isinstance(value, type):
        return None
    try:
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    except Exception:  # whatever another library says of what it cannot convert
        return None
    return array if array.dtype.kind in NUMERIC else None


def decode(node: Any, payload: memoryview) -> Any:
    """The value of a node; its arrays are fresh, writable and C-contiguous.

    Raises ValueError, TypeError, LookupError or RecursionError if the node does not describe its payload.
    """
    if not isinstance(node, tuple):
        return node
    kind = node[0]
    if kind == "array":
        return _view(node, payload).copy()
    if kind == "list":
        return [decode(item, payload) for item in node[1:]]
    if kind == "tuple":
        return tuple([decode(item, payload) for item in node[1:]])
    if kind == "scalar":
        return _view(node, payload)[()]
    if kind == "float":
        return float(_view(node, payload)[()])
    if kind == "dict":
        return {key: decode(item, payload) for key, item in zip(node[1], node[2:])}
    if kind == "bool":
        return bool(node[1])
    if kind == "unusable":
        return Unusable(str(node[1]))
    raise ValueError(f"there is no kind {kind}")


def _view(node: Any, payload: memoryview) -> Any:
    _, code, shape, start = node
    if start < 0:  # NumPy would look there
        raise ValueError(f"nothing of the payload is at {start}")
    return np.ndarray(shape, _numeric(code), payload, start)


@lru_cache(maxsize=None)
def _numeric(code: str) -> Any:
    dtype = np.dtype(code)
    if dtype.kind not in NUMERIC:
        raise ValueError(f"{dtype} is no dtype of numbers")
    return dtype


def serve(requests: int, replies: int, function: Callable[..., Any] | None = None) -> None:
    """Answer every request until the other end closes."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    warnings.simplefilter(
        "default"
    )  # where warnings are errors for whoever forked us, they are not for a subject
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    faulthandler.enable(2)
    server = _Server(function)
    with contextlib.suppress(EOFError):
        while True:
            prefix = _read(requests, PREFIX.size)
            header, payload = unpack(prefix + _read(requests, frame_length(prefix) - PREFIX.size))
            # Whoever asks kills us at the limit; should it be gone by then, a hung subject still ends.
            signal.setitimer(signal.ITIMER_REAL, 2 * header["limit"] + 1)
            answer = server.frame(PREFIX.unpack(prefix)[0], header, payload)
            signal.setitimer(signal.ITIMER_REAL, 0)
            _write(replies, answer)


class _Server:
    """The function that is called; it stays, with whatever state it keeps, from one call to the next."""

    def __init__(self, function: Callable[..., Any] | None) -> None:
        self.subject: Any = function
        self.function = function
        module = sys.modules.get(getattr(function, "__module__", ""))
        self.namespace: dict[str, Any] = getattr(function, "__globals__", None) or getattr(
            module, "__dict__", {}
        )
        code = None if function is None else getattr(inspect.unwrap(function), "__code__", None)
        self.file: str | None = code and code.co_filename

    def frame(self, token: int, header: dict[str, Any], payload: memoryview) -> bytes:
        """The reply, of a length that can be read."""
        try:
            answer, result = self.answer(header, payload)
            frame = pack(token, answer, result)
            if len(frame) <= REPLY_LIMIT:
                return frame
            detail = f"it returned {len(frame) >> 20} MB; more than {REPLY_LIMIT >> 20} are not read"
            failure = {"what": "unusable", "detail": detail}
        except MemoryError as error:
            failure = _failure(error, self.file)["failure"]
        return pack(token, {"failure": failure}, b"")

    def answer(self, header: dict[str, Any], payload: memoryview) -> tuple[dict[str, Any], bytearray]:
        result = bytearray()
        try:
            if header["request"] == "call":
                return self._call(header, payload, result), result
            if "memory" in header:
                _limit_memory(header["memory"])
            if header["request"] == "load":
                missing = self._load(header["file"], header["function"], header["form"])
                if missing:
                    return missing, result
                _limit_memory(header["memory"])  # beyond what the imports took
            return self._adapt(header.get("form")), result
        except BaseException as error:  # sys.exit() and whatever else somebody raises is a finding too
            return _failure(error, self.file), bytearray()

    def _adapt(self, form: dict[str, Any] | None) -> dict[str, Any]:
        """Take the subject as one of this form; what it can be given, and what it is."""
        self.function = (
            self.subject if form is None else _adapters().adapt(self.subject, form, self.namespace)
        )
        return {} if self.function is None else {**_parameters(self.function), **_nature(self.subject)}

    def _load(self, file: str, name: str, form: dict[str, Any] | None) -> dict[str, Any] | None:
        """Run the file; the functions there are, if what is named is not there."""
        self.file = file
        if form is not None and form["kind"] in _adapters().FOREIGN:
            self.subject = (file, name)
            return None
        if form is not None:
            _adapters().prepare(form)
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
        self.subject, self.namespace = getattr(module, name, None), vars(module)
        if callable(self.subject) if form is None else name in self.namespace:
            return None
        is_wanted = _is_function if form is None else _is_own
        return {
            "functions": [key for key, value in vars(module).items() if is_wanted(key, value, module_name)]
        }

    def _call(self, header: dict[str, Any], payload: memoryview, result: bytearray) -> dict[str, Any]:
        assert self.function is not None
        values = decode(header["values"], payload)
        value = self.function(*values, **decode(header["keywords"], payload))
        changed = _changed(values, header["values"], payload)
        return {"value": encode(value, result), "changed": changed, "aliases": tuple(_aliases(value, values))}


def _changed(values: list[Any], before: Any, payload: memoryview) -> tuple[str, ...]:
    """The paths of the inputs, as in params[0][1], whose bytes are not those that were received."""
    now = bytearray()
    after = encode(values, now)
    if after == before and now == payload[: len(now)]:
        return ()
    old, new = dict(_leaves(before, payload)), dict(_leaves(after, memoryview(now)))
    return tuple(path for path in {**old, **new} if old.get(path) != new.get(path))


def _aliases(value: Any, inputs: list[Any]) -> list[str]:
    """Pairs of arrays that share memory: two that were returned, or one of them and an input."""
    returned: list[Any] = []
    _collect(value, returned)
    given: list[Any] = []
    _collect(inputs, given)
    owners = {id(array) if array.base is None else _owner(array) for array in returned}
    if len(owners) == len(returned) and FOREIGN not in owners and owners.isdisjoint(map(id, given)):
        return []  # what was given owns its memory
    nested = list(map(_is_nested, value)) if isinstance(value, (list, tuple)) else []
    if nested == [False, True]:
        value = value[1]  # beside the loss
    named = list(_arrays(value, "grads"))
    others = [pair for name, item in zip(INPUTS, inputs) for pair in _arrays(item, name)]
    return [
        f"{path} and {other}"
        for place, (path, array) in enumerate(named)
        for other, against in named[place + 1 :] + others
        if _overlap(array, against)
    ]


def _is_nested(value: Any) -> bool:
    return isinstance(value, (list, tuple, dict))


def _collect(value: Any, arrays: list[Any], depth: int = 0) -> None:
    """Every array in a value; in every call, so that it counts."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        value = (value,)
    for item in value:
        if isinstance(item, np.ndarray):
            arrays.append(item)
        elif isinstance(item, (list, tuple, dict)) and depth < DEPTH:
            _collect(item, arrays, depth + 1)


def _arrays(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every array in a value and its path."""
    if isinstance(value, np.ndarray):
        yield path, value
    elif isinstance(value, (list, tuple, dict)) and depth < DEPTH:
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _arrays(item, f"{path}[{step!r}]", depth + 1)


def _owner(array: Any) -> int:
    """Whose memory an array looks at: two of different owners share none."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return id(array) if array.base is None else FOREIGN


def _overlap(one: Any, other: Any) -> bool:
    work: Any = OVERLAP_WORK
    try:
        return bool(np.shares_memory(one, other, work))
    except RuntimeError:  # too hard to tell
        return True


def _leaves(node: Any, payload: memoryview, path: str = "") -> Iterator[tuple[str, Any]]:
    kind = node[0] if isinstance(node, tuple) else None
    if kind in ("list", "tuple", "dict"):
        steps, items = (node[1], node[2:]) if kind == "dict" else (range(len(node) - 1), node[1:])
        for step, item in zip(steps if path else INPUTS, items):
            yield from _leaves(item, payload, f"{path}[{step!r}]" if path else step)
    elif kind in ("array", "scalar", "float"):
        view = _view(node, payload)
        yield path, (view.dtype.str, view.shape, view.tobytes())
    else:
        yield path, node


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


def _nature(subject: Any) -> dict[str, Any]:
    """What a subject is: its own parameters, its class and what that descends from, and its methods."""
    kind = subject if isinstance(subject, type) else type(subject)
    is_routine = inspect.isroutine(subject)
    methods = {} if is_routine else {name: getattr(kind, name, None) for name in dir(kind) if name[0] != "_"}
    return {
        "takes": _names(subject),
        "is_class": isinstance(subject, type),
        "ancestry": [f"{each.__module__}.{each.__qualname__}" for each in kind.__mro__],
        "methods": {
            name: _names(method)[1:] for name, method in methods.items() if inspect.isroutine(method)
        },
    }


def _names(function: Any) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # not callable, or compiled
        return []


def _adapters() -> Any:
    """The adapters beside this file, under a name that is nobody's."""
    if ADAPTERS_NAME not in sys.modules:
        spec = importlib.util.spec_from_file_location(ADAPTERS_NAME, str(ADAPTERS / "__init__.py"))
        assert spec is not None, "a name that ends in .py has a spec"
        assert spec.loader is not None
        module = sys.modules[ADAPTERS_NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[ADAPTERS_NAME]


def _limit_memory(limit: int) -> None:
    """Let this process take so many bytes beyond what it has; where nobody counts, nothing is limited."""
    with contextlib.suppress(OSError, ValueError):
        data = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_DATA, (data + limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _failure(error: BaseException, file: str | None) -> dict[str, Any]:
    """What was raised and where, told without the frames of this file and of the import system."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename.startswith(
        (_failure.__code__.co_filename, str(ADAPTERS), "<frozen importlib")
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
    if ADAPTERS_NAME in sys.modules and isinstance(error, _adapters().Misfit):
        what, detail, text = "unusable", str(error), ""
    return {"failure": {"what": what, "detail": detail, "traceback": text[-8000:]}}


def _is_function(name: str, value: Any, module_name: str) -> bool:
    return callable(value) and not isinstance(value, type) and _is_own(name, value, module_name)


def _is_own(name: str, value: Any, module_name: str) -> bool:
    return getattr(value, "__module__", None) == module_name and not name.startswith("_")


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


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
