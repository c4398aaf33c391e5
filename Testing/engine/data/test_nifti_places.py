"""Where NIfTI files lie: at one of the forms of their header, exactly; what disagrees with it is said."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data.images import read_channels, read_image, write_image
from dints.data.nifti import RAS_TO_LPS, NiftiHeader
from dints.data.placement import affine_of, geometry_difference
from dints.errors import InputError

from .nifti_bytes import ROWS, nifti, written

VOXELS = np.random.default_rng(0).integers(-900, 900, (7, 8, 9)).astype(np.int16)
ORDINARY = np.array([[-1, 0, 0, 12], [0, -1, 0, 14], [0, 0, 1, -10], [0, 0, 0, 1]])  # of the default header, in LPS
MOVED = (1, 0, 0, 28, 0, 1, 0, -39, 0, 0, 1, 0)
SCALED = (2, 0, 0, -12, 0, 2, 0, -14, 0, 0, 2, -10)
FLIPPED = (-1, 0, 0, -4, 0, 1, 0, -14, 0, 0, 1, -10)
SLANTED = (1, 0.05, 0, -12, 0, 1, 0, -14, 0, 0, 1, -10)
HARDLY_SLANTED = (1, 0.001, 0, -12, 0, 1, 0, -14, 0, 0, 1, -10)


def lps(rows: tuple) -> np.ndarray:
    return RAS_TO_LPS @ np.vstack([np.reshape(rows, (3, 4)), [0, 0, 0, 1]])


def header_of(path: Path) -> NiftiHeader:
    content = path.read_bytes()
    parsed = NiftiHeader.parse(gzip.decompress(content) if path.suffix == ".gz" else content)
    assert parsed is not None
    return parsed


# Headers whose forms disagree, by fields.
DISAGREEING = {
    "moved after a coregistration": {"rows": MOVED, "codes": (1, 2)},
    "moved, both of the scanner": {"rows": MOVED, "codes": (1, 1)},
    "moved, in a template": {"rows": MOVED, "codes": (1, 4)},
    "moved, the qform aligned": {"rows": MOVED, "codes": (2, 1)},
    "another voxel size": {"rows": SCALED, "codes": (1, 1)},
    "slanted": {"rows": SLANTED, "codes": (1, 1)},
    "left and right exchanged": {"rows": FLIPPED, "codes": (1, 2)},
    "exchanged, both of the scanner": {"rows": FLIPPED, "codes": (1, 1)},
}


@pytest.mark.parametrize("name", DISAGREEING)
@pytest.mark.parametrize("beside", [False, True])
def test_forms_that_disagree_are_named_and_the_result_has_the_one_that_was_taken(
    beside: bool, name: str, tmp_path: Path
) -> None:
    fields = DISAGREEING[name]
    path = written(tmp_path / "a.nii.gz", gzip.compress(nifti(VOXELS, **fields)))
    if beside:  # so that ITK does not get the file itself
        written(tmp_path / "a.nii", nifti(VOXELS))
    remarks: list[str] = []
    (image,) = read_channels(path, remarks.append)
    (remark,) = remarks
    taken, other = ("qform", "sform") if "the qform is taken" in remark else ("sform", "qform")
    assert remark.startswith(f"{path}: its {other} lies up to ")
    assert f"mm from its {taken}; the {taken} is taken, correct the header if the {other} is the right one" in remark
    forms = {"qform": ORDINARY, "sform": lps(fields["rows"])}
    np.testing.assert_allclose(affine_of(image), forms[taken])
    write_image(image, tmp_path / "result.nii.gz")
    result = header_of(tmp_path / "result.nii.gz")
    assert min(result.codes.values()) > 0
    for form in result.forms.values():
        np.testing.assert_allclose(form, forms[taken], atol=1e-5)


@pytest.mark.parametrize("codes", [(1, 1), (1, 4), (2, 2)])
def test_forms_that_agree_are_no_matter(codes: tuple[int, int], tmp_path: Path) -> None:
    rows = tuple(np.array(ROWS) + [0, 0, 0, 0.01] * 3)
    image = read_image(written(tmp_path / "a.nii", nifti(VOXELS, codes=codes, rows=rows)), pytest.fail)
    np.testing.assert_allclose(affine_of(image), ORDINARY, atol=0.02)


@pytest.mark.parametrize("rows", [HARDLY_SLANTED, SLANTED, MOVED, FLIPPED])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
def test_an_sform_alone_is_kept_exactly_also_where_it_is_slanted(rows: tuple, suffix: str, tmp_path: Path) -> None:
    remarks: list[str] = []
    image = read_image(written(tmp_path / "a.nii", nifti(VOXELS, codes=(0, 1), rows=rows)), remarks.append)
    np.testing.assert_allclose(affine_of(image), lps(rows), atol=1e-6)
    assert [("not at right angles" in remark) for remark in remarks] == [True] * (rows == SLANTED)
    write_image(image, tmp_path / f"result{suffix}")
    again = read_image(tmp_path / f"result{suffix}", remarks.append)
    np.testing.assert_allclose(affine_of(again), lps(rows), atol=1e-3 if rows == HARDLY_SLANTED else 1e-5)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(again), VOXELS)
    assert not geometry_difference(image, again)


def test_a_slanted_grid_is_never_written_as_a_rotation(tmp_path: Path) -> None:
    """ITK would do so, and shift labels by many voxels; whoever reads the qform alone is told that there is none."""
    image = sitk.GetImageFromArray(VOXELS)
    image.SetDirection((1, 0, 0, 0, 1, 0.3, 0, 0, 0.954))
    write_image(image, tmp_path / "a.nii.gz")
    assert header_of(tmp_path / "a.nii.gz").codes == {"qform": 0, "sform": 1}
    np.testing.assert_allclose(affine_of(read_image(tmp_path / "a.nii.gz")), affine_of(image), atol=1e-6)
    hardly = sitk.GetImageFromArray(VOXELS)
    hardly.SetDirection((1, 0.001, 0, 0, 1, 0, 0, 0, 1))
    write_image(hardly, tmp_path / "b.nii.gz")
    assert header_of(tmp_path / "b.nii.gz").codes == {"qform": 1, "sform": 1}


def test_an_sform_whose_voxel_size_is_not_that_of_the_header_is_named(tmp_path: Path) -> None:
    remarks: list[str] = []
    image = read_image(written(tmp_path / "a.nii", nifti(VOXELS, codes=(0, 1), rows=SCALED)), remarks.append)
    assert image.GetSpacing() == (2, 2, 2)
    (remark,) = remarks
    assert "voxels of 1 x 1 x 1 mm by their size and of 2 x 2 x 2 mm by its sform; the sform is taken" in remark


def test_a_file_without_any_form_is_read_with_a_remark(tmp_path: Path) -> None:
    remarks: list[str] = []
    path = written(tmp_path / "a.nii", nifti(VOXELS, codes=(0, 0), pixdim=(1, 1, 2, 3, 0, 0, 0, 0)))
    assert read_image(path, remarks.append).GetSpacing() == (1, 2, 3)
    (remark,) = remarks
    assert "does not say where it lies in the patient, nor which side is left (qform and sform have code 0)" in remark


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"codes": (0, 1), "rows": (0,) * 12}, "has a place in the patient that is none"),
        ({"codes": (0, 1), "rows": (1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0)}, "has a place in the patient that is none"),
        ({"codes": (1, 0), "pixdim": (1, 0, 1, 1, 0, 0, 0, 0)}, "has a place in the patient that is none"),
        ({"codes": (1, 0), "pixdim": (1, -1, 1, 1, 0, 0, 0, 0)}, "has a place in the patient that is none"),
        ({"codes": (0, 0), "pixdim": (1, 0, 1, 1, 0, 0, 0, 0)}, "has voxels of 0 x 1 x 1 mm"),
        ({"codes": (0, 0), "pixdim": (1, 1, -1, 1, 0, 0, 0, 0)}, "has voxels of 1 x -1 x 1 mm"),
        ({"codes": (1, 0), "quaternion": (np.nan, 0, 0, 0, 0, 0)}, "has a place in the patient that is none"),
    ],
)
def test_a_header_that_places_the_voxels_nowhere_is_refused(fields: dict, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"a\.nii: {reason}.*; correct"):
        read_image(written(tmp_path / "a.nii", nifti(VOXELS, **fields)))


@pytest.mark.parametrize("step", [2000.0, 0.0, np.nan, -2.0, 1e30])
@pytest.mark.parametrize("units", [2, 2 | 8, 2 | 16])
@pytest.mark.parametrize("suffix", [".nii", ".Nii"])
def test_the_step_of_a_time_axis_is_of_no_concern(step: float, units: int, suffix: str, tmp_path: Path) -> None:
    series = np.stack([VOXELS, VOXELS + 1])
    content = nifti(series, pixdim=(1, 1, 1, 1, step, 0, 0, 0), units=units)
    channels = read_channels(written(tmp_path / f"a{suffix}", content), pytest.fail)
    assert len(channels) == 2
    for number, channel in enumerate(channels):
        np.testing.assert_array_equal(sitk.GetArrayFromImage(channel), VOXELS + number)
        np.testing.assert_allclose(affine_of(channel), ORDINARY)
