"""Generated C called from Python: on fixed buffers in some 50 ns, on a caller's arrays by way of such a call.

ctypes converts every argument at every call, which costs more than a small network does. So a second source,
compiled together with the generated one, gives each of its functions the signature that CPython calls
builtins by, with the addresses in a capsule in place of `self`. It needs no Python.h: the few names it uses
are of CPython's stable ABI, and are found in the process that loads it.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from numeric.native.buffers import Shapes, aligned
from numeric.native.compiled import FUNCTIONS, Function, Params, Prepared, check_function, prepared
from symbolic.codegen.c.parts import signatures
from symbolic.codegen.request import Request
from symbolic.errors import Unsupported
from symbolic.network import Network

UNIT: Final = "calls.c"
HELD: Final = 8  # batch sizes whose buffers a thread keeps
LONG: Final = 50_000  # multiplications, some 10 µs: from there on other threads run meanwhile
METH_NOARGS: Final = 4
NO_KEYWORDS: Final[Mapping[str, float]] = {}

_HEAD: Final = """\
#include "{name}.c"

extern void *PyCapsule_GetPointer(void *, const char *);
extern void *PyFloat_FromDouble(double);
extern void *PyEval_SaveThread(void);
extern void PyEval_RestoreThread(void *);
extern void Py_IncRef(void *);
extern char _Py_NoneStruct[];

const size_t work_size = {macro}_WORK;
const size_t batch_work_size = {macro}_BATCH_WORK;

struct call {{
    const void *params, *x, *t;
    void *a, *grad, *work;
    size_t m;
    double lam;
    int is_long;
}};
"""
_FUNCTION: Final = """
void *call_{name}(void *self, void *none)
{{
    const struct call *c = PyCapsule_GetPointer(self, NULL);
    void *thread = c->is_long ? PyEval_SaveThread() : NULL;
    {statement}
    if (c->is_long) {{
        PyEval_RestoreThread(thread);
    }}
    (void)none;
    {result}
}}
"""
_ERROR: Final = "return PyFloat_FromDouble((double)error);"
_NONE: Final = "Py_IncRef(_Py_NoneStruct);\n    return _Py_NoneStruct;"


def calls_source(request: Request) -> str:
    """The second source, which includes the generated one."""
    parts = [_HEAD.format(name=request.name, macro=request.name.upper())]
    for signature in signatures(request):
        if signature.name.removesuffix("_batch") not in FUNCTIONS:
            continue
        given = ", ".join(f"c->{argument.split()[-1].lstrip('*')}" for argument in signature.arguments)
        call, returns = f"{request.name}_{signature.name}({given});", signature.result != "void"
        statement = f"const {signature.result} error = {call}" if returns else call
        parts.append(
            _FUNCTION.format(name=signature.name, statement=statement, result=_ERROR if returns else _NONE)
        )
    return "".join(parts)


class _Call(ctypes.Structure):
    """`struct call` of the second source."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("params", "x", "t", "a", "grad", "work")),
        ("m", ctypes.c_size_t),
        ("lam", ctypes.c_double),
        ("is_long", ctypes.c_int),
    )


class _MethodDef(ctypes.Structure):
    """PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class _Fixed:
    """Calls of a library's functions on one set of buffers."""

    def __init__(
        self, library: ctypes.CDLL, shapes: Shapes, m: int, methods: Mapping[str, _MethodDef]
    ) -> None:
        self.buffers = held = shapes.buffers(m)
        several = "_batch" * (m > 1)
        size = ctypes.c_size_t.in_dll(library, f"{'batch_' * (m > 1)}work_size").value
        work = aligned((size,), shapes.dtype)
        places = (array.ctypes.data for array in (held.params, held.x, held.t, held.output, held.grad, work))
        is_long = int(shapes.network.parameter_count) * m > LONG
        self.call = _Call(*places, m, 0.0, is_long)
        everything = (library, methods, self.call, work, held)  # what a call needs lives as long as it does
        self.calls = {
            name: _builtin(methods[f"{name}{several}"], self.call, everything) for name in FUNCTIONS
        }


