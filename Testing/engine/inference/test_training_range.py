"""Images unlike the training data are named as such, and why."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data.grid import Grid
from dints.errors import InputError
from dints.inference.training_range import FEWEST_CASES, TrainingRange


def case(seed=0, spacing=(1.0, 1.0, 1.0), size=(20, 24, 16), change=lambda voxels: voxels):
    """A preprocessed image of normally distributed intensities, and its grid."""
    image = sitk.Image(size, sitk.sitkUInt8)
    image.SetSpacing(spacing)
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))  # towards R, A, S
    voxels = np.random.default_rng(seed).normal(size=(1, *size)).astype(np.float32)
    return change(voxels), Grid.of(image)


def label(side=8, size=(20, 24, 16)):
    """Class indices: a cube of class 1, and of class 2 half of it."""
    classes = np.zeros(size, np.uint8)
    classes[:side, :side, :side] = 1
    classes[:side, :side, : side // 2] = 2
    return classes


def with_label(image, grid):
    return image, label(), grid


SEEN = TrainingRange.of((with_label(*case(seed)) for seed in range(FEWEST_CASES)), classes=3)
NAMES = ("organ", "tumour")


def test_an_image_like_the_training_data_gives_no_warning():
    assert SEEN.differences(*case(9, size=(22, 26, 15))) == []


@pytest.mark.parametrize(
    ("strange", "phrase"),
    [
        (case(spacing=(1.0, 1.0, 3.0), size=(20, 24, 5)), "spacing 1 x 1 x 3 mm, in training 1 x 1 x 1 mm"),
        (case(size=(20, 60, 16)), "size 20 x 60 x 16 mm, in training 20 x 24 x 16 mm"),
        (case(change=np.exp), "intensities are distributed otherwise"),
        (case(change=lambda voxels: np.clip(voxels, -9, 0.1)), "(90th percentile, 99th percentile)"),
    ],
)
def test_what_is_strange_is_named(strange, phrase):
    (found,) = SEEN.differences(*strange)
    assert phrase in found


def test_what_surrounds_a_scan_does_not_count():
    voxels, grid = case(9)
    voxels[:, :12] = 0
    assert SEEN.differences(voxels, grid) == []


def test_volumes_like_those_of_the_training_data_give_no_warning():
    assert SEEN.strange_volumes(label(), case()[1], NAMES) == []
    fine = np.kron(label(), np.ones((2, 2, 2), np.uint8))  # the same in finer voxels
    _, grid = case(spacing=(0.5, 0.5, 0.5), size=(40, 48, 32))
    assert SEEN.strange_volumes(fine, grid, NAMES) == []


@pytest.mark.parametrize(("side", "phrase"), [(10, "organ 500 mm3, in training 256-256 mm3"), (0, "organ 0 mm3")])
def test_a_structure_that_is_too_large_or_too_small_is_named(side, phrase):
    organ, tumour = SEEN.strange_volumes(label(side), case()[1], NAMES)
    assert phrase in organ
    assert tumour.startswith("tumour")


def test_volumes_that_are_not_known_give_no_warning():
    older = {name: value for name, value in SEEN.to_mapping().items() if name != "volume"}
    assert TrainingRange.from_mapping(older, "model").strange_volumes(label(0), case()[1], NAMES) == []


def test_few_cases_do_not_tell_how_large_is_too_large():
    few = TrainingRange.of((with_label(*case(seed)) for seed in range(FEWEST_CASES - 1)), classes=3)
    assert few.strange_volumes(label(0), case()[1], NAMES) == []


def test_it_fits_its_own_channels_and_labels_only():
    assert SEEN.fits(channels=1, classes=3)
    assert not SEEN.fits(channels=2, classes=3)
    assert not SEEN.fits(channels=1, classes=2)


def test_it_is_kept_in_plain_values():
    assert TrainingRange.from_mapping(SEEN.to_mapping(), "model") == SEEN


@pytest.mark.parametrize(
    "damage", [{"spacing": [[1, 1]]}, {"extent": "far"}, {"intensity": [[[2, 1]] * 5]}, {"volume": 1}]
)
def test_a_damaged_one_is_refused(damage):
    with pytest.raises(InputError, match=r"model: .*damaged"):
        TrainingRange.from_mapping(SEEN.to_mapping() | damage, "model")
