"""Model files whose archive is the weapon: refused in a sentence, nothing written outside, memory bounded."""

from __future__ import annotations

import json
import os
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dints.errors import InputError
from dints.files.untrusted.archive import read_member
from dints.model.archive import MANIFEST_LIMIT

from .hostile import MANIFEST, WEIGHTS, Members, packed, unpacked, with_manifest, zipped

GIB = 2**30
BLOCK = 2**24  # bytes written at once
BOMB = 2**28  # more than `little_memory` leaves
OUTSIDE = (
    "../../escaped",
    "/tmp/dints-escaped",
    "weights/../../escaped",
    "..\\escaped",
    "C:\\escaped",
    "\\\\host\\escaped",
)


def with_link(members: Members, name: str, target: str, path: Path) -> Path:
    """An archive in which one file is a symbolic link, as Unix writes it."""
    packed({key: value for key, value in members.items() if key != name}, path)
    link = zipfile.ZipInfo(name)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, target)
    return path


def with_duplicate(members: Members, name: str, path: Path) -> Path:
    packed(members, path)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(name, b"{}")
    return path


def with_size(path: Path, name: str, size: int) -> Path:
    """Another uncompressed size in both headers of a member of an archive."""
    content = bytearray(path.read_bytes())
    for signature, offset, name_at in ((b"PK\1\2", 24, 46), (b"PK\3\4", 22, 30)):
        at = -1
        while (at := content.find(signature, at + 1)) >= 0:
            if content[at + name_at :].startswith(name.encode()):
                struct.pack_into("<I", content, at + offset, size)
    path.write_bytes(content)
    return path


def directory_of(content: bytes) -> tuple[int, int]:
    """Where the list of members of an archive begins and ends."""
    end = content.rindex(b"PK\5\6")
    (start,) = struct.unpack_from("<I", content, end + 16)
    return start, end


def overlapping(members: Members, path: Path) -> Path:
    """An archive in which the weights of the first fold lie within another member, which any reader accepts."""
    single = zipped({WEIGHTS: members[WEIGHTS]})
    record, entry = single[: directory_of(single)[0]], bytearray(single[slice(*directory_of(single))])
    rest = zipped({**{name: value for name, value in members.items() if name != WEIGHTS}, "around": record})
    start, end = directory_of(rest)
    struct.pack_into("<I", entry, 42, rest.index(record))
    entries = rest[start:end] + entry
    count = len(members) + 1
    tail = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(entries), start, 0)
    path.write_bytes(rest[:start] + entries + tail)
    return path


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_member_that_points_outside_is_refused(
    name: str, refused: Callable, members: Members, workplace: Path
) -> None:
    """Nothing here unpacks archives; but whoever did it by hand would write where the model wants."""
    model = packed({**members, name: b"text"}, workplace / "model.zip")
    refused(("models", "install", model), str(model), "points outside of the model")
    refused(("models", "show", model), str(model), "points outside of the model")


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_a_manifest_that_points_outside_is_refused(
    kind: str, name: str, refused: Callable, members: Members, workplace: Path
) -> None:
    folds = json.loads(members[MANIFEST])["folds"]
    folds[0]["file"] = name
    hostile = with_manifest(members, folds=folds)
    path = workplace / "model.zip" if kind == "zip" else workplace / "model"
    (workplace.parent / "escaped").write_bytes(members[WEIGHTS])
    (packed if kind == "zip" else unpacked)(hostile, path)
    refused(("models", "install", path), str(path), "points outside of the model")


@pytest.mark.parametrize("name", [MANIFEST, WEIGHTS])
def test_links_are_refused(name: str, refused: Callable, members: Members, workplace: Path) -> None:
    secret = workplace / "secret"
    secret.write_bytes(members[name])
    model = with_link(members, name, str(secret), workplace / "model.zip")
    refused(("models", "install", model), str(model), "which is a link")
    folder = unpacked(members, workplace / "model")
    (folder / name).unlink()
    (folder / name).symlink_to(secret)
    refused(("models", "install", folder), str(folder), "points outside of the model")


