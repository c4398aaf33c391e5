"""What the header of an image file says, checked against the file and against what scanners can make."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from dints.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"
NIFTI_HEADER_BYTES = 352  # of a single file without extensions
BEST_COMPRESSION = 1032  # of gzip: content is longer than its file by this factor at most
SPACING_RANGE = (1e-6, 1e3)  # mm: from a nanometre to a metre
SMALLEST_DETERMINANT = 0.1  # of the axes' directions; a gantry tilted by 30 degrees has 0.87
REMEDY = "copy or download it again"


def refuse_impossible_size(path: Path, reader: sitk.ImageFileReader) -> None:
    """InputError if a file that holds its voxels itself is too short for them, before memory is taken for these.

    `reader` has read the header.
    """
    is_vector = sitk.GetPixelIDValueAsString(reader.GetPixelID()).startswith("vector")
    components = [reader.GetNumberOfComponents()] if is_vector else []
    voxel = sitk.Image([1] * reader.GetDimension(), reader.GetPixelID(), *components)
    announced = math.prod(reader.GetSize()) * image_bytes(voxel)
    if announced > path.stat().st_size * BEST_COMPRESSION:
        raise InputError(f"{path}: is cut off or damaged, its header announces {announced} bytes; {REMEDY}")


def refuse_truncated_nifti(path: Path, image: sitk.Image) -> None:
    """InputError if a NIfTI file is shorter than its header says: ITK reads such files without an error."""
    if "nifti_type" not in image.GetMetaDataKeys():
        return
    sizes = [int(image.GetMetaData(f"dim[{axis + 1}]")) for axis in range(int(image.GetMetaData("dim[0]")))]
    expected = int(float(image.GetMetaData("vox_offset"))) + math.prod(sizes) * int(image.GetMetaData("bitpix")) // 8
    if not holds_bytes(path, expected):
        raise InputError(f"{path}: is cut off, its header announces {expected} bytes; {REMEDY}")


def refuse_impossible_geometry(path: Path, image: sitk.Image) -> None:
    """InputError if the volume lies nowhere, in a plane, or has voxels of a size that no scanner makes."""
    spacing, low, high = image.GetSpacing(), *SPACING_RANGE
    if not all(low <= step <= high for step in spacing):
        steps = " x ".join(f"{step:g}" for step in spacing)
        raise InputError(f"{path}: has voxels of {steps} mm; correct the spacing in the file")
    if not np.isfinite([*image.GetOrigin(), *image.GetDirection()]).all():
        raise InputError(f"{path}: has an origin or axes that are no numbers; correct its header or export it again")
    axes = np.reshape(image.GetDirection(), (image.GetDimension(), -1))
    if abs(np.linalg.det(axes)) < SMALLEST_DETERMINANT:
        raise InputError(f"{path}: has axes that lie in one plane; correct its header or export it again")


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
