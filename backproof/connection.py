"""A process and the pipes to it: a request goes out, and a reply comes back or `SubjectFailed` says why not.

The process is a worker under somebody's interpreter (`spawn`) or a child of this one (`fork`). One that
hangs, crashes, exits or writes what is no reply is ended, with all that it started; one whose function raised
goes on. `worker` has the other end and the frames. POSIX only.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import secrets
import select
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn, TypeAlias

from backproof import worker
from symbolic.errors import BackproofError

What: TypeAlias = Literal["raised", "hung", "crashed", "exited", "unusable"]

IMPORT_LIMIT = 60.0  # seconds: a deep-learning framework may take twenty from a cold disk
GRACE = 1.0  # seconds in which a process whose channel broke may end by itself, and so tell how
TAIL = 4096  # bytes of output that are kept
CHUNK = 1 << 16  # bytes: all that a pipe holds
GARBLED = (ValueError, TypeError, AttributeError, LookupError, RecursionError)  # reading what is no reply


class NoSuchSubject(BackproofError):
    """There is nothing to check: no such file, no such function, or no interpreter that can run it."""


class SubjectFailed(BackproofError):
    """The subject gave no answer: `detail` says how in a line, `output` is the end of what it printed."""

    def __init__(
        self, subject: str, what: What, detail: str, *, traceback: str = "", output: str = ""
    ) -> None:
        super().__init__(subject, what, detail)
        self.subject = subject
        self.what: What = what
        self.detail = detail
        self.traceback = traceback
        self.output = output

    def __str__(self) -> str:
        return f"{self.subject} {self.what}: {self.detail}"


class _Forked:
    """What is used of subprocess.Popen, for a process that was forked."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._status: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._status is None:
            pid, status = os.waitpid(self.pid, 0 if deadline is None else os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
            elif deadline is not None and time.monotonic() >= deadline:
                raise subprocess.TimeoutExpired("fork", deadline)
            else:
                time.sleep(0.001)
        return self._status


class _Ends(NamedTuple):
    """One process's ends of the three pipes."""

    requests: int
    replies: int
    output: int

    def close(self) -> None:
        for descriptor in self:
            os.close(descriptor)


class Connection:
    """A worker process, which answers as long as `alive`."""

    def __init__(self, name: str, process: subprocess.Popen[bytes] | _Forked, ends: _Ends) -> None:
        self.alive = True
        self._name, self._process, self._ends = name, process, ends
        self._printed = b""
        self._poll = select.poll()
        for descriptor in (ends.replies, ends.output):
            self._poll.register(descriptor, select.POLLIN)

    @property
    def output(self) -> str:
        return self._printed.decode(errors="replace")

    def ask(self, limit: float, payload: bytes | bytearray = b"", **request: Any) -> tuple[Any, memoryview]:
        """The reply, within `limit` seconds; SubjectFailed if the subject raised, or its process was lost."""
        self._printed = b""
        frame = worker.pack(secrets.randbits(64), {**request, "limit": limit}, payload)
        try:
            reply, result = worker.unpack(self._exchange(frame, time.monotonic() + limit))
            self._drain()
            told = reply.get("failure")
            failure = SubjectFailed(self._name, output=self.output, **told) if told else None
        except TimeoutError:
            self._lose("hung", f"no answer within {limit:g} s", grace=0)
        except (EOFError, BrokenPipeError):
            self._lose("crashed", "it closed its descriptors", grace=GRACE)
        except GARBLED:
            self.fail("unusable", "it wrote into the descriptor of the replies")
        except BaseException:  # Ctrl-C: nobody waits for the answer any more
            self.stop()
            raise
        if failure:
            raise failure
        return reply, result

    def fail(self, what: What, detail: str) -> NoReturn:
        self.stop()
        raise SubjectFailed(self._name, what, detail, output=self.output)

    def stop(self, *, grace: float = 0) -> int | None:
        """End the process and all it started; its status if it ended by itself within the grace."""
        if not self.alive:
            return None
        self.alive = False
        try:
            return self._process.wait(grace)
        except subprocess.TimeoutExpired:
            return None
        finally:
            # Nothing may be left of the group; where only zombies are, macOS lacks permission.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._drain()
            self._ends.close()

    def _lose(self, what: What, detail: str, *, grace: float) -> NoReturn:
        """Fail by the way in which the process ended, which says more, if it did."""
        status = self.stop(grace=grace)
        if status is not None and status < 0:
            self.fail("crashed", f"signal {-status} ({signal.strsignal(-status)}) ended its process")
        if status is not None:
            self.fail("exited", f"its process ended with status {status}")
        self.fail(what, detail)

    def _exchange(self, frame: bytes, deadline: float) -> bytearray:
        """The frame that answers; ValueError if what comes is no answer to this one."""
        unsent, token, received = memoryview(frame), frame[:8], bytearray()
        self._poll.register(self._ends.requests, select.POLLOUT)
        while len(received) < (length := worker.frame_length(received)):
            if (remaining := deadline - time.monotonic()) <= 0:
                raise TimeoutError
            for descriptor, _ in self._poll.poll(remaining * 1000):
                if descriptor == self._ends.requests:
                    unsent = unsent[os.write(descriptor, unsent) :]
                    if not unsent:
                        self._poll.unregister(descriptor)
                elif descriptor == self._ends.output:
                    if not self._drain():
                        self._poll.unregister(descriptor)
                elif data := os.read(descriptor, CHUNK):
                    received += data
                    if not token.startswith(bytes(received[:8])):
                        raise ValueError("the token of another request")
                else:
                    raise EOFError
        if unsent or len(received) > length:
            raise ValueError("a reply before the request, or something after the reply")
        return received

    def _drain(self) -> bool:
        """Take what was printed; whether there can be more."""
        try:
            data = os.read(self._ends.output, CHUNK)
        except BlockingIOError:
            return True
        self._printed = (self._printed + data)[-TAIL:]
        return bool(data)


def spawn(name: str, python: Path) -> Connection:
    """A worker under that interpreter, which has said hello; NoSuchSubject if it cannot be one."""
    with _pipes() as (theirs, ours):
        # Unbuffered, so that a crash loses nothing that was printed; -B, so that no bytecode is left behind.
        command = [str(python), "-u", "-B", worker.__file__, str(theirs.requests), str(theirs.replies)]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=theirs.output,
                stderr=theirs.output,
                pass_fds=theirs[:2],
                start_new_session=True,
            )
        except OSError as error:
            raise NoSuchSubject(f"{python} cannot be run ({error.strerror}); give --python") from None
    connection = Connection(name, process, ours)
    try:
        connection.ask(IMPORT_LIMIT, request="hello")
    except SubjectFailed as failure:
        if "No module named 'numpy'" in failure.output:
            raise NoSuchSubject(f"{python} has no NumPy; give --python an interpreter that has") from None
        reason = (failure.output.strip() or failure.detail).splitlines()[-1]
        raise NoSuchSubject(
            f"{python} is no Python 3.8 or later with NumPy ({reason}); give --python"
        ) from None
    return connection


