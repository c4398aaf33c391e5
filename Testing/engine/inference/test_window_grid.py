"""Windows lie where they are wanted, and leave no gap."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dints.inference.window_grid import WindowGrid

SHAPES = [(40, 33, 27), (16, 40, 16), (16, 16, 16), (17, 16, 33), (100, 20, 31)]
PATCH = (16, 16, 16)
STRIDES = [(16, 16, 16), (8, 8, 8), (6, 5, 7), (1, 16, 3)]


def windows_over(grid: WindowGrid, shape: tuple[int, ...]) -> np.ndarray:
    """[X, Y, Z]: how many windows each voxel lies in."""
    count = np.zeros(shape, int)
    for corner in itertools.product(*grid.starts):
        count[tuple(slice(at, at + size) for at, size in zip(corner, PATCH, strict=True))] += 1
    return count


@pytest.mark.parametrize("shape", SHAPES)
def test_the_fewest_windows_cover_the_volume_and_are_as_many_as_without_overlap(shape):
    grid = WindowGrid.fewest(shape, PATCH)
    assert grid.shape == tuple(-(-count // size) for count, size in zip(shape, PATCH, strict=True))
    assert windows_over(grid, shape).min() >= 1


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("stride", STRIDES)
def test_windows_over_all_of_a_volume_are_those_of_the_volume(shape, stride):
    whole = [[(0, count)] for count in shape]
    assert WindowGrid.over(whole, shape, PATCH, stride) == WindowGrid.of(shape, PATCH, stride)


@pytest.mark.parametrize("stride", STRIDES)
def test_windows_over_parts_cover_them_within_the_volume(stride):
    random = np.random.default_rng(0)
    shape = (150, 90, 121)
    for _ in range(30):
        edges = [np.sort(random.choice(count + 1, 2 * random.integers(1, 4), replace=False)) for count in shape]
        spans = [[(int(a), int(b)) for a, b in own.reshape(-1, 2)] for own in edges]
        grid = WindowGrid.over(spans, shape, PATCH, stride)
        for starts, ranges, count, size in zip(grid.starts, spans, shape, PATCH, strict=True):
            assert starts[0] >= 0
            assert starts[-1] + size <= count
            covered = np.zeros(count, bool)
            for start in starts:
                covered[start : start + size] = True
            assert all(covered[first:stop].all() for first, stop in ranges)


def test_windows_lie_evenly_over_a_part():
    assert WindowGrid.over([[(30, 40)], [(20, 60)], [(0, 9)]], (100, 100, 100), PATCH, (8, 8, 8)).starts == (
        (27,),
        (20, 28, 36, 44),
        (0,),
    )


def test_parts_that_lie_apart_have_windows_of_their_own():
    grid = WindowGrid.over([[(10, 20), (80, 90)], [(10, 20), (22, 24)], [(0, 100)]], (100,) * 3, PATCH, (16, 16, 16))
    assert grid.starts[:2] == ((7, 77), (9,))


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
