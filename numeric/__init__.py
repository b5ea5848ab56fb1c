"""Floating point: the hand-written backprop, differences, compiled programs, comparison."""
