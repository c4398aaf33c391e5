"""Writing files so that a reader never sees half of one: temporary name, fsync, rename."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dints.errors import InputError


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary path beside `path` (same suffix); renames it to `path` when the block succeeds.

    The file is flushed to the disk before the rename. If the block fails, the temporary file is removed and whatever
    stood at `path` before is untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    suffixes = "".join(path.suffixes[-2:])
    temporary = path.with_name(f".{path.name.removesuffix(suffixes)}.{os.getpid()}.tmp{suffixes}")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def to_json(value: Any) -> str:
    """Indented JSON. NaN and infinity raise ValueError: they are not JSON."""
    return json.dumps(value, indent=1, allow_nan=False) + "\n"


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Writes a value as JSON, atomically."""
    write_text(path, to_json(value))


def read_json(path: str | os.PathLike) -> Any:
    """Reads a JSON file; InputError if it is missing or no JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    except ValueError as error:
        raise InputError(f"{path}: is not valid JSON ({error}); correct or replace the file") from error
