"""The table of layers for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from symbolic.layer import Layer, Setting
from symbolic.layers import LAYERS


def show() -> None:
    """Print every layer: its name and note, its equations, and its settings with their defaults."""
    table = Table("layer", "forward equations", "settings", show_lines=True, highlight=False)
    for layer in LAYERS.values():
        name = Text.assemble((layer.name, "bold"), f"\n{layer.note}" if layer.note else "")
        table.add_row(name, Text("\n".join(layer.texts)), Text("\n".join(map(setting_text, layer.settings))))
    Console().print(table)


def setting_text(setting: Setting) -> str:
    """A setting with what it sets: `units (size of i)`, `stride s = 1`."""
    if setting.kind == "size":
        return f"{setting.name} (size of {setting.symbol})"
    named = setting.name if setting.symbol == setting.name else f"{setting.name} {setting.symbol}"
    return f"{named} = {setting.default}" if setting.default else named


def roles_text(layer: Layer) -> str:
    """What comes from other nodes, what is given, and what is trained."""
    roles = {"inputs": layer.inputs, "given": layer.constants, "trained": layer.parameters}
    return "; ".join(f"{role}: {', '.join(names)}" for role, names in roles.items() if names)
