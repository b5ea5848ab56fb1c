"""What is wrong between a form and its subject."""

from __future__ import annotations


class Misfit(Exception):
    """The subject does not have the form that was declared; the message says what was expected."""
