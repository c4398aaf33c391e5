"""Synthetic scans: deterministic, varied in their grids, and with organs that differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data.check import check
from dints.data.datalist import read_datalist
from dints.data.grid import Grid
from dints.data.phantom import LABELS, phantom, write_phantoms
from dints.data.placement import geometry_difference
from dints.events import Reporter


class Steps(Reporter):
    def __init__(self) -> None:
        self.seen: list[tuple[str, int, int]] = []

    def progress(self, stage: str, step: int, total: int, **metrics: float) -> None:
        self.seen.append((stage, step, total))


@pytest.fixture(scope="module")
def scans() -> list[tuple[sitk.Image, sitk.Image]]:
    return [phantom(0, index) for index in range(6)]


def oriented(image: sitk.Image) -> np.ndarray:
    return Grid.of(image).crop(sitk.GetArrayFromImage(image))


def test_the_same_seed_gives_the_same_voxels_and_another_one_does_not() -> None:
    first, again, other = phantom(3, 1), phantom(3, 1), phantom(4, 1)
    for one, two in zip(first, again, strict=True):
        assert sitk.GetArrayFromImage(one).tobytes() == sitk.GetArrayFromImage(two).tobytes()
        assert one.GetSpacing() == two.GetSpacing()
    assert sitk.GetArrayFromImage(first[0]).tobytes() != sitk.GetArrayFromImage(other[0]).tobytes()


def test_grids_are_anisotropic_and_run_lps_ras_and_oblique(scans: list) -> None:
    directions = [np.round(np.abs(image.GetDirection()), 6).tolist() for image, _ in scans]
    assert sum(direction == np.eye(3).ravel().tolist() for direction in directions) == 4
    assert {image.GetDirection()[0] > 0 for image, _ in scans} == {True, False}
    for image, label in scans:
        assert image.GetSpacing()[2] > 1.15 * max(image.GetSpacing()[:2])
        assert not geometry_difference(image, label)
        assert np.linalg.det(np.reshape(image.GetDirection(), (3, 3))) == pytest.approx(1)


def test_the_liver_lies_on_the_right_in_front_of_the_aorta_on_every_grid(scans: list) -> None:
    for _, label in scans:
        voxels = oriented(label)
        right, front = ({value: np.argwhere(voxels == value)[:, axis].mean() for value in LABELS} for axis in (0, 1))
        assert right[1] > right[3] > right[2]
        assert front[1] > front[3]


def test_every_organ_is_there_and_differs_from_the_others_and_from_its_surroundings(scans: list) -> None:
    for image, label in scans:
        intensity, voxels = sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(label)
        assert (image.GetPixelID(), label.GetPixelID()) == (sitk.sitkInt16, sitk.sitkUInt8)
        assert set(np.unique(voxels)) == set(LABELS)
        assert all((voxels == value).sum() > 150 for value in LABELS)
        medians = [np.median(intensity[(voxels == value) & (intensity > 0)]) for value in (0, 1, 2, 3)]
        assert medians == sorted(medians)
        assert min(np.diff(medians)) > 40  # twice the noise
        assert 0.3 < (intensity == 0).mean() < 0.6  # air around the body


def test_a_folder_of_phantoms_is_a_data_set_without_problems(tmp_path: Path) -> None:
    steps = Steps()
    folder = write_phantoms(tmp_path / "data", cases=4, unlabelled=1, size=(24, 24, 20), reporter=steps)
    assert steps.seen == [("phantom", index, 5) for index in range(1, 6)]
    datalist = read_datalist(folder)
    assert (len(datalist.cases), len(datalist.unlabelled), datalist.labels) == (4, 1, LABELS)
    assert datalist.modality == "MR"
    assert not check(datalist, folds=2).problems
    truth = sitk.ReadImage(str(folder / "labelsTs/phantom_004.nii.gz"))
    assert truth.GetSize() == (24, 24, 20)
