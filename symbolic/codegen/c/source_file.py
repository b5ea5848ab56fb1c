"""A network as C99: a header, a source file, and a self-test that runs on the target.

The form of the code is chosen by size and batch; the files say which it is and why. Nothing is allocated,
there is no recursion and no state: every function is reentrant and works in memory that the caller gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from symbolic.codegen.c.file_scope import FileScope
from symbolic.codegen.c.forms import parts_of, public
from symbolic.codegen.c.parts import CParts, Signature
from symbolic.codegen.c.passes import Passes
from symbolic.codegen.c.plan import plan_of
from symbolic.codegen.c.selftest import selftest
from symbolic.codegen.c.training import training_body, training_signature
from symbolic.codegen.names import comment
from symbolic.codegen.request import Generated, Request
from symbolic.network import Network
from symbolic.program import program
from symbolic.writing.text import error_text, matrix_text

WIDTH: Final = 106
HEADERS: Final = {
    "stdint.h": ("uint32_t", "uint64_t", "int32_t", "int64_t"),
    "string.h": ("memcpy", "memset"),
}


def c_module(request: Request) -> Generated:
    """NAME.h, NAME.c and NAME_selftest.c of a request.

    Raises Unsupported where the network has open widths or undefined functions, or what C has no words for.
    """
    file = _file(request)
    test = {f"{request.name}_selftest.c": selftest(file.scope, public(file.passes))}
    return Generated({**file.files(), **test}, file.parts.choice)


def c_code(request: Request) -> Generated:
    """`c_module` without the self-test, whose exact numbers take longest."""
    file = _file(request)
    return Generated(file.files(), file.parts.choice)


def _file(request: Request) -> _File:
    passes = Passes(FileScope(request, plan_of(request.network, hvp=request.hvp)))
    return _File(request, passes, parts_of(passes))


@dataclass(frozen=True)
class _File:
    request: Request
    passes: Passes
    parts: CParts

    @property
    def scope(self) -> FileScope:
        return self.passes.scope

    def files(self) -> dict[str, str]:
        return {f"{self.name}.h": self.header(), f"{self.name}.c": self.source()}

    @property
    def name(self) -> str:
        return self.request.name

    @property
    def macro(self) -> str:
        return self.name.upper()

    @property
    def is_chain(self) -> bool:
        return isinstance(self.request.network, Network)

    @property
    def functions(self) -> tuple[Signature, ...]:
        step = training_signature(self.scope)
        return (*public(self.passes), *((step,) if step is not None else ()))

    def header(self) -> str:
        guard = f"{self.macro}_H"
        prototypes = [f"/* {each.doc} */\n{_declared(each.text(self.request))};" for each in self.functions]
        lines = [
            _comment(self._description()),
            "",
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            "#include <stddef.h>",
            "",
            *self._macros(),
            "",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            "",
            "\n\n".join(prototypes),
            "",
            "#ifdef __cplusplus",
            "}",
            "#endif",
            "",
            f"#endif /* {guard} */",
        ]
        return "\n".join(lines) + "\n"

    def source(self) -> str:
        bodies = dict(self.parts.bodies)
        step = training_signature(self.scope)
        if step is not None:
            bodies[step.name] = training_body(self.scope)
        public = [self._public(each, bodies[each.name]) for each in self.functions if each.name in bodies]
        network = comment(str(self.request.network), "c") if self.is_chain else "A network"
        notes = [
            f"{network}: {self.name}.h says what is computed.",
            f"Form: {self.parts.choice}.",
            "",
            "Each step stands under its index equation. Derived and written by backproof.",
        ]
        code = "\n\n".join([*self._helpers(), *public])
        lines = [
            _comment(notes),
            "",
            f'#include "{self.name}.h"',
            "",
            *self._includes(code),
            "",
            code,
        ]
        return "\n".join(lines) + "\n"

    def _includes(self, code: str) -> list[str]:
        """The headers of what the code calls, and those that the form names."""
        words = set(re.findall(r"\w+", code))
        wanted = {header for header, names in HEADERS.items() if words.intersection(names)}
        return [f"#include <{header}>" for header in sorted({"math.h", *wanted, *self.parts.includes})]

    def _helpers(self) -> list[str]:
        """The functions of the form, and those that the training step calls besides."""
        own = self.scope.scalars.functions.values()
        return [*(each for each in own if each not in self.parts.helpers), *self.parts.helpers]

    def _public(self, signature: Signature, body: Sequence[str]) -> str:
        text = "\n".join(body)
        names = [argument.rpartition(" ")[2].lstrip("*") for argument in signature.arguments]
        unused = [f"    (void){name};" for name in names if not _mentions(text, name)]
        return "\n".join([_declared(signature.text(self.request)), "{", *unused, *body, "}"])

    def _macros(self) -> Iterator[str]:
        plan, macro = self.scope.plan, self.macro
        rows: list[tuple[str, str, str]] = []
        if self.is_chain:
            network = self.request.network
            assert isinstance(network, Network)
            rows += [
                (f"{macro}_INPUTS", f"{network.sizes[0]}u", "numbers in x of one sample"),
                (f"{macro}_OUTPUTS", f"{network.sizes[-1]}u", "numbers in a of one sample"),
            ]
        total = sum(int(self.scope.size(array)) for array in plan.parameters)
        rows.append((f"{macro}_PARAMETERS", f"{total}u", "numbers in params, grad, v and product"))
        rows += [
            (name, f"{at}u", f"where {self.scope.name(array)} begins: {self._shape(array)}")
            for array, (name, at) in self.scope.offsets.items()
        ]
        given = "" if self.is_chain else "(m)"
        rows.append((f"{macro}_WORK{given}", f"({self.parts.work})", "numbers in work"))
        if self.is_chain:
            rows.append(
                (f"{macro}_BATCH_WORK", f"({self.parts.batch_work})", "numbers in work of batch functions")
            )
        wide = max(len(name) + len(value) for name, value, _ in rows) + 1
        for name, value, note in rows:
            yield f"#define {name} {value}{' ' * (wide - len(name) - len(value))}/* {note} */"

    def _shape(self, array: object) -> str:
        location = self.scope.location(array)  # type: ignore[arg-type]
        axes = sorted(range(len(location.shape)), key=lambda axis: -int(location.strides[axis]))
        return " x ".join(str(location.shape[axis]) for axis in axes)

    def _description(self) -> list[str]:
        request = self.request
        if not self.is_chain:
            return self._graph_description()
        network = request.network
        assert isinstance(network, Network)
        layout = request.layout
        rows = layout.samples == "rows"
        last = "x[c*{0} + j] is input j of sample c" if rows else "x[j*m + c] is input j of sample c"
        t = "class numbers from 0, one for each sample" if layout.labels == "integer" else "targets, as a"
        return [
            f"Loss and gradient of the network {comment(str(network), 'c')}.",
            "",
            *self._formulas(),
            "",
            f"Layout: {layout}. Numbers are {self.scope.number}, row by row.",
            "",
            "  params   W, then b where there is one, of each layer in turn; grad, v and product alike",
            f"  x        inputs; of m samples, {last.format(network.sizes[0])}",
            f"  t        {t}",
            "  a        outputs, in the order of inputs",
            *self._common(),
        ]

    def _common(self) -> list[str]:
        macro = self.macro
        return [
            *(["  lam      λ"] if self.scope.plan.has_lambda else []),
            "  m        the number of samples, from 1",
            f"  work     memory to work in, {macro}_WORK{'' if self.is_chain else '(m)'} numbers"
            + (f", {macro}_BATCH_WORK for batch functions" if self.is_chain else ""),
            "",
            "Buffers need the alignment of their type and no more, and must not overlap. Nothing is kept",
            "between calls. What exceeds the range of the type becomes infinite.",
        ]

    def _formulas(self) -> list[str]:
        request = self.request
        assert isinstance(request.network, Network)
        derived = program(request.network).derivation
        written = [matrix_text(step, request.layout) for step in derived.forward if step.target.shape]
        written.append(error_text(derived.forward))
        written += [matrix_text(step, request.layout) for step in derived.backward]
        return [
            "Formulas, with δ = ∂E/∂Z:",
            "",
            *(f"  {comment(line, 'c')}" for line in written),
        ]

    def _graph_description(self) -> list[str]:
        plan = self.scope.plan
        steps = (*plan.layers, *plan.error, *plan.backward)
        shapes = [
            f"  {self.scope.name(array):8} {'int, ' * (array in self.scope.whole)}"
            f"{' x '.join(map(str, array.shape)) or 'one number'}"
            for array in plan.inputs
        ]
        return [
            "Loss and gradient of a network.",
            "",
            "Equations, in the order of computation:",
            "",
            *(f"  {comment(str(step), 'c')}" for step in steps),
            "",
            f"Numbers are {self.scope.number}, row by row, the last index running fastest.",
            "",
            "  params   the parameters, one after the other; grad, v and product alike",
            *shapes,
            *self._common(),
        ]


def _comment(lines: Sequence[str]) -> str:
    return "\n".join(["/*", *(f" * {line}".rstrip() for line in lines), " */"])


def _declared(head: str) -> str:
    """A declaration, over several lines where it is long."""
    if len(head) <= WIDTH:
        return head
    start, _, rest = head.partition("(")
    lines: list[str] = []
    for argument in rest.split(", "):
        if lines and len(lines[-1]) + len(argument) + 2 <= WIDTH:
            lines[-1] += f" {argument},"
        else:
            lines.append(f"    {argument},")
    return f"{start}(\n" + "\n".join(lines).removesuffix(",")


def _mentions(text: str, name: str) -> bool:
    words = "".join(each if each.isalnum() or each == "_" else " " for each in text).split()
    return name in words