def fork(name: str, function: Callable[..., Any]) -> Connection:
    """A child of this process that will call `function`; nothing has been asked of it yet."""
    with _pipes() as (theirs, ours):
        with warnings.catch_warnings():
            # Python 3.12 warns that other threads do not live on in the child; only the calling one has to.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            _serve_in_child(function, theirs, ours)
        os.setpgid(pid, pid)  # here too, so that the group exists whichever process goes first
    return Connection(name, _Forked(pid), ours)


def _serve_in_child(function: Callable[..., Any], theirs: _Ends, ours: _Ends) -> NoReturn:
    """Never goes back into the copy of our stack, whatever happens."""
    status = 1
    try:
        os.setpgid(0, 0)  # Ctrl-C is for the process that asks
        ours.close()
        for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (theirs.output, 1), (theirs.output, 2)):
            os.dup2(source, target)
        os.close(theirs.output)
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0)))
        streams = (io.TextIOWrapper(io.FileIO(end, "w"), "utf-8", write_through=True) for end in (1, 2))
        sys.stdout, sys.stderr = streams
        if torch := sys.modules.get(
            "torch"
        ):  # whose other threads stay behind: it would wait for them for ever
            torch.set_num_threads(1)
        worker.serve(theirs.requests, theirs.replies, function)
        status = 0
    finally:
        os._exit(status)


@contextlib.contextmanager
def _pipes() -> Iterator[tuple[_Ends, _Ends]]:
    """The worker's ends, which are closed here afterwards, and ours, which are if no worker comes of it."""
    requests, replies, output = _pipe(), _pipe(), _pipe()
    theirs, ours = _Ends(requests[0], replies[1], output[1]), _Ends(requests[1], replies[0], output[0])
    try:
        for descriptor in ours:
            os.set_blocking(descriptor, False)
        yield theirs, ours
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()


def _pipe() -> list[int]:
    """A pipe whose descriptors are not those of standard streams, even if ours are closed."""
    ends = os.pipe()
    try:
        return [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3) for end in ends]
    finally:
        for end in ends:
            os.close(end)
