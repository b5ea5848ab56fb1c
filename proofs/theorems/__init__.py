"""Theorems, a file for each: THEOREMS is their table."""

from proofs.theorems.table import THEOREMS as THEOREMS
