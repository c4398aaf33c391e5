"""The header of a NIfTI file, in both versions and byte orders: what ITK hides of it, and guesses at.

A header has two forms of where its voxels lie: the qform, a rotation, and the sform, any affine map. ITK takes the axes
of one and the voxel size of another, or none of them where the sform is the only one and not orthonormal.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dints.data.placement import Affine

HEADER_BYTES = {1: 348, 2: 540}
MAGICS = {1: (b"n+1\0", b"ni1\0"), 2: (b"n+2\0", b"ni2\0")}  # one file; header and voxels apart
SINGLE, PAIR = 0, 1
# Place and layout of each field, by version.
FIELDS: Mapping[int, Mapping[str, tuple[int, str]]] = {
    1: {
        "magic": (344, "4s"),
        "dim": (40, "8h"),
        "intent": (68, "h"),
        "datatype": (70, "h"),
        "bitpix": (72, "h"),
        "pixdim": (76, "8f"),
        "offset": (108, "f"),
        "scale": (112, "2f"),
        "units": (123, "B"),
        "codes": (252, "2h"),
        "quaternion": (256, "6f"),
        "rows": (280, "12f"),
    },
    2: {
        "magic": (4, "4s"),
        "dim": (16, "8q"),
        "intent": (504, "i"),
        "datatype": (12, "h"),
        "bitpix": (14, "h"),
        "pixdim": (104, "8d"),
        "offset": (168, "q"),
        "scale": (176, "2d"),
        "units": (500, "i"),
        "codes": (344, "2i"),
        "quaternion": (352, "6d"),
        "rows": (400, "12d"),
    },
}
# Bytes of a voxel, by code of the field "datatype"; what is not in here is left to the field "bitpix".
TYPE_BYTES = {
    2: 1,
    4: 2,
    8: 4,
    16: 4,
    32: 8,
    64: 8,
    128: 3,
    256: 1,
    512: 2,
    768: 4,
    1024: 8,
    1280: 8,
    1792: 16,
    2304: 4,
}
FLOAT_TYPES = {16: "f4", 64: "f8"}  # by the same code
LENGTH_UNITS = {1: 1e3, 2: 1.0, 3: 1e-3}  # mm, by the lower bits of the field "units"; others count as mm
LENGTH_BITS, ALL_UNITS = 7, 255  # of the field "units"
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # NIfTI's world axes point Right, Anterior, Superior
VERSION_1_OFFSET = 352.0  # of the voxels in a file that holds them: header and four bytes
MILLIMETRES = 2
ORTHONORMAL_TOLERANCE = 1e-5  # of the cosines between axes
SMALLEST_DETERMINANT = 1e-6  # of the axes' directions; below it they lie in a plane


@dataclass(frozen=True)
class NiftiHeader:
    """The fields that tell what the voxels are and where they lie; `order` is "<" or ">"."""

    version: int
    order: str
    fields: Mapping[str, tuple[Any, ...]]

    @staticmethod
    def parse(content: bytes) -> NiftiHeader | None:
        """From the first 540 bytes of a file; None if they are those of another format."""
        for version, size in HEADER_BYTES.items():
            for order in "<>":
                if len(content) >= size and content.startswith(struct.pack(f"{order}i", size)):
                    layout = FIELDS[version].items()
                    fields = {name: struct.unpack_from(order + form, content, at) for name, (at, form) in layout}
                    is_nifti = fields["magic"][0] in MAGICS[version]
                    return NiftiHeader(version, order, fields) if is_nifti else None
        return None

    @property
    def is_pair(self) -> bool:
        """Whether the voxels are in a file of their own."""
        return bool(self.fields["magic"][0] == MAGICS[self.version][PAIR])

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of each axis; empty if their number cannot be."""
        count = self.fields["dim"][0]
        return self.fields["dim"][1 : count + 1] if 1 <= count <= 7 else ()

    @property
    def voxel_bytes(self) -> int:
        """Of all voxels; 0 if a size is none."""
        (code,), (bits,) = self.fields["datatype"], self.fields["bitpix"]
        count = math.prod(max(0, size) for size in self.sizes) if self.sizes else 0
        return int(count * TYPE_BYTES.get(code, max(0, bits) // 8))

    @property
    def offset(self) -> int:
        """Bytes before the first voxel, in the file that holds it."""
        return int(self.fields["offset"][0])

    @property
    def float_type(self) -> np.dtype[Any] | None:
        """Type of the voxels if they can be no numbers."""
        code = self.fields["datatype"][0]
        return np.dtype(self.order + FLOAT_TYPES[code]) if code in FLOAT_TYPES else None

    @property
    def steps(self) -> tuple[float, float, float]:
        """Voxel size in mm, as its own field says."""
        x, y, z = (step * self._millimetres for step in self.fields["pixdim"][1:4])
        return x, y, z

    @property
    def codes(self) -> dict[str, int]:
        """What each form is said to refer to; 0 or less where it does not count."""
        return dict(zip(("qform", "sform"), self.fields["codes"], strict=True))

    @cached_property
    def forms(self) -> dict[str, Affine]:
        """The forms that count and can be, from voxels to mm in LPS, as SimpleITK has it."""
        found = {
            name: form() for name, form in (("qform", self._qform), ("sform", self._sform)) if self.codes[name] > 0
        }
        return {name: RAS_TO_LPS @ form for name, form in found.items() if is_possible(form)}

    def version_1(self, with_forms: bool) -> bytes:
        """Header of a single file of version 1 for the same voxels; ValueError if it cannot hold the numbers."""
        values = {**self.fields, "magic": (MAGICS[1][SINGLE],), "offset": (VERSION_1_OFFSET,)}
        values["units"] = (self.fields["units"][0] & ALL_UNITS,)
        if not with_forms:
            values |= {"codes": (0, 0), "pixdim": (1.0,) * 8, "units": (MILLIMETRES,)}
        header = bytearray(int(VERSION_1_OFFSET))
        struct.pack_into(f"{self.order}i", header, 0, HEADER_BYTES[1])
        try:
            for name, (at, form) in FIELDS[1].items():
                struct.pack_into(self.order + form, header, at, *values[name])
        except (struct.error, OverflowError) as error:
            raise ValueError(f"its header has numbers that are too large: {error}") from error
        return bytes(header)

    def put_sform(self, content: bytearray, form: Affine, keep_qform: bool) -> None:
        """Writes a map from voxels to mm (LPS) as the sform into a file that begins with this header."""
        rows = (RAS_TO_LPS @ form)[:3].ravel() / self._millimetres
        values: dict[str, list[float]] = {"rows": rows.tolist(), "codes": [int(keep_qform), 1]}
        for name, numbers in values.items():
            at, layout = FIELDS[self.version][name]
            struct.pack_into(self.order + layout, content, at, *numbers)

    @property
    def _millimetres(self) -> float:
        """Of the unit of length."""
        return LENGTH_UNITS.get(self.fields["units"][0] & LENGTH_BITS, 1.0)

    def _sform(self) -> Affine:
        return np.vstack([np.reshape(self.fields["rows"], (3, 4)) * self._millimetres, [0, 0, 0, 1]])

    def _qform(self) -> Affine:
        """Of the quaternion (a, b, c, d) with a >= 0, of which b, c and d are stored; singular without voxel sizes."""
        b, c, d, *shift = self.fields["quaternion"]
        a = np.sqrt(max(0.0, 1 - (b * b + c * c + d * d)))
        b, c, d = np.array([b, c, d]) / max(1.0, np.linalg.norm([b, c, d]))
        rotation = np.array(
            [
                [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
                [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
                [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
            ]
        )
        handedness = -1.0 if self.fields["pixdim"][0] < 0 else 1.0
        form = np.eye(4)
        form[:3, :3] = rotation * np.maximum(self.steps, 0) * [1, 1, handedness]
        form[:3, 3] = np.multiply(shift, self._millimetres)
        return form


def is_possible(form: Affine) -> bool:
    """Whether a map from voxels to mm is finite and keeps all three dimensions."""
    if not np.isfinite(form).all():
        return False
    lengths = np.linalg.norm(form[:3, :3], axis=0)
    return bool(lengths.min() > 0) and abs(np.linalg.det(form[:3, :3] / lengths)) > SMALLEST_DETERMINANT


def is_orthonormal(form: Affine) -> bool:
    """Whether the axes of a map are at right angles, by their cosines."""
    axes = form[:3, :3] / np.linalg.norm(form[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() <= ORTHONORMAL_TOLERANCE)
