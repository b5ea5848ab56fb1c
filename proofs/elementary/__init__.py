"""Proved bounds of the elementary functions in generated C, from the text of the C file."""
