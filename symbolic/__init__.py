"""Exact mathematics: formulas, layers, derivation, program, code and LaTeX."""
