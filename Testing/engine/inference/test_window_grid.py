"""Cells hold what the windows around them share, and the fewest windows leave no gap."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dints.inference.window_grid import WindowGrid, reduced

SHAPES = [(40, 33, 27), (16, 40, 16), (16, 16, 16), (17, 16, 33), (100, 20, 31)]
PATCH = (16, 16, 16)
STRIDES = [(16, 16, 16), (8, 8, 8), (6, 5, 7), (1, 16, 3)]


def windows_over(grid: WindowGrid, shape: tuple[int, ...], chosen: np.ndarray) -> np.ndarray:
    """[X, Y, Z]: how many of the chosen windows each voxel lies in."""
    count = np.zeros(shape, int)
    for corner, take in zip(itertools.product(*grid.starts), chosen.ravel(), strict=True):
        if take:
            count[tuple(slice(at, at + size) for at, size in zip(corner, PATCH, strict=True))] += 1
    return count


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("stride", STRIDES)
def test_the_fewest_windows_cover_the_volume_and_are_as_many_as_without_overlap(shape, stride):
    grid = WindowGrid.of(shape, PATCH, stride)
    few = grid.fewest()
    assert windows_over(grid, shape, few).min() >= 1
    least = [-(-count // size) for count, size in zip(shape, PATCH, strict=True)]
    for starts, fewest, few_starts in zip(grid.starts, least, grid.few_starts(), strict=True):
        assert set(few_starts) <= set(starts)
        assert fewest <= len(few_starts) <= max(1, 2 * fewest)
    assert few.sum() == np.prod([len(starts) for starts in grid.few_starts()])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("stride", STRIDES)
def test_all_voxels_of_a_cell_lie_in_the_same_windows(shape, stride):
    grid = WindowGrid.of(shape, PATCH, stride)
    chosen = np.random.default_rng(0).random(grid.shape) < 0.5
    every, some = windows_over(grid, shape, np.ones(grid.shape, bool)), windows_over(grid, shape, chosen)
    cells = grid.cell_voxels()
    for count in (every, some):
        np.testing.assert_array_equal(reduced(count, cells, np.minimum), reduced(count, cells, np.maximum))
    lowest, highest = (reduced(count, cells, np.minimum) for count in (every, some))
    np.testing.assert_array_equal(grid.over_cells(chosen, np.minimum), lowest == highest)
    np.testing.assert_array_equal(grid.over_cells(chosen, np.maximum), highest > 0)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_window_is_constant_if_each_channel_is(shape):
    grid = WindowGrid.of(shape, PATCH, (6, 5, 7))
    volume = np.zeros((2, *shape), np.float32)
    volume[1] = 3
    assert grid.constant(volume).all()
    volume[1, shape[0] - 1, 3, 2] = 4
    expected = [
        np.ptp(volume[:, x : x + 16, y : y + 16, z : z + 16].reshape(2, -1), axis=1).max() == 0
        for x, y, z in itertools.product(*grid.starts)
    ]
    np.testing.assert_array_equal(grid.constant(volume).ravel(), expected)