def test_a_folder_of_weights_that_is_a_link_is_refused(refused: Callable, members: Members, workplace: Path) -> None:
    unpacked(members, workplace / "secret")
    folder = unpacked({MANIFEST: members[MANIFEST]}, workplace / "model")
    (folder / "weights").symlink_to(workplace / "secret" / "weights")
    refused(("models", "install", folder), str(folder), "points outside of the model")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")
def test_a_pipe_in_place_of_weights_is_refused(refused: Callable, members: Members, workplace: Path) -> None:
    folder = unpacked(members, workplace / "model")
    (folder / WEIGHTS).unlink()
    os.mkfifo(folder / WEIGHTS)
    refused(("models", "install", folder), str(folder), "it is no file")


@pytest.mark.parametrize("name", [MANIFEST, WEIGHTS])
def test_two_members_of_one_name_are_refused(name: str, refused: Callable, members: Members, workplace: Path) -> None:
    """Readers differ in which of them they take."""
    model = with_duplicate(members, name, workplace / "model.zip")
    refused(("models", "install", model), str(model), "two files of one name")


def test_members_that_overlap_are_refused(refused: Callable, members: Members, workplace: Path) -> None:
    model = overlapping(members, workplace / "model.zip")
    with zipfile.ZipFile(model) as archive:
        assert archive.testzip() is None
    refused(("models", "install", model), str(model), "overlap")


@pytest.mark.parametrize("name", [MANIFEST, WEIGHTS])
def test_a_bomb_is_refused(name: str, refused: Callable, members: Members, workplace: Path) -> None:
    """A megabyte that unpacks to more than there is memory."""
    path = packed({key: value for key, value in members.items() if key != name}, workplace / "model.zip")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open(name, "w") as file:
        for _ in range(BOMB // BLOCK):
            file.write(bytes(BLOCK))
    refused(("models", "install", path), str(path), f"{name} cannot be read (it is said to unpack to {BOMB} bytes)")


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_can_only_be_unpacked_at_once_is_refused(
    compression: int, refused: Callable, members: Members, workplace: Path
) -> None:
    """These methods unpack whatever a block holds, before anybody can count it."""
    model = packed(members, workplace / "model.zip", compression)
    refused(("models", "install", model), str(model), f"it is compressed by method {compression}")


@pytest.mark.parametrize("name", [MANIFEST, WEIGHTS])
def test_a_bomb_that_lies_about_its_size_is_refused(
    name: str, refused: Callable, members: Members, workplace: Path
) -> None:
    """It says that it unpacks to a kilobyte, and holds 64 MB."""
    model = packed({**members, name: bytes(2**26)}, workplace / "model.zip", zipfile.ZIP_DEFLATED)
    refused(("models", "install", with_size(model, name, 1024)), str(model), name)


def test_a_member_is_read_to_its_limit_only(members: Members, workplace: Path, little_memory: None) -> None:
    model = packed({"large": bytes(2**20)}, workplace / "model.zip")
    with pytest.raises(InputError, match="more than the 1000 bytes"):
        read_member(model, "large", 1000)


@pytest.mark.parametrize("name", [MANIFEST, WEIGHTS])
@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_what_is_larger_than_it_can_be_is_refused(
    kind: str, name: str, refused: Callable, members: Members, workplace: Path
) -> None:
    """A gigabyte, which takes no room on the disk."""
    path = workplace / "model.zip" if kind == "zip" else unpacked(members, workplace / "model")
    if kind == "folder":
        with open(path / name, "r+b") as file:
            file.truncate(GIB)
    else:
        packed({**members, name: members[name] + bytes(2 * MANIFEST_LIMIT)}, path)
    refused(("models", "install", path), str(path), f"{name} has more than the")


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\3\4" + bytes(100), b"PK\5\6" + bytes(18), zipped({"a": b""})])
def test_what_is_no_model_is_refused(content: bytes, refused: Callable, workplace: Path) -> None:
    (workplace / "model.zip").write_bytes(content)
    refused(("models", "install", "model.zip"), "model.zip", "choose a model that this engine exported")
