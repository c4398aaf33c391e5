"""What SimpleITK hides of a NIfTI file: it reads voxels that are NaN or infinite as zeros."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from dints.errors import InputError

SUFFIXES = (".nii", ".nii.gz")
FLOAT_TYPES = {16: "f4", 64: "f8"}  # codes of the header's field "datatype"
BLOCK_BYTES = 1 << 20  # a multiple of the voxel sizes
_GZIP_MAGIC = b"\x1f\x8b"


def count_not_finite(path: Path) -> int:
    """How many voxels of a NIfTI file are NaN or infinite; 0 for other files and for whole-numbered voxels."""
    if not path.name.lower().endswith(SUFFIXES):
        return 0
    try:
        with open(path, "rb") as file:
            compressed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        with gzip.open(path) if compressed else open(path, "rb") as file:
            voxel_type, skipped = _voxels(file.read(540))
            if voxel_type is None:
                return 0
            file.seek(skipped)
            return sum(_count(block, voxel_type) for block in iter(lambda: file.read(BLOCK_BYTES), b""))
    except (OSError, EOFError, ValueError, OverflowError, zlib.error, struct.error) as error:  # also from odd headers
        raise InputError(f"{path}: cannot be read to its end ({error}); export or copy it again") from error


def _voxels(header: bytes) -> tuple[np.dtype | None, int]:
    """(type of the voxels if they are floats, bytes before the first), from a header of version 1 or 2."""
    order = "<" if struct.unpack_from("<i", header)[0] in (348, 540) else ">"
    if struct.unpack_from(f"{order}i", header)[0] == 348:
        (code,), (offset,) = struct.unpack_from(f"{order}h", header, 70), struct.unpack_from(f"{order}f", header, 108)
    else:
        (code,), (offset,) = struct.unpack_from(f"{order}h", header, 12), struct.unpack_from(f"{order}q", header, 168)
    return np.dtype(order + FLOAT_TYPES[code]) if code in FLOAT_TYPES else None, int(offset)


def _count(block: bytes, voxel_type: np.dtype) -> int:
    voxels = np.frombuffer(block, voxel_type, len(block) // voxel_type.itemsize)
    return voxels.size - int(np.count_nonzero(np.isfinite(voxels)))
