"""The files of a model from strangers, which is a zip or a folder: bytes up to a limit, or InputError."""

from __future__ import annotations

import ntpath
import os
import stat
import zipfile
from pathlib import Path

from dints.errors import InputError, brief, short

SMALL = 2**20  # bytes that any file may unpack to
READ_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others are unpacked without regard to a limit
UNIX_MODE_SHIFT = 16  # of a member's attributes: the upper half is what Unix calls the mode
MOST_COMPRESSION = 20  # of weights, which hardly compress; what claims more would fill the memory out of a small file


def read_member(path: str | os.PathLike[str], name: str, limit: int) -> bytes:
    """One file of a model.

    Args:
        limit: bytes that it may have at most, whatever the archive claims.

    Raises:
        InputError: it is missing, damaged or too large, or `name` points outside of the model.
    """
    path = Path(path)
    outside = InputError(f"{path}: {name} points outside of the model; do not use this file")
    if _points_outside(name):
        raise outside
    try:
        if path.is_dir():
            file = path / name
            if not file.resolve().is_relative_to(path.resolve()):
                raise outside
            content = _read_file(file, limit)
        else:
            content = _read_zipped(path, name, limit)
    except InputError:
        raise
    except Exception as error:  # a damaged zip file can raise nearly anything
        reason = short(error.strerror if isinstance(error, OSError) else error)
        raise InputError(
            f"{path}: {name} cannot be read ({reason}); choose a model that this engine exported"
        ) from error
    if len(content) > limit:
        raise InputError(f"{path}: {name} has more than the {limit} bytes that it can need; do not use this file")
    return content


def _read_file(path: Path, limit: int) -> bytes:
    """At most one byte more than `limit`."""
    if path.exists() and not path.is_file():
        raise ValueError("it is no file")  # a pipe, for example, which would never end
    with open(path, "rb") as file:
        return file.read(limit + 1)


def _read_zipped(path: Path, name: str, limit: int) -> bytes:
    """At most one byte more than `limit`, also where the archive does not say how large the member really is."""
    with zipfile.ZipFile(path) as archive:
        _refuse_odd_members(archive.infolist(), path.stat().st_size)
        member = archive.getinfo(name)
        if member.compress_type not in READ_COMPRESSIONS:
            raise ValueError(f"it is compressed by method {member.compress_type}")
        if member.file_size > max(SMALL, MOST_COMPRESSION * member.compress_size):
            raise ValueError(f"it is said to unpack to {member.file_size} bytes")
        with archive.open(member) as content:
            return content.read(min(member.file_size, limit) + 1)


def _refuse_odd_members(members: list[zipfile.ZipInfo], size: int) -> None:
    """ValueError for an archive, of `size` bytes, that would harm whoever unpacks it, or means two things at once."""
    if len({member.filename for member in members}) < len(members):
        raise ValueError("the archive holds two files of one name")
    if sum(member.compress_size for member in members) > size:
        raise ValueError("files in the archive overlap")
    for member in members:
        if _points_outside(member.filename):
            raise ValueError(f"the archive holds {brief(member.filename)}, which points outside of the model")
        if stat.S_ISLNK(member.external_attr >> UNIX_MODE_SHIFT):
            raise ValueError(f"the archive holds {brief(member.filename)}, which is a link")


def _points_outside(name: str) -> bool:
    """Whether a path leaves the folder that it is relative to, on any system."""
    plain = name.replace("\\", "/")
    return plain.startswith("/") or bool(ntpath.splitdrive(plain)[0]) or ".." in plain.split("/")
