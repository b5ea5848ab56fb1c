"""The form "blocks" of a chain in C: vectors over samples, matrix products in register tiles.

A block holds some samples, each unit's values in a row of STRIDE numbers; every step of the program is done
for a whole block. Lanes beyond the last sample repeat it, and their output error is set to 0, so that they
add nothing to a gradient. One sample alone has code of its own, whose vectors run over weights.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import sympy as sp

from symbolic.codegen.c import kernels
from symbolic.codegen.c.block_pass import Pass
from symbolic.codegen.c.elementary import elementary
from symbolic.codegen.c.entries import BLOCK, ONE, Lines, over
from symbolic.codegen.c.parts import CParts, real
from symbolic.codegen.c.products import BlockProducts, Memory, OneProducts
from symbolic.codegen.c.rows import Rows
from symbolic.codegen.c.scalar import Scalars
from symbolic.codegen.request import Dtype, Request
from symbolic.network import Network
from symbolic.program import Program, program

MOST_LANES: Final[Mapping[Dtype, int]] = {"float64": 8, "float32": 16}  # 64 bytes, the longest vectors
BLOCKS: Final = ((48, 128), (128, 64))  # widest layer, samples of a block
FEWEST: Final = 32  # in a block of still wider layers: its arrays should stay in the cache


def blocks(request: Request) -> CParts:
    """The batch functions in blocks of samples, and the single ones with vectors over weights."""
    return _Blocks(request).parts()


@dataclass(frozen=True)
class _Blocks:
    request: Request

    @property
    def network(self) -> Network:
        assert isinstance(self.request.network, Network)
        return self.request.network

    @cached_property
    def program(self) -> Program:
        return program(self.network)

    @cached_property
    def rows(self) -> Rows:
        return Rows(Scalars("double" if self.request.dtype == "float64" else "float", self.request.name))

    @cached_property
    def block(self) -> int:
        widest = max(map(int, self.network.sizes))
        return next((samples for width, samples in BLOCKS if widest <= width), FEWEST)

    @cached_property
    def many(self) -> Pass:
        lanes = MOST_LANES[self.request.dtype]
        products = BlockProducts(self.block + lanes, self.block, lanes)
        return Pass(
            self.request, self.program, self.rows, BLOCK, products, sp.Symbol("samples"), "x_block", "t_block"
        )

    @cached_property
    def one(self) -> Pass:
        return Pass(
            self.request, self.program, self.rows, ONE, OneProducts(), sp.Integer(1), "x", self._single_t
        )

    def parts(self) -> CParts:
        statics = [*self._statics(self.many, "block"), *self._statics(self.one, "one")]
        bodies = {**self._single_bodies(), **self._batch_bodies()}
        used = self.many.products.kernels | self.one.products.kernels
        order = [name for name in vars(kernels) if name in used]
        others = [name for name in used if name not in order]
        functions = [
            *elementary(self.request.dtype).split("\n\n"),
            *(part for name in [*order, *others] for part in used[name].split("\n\n")),
            *self.rows.scalars.functions.values(),
            *self.rows.found.values(),
            *statics,
        ]
        helpers = (
            f"typedef {real(self.request)} real;",
            f"/* numbers from one unit's samples to the next one's; samples of a block */\n"
            f"#define STRIDE {self.block + MOST_LANES[self.request.dtype]}u\n#define BLOCK {self.block}u",
            kernels.VECTORS,
            *_called(functions, [line for body in bodies.values() for line in body]),
        )
        many, one = self.many.products.memory, self.one.products.memory
        return CParts(helpers, bodies, str(max(one.end, 1)), str(many.end), self._choice())

    @property
    def _has_labels(self) -> bool:
        return self.request.layout.labels == "integer"

    @property
    def _single_t(self) -> str:
        return "t_one" if self._has_labels else "t"

    @property
    def _label(self) -> str:
        return "int" if self._has_labels else "real"

    @property
    def _lam(self) -> str:
        return ", real lam" if self.network.objective.has_lambda else ""

    def _choice(self) -> str:
        return f"blocks of {self.block} samples, vectors over samples; one sample alone: vectors over weights"

    def _statics(self, made: Pass, kind: str) -> list[str]:
        """The functions that the public ones call, for one space."""
        is_block = kind == "block"
        where = "size_t m, size_t first, size_t count, " if is_block else ""
        count = ", size_t count" if is_block else ""
        found = [
            self._function(
                f"void {kind}_forward(const real *params, const real *x, {where}real *work)",
                "Values and slopes of every layer.",
                [*self._loaded(made, is_block), *made.forward()],
                made,
            )
        ]
        if is_block or self._has_labels:
            found.append(
                self._function(
                    f"void {kind}_target(const {self._label} *t, {where}real *work)",
                    "The targets, where the backward pass reads them.",
                    self._targets(made, is_block),
                    made,
                )
            )
        target = "" if is_block or self._has_labels else ", const real *t"
        found += [
            self._function(
                f"real {kind}_loss(size_t m{count}{target}, real *work)",
                "The share of E.",
                ["real error = 0;", *made.loss(), "return error;"],
                made,
            ),
            self._function(
                f"void {kind}_backward(const real *params, size_t m{count}"
                f"{'' if is_block else ', const real *x'}{target}, real *grad, real *work)",
                "Cotangents, and what they add to the gradient.",
                made.backward(),
                made,
            ),
        ]
        finish, penalties = made.finish(), made.penalties()
        if finish:
            found.append(
                self._function(
                    f"void {kind}_finish(const real *params, size_t m{self._lam}, real *grad, real *work)",
                    "Gradients out of their sums, and the penalties' slopes.",
                    finish,
                    made,
                )
            )
        if penalties:
            found.append(
                self._function(
                    f"real {kind}_penalties(const real *params, size_t m{self._lam})",
                    "The penalties' share of E.",
                    ["real error = 0;", *penalties, "return error;"],
                    made,
                )
            )
        return found

    def _loaded(self, made: Pass, is_block: bool) -> Lines:  # noqa: FBT001
        if not is_block:
            return []
        inputs = int(self.network.inputs)
        name = made.products.array("x_block", inputs)
        at = f"i * m + {_AT}" if self.request.layout.samples == "columns" else f"({_AT}) * {inputs}u + i"
        return over("i", inputs, over("c", "lanes", [f"{name}[i * STRIDE + c] = x[{at}];"]))

    def _targets(self, made: Pass, is_block: bool) -> Lines:  # noqa: FBT001
        units = int(self.network.sizes[-1])
        name = made.products.array(made.t, units)
        if not is_block:
            return over("i", units, [f"{name}[i] = t[0] == (int)i ? (real)1 : (real)0;"])
        if self._has_labels:
            value = f"t[{_AT}] == (int)i ? (real)1 : (real)0"
        else:
            columns = self.request.layout.samples == "columns"
            value = f"t[i * m + {_AT}]" if columns else f"t[({_AT}) * {units}u + i]"
        return over("i", units, over("c", "lanes", [f"{name}[i * STRIDE + c] = {value};"]))

    def _function(self, head: str, doc: str, lines: Lines, made: Pass) -> str:
        """A static function, with what its lines name declared."""
        text = re.sub(r"/\*.*?\*/", "", "\n".join(lines))
        used = set(re.findall(r"[A-Za-z_]\w*", text))
        declared = list(self._declared(used, made.products.memory))
        arguments = re.findall(r"\w+(?=[,)])", head)
        named = used | set(re.findall(r"[A-Za-z_]\w*", "\n".join(declared)))
        unused = [f"(void){argument};" for argument in arguments if argument not in named]
        body = [f"    {line}" for line in (*unused, *declared, *lines)]
        return "\n".join([f"/* {doc} */", f"static {head}", "{", *body, "}"])

    def _declared(self, used: Iterable[str], memory: Memory) -> Iterable[str]:
        offset = 0
        for w, b in self.program.parameters:
            for array in (w, b):
                if array is None:
                    continue
                name, here = self.one.name(array), offset
                offset += int(sp.prod(array.shape))
                if name in used:
                    yield f"const real *const {name} = params + {here}u;"
                if f"d{name}" in used:
                    yield f"real *const d{name} = grad + {here}u;"
        for name, place in memory.offsets.items():
            if name in used:
                yield f"real *const {name} = work + {place}u;"
        if "samples" in used:
            yield "const real samples = (real)m;"
        if "lanes" in used:
            yield "const size_t lanes = (count + STEP - 1u) / STEP * STEP;"

    def _single_bodies(self) -> dict[str, tuple[str, ...]]:
        forward = "one_forward(params, x, work);"
        target = ["one_target(t, work);"] if self._has_labels else []
        t = "" if self._has_labels else ", t"
        lam = ", lam" if self._lam else ""
        error = f"one_loss(1u{t}, work)"
        penalties = f" + one_penalties(params, 1u{lam})" if self.one.penalties() else ""
        backward = [f"one_backward(params, 1u, x{t}, grad, work);"]
        if self.one.finish():
            backward.append(f"one_finish(params, 1u{lam}, grad, work);")
        unused = ["(void)lam;"] if lam else []
        output = over("i", int(self.network.sizes[-1]), [f"a[i] = work[{self._output(self.one)}u + i];"])
        loss = f"{error}{penalties}"
        return {
            "forward": (forward, *output),
            "loss": (*unused, forward, *target, f"return {loss};"),
            "gradient": (*unused, forward, *target, *backward),
            "loss_and_gradient": (*unused, forward, *target, *backward, f"return {loss};"),
        }

    def _output(self, made: Pass) -> int:
        last = f"a{self.network.depth}"
        return made.products.memory.offsets[last]

    def _batch_bodies(self) -> dict[str, tuple[str, ...]]:
        lam = ", lam" if self._lam else ""
        units = int(self.network.sizes[-1])
        at = (
            "i * m + first + c" if self.request.layout.samples == "columns" else f"(first + c) * {units}u + i"
        )
        output = over(
            "i", units, over("c", "count", [f"a[{at}] = work[{self._output(self.many)}u + i * STRIDE + c];"])
        )
        forward = "block_forward(params, x, m, first, count, work);"
        target = "block_target(t, m, first, count, work);"
        loss = "error += block_loss(m, count, work);"
        backward = "block_backward(params, m, count, grad, work);"
        penalties = [f"error += block_penalties(params, m{lam});"] if self.many.penalties() else []
        finish = [f"block_finish(params, m{lam}, grad, work);"] if self.many.finish() else []
        unused = ["(void)lam;"] if lam else []
        start, result = "real error = 0;", "return error;"
        cleared = self._cleared()
        return {
            "forward_batch": tuple(_blocked([forward, *output])),
            "loss_batch": (*unused, start, *_blocked([forward, target, loss]), *penalties, result),
            "gradient_batch": (*unused, *cleared, *_blocked([forward, target, backward]), *finish),
            "loss_and_gradient_batch": (
                *unused,
                start,
                *cleared,
                *_blocked([forward, target, loss, backward]),
                *finish,
                *penalties,
                result,
            ),
        }

    def _cleared(self) -> Lines:
        """Zeros for what the blocks add to."""
        memory = self.many.products.memory
        sums = [name for name in memory.offsets if name.endswith("_sums")]
        sizes = dict(zip(memory.offsets, [*list(memory.offsets.values())[1:], memory.end], strict=True))
        lines = over("k", int(self.network.parameter_count), ["grad[k] = 0;"])
        for name in sums:
            start = memory.offsets[name]
            lines += over("k", sizes[name] - start, [f"work[{start}u + k] = 0;"])
        return lines


def _called(functions: list[str], bodies: list[str]) -> list[str]:
    """The functions that the bodies call, and those that these call in turn."""
    kept = functions
    while True:
        text = re.sub(r"/\*.*?\*/", "", "\n".join([*kept, *bodies]), flags=re.DOTALL)
        calls = Counter(re.findall(r"(\w+)\(", text))
        needed = [each for each in kept if calls[_defined(each)] > 1]
        if needed == kept:
            return kept
        kept = needed


def _defined(function: str) -> str:
    """The name of a function; its definition is one place where it stands before a bracket."""
    found = re.search(r"^(?:INLINE|static) [\w ]*?(\w+)\(", function, re.MULTILINE)
    assert found is not None, f"{function!r} is no function"
    return found[1]


_AT: Final = "first + (c < count ? c : count - 1u)"


def _blocked(lines: Lines) -> Lines:
    """Lines done for every block of samples."""
    return [
        "for (size_t first = 0; first < m; first += BLOCK)",
        "{",
        "    const size_t count = m - first < BLOCK ? m - first : BLOCK;",
        *(f"    {line}" for line in lines),
        "}",
    ]
