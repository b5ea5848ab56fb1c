"""Subjects in other languages: `c_function` binds a function of a C library, `command` asks any program.

Both are worker-side, each a file of its own that is loaded by path: Python 3.8, NumPy, nothing of ours.
"""
