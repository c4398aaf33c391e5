"""Files written and deleted while the application goes on: a large scan takes longer than a window may stand still."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from slicer.i18n import tr as _

T = TypeVar("T")

_executor = ThreadPoolExecutor(max_workers=1)  # one after the other: the disk is the limit
_writing: dict[str, Future[None]] = {}


def submit(function: Callable[..., T], *arguments: object) -> Future[T]:
    """Calls a function after all that was begun before."""
    return _executor.submit(function, *arguments)


def write(path: str | Path, parts: Sequence[bytes | memoryview]) -> None:
    """Begins to write a file for its owner alone; whoever hands its name on asks `isWriting` first."""
    _writing[str(path)] = submit(writeParts, path, parts, _openPrivately)


def writeParts(
    path: str | Path, parts: Iterable[bytes | memoryview], opener: Callable[[str, int], int] | None = None
) -> None:
    """Writes a file at once."""
    with open(path, "wb", opener=opener) as file:
        for part in parts:
            file.write(part)


def isWriting(paths: Iterable[str]) -> bool:
    """Whether one of the files is not there yet."""
    return any(path in _writing and not _writing[path].done() for path in paths)


def stopWriting(paths: Iterable[str]) -> None:
    """Does not begin with those of the files that were not begun, and ends the account of all."""
    for path in paths:
        if path in _writing:
            _writing.pop(path).cancel()


def forget(paths: Iterable[str]) -> str:
    """Ends the account of files that are written: a sentence on what went wrong with one of them, "" if nothing did."""
    sentence = ""
    for path in paths:
        error = _writing.pop(path).exception() if path in _writing else None
        if error is not None:
            sentence = _("{path} cannot be written: {reason}").format(path=path, reason=error)
    return sentence


def _openPrivately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
