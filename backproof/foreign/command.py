"""Any program as a subject: `start` gives the callable (params, x, t, **keywords) -> grads | (loss, grads).

The program reads a request on its standard input and writes a reply on its standard output, as JSON, as words
or as .npz; docs/protocol.md describes them. It runs once for each call, or stays and answers line by line.
What it writes on its standard error is shown with the call. Nothing it sends is evaluated or unpickled.

Who calls has the clock: it kills the worker's process group, in which the program is.

This file runs in the worker: Python 3.8, NumPy, nothing of ours.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import select
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

LONGEST = 1 << 27  # bytes of a reply: five million numbers
CHUNK = 1 << 16  # bytes: all that a pipe holds
SHOWN = 120  # bytes of a reply that an error quotes


class CommandFailed(Exception):
    """The program ended, or what it wrote is no reply."""


class NoReply(Exception):
    """What was received is not understood; the message says where."""


def start(
    arguments: Sequence[str], *, format: str = "json", stays: bool = False, folder: str = "."
) -> Callable[..., Any]:
    """The program with these arguments, run in `folder` without a shell; it starts at the first call.

    `stays` says that it answers one line of JSON or words with another, until its input ends. Raises
    CommandFailed, and so do the calls.
    """
    if format not in FORMATS or (stays and format == "npz"):
        choices = ", ".join(name for name in FORMATS if not (stays and name == "npz"))
        raise CommandFailed(f"no format '{format}'{' in lines' if stays else ''}; choose from {choices}")
    program = arguments[0]
    path = shutil.which(str(Path(folder, program).absolute()) if os.sep in program else program)
    if path is None:
        raise CommandFailed(f"there is no program {program} that can be run")
    write, read = FORMATS[format]
    exchange = _Exchange([path, *arguments[1:]], folder, stays=stays)

    def gradient(params: Any, x: Any, t: Any, **keywords: Any) -> Any:
        named = params if isinstance(params, dict) else _named(params)
        reply = exchange.ask(write(named, x, t, keywords))
        try:
            values = read(reply)
            told = values.pop("loss", None)
            number = np.zeros((), np.result_type(*named.values()))
            loss = None if told is None else _array(told, number, "loss")[()]
            _require_names(values, named)
            found = {name: _array(values[name], array, name) for name, array in named.items()}
        except NoReply as error:
            exchange.end()
            raise CommandFailed(f"{error}; it replied {_beginning(reply)}") from None
        grads = found if isinstance(params, dict) else _pairs(found, len(params))
        return grads if loss is None else (loss, grads)

    return gradient


class _Exchange:
    """The program's process, started when it is needed."""

    def __init__(self, command: list[str], folder: str, *, stays: bool) -> None:
        self._command, self._folder, self._stays = command, folder, stays
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: bytes) -> bytes:
        if self._process is None:
            self._process = _run(self._command, self._folder)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        if self._stays and select.select([process.stdout], [], [], 0)[0]:
            early = os.read(process.stdout.fileno(), CHUNK)
            if early:  # else it has ended
                self._refuse("it wrote before it was asked", early)
        with contextlib.suppress(BrokenPipeError):  # it need not read, and the reply tells more
            process.stdin.write(request)
            process.stdin.flush()
        if not self._stays:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        reply = self._read(process.stdout.fileno())
        if len(reply) >= LONGEST:
            self._refuse(f"it wrote {LONGEST >> 20} MB and more", reply)
        if self._stays and b"\n" in reply[:-1]:
            self._refuse("it answered one line with more", reply)
        if not (self._stays and reply.endswith(b"\n")):
            status = process.wait()
            if status or self._stays:
                self._refuse(f"the program {_ending(status)}", reply)
            self.end()
        return reply

    def _read(self, descriptor: int) -> bytes:
        """What it writes until it ends, or until the end of a line if it stays."""
        reply, piece = bytearray(), b""
        while len(reply) < LONGEST and not (self._stays and b"\n" in piece):
            piece = os.read(descriptor, CHUNK)
            if not piece:
                break
            reply += piece
        return bytes(reply)

    def _refuse(self, why: str, reply: bytes) -> NoReturn:
        self.end()
        raise CommandFailed(f"{why}; it wrote {_beginning(reply)}")

    def __del__(self) -> None:
        self.end()

    def end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with contextlib.suppress(BrokenPipeError), process:
                pass  # its end is waited for, and its pipes are closed


def _run(command: list[str], folder: str) -> subprocess.Popen[bytes]:
    if os.getpgrp() == os.getpid():
        # In a worker, whose own alarm rings when nobody is left to kill its group.
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(0, signal.SIGKILL))
    try:
        return subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    except OSError as error:
        raise CommandFailed(f"{command[0]} cannot be run ({error.strerror})") from None


def _write_json(params: Any, x: Any, t: Any, keywords: Any) -> bytes:
    dtype = str(np.result_type(*params.values()))
    request = {"dtype": dtype, "params": _plain(params), "x": _plain(x), "t": _plain(t), **keywords}
    return json.dumps(request).encode() + b"\n"


