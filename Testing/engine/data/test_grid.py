"""The way back from the network's grid to the file's, exactly."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import SimpleITK as sitk
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from dints.config import PreprocessingConfig
from dints.data.grid import Grid
from dints.data.preprocessing import Preprocessor

SIGNED_PERMUTATIONS = [
    np.eye(3)[list(order)] * signs
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
]  # half of them left-handed


def rotation(radians: float) -> np.ndarray:
    """About an axis that is none of the world's."""
    axis = np.array([1.0, 2.0, 3.0]) / np.sqrt(14)
    cross = np.cross(np.eye(3), axis)
    return np.eye(3) * np.cos(radians) + np.sin(radians) * cross + (1 - np.cos(radians)) * np.outer(axis, axis)


def ball(direction: np.ndarray, size=(21, 18, 15), spacing=(1.1, 0.9, 1.7)) -> sitk.Image:
    """A uint8 label of an ellipsoid off the centre."""
    z, y, x = np.indices(size[::-1])
    inside = ((x - 8) / 6) ** 2 + ((y - 9) / 5) ** 2 + ((z - 7) / 5) ** 2 < 1
    image = sitk.GetImageFromArray(inside.astype(np.uint8))
    image.SetSpacing(spacing)
    image.SetOrigin((0.1, -77.7, 1 / 3))
    image.SetDirection(direction.ravel())
    return image


def geometry(image: sitk.Image) -> tuple:
    return image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection()


@pytest.mark.parametrize("direction", SIGNED_PERMUTATIONS)
@pytest.mark.parametrize("radians", [0.0, 0.3])
def test_every_orientation_is_restored_to_the_last_bit(direction, radians):
    image = ball(rotation(radians) @ direction)
    grid = Grid.of(image).cropped((1, 2, 3), (9, 8, 7))
    voxels = sitk.GetArrayFromImage(image)
    outside = voxels.copy()
    grid.crop(outside)[:] = 0
    restored = grid.restore(grid.crop(voxels), (0, 5))
    assert geometry(restored) == geometry(image)
    assert np.array_equal(sitk.GetArrayFromImage(restored), 5 * (voxels - outside))


@pytest.mark.parametrize("direction", SIGNED_PERMUTATIONS)
def test_oriented_axes_run_to_the_right_to_the_front_and_up(direction):
    image = ball(rotation(0.3) @ direction)
    grid = Grid.of(image)
    voxels = np.zeros(image.GetSize()[::-1])
    for axis in range(3):
        voxels[:] = 0
        last = [0, 0, 0]
        last[axis] = -1
        grid.crop(voxels)[tuple(last)] = 1
        grid.crop(voxels)[0, 0, 0] = -1
        first, end = (
            np.array(image.TransformIndexToPhysicalPoint([int(i) for i in np.argwhere(voxels == value)[0][::-1]]))
            for value in (-1, 1)
        )
        towards = (end - first) * (-1, -1, 1)  # from LPS to RAS
        assert np.argmax(np.abs(towards)) == axis
        assert towards[axis] > 0


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.8, 1.3)])
def test_a_label_taken_to_the_working_grid_and_back_is_nearly_the_same(spacing):
    image = ball(rotation(0.2), size=(60, 50, 40), spacing=(0.9, 1.2, 1.5))
    mask = sitk.BinaryErode(sitk.BinaryDilate(image, (6, 6, 6)), (1, 1, 1))
    preprocessor = Preprocessor(PreprocessingConfig(spacing=spacing))
    _, grid = preprocessor([sitk.Cast(mask, sitk.sitkFloat32) + 1])
    label = preprocessor.label(mask, grid, (0, 1))
    whole = torch.stack([label == 0, label == 1]).float()
    back = grid.interpolate_rows(whole, 0, range(grid.crop_shape[2])).argmax(0).numpy()
    restored = sitk.GetArrayFromImage(grid.restore(back.astype(np.uint8), (0, 1)))
    expected = sitk.GetArrayFromImage(mask)
    assert 2 * (restored & expected).sum() / (restored.sum() + expected.sum()) > 0.97


@settings(deadline=None, max_examples=40)
@given(
    working=st.tuples(*[st.integers(1, 9)] * 3),
    crop=st.tuples(*[st.integers(1, 9)] * 3),
    first=st.integers(0, 8),
    count=st.integers(1, 9),
)
def test_rows_interpolated_slab_by_slab_equal_trilinear_interpolation_of_the_whole(working, crop, first, count):
    grid = Grid.of(ball(np.eye(3))).cropped((0, 0, 0), crop).with_working_shape(working)
    values = torch.rand((2, *working), generator=torch.Generator().manual_seed(0))
    whole = F.interpolate(values[None], size=crop, mode="trilinear", align_corners=False)[0]
    first = min(first, crop[2] - 1)
    targets = range(first, min(first + count, crop[2]))
    rows = grid.rows_needed(targets)
    slab = grid.interpolate_rows(values[..., rows.start : rows.stop], rows.start, targets)
    torch.testing.assert_close(slab, whole[..., targets.start : targets.stop], atol=1e-5, rtol=0)


def test_a_grid_survives_json():
    grid = Grid.of(ball(rotation(0.3))).cropped((1, 2, 3), (9, 8, 7)).with_working_shape((5, 6, 7))
    assert Grid.from_mapping(json.loads(json.dumps(grid.to_mapping()))) == grid


def test_labels_beyond_255_are_restored_as_16_bit_and_other_values_fill_the_outside():
    grid = Grid.of(ball(np.eye(3))).cropped((1, 1, 1), (2, 2, 2))
    restored = grid.restore(np.ones((2, 2, 2), np.uint8), (0, 300))
    assert restored.GetPixelID() == sitk.sitkUInt16
    assert sitk.GetArrayFromImage(restored).sum() == 8 * 300
    uncertainty = sitk.GetArrayFromImage(grid.place(np.zeros((2, 2, 2), np.float32), fill=1))
    assert uncertainty.dtype == np.float32
    assert uncertainty.sum() == uncertainty.size - 8
