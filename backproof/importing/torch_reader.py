"""What the rows of the tables of torch modules and functions are given: the graph so far, and names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from backproof.importing.builder import Builder, Weight
from backproof.importing.imported import Numbers, plain

Row: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """The graph in the making; `names` are those of parameters by identity, so that a tied one has one name.

    `masks` are those of dropout, by the path of the module.
    """

    build: Builder
    names: Mapping[int, str]
    masks: Mapping[str, Numbers] = field(default_factory=dict)
    held: dict[int, tuple[Any, Weight]] = field(default_factory=dict)  # the tensor stays, and with it its id

    def weight(self, tensor: Any) -> Weight | None:
        """A tensor of the model; None stays None."""
        if tensor is None:
            return None
        name = self.names.get(id(tensor))
        if name is not None:
            return Weight(name, plain(tensor))
        if id(tensor) not in self.held:
            number = len(self.held) + 1
            self.held[id(tensor)] = (tensor, Weight(f"constant_{number}", plain(tensor), trained=False))
        return self.held[id(tensor)][1]

    def trained(self, tensor: Any) -> bool:
        """Whether a tensor is a parameter of the model."""
        return id(tensor) in self.names
