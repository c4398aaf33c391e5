"""A model's manifest out of its file, and all of its files into one. Readable without PyTorch and safetensors."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from dints.errors import InputError
from dints.files.storage import atomic_folder, atomic_path, remove_leftovers
from dints.files.untrusted.archive import read_member
from dints.files.untrusted.json_text import parse_json
from dints.model.manifest import FILE_NAME, Manifest

MANIFEST_LIMIT = 2**20  # bytes; real manifests are a few kilobytes


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """What a model file says of itself; InputError if there is no model at `path` or it is damaged."""
    content = read_member(path, FILE_NAME, MANIFEST_LIMIT)
    try:
        values = parse_json(content)
    except ValueError as error:
        raise InputError(f"{path}: {FILE_NAME} is not valid JSON ({error}); export the model again") from error
    return Manifest.from_mapping(values, str(path))


def write_archive(path: str | os.PathLike[str], members: Mapping[str, bytes]) -> None:
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
