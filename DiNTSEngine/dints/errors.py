"""The ways in which the engine fails on purpose. Messages name the file or value, the reason and the remedy."""

from __future__ import annotations

import os

OUT_OF_MEMORY_PHRASES = (  # of PyTorch's CUDA and CPU allocators, of cuDNN and cuBLAS, and of ITK
    "out of memory",
    "DefaultCPUAllocator",
    "not enough memory",
    "ALLOC_FAILED",
    "Failed to allocate memory",
)


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


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on the GPU or in main memory."""
    return isinstance(error, MemoryError) or any(phrase in str(error) for phrase in OUT_OF_MEMORY_PHRASES)