class Native:
    """The functions of a library, for the network of the request it was generated for."""

    def __init__(self, path: Path, request: Request, choice: str) -> None:
        assert isinstance(request.network, Network)
        try:
            self._library = ctypes.CDLL(str(path))
        except OSError as error:
            raise Unsupported(
                f"{path} cannot be loaded: {error}; "
                "set XDG_CACHE_HOME to a folder whose files may be executed"
            ) from None
        self.choice = choice
        self._shapes = Shapes(request.network, request.layout, request.dtype)
        self._sample_axis = self._shapes.sample_axis
        self._has_lambda = request.network.objective.has_lambda
        self._methods = {
            name: _MethodDef(
                name.encode(), ctypes.cast(self._library[f"call_{name}"], ctypes.c_void_p), METH_NOARGS
            )
            for function in FUNCTIONS
            for name in (function, f"{function}_batch")
        }
        self._of_thread = threading.local()

    def forward(self, params: Params, x: NDArray[Any]) -> NDArray[Any]:
        at = self._filled(params, x)
        at.calls["forward"]()
        return at.buffers.output.copy()

    def loss(self, params: Params, x: NDArray[Any], t: NDArray[Any], **keywords: float) -> float:
        error: float = self._filled(params, x, t, keywords).calls["loss"]()
        return error

    def gradient(self, params: Params, x: NDArray[Any], t: NDArray[Any], **keywords: float) -> Params:
        at = self._filled(params, x, t, keywords)
        at.calls["gradient"]()
        return at.buffers.gradient()

    def loss_and_gradient(
        self, params: Params, x: NDArray[Any], t: NDArray[Any], **keywords: float
    ) -> tuple[float, Params]:
        at = self._filled(params, x, t, keywords)
        return at.calls["loss_and_gradient"](), at.buffers.gradient()

    def prepare(self, m: int, function: Function = "loss_and_gradient", **keywords: float) -> Prepared:
        """A call of a function on fixed buffers for m samples, and for one λ."""
        check_function(function)
        at = self._fixed(m)
        at.call.lam = self._lam(keywords)
        return prepared(at.calls[function], at.buffers)

    def _fixed(self, m: int) -> _Fixed:
        return _Fixed(self._library, self._shapes, m, self._methods)

    def _filled(
        self, params: Any, x: Any, t: Any = None, keywords: Mapping[str, float] = NO_KEYWORDS
    ) -> _Fixed:
        """This thread's buffers for that many samples, with the arguments in them."""
        shape = getattr(x, "shape", ())
        m = shape[self._sample_axis] if len(shape) == 2 else 1
        held: dict[Any, _Fixed] = self._of_thread.__dict__
        if m not in held:
            if len(held) == HELD:
                held.clear()
            held[m] = self._fixed(m)
        at = held[m]
        at.buffers.write_params(params)
        at.buffers.write_data(x, t)
        if keywords or self._has_lambda:
            at.call.lam = self._lam(keywords)
        return at

    def _lam(self, keywords: Mapping[str, float]) -> float:
        known = {"lam"} if self._has_lambda else set()
        if unknown := set(keywords) - known:
            raise TypeError(f"unexpected keyword {min(unknown)!r}; expected {' or '.join(known) or 'none'}")
        return keywords.get("lam", 0.0)


def _builtin(method: _MethodDef, call: _Call, everything: object) -> Any:
    """A builtin function whose `self` is the address of the call; where a module would be, it keeps all
    that it needs.
    """
    api = ctypes.pythonapi
    capsule = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    builtin = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.py_object)
    self = capsule(("PyCapsule_New", api))(ctypes.addressof(call), None, None)
    return builtin(("PyCFunction_NewEx", api))(ctypes.addressof(method), self, everything)
