"""DICOM series: every slice lies where its own header says, or the series is refused by the right name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data.dicom import is_dicom_folder
from dints.data.images import read_channels, read_image
from dints.errors import InputError

from .dicom_files import STRUCTURE_SET, axial, save_slice, save_stack
from .image_files import save

TILT = np.radians(18.5)
TURNED = (0.6, 0.8, 0, 0, 0, -1)


def value_at(image: sitk.Image, point: Any) -> float:
    return image[image.TransformPhysicalPointToIndex([float(x) for x in point])]


@pytest.mark.parametrize(
    ("orientation", "direction"),
    [
        ((1, 0, 0, 0, 1, 0), (0, 0, 1)),
        ((1, 0, 0, 0, 1, 0), (0, 0, -1)),
        ((0, 1, 0, 0, 0, -1), (1, 0, 0)),
        (TURNED, (0.8, -0.6, 0)),
    ],
)
def test_every_slice_lies_where_its_header_says(orientation: tuple, direction: tuple, tmp_path: Path) -> None:
    positions = [np.array([5.0, -7.0, 30.0]) + 2.5 * number * np.array(direction) for number in range(9)]
    save_stack(tmp_path / "in", positions, orientation=orientation, spacing=(0.8, 0.7))
    remarks: list[str] = []
    image = read_image(tmp_path / "in", remarks.append)
    assert image.GetSize() == (5, 6, 9)
    assert image.GetSpacing() == pytest.approx((0.7, 0.8, 2.5))
    for number, position in enumerate(positions):
        last = position + 4 * 0.7 * np.array(orientation[:3]) + 5 * 0.8 * np.array(orientation[3:])
        assert value_at(image, position) == value_at(image, last) == number
    assert remarks == []
    assert is_dicom_folder(tmp_path / "in")


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("step", [(0, 0, 2.5), (0.4, 0, 2.5)])
def test_a_series_with_a_tilted_gantry_is_resampled_to_a_straight_grid(sign: int, step: tuple, tmp_path: Path) -> None:
    """Values are a linear function of the place in the world, which interpolation keeps."""
    slope, spacing, size = np.array([10.0, 20.0, -15.0]), np.array([3.0, 2.0]), np.array([10, 12])
    axes = np.array([(1, 0, 0), (0, np.cos(TILT), -sign * np.sin(TILT))])
    positions = [np.array([-12.0, -14.0, 5.0]) + number * np.array(step) for number in range(12)]
    for number, position in enumerate(positions):
        rows, columns = np.mgrid[: size[1], : size[0]]
        places = position + columns[..., None] * spacing[0] * axes[0] + rows[..., None] * spacing[1] * axes[1]
        save_slice(
            tmp_path / "in" / f"{number}.dcm",
            np.rint(places @ slope).astype(np.int16),
            position=position,
            orientation=axes.ravel(),
            spacing=spacing[::-1],
            identity=f"1.2.{number + 1}",
        )
    remarks: list[str] = []
    image = read_image(tmp_path / "in", remarks.append)
    (remark,) = remarks
    assert "gantry tilted by" in remark
    assert "straight grid" in remark
    direction = np.reshape(image.GetDirection(), (3, 3))
    np.testing.assert_allclose(direction.T @ direction, np.eye(3), atol=1e-9)
    inside = 0
    voxels = sitk.GetArrayFromImage(image)
    for z, y, x in np.ndindex(voxels.shape):
        place = np.array(image.TransformIndexToPhysicalPoint((x, y, z)))
        position = min(positions, key=lambda position: abs(direction[:, 2] @ (place - position)))
        index = axes @ (place - position) / spacing
        if (index >= 0).all() and (index <= size - 1).all():
            assert abs(voxels[z, y, x] - slope @ place) <= 1.5  # what was rounded twice
            inside += 1
    assert inside > 0.8 * 12 * size.prod()


def test_what_is_remarked_of_a_series_is_seen_on_a_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """GDCM is kept quiet by closing standard error, which remarks must not fall into."""
    save_stack(tmp_path / "in", [(0, 0.8 * number, 2.4 * number) for number in range(10)])
    read_image(tmp_path / "in", lambda sentence: os.write(2, sentence.encode()))
    assert "gantry tilted by" in capfd.readouterr().err


def test_a_tilt_within_the_rounding_of_headers_is_none(tmp_path: Path) -> None:
    save_stack(tmp_path / "in", [(0, 0.002 * number, 2.5 * number) for number in range(10)])
    assert read_image(tmp_path / "in", pytest.fail).GetSize() == (5, 6, 10)


def test_positions_rounded_to_a_decimal_are_even(tmp_path: Path) -> None:
    save_stack(tmp_path / "in", [(0, 0, round(0.625 * number, 1)) for number in range(20)])
    assert read_image(tmp_path / "in").GetSpacing()[2] == pytest.approx(0.625, abs=0.01)


@pytest.mark.parametrize("which", ["all", "one"])
@pytest.mark.parametrize(
    ("attribute", "name"),
    [("position", "Image Position"), ("orientation", "Image Orientation"), ("spacing", "Pixel Spacing")],
)
def test_slices_without_geometry_are_refused(attribute: str, name: str, which: str, tmp_path: Path) -> None:
    paths = save_stack(tmp_path / "in", axial(6))
    for number in range(6) if which == "all" else [3]:
        changes = {"position": axial(6)[number], attribute: None}
        save_slice(paths[number], np.zeros((6, 5), np.int16), identity=f"1.{number + 1}", **changes)
    reason = rf"in: {6 if which == 'all' else 1} of 6 slices do not say their {name} \(IM.*\); export the series again"
    with pytest.raises(InputError, match=reason):
        read_image(tmp_path / "in")


@pytest.mark.parametrize("attribute", ["slope", "intercept"])
def test_slices_of_which_only_some_are_scaled_are_refused(attribute: str, tmp_path: Path) -> None:
    paths = save_stack(tmp_path / "in", axial(4))
    save_slice(paths[2], np.zeros((6, 5), np.int16), position=axial(4)[2], identity="1.9", **{attribute: None})
    with pytest.raises(InputError, match=rf"1 of 4 slices do not say their Rescale {attribute.title()}"):
        read_image(tmp_path / "in")


def test_a_series_without_scaling_holds_the_stored_values(tmp_path: Path) -> None:
    save_stack(tmp_path / "in", axial(4), slope=None, intercept=None)
    assert sitk.GetArrayFromImage(read_image(tmp_path / "in"))[:, 0, 0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("scales", "kind"),
    [
        ([(1, 0), (0.0005, 0), (0.002, 0)], np.float32),  # PET: empty first slice
        ([(0.0005, 0), (1, 0), (1, 0)], np.float32),
        ([(1, 0), (0.9999999975, 0), (0.9999999975, 0)], np.float32),
        ([(1, 0), (1, -1024.5), (1, 0)], np.float32),
        ([(1, 0), (1, -1024), (2, 0)], np.int32),
        ([(1, 0), (100, 0), (1, 0)], np.int32),
        ([(0.5, 1)] * 3, np.float32),
    ],
)
def test_values_are_those_that_every_header_says(scales: list, kind: type, tmp_path: Path) -> None:
    stored = np.array([[0, 1, 2], [3, 1000, 30000]], np.int16)
    for number, (slope, intercept) in enumerate(scales):
        where = {"position": axial(3)[number], "identity": f"1.{number + 1}"}
        save_slice(tmp_path / "in" / f"{number}.dcm", stored, slope=slope, intercept=intercept, **where)
    voxels = sitk.GetArrayFromImage(read_image(tmp_path / "in"))
    assert voxels.dtype == kind
    for voxel_slice, (slope, intercept) in zip(voxels, scales, strict=True):
        np.testing.assert_allclose(voxel_slice, stored.astype(float) * slope + intercept, rtol=1e-6)


Change = Callable[[list[Path]], object]


def rewritten(number: int, shape: tuple[int, ...] = (6, 5), dtype: type = np.int16, **changes: Any) -> Change:
    """Writes a slice again with other attributes."""

    def change(paths: list[Path]) -> None:
        where = {"position": axial(6)[number], "identity": f"1.2.3.4.{number + 1}"}
        save_slice(paths[number], np.zeros(shape, dtype), **(where | changes))

    return change


def copied(name: str, **changes: Any) -> Change:
    """Adds a copy of the third slice, as it is or with other attributes."""

    def change(paths: list[Path]) -> None:
        target = paths[2].with_name(name)
        shutil.copy(paths[2], target)
        if changes:
            save_slice(target, np.full((6, 5), 9, np.int16), position=axial(6)[2], **changes)

    return change


def again(paths: list[Path]) -> None:
    """Adds a second volume at the same places."""
    for number, position in enumerate(axial(6)):
        save_slice(
            paths[0].with_name(f"second{number}.dcm"),
            np.full((6, 5), 50 + number, np.int16),
            position=position,
            identity=f"1.2.9.{number + 1}",
        )


def cut(number: int, kept: slice) -> Change:
    def change(paths: list[Path]) -> None:
        paths[number].write_bytes(paths[number].read_bytes()[kept])

    return change


COLOURS = {"samples": 3, "photometric": "RGB", "planar": 0, "allocated": 8, "stored": 8, "high_bit": 7, "signed": 0}

# What becomes of a series of six slices, and a part of the reason.
STACKS: dict[str, tuple[Change, str]] = {
    "a missing slice": (lambda paths: paths[2].unlink(), r"slices are missing or uneven \(2\.5 to 5 mm apart\)"),
    "an uneven slice": (rewritten(3, position=(-10, -20, 8)), r"slices are missing or uneven \(2 to 3 mm apart\)"),
    "a slice moved aside": (rewritten(3, position=(-8, -20, 7.5)), "lies 2 mm beside the line of the other slices"),
    "a copy by name": (copied("IM0017 (1).dcm"), r"IM0017 \(1\)\.dcm is a copy of IM0017\.dcm; delete the copy"),
    "a copy of another name": (copied("A.dcm"), r"IM0017\.dcm is a copy of A\.dcm"),
    "a slice without identity": (copied("IM0017 (1).dcm", identity=None), "lie at the same place"),
    "another slice at the same place": (copied("x.dcm", identity="9.9"), "lie at the same place"),
    "two time points": (again, "holds 2 volumes of the same place, such as time points"),
    "another size": (rewritten(2, (7, 5)), r"different sizes \(\(5, 6\) in .*, \(5, 7\) in IM0017|in IM0003"),
    "another pixel size": (rewritten(2, spacing=(2, 1)), "different pixel sizes"),
    "another orientation": (rewritten(2, orientation=TURNED), "different orientations"),
    "a position that is none": (rewritten(2, position=("a", 0, 0)), "has the Image Position 'a"),
    "a position of two numbers": (rewritten(2, position=(0, 0)), "has the Image Position"),
    "axes that are none": (
        lambda paths: save_stack(paths[0].parent, axial(6), orientation=(1, 0, 0, 1, 0, 0)),
        "has an Image Orientation or Pixel Spacing that is none",
    ),
    "colours": (rewritten(1, (6, 5, 3), np.uint8, **COLOURS), "is a picture in colours"),
    "high values dark": (rewritten(1, photometric="MONOCHROME1"), r"high values dark \(MONOCHROME1\), and they would"),
    "a slope of 0": (rewritten(1, slope=0), "has the Rescale Slope 0, of which no values come"),
    "frames": (
        rewritten(1, frames=4, pixels=bytes(240)),
        "holds 4 frames, whose places cannot be compared; load it into 3D Slicer",
    ),
    "a slice alone": (lambda paths: [path.unlink() for path in paths[1:]], "holds a single slice, which is no volume"),
    "a slice cut off in its header": (cut(5, slice(300)), "cannot be read as a slice of the series beside it"),
    "a slice cut off in its pixels": (cut(5, slice(-20)), "cannot be read"),
    "an empty slice": (cut(5, slice(0)), "cannot be read as a slice of the series beside it"),
    "an image of another format": (
        lambda paths: save(paths[0].with_name("result.nii.gz")),
        r"holds a DICOM series beside images of other formats \(result\.nii\.gz\); move",
    ),
}


@pytest.mark.parametrize("name", STACKS)
def test_what_is_no_volume_is_refused_by_its_name(name: str, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    change, reason = STACKS[name]
    change(save_stack(tmp_path / "in", axial(6)))
    with pytest.raises(InputError, match=reason) as caught:
        read_channels(tmp_path / "in")
    assert str(caught.value).startswith(str(tmp_path / "in"))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_objects_that_are_no_images_are_passed_over(tmp_path: Path) -> None:
    """Such as the structures of a radiotherapy plan."""
    save_stack(tmp_path / "in", axial(5))
    without = ("rows", "columns", "pixels", "samples", "photometric", "allocated", "stored", "high_bit")
    save_slice(
        tmp_path / "in" / "structures.dcm",
        np.zeros((1, 1), np.int16),
        object_class=STRUCTURE_SET,
        modality="RTSTRUCT",
        series="1.2.3.9",
        identity="1.8",
        **dict.fromkeys(without),
    )
    assert read_image(tmp_path / "in").GetSize() == (5, 6, 5)


def test_a_folder_of_other_images_is_no_dicom_folder(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.nii.gz")
    assert not is_dicom_folder(tmp_path / "in")
    save_slice(tmp_path / "in" / "key.dcm", np.zeros((6, 5), np.int16))
    with pytest.raises(InputError, match=r"beside images of other formats \(a\.nii\.gz\)"):
        is_dicom_folder(tmp_path / "in")


@pytest.mark.parametrize("name", ["IM0001", "slice.dcm", "slice.ima"])
def test_a_single_dicom_file_is_no_volume(name: str, tmp_path: Path) -> None:
    path = save_slice(tmp_path / name, np.zeros((6, 5), np.int16))
    with pytest.raises(InputError, match=f"{name}: is a single DICOM file; give the folder"):
        read_image(path)
