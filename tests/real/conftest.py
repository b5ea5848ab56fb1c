"""Looked through for doctests, these import what may be missing."""

from importlib.util import find_spec

IMPORTS = {
    "torch_tables.py": "torch",
    "torch_losses.py": "torch",
    "jax_tables.py": "jax",
    "jax_losses.py": "jax",
    "autograd_losses.py": "autograd",
    "micrograd_losses.py": "micrograd",
}
collect_ignore = [file for file, component in IMPORTS.items() if find_spec(component) is None]
