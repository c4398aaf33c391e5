"""Counting what SimpleITK reads as zero: both header versions, both byte orders."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from dints.data.nifti import count_not_finite
from dints.errors import InputError


def header(version: int, order: str, code: int) -> bytes:
    """Only the fields that tell where voxels start and what they are."""
    size, type_at, offset_at, offset_type = {1: (348, 70, 108, "f"), 2: (540, 12, 168, "q")}[version]
    fields = bytearray(544)
    struct.pack_into(f"{order}i", fields, 0, size)
    struct.pack_into(f"{order}h", fields, type_at, code)
    struct.pack_into(f"{order}{offset_type}", fields, offset_at, 544)
    return bytes(fields)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("code", "kind"), [(16, "f4"), (64, "f8")])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_voxels_that_are_no_numbers_are_counted(
    tmp_path: Path, version: int, order: str, code: int, kind: str, suffix: str
) -> None:
    voxels = np.arange(300_000, dtype=order + kind)  # more than one block
    voxels[[0, 150_000, -1]] = np.nan, np.inf, -np.inf
    path = tmp_path / f"image{suffix}"
    content = header(version, order, code) + voxels.tobytes()
    path.write_bytes(gzip.compress(content, 1) if suffix == ".nii.gz" else content)
    assert count_not_finite(path) == 3


def test_whole_numbered_voxels_and_other_formats_are_not_searched(tmp_path: Path) -> None:
    (tmp_path / "image.nii").write_bytes(header(1, "<", 4) + b"\xff" * 800)
    (tmp_path / "image.nrrd").write_bytes(b"NRRD")
    assert count_not_finite(tmp_path / "image.nii") == 0
    assert count_not_finite(tmp_path / "image.nrrd") == 0


def test_a_file_that_ends_early_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "image.nii.gz"
    path.write_bytes(gzip.compress(header(1, "<", 16) + np.random.default_rng(0).bytes(4000))[:-100])
    with pytest.raises(InputError, match=r"image\.nii\.gz: cannot be read to its end"):
        count_not_finite(path)
