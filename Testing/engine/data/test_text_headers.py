"""NRRD and MetaImage files whose headers leave out where the image lies in the patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data.images import read_image
from dints.errors import InputError

VOXELS = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
NRRD = "NRRD0005\ntype: int16\ndimension: 3\nsizes: 6 5 4\nendian: little\nencoding: raw\n"
DIRECTIONS = "space directions: (1,0,0) (0,1,0) (0,0,2)\nspace origin: (1,2,3)\n"
META_IMAGE = "ObjectType = Image\nNDims = 3\nDimSize = 6 5 4\nElementType = MET_SHORT\nElementSpacing = 1 1 2\n"


def write(path: Path, header: str) -> Path:
    end = "ElementDataFile = LOCAL\n" if path.suffix.lower().startswith(".mh") else "\n"
    path.write_bytes((header + end).encode() + VOXELS.tobytes())
    return path


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.nrrd", NRRD),
        ("a.nrrd", NRRD + "spacings: 1 1 2\n"),
        ("a.NRRD", NRRD + "space: scanner-xyz\n" + DIRECTIONS),
        ("a.nrrd", NRRD + "space dimension: 3\n" + DIRECTIONS),
        ("a.nrrd", NRRD + "space: LPS\n"),
        ("a.mha", META_IMAGE),
        ("a.MHA", META_IMAGE + "Offset = 1 2 3\nAnatomicalOrientation = RAS\n"),
    ],
)
def test_a_file_that_does_not_say_which_side_is_left_is_read_with_a_remark(name, header, tmp_path):
    remarks: list[str] = []
    image = read_image(write(tmp_path / name, header), remarks.append)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), VOXELS)
    (remark,) = remarks
    assert remark.startswith(f"{tmp_path / name}: does not say where it lies in the patient, nor which side is left; ")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        *(("a.nrrd", f"{NRRD}space: {space}\n{DIRECTIONS}") for space in ("LPS", "ras", "left-anterior-superior")),
        ("a.nrrd", f'{NRRD}Space: RAS\nspace units: "mm" "mm" "mm"\n{DIRECTIONS}'),
        ("a.mha", META_IMAGE + "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\n"),
        ("a.mha", META_IMAGE + "Orientation = 1 0 0 0 1 0 0 0 1\n"),
    ],
)
def test_nothing_is_said_of_a_file_that_says_it(name, header, tmp_path):
    assert read_image(write(tmp_path / name, header), pytest.fail).GetSpacing() == (1, 1, 2)


@pytest.mark.parametrize("suffix", [".nrrd", ".nhdr", ".mha", ".mhd"])
def test_what_is_written_here_says_it(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(VOXELS), str(path))
    read_image(path, pytest.fail)


def test_lengths_in_another_unit_are_not_taken_for_millimetres(tmp_path):
    path = write(tmp_path / "a.nrrd", f'{NRRD}space: LPS\nspace units: "cm" "cm" "cm"\n{DIRECTIONS}')
    with pytest.raises(InputError, match=r"a\.nrrd: has lengths in 'cm', which would be taken for mm; save it in mm"):
        read_image(path)


def test_voxels_that_look_like_a_header_are_none(tmp_path):
    path = tmp_path / "a.nrrd"
    path.write_bytes((NRRD + "\n").encode() + b"\nspace: LPS\nspace directions: x\n".ljust(VOXELS.nbytes))
    remarks: list[str] = []
    read_image(path, remarks.append)
    assert len(remarks) == 1
