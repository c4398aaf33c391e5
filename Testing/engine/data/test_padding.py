"""Padding by reflection, with the position of the volume in the result."""

from __future__ import annotations

import numpy as np
import pytest

from dints.data.padding import pad_to_patch


@pytest.mark.parametrize("shape", [(5, 3, 4), (2, 5, 3, 4)])
def test_the_volume_lies_where_the_padding_says(shape):
    volume = np.random.default_rng(0).random(shape)
    padded, (x, y, z) = pad_to_patch(volume, (8, 3, 9))
    assert padded.shape[-3:] == (8, 3, 9)
    assert np.array_equal(padded[..., x : x + 5, y : y + 3, z : z + 4], volume)


def test_padding_reflects_as_often_as_needed_and_repeats_a_single_voxel():
    volume = np.arange(3, dtype=np.float32).reshape(1, 3, 1, 1)
    padded, before = pad_to_patch(volume, (9, 1, 3))
    assert before == (3, 0, 1)
    assert padded[0, :, 0, 2].tolist() == [1, 2, 1, 0, 1, 2, 1, 0, 1]


def test_a_volume_as_large_as_the_patch_is_returned_itself():
    volume = np.zeros((1, 3, 4, 5))
    assert pad_to_patch(volume, (3, 2, 5))[0] is volume
