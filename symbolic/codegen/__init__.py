"""Printers of programs, one file per target."""

from symbolic.codegen.numpy_printer import numpy_module as numpy_module
from symbolic.codegen.targets import TARGETS as TARGETS
from symbolic.codegen.targets import generate as generate
