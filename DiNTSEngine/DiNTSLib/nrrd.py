"""Images as NRRD files: uncompressed, which is the quickest to write and to read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

TYPES = {
    "int8": "int8",
    "uint8": "uint8",
    "int16": "int16",
    "uint16": "uint16",
    "int32": "int32",
    "uint32": "uint32",
    "int64": "int64",
    "uint64": "uint64",
    "float32": "float",
    "float64": "double",
}  # NumPy's names of the types of voxels: NRRD's


def nrrdParts(
    voxels: np.ndarray, ijkToRas: np.ndarray, segments: Mapping[int, str] | None = None
) -> tuple[bytes, memoryview]:
    """Header and content of a file of voxels [k, j, i], in NRRD's (and DICOM's) left-posterior-superior axes.

    Args:
        segments: {value: name}; makes it one of Slicer's segmentation files (.seg.nrrd).
    """
    ijkToLps = np.diag([-1, -1, 1, 1]) @ ijkToRas
    vectors = [f"({','.join(repr(float(part)) for part in ijkToLps[:3, column])})" for column in range(4)]
    header = [
        "NRRD0004",
        f"type: {TYPES[voxels.dtype.name]}",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(str(size) for size in reversed(voxels.shape))}",
        f"space directions: {' '.join(vectors[:3])}",
        "kinds: domain domain domain",
        f"endian: {'little' if voxels.dtype.newbyteorder('=') == voxels.dtype.newbyteorder('<') else 'big'}",
        "encoding: raw",
        f"space origin: {vectors[3]}",
    ]
    for number, (value, name) in enumerate((segments or {}).items()):
        fields = {"ID": f"Segment_{value}", "Name": " ".join(name.split()), "LabelValue": value, "Layer": 0}
        header += [f"Segment{number}_{field}:={content}" for field, content in fields.items()]
    return ("\n".join(header) + "\n\n").encode("utf-8"), np.ascontiguousarray(voxels).data
