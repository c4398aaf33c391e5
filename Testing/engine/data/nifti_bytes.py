"""NIfTI files written byte by byte, in both versions and byte orders, with any header."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

# Place and layout of the fields of both versions, as nifti1.h and nifti2.h have them.
LAYOUTS: Mapping[int, Mapping[str, tuple[int, str]]] = {
    1: {
        "dim": (40, "8h"),
        "datatype": (70, "h"),
        "bitpix": (72, "h"),
        "pixdim": (76, "8f"),
        "offset": (108, "f"),
        "scale": (112, "2f"),
        "units": (123, "B"),
        "codes": (252, "2h"),
        "quaternion": (256, "6f"),
        "rows": (280, "12f"),
        "magic": (344, "4s"),
    },
    2: {
        "magic": (4, "8s"),
        "datatype": (12, "h"),
        "bitpix": (14, "h"),
        "dim": (16, "8q"),
        "pixdim": (104, "8d"),
        "offset": (168, "q"),
        "scale": (176, "2d"),
        "codes": (344, "2i"),
        "quaternion": (352, "6d"),
        "rows": (400, "12d"),
        "units": (500, "i"),
    },
}
SIZES, OFFSETS = {1: 348, 2: 540}, {1: 352, 2: 544}
MAGICS = {
    (1, False): b"n+1\0",
    (1, True): b"ni1\0",
    (2, False): b"n+2\0\r\n\x1a\n",
    (2, True): b"ni2\0\r\n\x1a\n",
}
TYPES = {"uint8": 2, "int16": 4, "int32": 8, "float32": 16, "float64": 64}
IDENTITY = (0.0, 0.0, 0.0, -12.0, -14.0, -10.0)  # quaternion and shift, towards right, front and top
ROWS = (1, 0, 0, -12, 0, 1, 0, -14, 0, 0, 1, -10)  # the same as an sform


def header(voxels: np.ndarray, version: int = 1, order: str = "<", pair: bool = False, **changes: Any) -> bytes:
    """Of voxels [..., z, y, x] of 1 mm; `changes` are fields."""
    sizes = voxels.shape[::-1]
    values: dict[str, Any] = {
        "dim": (len(sizes), *sizes, *(1,) * (7 - len(sizes))),
        "datatype": TYPES[voxels.dtype.name],
        "bitpix": voxels.dtype.itemsize * 8,
        "pixdim": (1.0,) * 8,
        "offset": 0 if pair else OFFSETS[version],
        "scale": (0, 0),
        "units": 2,
        "codes": (1, 1),
        "quaternion": IDENTITY,
        "rows": ROWS,
        "magic": MAGICS[version, pair],
    } | changes
    content = bytearray(SIZES[version] if pair else OFFSETS[version])
    struct.pack_into(f"{order}i", content, 0, SIZES[version])
    for name, (at, layout) in LAYOUTS[version].items():
        value = values[name]
        struct.pack_into(order + layout, content, at, *(value if isinstance(value, tuple | list) else (value,)))
    return bytes(content)


def nifti(voxels: np.ndarray, version: int = 1, order: str = "<", **changes: Any) -> bytes:
    """A whole file."""
    return header(voxels, version, order, **changes) + stored(voxels, order)


def stored(voxels: np.ndarray, order: str = "<") -> bytes:
    """The bytes of voxels alone."""
    return voxels.astype(voxels.dtype.newbyteorder(order)).tobytes()


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
