"""Writing results: a file is written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from symbolic.errors import BackproofError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file by way of a temporary one beside it. Raises BackproofError where the place cannot be
    written.
    """
    if is_folder(path):
        raise BackproofError(f"{path} is a folder; give the path of a file")
    if not path.parent.is_dir():
        raise BackproofError(f"there is no folder {path.parent}; make it first, or write elsewhere")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise BackproofError(f"{path} cannot be written: {error.strerror}") from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise BackproofError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)


def is_folder(path: Path) -> bool:
    """Whether there is a folder; where no file can have that name, writing there says so."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
