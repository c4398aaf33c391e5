"""Odd images that are sound: the result is that of the same voxels in an ordinary file, on exactly the image's grid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data.placement import geometry_difference

VOXELS = np.random.default_rng(3).integers(0, 200, (18, 20, 22))  # [z, y, x]
SLANTED = np.array([[1, 0, 0], [0, 1, 0.3], [0, 0, 0.954]])
Segment = Callable[..., sitk.Image]


def written(path: Path, voxels: np.ndarray, direction: np.ndarray | None = None) -> Path:
    image = sitk.GetImageFromArray(voxels)
    image.SetOrigin((-12.5, 7.25, 100.0))
    image.SetDirection((np.eye(3) if direction is None else direction).ravel().tolist())
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture
def segment(command: Callable, model_file: Path, tmp_path: Path) -> Segment:
    """Function that segments a file and returns the labels, after checking that they lie on its grid."""

    def run(image: Path, output: Path = tmp_path / "result.nrrd") -> sitk.Image:
        outcome = command("segment", "--model", model_file, "--input", image, "--output", output)
        assert outcome.code == 0, outcome
        labels = sitk.ReadImage(str(output))
        assert not geometry_difference(sitk.ReadImage(str(image)), labels)
        return labels

    return run


def voxels_of(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.int64, np.uint64, np.float64])
def test_the_type_of_voxels_does_not_matter(kind: Any, segment: Segment, tmp_path: Path) -> None:
    voxels = VOXELS // 2
    expected = voxels_of(segment(written(tmp_path / "plain.nrrd", voxels.astype(np.int16))))
    result = voxels_of(segment(written(tmp_path / "odd.nrrd", voxels.astype(kind))))
    assert len(np.unique(expected)) > 1
    np.testing.assert_array_equal(result, expected)


def test_left_handed_axes_give_the_mirrored_array(segment: Segment, tmp_path: Path) -> None:
    plain = voxels_of(segment(written(tmp_path / "plain.nrrd", VOXELS.astype(np.float32))))
    flipped = VOXELS[:, :, ::-1].astype(np.float32)
    left = voxels_of(segment(written(tmp_path / "left.nrrd", flipped, np.diag([-1.0, 1.0, 1.0]))))
    np.testing.assert_array_equal(left[:, :, ::-1], plain)


def test_slanted_axes_are_kept(segment: Segment, tmp_path: Path) -> None:
    assert len(np.unique(voxels_of(segment(written(tmp_path / "tilted.nrrd", VOXELS.astype(np.float32), SLANTED))))) > 1


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 20, 22), (18, 1, 22), (3, 2, 5)])
def test_volumes_smaller_than_the_patch_are_segmented(shape: tuple, segment: Segment, tmp_path: Path) -> None:
    x, y, z = shape
    assert voxels_of(segment(written(tmp_path / "small.nrrd", VOXELS[:x, :y, :z].astype(np.float32)))).shape == shape


@pytest.mark.parametrize("value", [0, 7, -1000])
def test_constant_volumes_are_segmented(value: int, segment: Segment, tmp_path: Path) -> None:
    segment(written(tmp_path / "constant.nrrd", np.full((18, 20, 22), value, np.int16)))


@pytest.mark.parametrize(
    "name",
    [
        "scan of Zoë – 頭部 🧠.nii.gz",
        "with 'quotes' and \"more\".nrrd",
        "-o.nrrd",
        "a.b.c.nii.gz",
        "line\nbreak.nrrd",
        "%s{0}.nrrd",
        "n" * 190 + ".nii.gz",
        "n" * 248 + ".nii.gz",  # the longest that a disk takes
        "/".join(["deep" * 10] * 20) + "/scan.nrrd",
    ],
)
def test_odd_names_are_read_and_written(name: str, segment: Segment, tmp_path: Path) -> None:
    expected = voxels_of(segment(written(tmp_path / "plain.nrrd", VOXELS.astype(np.float32))))
    image = written(tmp_path / "in" / name, VOXELS.astype(np.float32))
    np.testing.assert_array_equal(voxels_of(segment(image, tmp_path / "out" / name)), expected)
    assert [path.name for path in (tmp_path / "out").rglob("*.n*")] == [image.name]


def test_a_name_that_no_disk_takes_gives_the_sentence(
    command: Callable, model_file: Path, scan_file: Path, tmp_path: Path
) -> None:
    output = tmp_path / ("n" * 249 + ".nii.gz")
    outcome = command("segment", "--model", model_file, "--input", scan_file, "--output", output)
    assert (outcome.code, "File name too long" in outcome.sentences[0]) == (2, True)
    assert not list(tmp_path.iterdir())


def test_a_data_set_of_odd_but_sound_images_can_be_trained_with(command: Callable, data: Path) -> None:
    """64-bit voxels, labels in floats, left-handed axes, names in other scripts, a link, a constant image."""
    image, label = (sitk.ReadImage(str(data / kind / "a.nii.gz")) for kind in ("images", "labels"))
    pairs = {
        "Zoë 頭": (sitk.Cast(image, sitk.sitkFloat64), sitk.Cast(label, sitk.sitkFloat64)),
        "long": (sitk.Cast(image, sitk.sitkInt64), sitk.Cast(label, sitk.sitkInt64)),
        "constant": (image * 0 + 5, label),
    }
    for name, (scan, mask) in pairs.items():
        for kind, volume in (("images", scan), ("labels", mask)):
            volume.SetDirection((-1, 0, 0, 0, 1, 0, 0, 0, 1))
            sitk.WriteImage(volume, str(data / kind / f"{name}.nrrd"))
    for kind in ("images", "labels"):
        (data / kind / "link.nii.gz").symlink_to(data / kind / "b.nii.gz")
    outcome = command("check", data, "--folds", "2")
    assert (outcome.code, outcome.sentences) == (0, [])
    assert "8 cases can be trained with" in outcome.output
    warnings = [line for line in outcome.output.splitlines() if line.startswith("warning: ")]
    assert any("constant.nrrd: has the same intensity 5 everywhere" in warning for warning in warnings)
    assert sum("whose copy it may be" in warning for warning in warnings) == 3
