"""`compile`: a network's generated code, built and loaded into this process.

network  ->  C source  ->  library, from the cache or from the system's compiler  ->  functions
"""

from __future__ import annotations

import os
import warnings
from functools import cache
from typing import Final, Literal, TypeAlias, get_args

from numeric.native.build import Compiler, find_compiler, library
from numeric.native.calls import UNIT, Native, calls_source
from numeric.native.compiled import Compiled, compiled
from symbolic.codegen.request import Dtype, Form, Request
from symbolic.conventions import INTERNAL, Layout
from symbolic.errors import InvalidNetwork, Unsupported
from symbolic.network import Network

CompileTarget: TypeAlias = Literal["c", "numpy"]
COMPILED: Final[tuple[CompileTarget, ...]] = get_args(CompileTarget)


def compile(
    network: Network,
    target: CompileTarget = "c",
    *,
    layout: Layout = INTERNAL,
    dtype: Dtype = "float64",
    batch: int = 1,
    form: Form | None = None,
) -> Compiled:
    """The functions of a network as machine code: forward, loss, gradient, loss_and_gradient, prepare.

    The form is "blocks" where none is said: it is the fastest, for single samples as well. `batch` is the
    number of samples to be fast for; any other works too. The library is kept in the user's cache folder, and
    built again for other code, flags, compilers or machines. Without a C compiler the functions are those of
    the NumPy module, and a warning says so.

    Raises InvalidNetwork, and Unsupported where the network cannot be written in C, or what was written does
    not compile: then with the compiler's first error.
    """
    if target not in COMPILED:
        raise InvalidNetwork(f"no target {target!r} to compile; choose from {', '.join(COMPILED)}")
    if not isinstance(network, Network):
        raise Unsupported(f"compile needs a network with fixed sizes such as mlp(2, 3, 1), not {network}")
    request = Request(network, layout, dtype, batch=batch, form=form or "blocks")  # the fastest at any size
    if target == "numpy":
        return compiled(network, layout, dtype)
    compiler = find_compiler()
    if compiler is None:
        _warn_of_no_compiler(os.environ.get("CC"))
        return compiled(network, layout, dtype)
    return _native(request, compiler)


@cache
def _native(request: Request, compiler: Compiler) -> Native:
    from symbolic.codegen.c.source_file import c_code  # what only C needs is not paid for by others

    generated = c_code(request)
    files = {**generated.files, UNIT: calls_source(request)}
    return Native(library(files, UNIT, compiler), request, generated.choice)


@cache
def _warn_of_no_compiler(told: str | None) -> None:
    sought = f"C compiler {told!r}, which CC names" if told else "C compiler cc, gcc or clang"
    warnings.warn(
        f"there is no {sought}, so compile gives the slower NumPy module; install one, such as gcc",
        RuntimeWarning,
        stacklevel=3,
    )
