"""What the header of an image file says, checked against the file and against what scanners can make."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk

from dints.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"
NIFTI_HEADER_BYTES = 352  # of a single file without extensions
BEST_COMPRESSION = 1032  # of gzip: content is longer than its file by this factor at most
REMEDY = "copy or download it again"


def refuse_short(path: Path, announced: int) -> None:
    """InputError if a file, plain or gzip, holds fewer bytes than its header says, before memory is taken for these."""
    if announced > path.stat().st_size * BEST_COMPRESSION or not holds_bytes(path, announced):
        raise InputError(f"{path}: is cut off or damaged, its header announces {announced} bytes; {REMEDY}")


def refuse_impossible_size(path: Path, reader: sitk.ImageFileReader, files: Sequence[Path]) -> None:
    """InputError if files are too short for the voxels that a header announces, whatever their compression.

    Args:
        reader: has read the header in `path`.
        files: hold the voxels.
    """
    is_vector = sitk.GetPixelIDValueAsString(reader.GetPixelID()).startswith("vector")
    components = [reader.GetNumberOfComponents()] if is_vector else []
    voxel = sitk.Image([1] * reader.GetDimension(), reader.GetPixelID(), *components)
    announced = math.prod(reader.GetSize()) * image_bytes(voxel)
    held = sum(file.stat().st_size for file in files)
    if announced > held * BEST_COMPRESSION:
        raise InputError(f"{path}: is cut off or damaged, its header announces {announced} bytes; {REMEDY}")


def image_bytes(image: sitk.Image) -> int:
    """Of all voxels."""
    return int(image.GetNumberOfPixels() * image.GetNumberOfComponentsPerPixel() * image.GetSizeOfPixelComponent())


def holds_bytes(path: Path, expected: int) -> bool:
    """Whether a file, plain or gzip, holds at least so many bytes (uncompressed)."""
    with open(path, "rb") as file:
        if file.read(len(GZIP_MAGIC)) != GZIP_MAGIC:
            return path.stat().st_size >= expected
    if _gzip_length(path) == expected % 2**32:
        return True
    try:  # cut off, or made of several gzip members: only reading it through tells
        with gzip.open(path) as file:
            return file.seek(expected) == expected
    except (OSError, EOFError, zlib.error):
        return False


def is_complete(path: Path, image: sitk.Image) -> bool:
    """Whether a file that ITK just wrote of an image has all of its bytes, by where it ends."""
    name, expected = path.name.lower(), image_bytes(image)
    if name.endswith((".nii", ".nii.gz")):
        expected += NIFTI_HEADER_BYTES
    if name.endswith(".nii"):
        return path.stat().st_size >= expected
    return not name.endswith((".nii.gz", ".nrrd")) or _gzip_length(path) == expected % 2**32


def _gzip_length(path: Path) -> int:
    """The last word of a gzip file: of how many bytes it was made, modulo 2^32."""
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 4))
        return int.from_bytes(file.read(), "little")
