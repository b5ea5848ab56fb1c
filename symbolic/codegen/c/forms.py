"""Which form a C file has, and why.

Tiny networks of single samples are written out; batches and wide layers are worth vector code in blocks; all
else, and every graph, is loops.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from symbolic.codegen.c.blocks import blocks
from symbolic.codegen.c.bodies import Bodies
from symbolic.codegen.c.file_scope import amount
from symbolic.codegen.c.graph import graph_signatures
from symbolic.codegen.c.parts import CParts, Signature, signatures
from symbolic.codegen.c.passes import Passes
from symbolic.codegen.c.straight import Straight
from symbolic.codegen.request import Form
from symbolic.errors import Unsupported
from symbolic.network import Network

TINY: Final = 40  # parameters: written out, the code is smaller than the loops would be
WIDE: Final = 8  # units from which rows fill vectors


def parts_of(passes: Passes) -> CParts:
    """The functions in the form that was asked for, or that suits size and batch."""
    form, reason = _chosen(passes)
    if form == "blocks":
        made = blocks(passes.scope.request)
        return _completed(passes, replace(made, choice=f"{made.choice}: {reason}"))
    parts = loops(passes)
    parts = straight_line(passes, parts) if form == "straight-line" else parts
    return replace(parts, choice=f"{parts.choice}: {reason}")


def _chosen(passes: Passes) -> tuple[Form, str]:
    request = passes.scope.request
    network = request.network
    if not isinstance(network, Network):
        if request.form not in (None, "loops"):
            raise Unsupported(f"form {request.form!r} is for chains; a graph is written in the form 'loops'")
        return "loops", "every graph is written so"
    if request.form is not None:
        return request.form, "as asked"
    count = int(network.parameter_count)
    if request.batch == 1 and count <= TINY:
        return "straight-line", f"{count} parameters and single samples"
    widest = max(int(size) for size in network.sizes)
    if request.batch > 1 or widest >= WIDE:
        return "blocks", f"batches of {request.batch}, widths up to {widest}"
    return "loops", f"batches of {request.batch}, widths up to {widest}"


def public(passes: Passes) -> tuple[Signature, ...]:
    """The public functions of a chain or of a graph."""
    is_chain = isinstance(passes.scope.request.network, Network)
    return signatures(passes.scope.request) if is_chain else graph_signatures(passes)


def loops(passes: Passes) -> CParts:
    """The form "loops": a function of a single sample is that of a batch of one."""
    passes.write()
    bodies = {}
    for each in public(passes):
        is_batch = each.name.endswith("_batch")
        found = Bodies(passes).body(each.name.removesuffix("_batch")) if is_batch else _of_one(passes, each)
        bodies[each.name] = found
    work = amount(passes.scope.work)
    is_coupled = passes.scope.plan.is_coupled
    shown = "array by array for the whole batch" if is_coupled else "one sample after the other"
    return CParts(passes.sources(), bodies, work, work, f"loops, {shown}")


def straight_line(passes: Passes, batch: CParts) -> CParts:
    """The form "straight-line", with the loops for batches."""
    bodies = dict(batch.bodies)
    for each in public(passes):
        if not each.name.endswith("_batch"):
            product = "product" if each.name == "hvp" else "grad"
            bodies[each.name] = Straight(passes.scope, product).body(each.name)
    return replace(
        batch,
        helpers=passes.sources(),
        bodies=bodies,
        work="1u",
        choice="straight-line, with loops for batches",
    )


def _completed(passes: Passes, made: CParts) -> CParts:
    """The parts with what they lack, Hessian-vector products, as loops."""
    missing = {each.name for each in public(passes)} - set(made.bodies)
    if not missing:
        return made
    base = loops(passes)
    bodies = {name: base.bodies[name] for name in base.bodies if name in missing}
    bodies |= {name: base.bodies[name] for name in base.bodies if f"_{name}(" in str(bodies)}
    helpers = [each for each in base.helpers if each not in made.helpers]
    while (
        used := [each for each in helpers if _is_called(each, [*helpers, *map(str, bodies.values())])]
    ) != helpers:
        helpers = used
    most = f"(({base.work}) > ({made.work})) ? ({base.work}) : ({made.work})"
    most_batch = f"(({base.work}) > ({made.batch_work})) ? ({base.work}) : ({made.batch_work})"
    return replace(
        made,
        helpers=(*made.helpers, *helpers),
        bodies={**bodies, **made.bodies},
        work=most,
        batch_work=most_batch,
    )


def _is_called(helper: str, texts: Sequence[str]) -> bool:
    """Whether a static function is called from somewhere else."""
    found = re.search(r"(\w+)\(", re.sub(r"/\*.*?\*/", "", helper, flags=re.S))
    return found is not None and any(f"{found[1]}(" in text for text in texts if text != helper)


def _of_one(passes: Passes, single: Signature) -> tuple[str, ...]:
    """The batch function with m = 1, which is given after the data."""
    names = [each.rpartition(" ")[2].lstrip("*") for each in single.arguments]
    data = sum(name in ("params", "x", "t") for name in names)
    arguments = ", ".join([*names[:data], "1u", *names[data:]])
    call = f"{passes.scope.request.name}_{single.name}_batch({arguments});"
    return (f"    {'' if single.result == 'void' else 'return '}{call}",)
