"""The files inside a model, which is a folder or a zip. Readable without PyTorch."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from dints.errors import InputError
from dints.model.manifest import FILE_NAME, Manifest
from dints.storage import atomic_folder, atomic_path, remove_leftovers

MANIFEST_LIMIT = 16 * 2**20  # bytes; real manifests are a few kilobytes


def read_manifest(path: str | os.PathLike) -> Manifest:
    """What a model file says of itself; InputError if there is no model at `path` or it is damaged."""
    content = read_member(path, FILE_NAME, MANIFEST_LIMIT)
    try:
        values = json.loads(content)
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
    if os.path.isabs(name) or ".." in Path(name).parts:
        raise InputError(f"{path}: {name} points outside of the model; do not use this file")
    try:
        if path.is_dir():
            with open(path / name, "rb") as file:
                content = file.read(limit + 1)
        else:
            with zipfile.ZipFile(path) as archive, archive.open(name) as member:
                content = member.read(limit + 1)
    # zipfile raises NotImplementedError for compressions that it does not know.
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            f"{path}: {name} cannot be read ({reason}); choose a model that this engine exported"
        ) from error
    if len(content) > limit:
        raise InputError(f"{path}: {name} has more than the {limit} bytes that it can need; do not use this file")
    return content


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
