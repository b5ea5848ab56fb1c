"""Where compiled libraries are kept, so that nothing is executed which another user could have written.

The folder is backproof/ in XDG_CACHE_HOME, else in ~/.cache, readable by its owner alone. Nobody else can
have written a file when it and every folder above it belong to the user or to root and neither group nor
others may write there (the rule of ssh for its keys), a folder such as /tmp excepted where nobody may rename
what is another's. Access control lists are not looked at.

A library is called KEY-DIGEST.so: KEY is the hash of what it was built from, DIGEST that of its own bytes, so
that one which was cut short is not loaded. It is moved there whole; two processes may build the same.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import stat
import tempfile
import time
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

LIMIT: Final = 200_000_000  # bytes; the libraries used longest ago go first
ABANDONED: Final = 86_400  # seconds; a build folder of that age is of a process that was killed
BUILD: Final = ".build-"


def cache_folder() -> Path:
    """The user's folder of libraries; where it is not safe or cannot be made, one of this process, and a
    warning that says why.
    """
    try:
        folder = _place()
        for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
            missing.mkdir(exist_ok=True, mode=0o700)
        problem = unsafe(folder)
        if problem is None:
            folder.chmod(0o700)
    except (OSError, RuntimeError) as error:  # RuntimeError where there is no home
        problem = str(error)
    return _own_folder(f"{problem}, so compiled code is not kept") if problem else folder


def find(folder: Path, key: str) -> Path | None:
    """The library with that key, unless another user could have written it, or its bytes are not its own."""
    for path in folder.glob(f"{key}-*.so"):
        with suppress(FileNotFoundError):  # another process makes room
            if unsafe(path) is None and path.name == _name(key, path.read_bytes()):
                os.utime(path)
                return path
    return None


def keep(built: Path, folder: Path, key: str) -> Path:
    """Move a library that was built to its place, and make room for it."""
    built.chmod(0o700)
    path = folder / _name(key, built.read_bytes())
    built.replace(path)
    _trim(folder, path)
    return path


def unsafe(path: Path) -> str | None:
    """Why another user could have written a file or folder; None where that is impossible."""
    problems = (_problem_of(each) for each in (path, *path.parents))
    return next((problem for problem in problems if problem), None)


def _problem_of(path: Path) -> str | None:
    found = path.lstat()
    if found.st_uid not in (os.geteuid(), 0):
        return f"{path} belongs to another user"
    is_shared = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX  # /tmp: nobody may rename
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not is_shared:
        return (
            f"{path} may be written by other users (mode {stat.S_IMODE(found.st_mode):o}; chmod go-w {path})"
        )
    return None


def _place() -> Path:
    told = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return Path(os.path.realpath((told if told.is_absolute() else Path.home() / ".cache") / "backproof"))


@cache
def _own_folder(reason: str) -> Path:
    warnings.warn(reason, RuntimeWarning, stacklevel=6)
    folder = tempfile.TemporaryDirectory(prefix="backproof-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def _name(key: str, content: bytes) -> str:
    return f"{key}-{hashlib.sha256(content).hexdigest()[:32]}.so"


def _trim(folder: Path, newest: Path) -> None:
    """Remove what was used longest ago, beyond the limit, and what killed builds have left."""
    for left in folder.glob(f"{BUILD}*"):
        if _age(left) > ABANDONED:
            shutil.rmtree(left, ignore_errors=True)
    total = newest.stat().st_size
    for path in sorted(folder.glob("*.so"), key=_age):
        with suppress(FileNotFoundError):
            if path != newest and (total := total + path.stat().st_size) > LIMIT:
                path.unlink()


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:  # another process was faster
        return 0.0
