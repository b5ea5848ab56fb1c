"""`generate` on the command line: what is printed, and which files are written where."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from backproof.files import is_folder, write_whole
from backproof.options import LayoutOptions, SpecOptions
from backproof.spec import resolve, resolve_network
from symbolic.codegen.request import Dtype, Form
from symbolic.codegen.targets import TARGETS, Target, generate
from symbolic.errors import BackproofError, InvalidNetwork
from symbolic.graph import Graph

UNNAMED: Final = "network"
INCLUDED: Final = r"[A-Za-z0-9_+-][A-Za-z0-9_+.-]*"  # what may stand in the quotes of an #include


def run(
    spec: str,
    network: SpecOptions,
    layout: LayoutOptions,
    *,
    target: str,
    dtype: Dtype,
    batch: int,
    name: str | None,
    form: Form | None,
    hvp: bool,
    optimizer: str | None,
    out: Path | None,
) -> None:
    """Generate, and print or write; which form was chosen, and what was written, is said on stderr.

    C without a name is named after its file.
    """
    row = TARGETS[target]
    wanted = name if name is not None else UNNAMED
    if row.language == "c" and out is not None and not is_folder(out):
        _check_included(out, row)
        wanted = name if name is not None else out.stem
    found = resolve(spec, network)
    generated = generate(
        found if isinstance(found, Graph) else resolve_network(spec, network, command="generate"),
        target,
        layout=layout.layout,
        dtype=dtype,
        batch=batch,
        name=wanted,
        form=form,
        hvp=hvp,
        optimizer=optimizer,
    )
    if generated.choice:
        print(f"form: {generated.choice}", file=sys.stderr)
    if out is None:
        print(_printed(generated.files, row), end="")
        return
    places = _placed(generated.files, out)
    write_together(places)
    print(f"{', '.join(map(str, places))} written", file=sys.stderr)


def write_together(files: Mapping[Path, str]) -> None:
    """Write files of one folder, all or none of them. Raises BackproofError where that cannot be."""
    first, *others = files
    if not others:
        write_whole(first, files[first])
        return
    if folders := [path for path in files if is_folder(path)]:
        raise BackproofError(f"{folders[0]} is a folder; a file is to be written there")
    if not first.parent.is_dir():
        raise BackproofError(f"there is no folder {first.parent}; make it first, or write elsewhere")
    try:
        with tempfile.TemporaryDirectory(dir=first.parent, prefix=f".{first.name}.") as name:
            for path, text in files.items():
                write_whole(Path(name, path.name), text)
            for path in files:
                Path(name, path.name).replace(path)
    except OSError as error:
        raise BackproofError(f"{first} cannot be written: {error.strerror}") from None


def _check_included(out: Path, row: Target) -> None:
    if out.suffix != row.suffix or not re.fullmatch(INCLUDED, out.stem):
        raise InvalidNetwork(
            f"{out}: a header of the same name is written beside it, so give a folder, or a name of letters, "
            f"digits, _, +, - and . that ends in {row.suffix}"
        )


def _placed(files: Mapping[str, str], out: Path) -> dict[Path, str]:
    """Where the files go: beside each other under the name of `out`, or in it as they are called."""
    if len(files) == 1:
        return {out: next(iter(files.values()))}
    if is_folder(out):
        return {out / name: text for name, text in files.items()}
    own = next(name.removesuffix(".h") for name in files if name.endswith(".h"))
    named = re.compile(rf"\b{own}(?=(_\w+)?\.[ch]\b)")  # as in #include
    return {
        out.with_name(named.sub(out.stem, name)): named.sub(out.stem, text) for name, text in files.items()
    }


def _printed(files: Mapping[str, str], row: Target) -> str:
    """One file as it is, several with a line before each that names it."""
    if len(files) == 1:
        return next(iter(files.values()))
    mark = {"c": "/* {} */", "python": "# {}"}[row.language]
    return "\n".join(f"{mark.format(name)}\n{text}" for name, text in files.items())
