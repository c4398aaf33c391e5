"""The ways in which the engine fails on purpose. Messages name the file or value, the reason and the remedy."""

from __future__ import annotations

import os


class InputError(ValueError):
    """Something that the user gave cannot be used. The command line exits with 2 and prints the message alone."""


class RunError(RuntimeError):
    """Valid input, but the work failed (disk full, not finite, killed). The command line exits with 1."""


class StorageError(RunError):
    """A file cannot be written. What stood there before is still there."""

    @classmethod
    def of(cls, path: str | os.PathLike, reason: str) -> StorageError:
        """With the remedies that there are."""
        return cls(f"{path}: cannot be written ({reason}); free disk space or choose another folder")
