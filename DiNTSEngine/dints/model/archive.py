"""The files inside a model, which is a folder or a zip. Readable without PyTorch."""

from __future__ import annotations

import ntpath
import os
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

from dints.errors import InputError, brief, short
from dints.files.plain_json import parse_json
from dints.files.storage import atomic_folder, atomic_path, remove_leftovers
from dints.model.manifest import FILE_NAME, Manifest

MANIFEST_LIMIT = 2**20  # bytes; real manifests are a few kilobytes
READ_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others are unpacked without regard to a limit
UNIX_MODE_SHIFT = 16  # of a member's attributes: the upper half is what Unix calls the mode
MOST_COMPRESSION = 20  # of weights, which hardly compress; what claims more would fill the memory out of a small file


def read_manifest(path: str | os.PathLike) -> Manifest:
    """What a model file says of itself; InputError if there is no model at `path` or it is damaged."""
    content = read_member(path, FILE_NAME, MANIFEST_LIMIT)
    try:
        values = parse_json(content)
    except ValueError as error:
        raise InputError(f"{path}: {FILE_NAME} is not valid JSON ({error}); export the model again") from error
    return Manifest.from_mapping(values, str(path))


def read_member(path: str | os.PathLike, name: str, limit: int) -> bytes:
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
        if member.file_size > max(MANIFEST_LIMIT, MOST_COMPRESSION * member.compress_size):
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


def write_archive(path: str | os.PathLike, members: Mapping[str, bytes]) -> None:
    """Writes all files of a model atomically, as a zip if `path` ends in .zip, else as a new folder."""
    path = Path(path)
    remove_leftovers(path.parent)
    if path.suffix == ".zip":
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name), content)  # without the time: the same model, the same bytes
        return
    if path.exists():
        raise InputError(f"{path}: exists already; remove it or choose another name")
    with atomic_folder(path) as temporary:
        for name, content in members.items():
            with atomic_path(temporary / name) as file:
                file.write_bytes(content)
