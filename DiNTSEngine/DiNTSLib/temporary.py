"""Folders for what is handed to the engine and back: readable by their owner alone, and gone in the end.

All folders of an application are in one of its own, which it keeps locked while it lives. What an application that
crashed left behind is deleted by the next one.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

import slicer

from dints.errors import InputError, StorageError
from dints.files.lock import FILE_NAME, locked
from DiNTSLib import background
from DiNTSLib.child import killAll

PREFIX = "dints-"


class TemporaryFolder:
    """A folder with a short name. As a context manager it yields its path and is gone when the block ends."""

    def __init__(self) -> None:
        self.name = tempfile.mkdtemp(dir=_ownFolder())

    def cleanup(self) -> None:
        """Deletes it in the background, after what is being written into it."""
        background.submit(_delete, self.name)

    def __enter__(self) -> str:
        return self.name

    def __exit__(self, *_error: object) -> None:
        _delete(self.name)


def removeLeftovers() -> None:
    """Deletes, in the background, the folders of applications that are gone; those of living ones are locked."""
    background.submit(_removeLeftovers, _temporaryPath())


def _removeLeftovers(parent: str) -> None:
    for folder in Path(parent).glob(f"{PREFIX}*"):
        if (folder / FILE_NAME).exists():  # else it is just being made, and still empty
            with suppress(InputError, StorageError), locked(folder):
                _delete(folder)


def _temporaryPath() -> str:
    path: str = slicer.app.temporaryPath
    return path


@functools.cache
def _ownFolder() -> str:
    """Of this application; made, and locked, at first use."""
    folder = tempfile.mkdtemp(prefix=PREFIX, dir=_temporaryPath())
    lock = ExitStack()
    lock.enter_context(locked(Path(folder)))
    end = functools.partial(_end, folder, lock)
    slicer.app.connect("aboutToQuit()", end)
    atexit.register(end)  # also of an application without an event loop
    return folder


def _end(folder: str, lock: ExitStack) -> None:
    killAll()  # nothing may be written into it any more
    lock.close()
    _delete(folder)


def _delete(folder: str | Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
