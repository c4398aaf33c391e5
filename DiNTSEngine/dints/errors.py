"""The two ways in which the engine fails on purpose. Messages name the file or value, the reason and the remedy."""

from __future__ import annotations


class InputError(ValueError):
    """Something that the user gave cannot be used. The command line exits with 2 and prints the message alone."""


class RunError(RuntimeError):
    """Valid input, but the work failed (disk full, not finite, killed). The command line exits with 1."""
