"""Writing files while the application goes on: a large scan takes longer than a window may stand still."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from slicer.i18n import tr as _

_executor = ThreadPoolExecutor(max_workers=1)  # one after the other: the disk is the limit
_writing: dict[str, Future] = {}


def write(path: str | Path, parts: Sequence[bytes | memoryview]) -> None:
    """Begins to write a file; whoever hands its name on asks `isWriting` first."""
    _writing[str(path)] = _executor.submit(writeParts, path, parts)


def writeParts(path: str | Path, parts: Iterable[bytes | memoryview]) -> None:
    """Writes a file at once."""
    with open(path, "wb") as file:
        for part in parts:
            file.write(part)


def isWriting(paths: Iterable[str]) -> bool:
    """Whether one of the files is not there yet."""
    return any(path in _writing and not _writing[path].done() for path in paths)


def forget(paths: Iterable[str]) -> str:
    """Ends the account of files that are written: a sentence on what went wrong with one of them, "" if nothing did."""
    sentence = ""
    for path in paths:
        error = _writing.pop(path).exception() if path in _writing else None
        if error is not None:
            sentence = _("{path} cannot be written: {reason}").format(path=path, reason=error)
    return sentence
