"""The ways in which the engine fails on purpose. Messages name the file or value, the reason and the remedy."""

from __future__ import annotations

import contextlib
import logging
import os
import reprlib
import traceback
from collections.abc import Iterator
from typing import Any

EXIT_DONE, EXIT_FAILED, EXIT_BAD_INPUT, EXIT_STOPPED = 0, 1, 2, 130  # 130: as shells say "interrupted"

LONGEST_QUOTE = 120  # characters of a text in a message: enough for most file names
LONGEST_VALUE = 200  # characters of what holds several
LONGEST_REASON = 300  # characters of a library's message

OUT_OF_MEMORY_PHRASES = (  # of PyTorch's CUDA and CPU allocators, of cuDNN and cuBLAS, and of ITK
    "out of memory",
    "DefaultCPUAllocator",
    "not enough memory",
    "ALLOC_FAILED",
    "Failed to allocate memory",
)

logger = logging.getLogger(__name__)

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = LONGEST_QUOTE


class InputError(ValueError):
    """Something that the user gave cannot be used. The command line exits with 2 and prints the message alone."""


class RunError(RuntimeError):
    """Valid input, but the work failed (disk full, not finite, killed). The command line exits with 1."""


class StorageError(RunError):
    """A file cannot be written. What stood there before is still there."""

    @classmethod
    def of(cls, path: str | os.PathLike[str], reason: str) -> StorageError:
        """With the remedies that there are."""
        return cls(f"{path}: cannot be written ({reason}); free disk space or choose another folder")


class MemoryShortageError(RunError):
    """Memory ran out where the work cannot be done in smaller portions."""


@contextlib.contextmanager
def memory_for(subject: str | os.PathLike[str], deed: str) -> Iterator[None]:
    """MemoryShortageError, "{subject}: memory ran out while it was {deed}", if memory runs out in here."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RunError) or not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # they hold what filled the memory
        raise MemoryShortageError(
            f"{subject}: memory ran out while it was {deed} ({short(error) or type(error).__name__}); close other "
            "programs, or crop the image or resample it to fewer voxels"
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on the GPU or in main memory."""
    own = isinstance(error, MemoryError | MemoryShortageError)
    return own or any(phrase in str(error) for phrase in OUT_OF_MEMORY_PHRASES)


def failure(error: BaseException) -> tuple[str, int]:
    """One line on what went wrong, and the exit code."""
    text, code = str(error), EXIT_FAILED
    if isinstance(error, InputError):
        code = EXIT_BAD_INPUT
    elif isinstance(error, KeyboardInterrupt):
        text, code = text or "stopped; run the same command again to resume", EXIT_STOPPED
    elif isinstance(error, OSError) and error.filename:  # what cannot be written is a StorageError
        text = f"{error.filename}: cannot be read ({error.strerror}); check the path and its permissions"
        code = EXIT_BAD_INPUT
    elif isinstance(error, OSError):
        text = str(error.strerror or error)
    elif is_out_of_memory(error) and not isinstance(error, RunError):
        text = f"memory ran out ({text or type(error).__name__}); close other programs or work on smaller images"
    elif not isinstance(error, RunError):
        # Where, but not on what: the message may hold the path or the name of a patient.
        logger.error("unexpected %s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
        logger.debug("unexpected error", exc_info=error)
        text = f"unexpected {type(error).__name__}: {error}"
    return " ".join(text.split()), code


def brief(value: Any) -> str:
    """A value as messages quote it: one short line, whatever it holds."""
    try:
        text = " ".join(_SHORT.repr(value).split())
    except ValueError:  # Python does not write whole numbers of thousands of digits
        return "a number of thousands of digits"
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


def short(reason: object) -> str:
    """What a library says of a stranger's file, as one short line: it may quote all of the file."""
    text = " ".join(str(reason).split())
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}..."
