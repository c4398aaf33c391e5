"""Writing files so that a reader never sees half of one, nor loses the last good one: temporary name, fsync, rename."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dints.errors import InputError, StorageError
from dints.files.untrusted.json_text import parse_json

# Says who writes: .scan.<host>-<process>.tmp.nii.gz becomes scan.nii.gz.
TEMPORARY = re.compile(r"\..*\.(?P<host>[^.]*)-(?P<process>\d+)\.tmp(\.[^.]+){0,2}")
WINDOWS_SYNCHRONIZE, WINDOWS_TIMEOUT = 0x100000, 0x102  # the right to wait for a process, and that it goes on
FORGOTTEN_SECONDS = 24 * 3600.0  # after which also another computer's temporary file is taken for left behind

BYTES_A_READ = 2**20
LONGEST_NAME = 255  # bytes of a file's name
DIGITS = 16  # hexadecimal, in place of a name that is too long

_being_written: set[Path] = set()  # temporary files and folders of this process


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path beside `path` (same suffix); renames it to `path` when the block succeeds.

    The file is flushed to the disk before the rename, the rename before this returns. If the block fails, the temporary
    file is removed and whatever stood at `path` before is untouched.

    Raises:
        StorageError: in place of any OSError, a full disk for example.
    """
    path = Path(path)
    with _temporary(path) as temporary, writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Like `atomic_path`, for a new folder whose files are themselves written with `atomic_path`."""
    path = Path(path)
    with _temporary(path) as temporary, writing(path):
        try:
            yield temporary
            os.rename(temporary, path)
            sync_folder(path.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an OSError into a StorageError about `path`."""
    try:
        yield
    except OSError as error:
        raise StorageError.of(path, error.strerror or str(error)) from error


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Where this process writes what will become `path`; `remove_leftovers` spares it, also in another thread."""
    temporary = temporary_path(path)
    _being_written.add(temporary.absolute())
    try:
        yield temporary
    finally:
        _being_written.discard(temporary.absolute())


def temporary_path(path: Path) -> Path:
    """Where this process writes what will become `path`; a name that leaves no room for that goes by a number."""
    suffixes = "".join(path.suffixes[-2:])
    writer = f".{platform.node().partition('.')[0]}-{os.getpid()}.tmp{suffixes}"
    stem = path.name.removesuffix(suffixes)
    if len(os.fsencode(f".{stem}{writer}")) > LONGEST_NAME:
        stem = hashlib.sha256(os.fsencode(stem)).hexdigest()[:DIGITS]
    return path.with_name(f".{stem}{writer}")


def remove_leftovers(folder: Path, recursive: bool = False) -> None:
    """Deletes the temporary files and folders of processes that were killed while writing into a folder."""
    pattern = ".*.tmp*"
    for path in list(folder.rglob(pattern) if recursive else folder.glob(pattern)):
        with suppress(OSError):  # one that cannot be deleted does no harm
            if _is_leftover(path):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_leftover(path: Path) -> bool:
    match = TEMPORARY.fullmatch(path.name)
    if not match:
        return False
    if match["host"] != platform.node().partition(".")[0]:
        return time.time() - path.stat().st_mtime > FORGOTTEN_SECONDS
    process = int(match["process"])
    if process == os.getpid():  # either this one's, or that of an earlier process of the same number
        return path.absolute() not in _being_written
    return not is_running(process)


def is_running(process: int) -> bool:
    """Whether there is a process of that number on this computer."""
    if sys.platform == "win32":  # where a signal would end it
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(WINDOWS_SYNCHRONIZE, False, process)
        running = kernel.WaitForSingleObject(handle, 0) == WINDOWS_TIMEOUT
        kernel.CloseHandle(handle)
        return running
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder last through a power failure; Windows does so itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def checksum(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(BYTES_A_READ):
            digest.update(chunk)
    return digest.hexdigest()


def to_json(value: Any) -> str:
    """Indented JSON. NaN and infinity raise ValueError: they are not JSON."""
    return json.dumps(value, indent=1, allow_nan=False) + "\n"


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Writes a value as JSON, atomically."""
    write_text(path, to_json(value))


def read_json(path: str | os.PathLike[str]) -> Any:
    """Reads a JSON file; InputError if it is missing or no JSON."""
    try:
        return parse_json(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    except ValueError as error:
        raise InputError(f"{path}: is not valid JSON ({error}); correct or replace the file") from error