def _read_json(reply: bytes) -> dict[str, Any]:
    try:
        tree = json.loads(reply)
    except (ValueError, RecursionError):
        raise NoReply("the reply is not JSON") from None
    if not isinstance(tree, dict) or not isinstance(tree.get("grads"), dict):
        raise NoReply('the reply has no object "grads"')
    # JSON has no nan: JavaScript writes null for it, and for the gradient of a bias that is not there.
    grads = {name: value for name, value in tree["grads"].items() if value is not None}
    if "loss" in tree:
        grads["loss"] = float("nan") if tree["loss"] is None else tree["loss"]
    return grads


def _write_words(params: Any, x: Any, t: Any, keywords: Any) -> bytes:
    words: list[str] = []
    for name, value in _flat(params, x, t, keywords).items():
        array = np.asarray(value)
        words += [name, str(array.ndim), *map(str, array.shape), *map(repr, array.ravel().tolist())]
    return " ".join([*words, "end\n"]).encode()


def _read_words(reply: bytes) -> dict[str, Any]:
    words = iter(reply.decode(errors="replace").split())
    found: dict[str, Any] = {}
    try:
        while (name := next(words)) != "end":
            shape = [_count(next(words)) for _ in range(_count(next(words)))]
            entries = [_number(next(words), name) for _ in range(math.prod(shape))]
            found[name] = np.array(entries).reshape(shape).tolist()
    except StopIteration:
        raise NoReply("the reply ends before its word 'end'") from None
    return found


def _write_npz(params: Any, x: Any, t: Any, keywords: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **_flat(params, x, t, keywords))
    return file.getvalue()


def _read_npz(reply: bytes) -> dict[str, Any]:
    try:
        with np.load(io.BytesIO(reply), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise NoReply(f"the reply is no .npz of plain arrays ({error})") from None


FORMATS = {
    "json": (_write_json, _read_json),
    "words": (_write_words, _read_words),
    "npz": (_write_npz, _read_npz),
}


def _named(params: Any) -> dict[str, Any]:
    pairs = enumerate(params, start=1)
    return {f"{letter}{l}": a for l, pair in pairs for letter, a in zip("Wb", pair) if a is not None}


def _pairs(found: dict[str, Any], layers: int) -> list[Any]:
    return [(found[f"W{l}"], found.get(f"b{l}")) for l in range(1, layers + 1)]


def _flat(params: Any, x: Any, t: Any, keywords: Any) -> dict[str, Any]:
    """All arrays and numbers by their names; those of a graph have their own."""
    inputs = x if isinstance(x, dict) else {"x": x}
    return {**params, **inputs, **(t if isinstance(t, dict) else {"t": t}), **keywords}


def _plain(value: Any) -> Any:
    """Arrays as lists of numbers: float32 too goes as the double that it is, exactly."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return np.asarray(value).tolist()


def _require_names(values: dict[str, Any], named: dict[str, Any]) -> None:
    for name in named:
        if name not in values:
            raise NoReply(f"the reply has no gradient of {name}")
    for name in values:
        if name not in named:
            raise NoReply(f"the reply has a gradient of {name}, which this network has not")


def _array(value: Any, like: Any, name: str) -> Any:
    """An array of that shape; text that answers float32 is read as float32, whose digits it may have."""
    if not isinstance(value, np.ndarray):
        dtype = np.float32 if like.dtype == np.float32 else np.float64
        value = np.array(list(_entries(value, like.shape, name)), dtype).reshape(like.shape)
    elif value.shape != like.shape:
        raise NoReply(f"{name} has shape {value.shape}; expected {like.shape}")
    return value


def _entries(value: Any, shape: Sequence[int], path: str) -> Iterator[float]:
    if not shape:
        yield _number(value, path)
        return
    if not isinstance(value, list) or len(value) != shape[0]:
        what = f"has {len(value)} items" if isinstance(value, list) else "is no list"
        raise NoReply(f"{path} {what}; expected a list of {shape[0]}")
    if len(shape) == 1:
        for place, item in enumerate(value):
            yield item if type(item) is float else _number(item, f"{path}[{place}]")
        return
    for place, item in enumerate(value):
        yield from _entries(item, shape[1:], f"{path}[{place}]")


def _number(value: Any, path: str) -> float:
    """A number, also as text, decimal or hexadecimal as in 0x1.8p+1, nan, inf; null is nan."""
    if value is None:
        return float("nan")
    try:
        if isinstance(value, str):
            return float.fromhex(value) if "x" in value else float(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise NoReply(f"{path} holds {str(value)[:40]!r}, which is no number")


def _count(word: str) -> int:
    if not re.fullmatch(r"\d{1,9}", word):
        raise NoReply(f"where a rank or a size should be, the reply has '{word[:40]}'")
    return int(word)


def _ending(status: int) -> str:
    if status < 0:
        return f"was ended by signal {-status} ({signal.strsignal(-status)})"
    return f"ended with status {status}"


def _beginning(reply: bytes) -> str:
    text = reply[:SHOWN].decode(errors="replace").strip()
    return f"{text!r}{' …' if len(reply) > SHOWN else ''}" if reply else "nothing"
