"""A lock on a folder that dies with its owner: the operating system releases it, however the process ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from dints.errors import InputError
from dints.files.storage import is_running, writing

FILE_NAME = ".lock"  # stays in the folder; it holds the numbers of the processes that locked it last
SHARES = 64  # processes that can share a lock on Windows
WINDOWS_OFFSET = 2**20  # bytes that are locked on Windows cannot be read, so they are not those of the numbers


@contextmanager
def locked(folder: Path, shared: bool = False) -> Iterator[None]:
    """Keeps other processes out of a folder, which is made if need be and removed again if nothing was put there.

    Args:
        shared: keeps only those out that do not share.

    Raises:
        InputError: another process holds the lock.
        StorageError: the folder cannot be written to.
    """
    path, is_new = folder / FILE_NAME, not folder.exists()
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+", encoding="ascii")  # noqa: SIM115  # closed below
    with file:
        try:
            _lock(file, shared)
            gone = not os.path.samestat(os.fstat(file.fileno()), path.stat())
        except OSError:
            gone = True
        if gone:
            raise InputError(f"{folder}: is in use by {_owners(file)}; wait until it has ended, or stop it")
        _sign(file, shared)
        try:
            yield
        finally:
            with suppress(OSError):
                _remove_unused(folder, is_new)


def lock_owner(folder: Path) -> int | None:
    """Number of the process that holds the lock of a folder for itself; None if none does. Changes nothing there."""
    try:
        file = open(folder / FILE_NAME, encoding="ascii")  # noqa: SIM115  # closed below
    except FileNotFoundError:
        return None
    with file:
        with suppress(OSError):
            _lock(file, shared=True)
            return None
        return next((int(line) for line in file.read().split() if line.isdecimal()), None)


def _lock(file: IO[str], shared: bool) -> None:
    """OSError if the lock is taken."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_NB | (fcntl.LOCK_SH if shared else fcntl.LOCK_EX))
        return
    import msvcrt

    for share in range(SHARES if shared else 1):
        os.lseek(file.fileno(), WINDOWS_OFFSET + share, os.SEEK_SET)
        with suppress(OSError):
            return msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1 if shared else SHARES)
    raise OSError


def _sign(file: IO[str], shared: bool) -> None:
    """Leaves this process's number for those who find the lock taken; an exclusive owner is the only one."""
    if not shared:
        file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()


def _owners(file: IO[str]) -> str:
    """Who holds the lock: of those that signed, the ones that still run."""
    file.seek(0)
    signed = dict.fromkeys(int(line) for line in file.read().split() if line.isdecimal())
    running = [f"process {number}" for number in signed if number != os.getpid() and is_running(number)]
    return " and ".join(running) or "another process"


def _remove_unused(folder: Path, is_new: bool) -> None:
    if any(entry.name != FILE_NAME for entry in folder.iterdir()):
        return
    (folder / FILE_NAME).unlink()
    if is_new:
        folder.rmdir()
