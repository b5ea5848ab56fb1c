"""Calls of the kernels: for a block of samples, and for a single one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from symbolic.codegen.c import kernels
from symbolic.codegen.c.columns import LOG_SOFTMAX, SOFTMAX
from symbolic.codegen.c.entries import Lines, over

PAIRS_LIMIT: Final = 2048  # weights of a layer, up to which a vector for each of them pays


@dataclass(slots=True)
class Memory:
    """Arrays in the working memory, one after the other, each of so many numbers."""

    offsets: dict[str, int] = field(default_factory=dict)
    end: int = 0

    def place(self, name: str, size: int) -> str:
        if name not in self.offsets:
            self.offsets[name] = self.end
            self.end += size
        return name


@dataclass(frozen=True, slots=True)
class MatrixProduct:
    """out(i) = (Σ_k W(i, k) v(k) + bias(i)) factor(i): names of arrays, bias and factor perhaps empty; W is
    stored by rows, or `across`, by columns.
    """

    rows: int
    depth: int
    weights: str
    vector: str
    out: str
    across: bool
    bias: str = ""
    factor: str = ""


class Products(Protocol):
    """What is done with whole arrays; `kernels` collects the text of those that are called."""

    memory: Memory
    kernels: dict[str, str]

    def array(self, name: str, units: int) -> str:
        """Memory for some units."""

    def product(self, wanted: MatrixProduct) -> Lines: ...

    def row_function(self, function: str, units: int, *arrays: str) -> Lines:
        """A function of rows, applied to every unit."""

    def softmax(self, units: int, z: str, value: str) -> Lines: ...
    def log_softmax(self, units: int, z: str, value: str) -> Lines: ...

    def paired(self, d: str, rows: int, a: str, columns: int, grad: str) -> Lines:
        """grad(i, j) gets Σ_c d(i, c) a(j, c)."""

    def added(self, d: str, rows: int, grad: str) -> Lines:
        """grad(i) gets Σ_c d(i, c)."""

    def gathered(self, grad: str, size: int) -> Lines:
        """What is left to be done for a gradient after the last sample."""

    def cleared(self, d: str, units: int) -> Lines:
        """What lies beyond the last sample is set to 0."""


@dataclass(slots=True)
class BlockProducts:
    """Blocks of samples, STRIDE numbers for each unit, of which the first `lanes` are computed."""

    stride: int
    block: int
    most_lanes: int
    memory: Memory = field(default_factory=Memory)
    kernels: dict[str, str] = field(default_factory=lambda: {"TOTALS": kernels.TOTALS})  # every loss's

    def array(self, name: str, units: int) -> str:
        return self.memory.place(name, units * self.stride)

    def product(self, wanted: MatrixProduct) -> Lines:
        self._use("TILE", "PRODUCT")
        strides = f"1u, {wanted.rows}u" if wanted.across else f"{wanted.depth}u, 1u"
        sizes = f"{wanted.rows}u, lanes, {wanted.depth}u"
        more = f"{wanted.bias or 'NULL'}, {wanted.factor or 'NULL'}"
        return [f"product({sizes}, {wanted.weights}, {strides}, {wanted.vector}, {more}, {wanted.out});"]

    def row_function(self, function: str, units: int, *arrays: str) -> Lines:
        rows = ", ".join(f"{array} + i * STRIDE" for array in arrays)
        return over("i", units, [f"{function}(lanes, {rows});"])

    def softmax(self, units: int, z: str, value: str) -> Lines:
        self.kernels["SOFTMAX"] = SOFTMAX
        rows = (self.array(name, 1) for name in ("tops", "sums"))
        return [f"softmax({units}u, lanes, STRIDE, {z}, {value}, {', '.join(rows)});"]

    def log_softmax(self, units: int, z: str, value: str) -> Lines:
        self.kernels |= {"SOFTMAX": SOFTMAX, "LOG_SOFTMAX": LOG_SOFTMAX}
        rows = (self.array(name, 1) for name in ("tops", "sums", "places"))
        return [f"log_softmax({units}u, lanes, STRIDE, {z}, {value}, {', '.join(rows)});"]

    def paired(self, d: str, rows: int, a: str, columns: int, grad: str) -> Lines:
        if rows * columns <= PAIRS_LIMIT:
            self._use("PAIRS")
            sums = self.memory.place(f"{grad}_sums", rows * columns * self.most_lanes)
            return [f"pairs({rows}u, {columns}u, lanes, {d}, {a}, {sums});"]
        self._use("TILE", "GRADIENT", "TURNED")
        padded = -(-columns // (2 * self.most_lanes)) * 2 * self.most_lanes
        turned = self.memory.place(f"turned{padded}", padded * self.block)
        return [
            f"turned({columns}u, count, {a}, {turned}, {padded}u);",
            f"gradient({rows}u, {columns}u, count, {d}, {turned}, {padded}u, {grad});",
        ]

    def added(self, d: str, rows: int, grad: str) -> Lines:
        sums = self.memory.place(f"{grad}_sums", rows * self.most_lanes)
        return [f"row_sums({rows}u, lanes, {d}, {sums});"]

    def gathered(self, grad: str, size: int) -> Lines:
        sums = f"{grad}_sums"
        if sums not in self.memory.offsets:
            return []
        return over("k", size, [f"{grad}[k] = total(load({sums} + k * LANES));"])

    def cleared(self, d: str, units: int) -> Lines:
        return over("i", units, over_lanes([f"{d}[i * STRIDE + c] = 0;"]))

    def _use(self, *names: str) -> None:
        self.kernels |= {name: getattr(kernels, name) for name in names}


def over_lanes(lines: Lines) -> Lines:
    """Lines done for every lane beyond the last sample."""
    return ["for (size_t c = count; c < lanes; ++c)", "{", *(f"    {line}" for line in lines), "}"]


@dataclass(slots=True)
class OneProducts:
    """One sample: products of matrices with vectors."""

    memory: Memory = field(default_factory=Memory)
    kernels: dict[str, str] = field(default_factory=dict)

    def array(self, name: str, units: int) -> str:
        return self.memory.place(name, units)

    def product(self, wanted: MatrixProduct) -> Lines:
        self.kernels["SINGLE"] = kernels.SINGLE
        rows, depth, out = wanted.rows, wanted.depth, wanted.out
        call = f"vector_by_rows({depth}u, {rows}u" if wanted.across else f"rows_by_vector({rows}u, {depth}u"
        more = [f"{out}[i] += {wanted.bias}[i];"] * bool(wanted.bias)
        more += [f"{out}[i] *= {wanted.factor}[i];"] * bool(wanted.factor)
        return [
            f"{call}, {wanted.weights}, {wanted.vector}, {out});",
            *(over("i", rows, more) if more else []),
        ]

    def row_function(self, function: str, units: int, *arrays: str) -> Lines:
        return [f"{function}({units}u, {', '.join(arrays)});"]

    def softmax(self, units: int, z: str, value: str) -> Lines:
        self.kernels["SOFTMAX"] = SOFTMAX
        rows = (self.array(name, 1) for name in ("tops", "sums"))
        return [f"softmax({units}u, 1u, 1u, {z}, {value}, {', '.join(rows)});"]

    def log_softmax(self, units: int, z: str, value: str) -> Lines:
        self.kernels |= {"SOFTMAX": SOFTMAX, "LOG_SOFTMAX": LOG_SOFTMAX}
        rows = (self.array(name, 1) for name in ("tops", "sums", "places"))
        return [f"log_softmax({units}u, 1u, 1u, {z}, {value}, {', '.join(rows)});"]

    def paired(self, d: str, rows: int, a: str, columns: int, grad: str) -> Lines:
        self.kernels["SINGLE"] = kernels.SINGLE
        return [f"outer({rows}u, {columns}u, {d}, {a}, {grad});"]

    def added(self, d: str, rows: int, grad: str) -> Lines:
        return over("i", rows, [f"{grad}[i] = {d}[i];"])

    def gathered(self, grad: str, size: int) -> Lines:
        return []

    def cleared(self, d: str, units: int) -> Lines:
        return []
