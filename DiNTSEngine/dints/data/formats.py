"""Which files are images, by their names, and what a file is that turns out to be none, by its first bytes."""

from __future__ import annotations

import os
from pathlib import Path

from dints.errors import InputError

NIFTI_SUFFIXES = (".nii.gz", ".nii", ".hdr", ".hdr.gz")  # a header's voxels are beside it, in .img or .img.gz
NIFTI_VOXELS = (".img", ".img.gz")
IMAGE_SUFFIXES = (*NIFTI_SUFFIXES, ".nrrd", ".nhdr", ".mha", ".mhd")
WRITABLE_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")  # a header with a separate raw is not atomic
DICOM_PREAMBLE, DICOM_MAGIC = 128, b"DICM"  # bytes before the magic word

# Reason and remedy by the first bytes.
IMPOSTORS = (
    (b"\xef\xbb\xbf", "begins with a byte order mark, which text editors add", "save its header without one"),
    (b"\xff\xfe", "has a header in UTF-16, which text editors make", "save its header as plain text"),
    (b"version https://git-lfs", "is a pointer of Git LFS, not the image", "fetch the image with `git lfs pull`"),
    (b"../", "is the name of another file, as a link that was copied as text", "copy that file in its place"),
    (b"<!DOCTYPE", "is a web page", "download the image again, signed in if need be"),
    (b"<html", "is a web page", "download the image again, signed in if need be"),
    (b"PK\3\4", "is a zip archive", "unpack it and give the image in it"),
    (b"\x89PNG", "is a picture (PNG), which says nothing of the patient", "give the volume it was made from"),
    (b"\xff\xd8\xff", "is a picture (JPEG), which says nothing of the patient", "give the volume it was made from"),
)
# The same of headers that are text, under another suffix than theirs.
HEADERS = (
    (b"NRRD", "holds NRRD", (".nrrd", ".nhdr")),
    (b"ObjectType", "holds MetaImage", (".mha", ".mhd")),
)


def is_image(path: str | os.PathLike[str]) -> bool:
    """Whether the name is that of an image file (hidden files, such as the `._*` of macOS, are not)."""
    name = Path(path).name
    return name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith(".")


def image_name(path: str | os.PathLike[str]) -> str:
    """File name without the image suffix: "a/case 1.nii.gz" is "case 1"."""
    name = Path(path).name
    return name[: len(name) - len(image_suffix(name))]


def image_suffix(path: str | os.PathLike[str]) -> str:
    """In lower case; "" if the name is not that of an image."""
    name = Path(path).name.lower()
    return next((suffix for suffix in (*IMAGE_SUFFIXES, *NIFTI_VOXELS) if name.endswith(suffix)), "")


def refuse_unwritable(path: str | os.PathLike[str]) -> None:
    """InputError unless images are written with this suffix; to be called before the work whose result it is for."""
    if not str(path).lower().endswith(WRITABLE_SUFFIXES):
        raise InputError(
            f"{path}: images cannot be written with this suffix; use one of {', '.join(WRITABLE_SUFFIXES)}"
        )


def refuse_other_suffix(path: Path) -> None:
    """InputError for a file that is not named as an image that is read: it may have no place in the patient."""
    if image_suffix(path):
        return
    instead = _what_it_is(path, "is a single DICOM file; give the folder that holds all slices of the series")
    raise InputError(f"{path}: {instead or 'is no image that is read here; convert it to .nii.gz or .nrrd'}")


def is_dicom(path: Path) -> bool:
    """Whether a file has the magic word of DICOM."""
    return path.is_file() and _first_bytes(path)[DICOM_PREAMBLE:].startswith(DICOM_MAGIC)


def unreadable(path: Path, reason: str) -> InputError:
    """What to say of a file that its reader cannot read for `reason`: what it is instead, if that can be told."""
    instead = _what_it_is(path, "holds a DICOM image; put all slices of its series into a folder and give that")
    return InputError(f"{path}: {instead or f'cannot be read as an image ({reason}); export or copy it again'}")


def _what_it_is(path: Path, dicom: str) -> str:
    """What a file is instead of what its name says, and what to do: `dicom` of DICOM, "" where nothing tells."""
    if not path.is_file():
        return ""
    if is_dicom(path):
        return dicom
    start, suffix = _first_bytes(path), image_suffix(path)
    for magic, reason, suffixes in HEADERS:
        if start.startswith(magic) and suffix not in suffixes:
            return f"{reason}; give it the suffix {suffixes[0]}"
    return next((f"{reason}; {remedy}" for magic, reason, remedy in IMPOSTORS if start.startswith(magic)), "")


def _first_bytes(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(DICOM_PREAMBLE + len(DICOM_MAGIC))
