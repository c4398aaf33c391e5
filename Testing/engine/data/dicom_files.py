"""DICOM files written byte by byte, so that any attribute may be missing or odd."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
CT_IMAGE, STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.481.3"
IMPLEMENTATION = "1.2.826.0.1.3680043.9.0"
LONG_LENGTHS = ("OB", "OW")
ATTRIBUTES = {
    "object_class": (0x0008, 0x0016, "UI"),
    "identity": (0x0008, 0x0018, "UI"),
    "modality": (0x0008, 0x0060, "CS"),
    "study": (0x0020, 0x000D, "UI"),
    "series": (0x0020, 0x000E, "UI"),
    "number": (0x0020, 0x0013, "IS"),
    "position": (0x0020, 0x0032, "DS"),
    "orientation": (0x0020, 0x0037, "DS"),
    "samples": (0x0028, 0x0002, "US"),
    "photometric": (0x0028, 0x0004, "CS"),
    "planar": (0x0028, 0x0006, "US"),
    "frames": (0x0028, 0x0008, "IS"),
    "rows": (0x0028, 0x0010, "US"),
    "columns": (0x0028, 0x0011, "US"),
    "spacing": (0x0028, 0x0030, "DS"),
    "allocated": (0x0028, 0x0100, "US"),
    "stored": (0x0028, 0x0101, "US"),
    "high_bit": (0x0028, 0x0102, "US"),
    "signed": (0x0028, 0x0103, "US"),
    "intercept": (0x0028, 0x1052, "DS"),
    "slope": (0x0028, 0x1053, "DS"),
    "pixels": (0x7FE0, 0x0010, "OW"),
}


def element(group: int, number: int, kind: str, value: Any) -> bytes:
    if kind == "US":
        content = struct.pack("<H", value)
    elif isinstance(value, bytes):
        content = value
    else:
        parts = [value] if isinstance(value, str | int | float) else value
        content = "\\".join(map(str, parts)).encode()
    content += (b"\0" if kind == "UI" else b" ") * (len(content) % 2)
    length = struct.pack("<HI", 0, len(content)) if kind in LONG_LENGTHS else struct.pack("<H", len(content))
    return struct.pack("<HH", group, number) + kind.encode() + length + content


def save_slice(path: Path, image: np.ndarray, **changes: Any) -> Path:
    """One slice of int16 values [rows, columns]; `changes` are attributes, None leaves one out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, columns = image.shape[:2]
    values: dict[str, Any] = {
        "object_class": CT_IMAGE,
        "identity": "1.2.3.4.0",
        "modality": "CT",
        "study": "1.2.3",
        "series": "1.2.3.4",
        "position": (0, 0, 0),
        "orientation": (1, 0, 0, 0, 1, 0),
        "samples": 1,
        "photometric": "MONOCHROME2",
        "rows": rows,
        "columns": columns,
        "spacing": (1, 1),
        "allocated": 16,
        "stored": 16,
        "high_bit": 15,
        "signed": 1,
        "intercept": 0,
        "slope": 1,
        "pixels": image.astype(image.dtype.newbyteorder("<")).tobytes(),
    } | changes
    body = b"".join(element(*ATTRIBUTES[name], values[name]) for name in ATTRIBUTES if values.get(name) is not None)
    meta = element(2, 1, "OB", b"\0\1") + element(2, 2, "UI", values["object_class"])
    meta += element(2, 3, "UI", values["identity"] or "1.2") + element(2, 0x10, "UI", EXPLICIT_LITTLE_ENDIAN)
    meta += element(2, 0x12, "UI", IMPLEMENTATION)
    head = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(meta))
    path.write_bytes(bytes(128) + b"DICM" + head + meta + body)
    return path


def save_stack(folder: Path, positions: Sequence[Sequence[float]], **changes: Any) -> list[Path]:
    """A slice a position, of 6 x 5 pixels with the number of the slice as value; names do not follow their order."""
    count = len(positions)
    return [
        save_slice(
            folder / f"IM{(7 * number + 3) % 100:04d}.dcm",
            np.full((6, 5), number, np.int16),
            position=position,
            identity=f"1.2.3.4.{number + 1}",
            number=count - number,
            **changes,
        )
        for number, position in enumerate(positions)
    ]


def axial(count: int, distance: float = 2.5) -> list[tuple[float, float, float]]:
    """Positions one above the other."""
    return [(-10.0, -20.0, distance * number) for number in range(count)]
