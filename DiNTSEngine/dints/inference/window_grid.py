"""Where the windows of a volume lie, and the cells that their edges cut it into.

All voxels of a cell lie in the same windows: what is decided for a cell holds for each of its voxels, and a whole
volume has a few thousand cells.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dints.errors import InputError
from dints.geometry import Size

Starts = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
Ranges = Sequence[tuple[int, int]]  # first, and the one after the last


def stride_of(patch: Size, overlap: float) -> Size:
    """Steps between windows, in voxels, that share the fraction `overlap` of the patch along each axis."""
    x, y, z = (max(1, int(size * (1 - overlap))) for size in patch)
    return x, y, z


def window_starts(shape: Size, patch: Size, stride: Size) -> Starts:
    """First voxels of the windows along each axis; the last window ends with the volume.

    Raises:
        InputError: a stride is not positive or leaves gaps between windows.
    """
    _check_stride(patch, stride)
    x, y, z = (
        (*range(0, max(0, length - size), step), max(0, length - size))
        for length, size, step in zip(shape, patch, stride, strict=True)
    )
    return x, y, z


def count_windows(shape: Size, patch: Size, stride: Size) -> int:
    """How many windows cover a volume, also one that is too large to be true."""
    _check_stride(patch, stride)
    axes = zip(shape, patch, stride, strict=True)
    return math.prod(math.ceil(max(0, length - size) / step) + 1 for length, size, step in axes)


def _check_stride(patch: Size, stride: Size) -> None:
    if any(not 0 < step <= size for step, size in zip(stride, patch, strict=True)):
        raise InputError(f"stride {tuple(stride)}: must lie between 1 and the patch {tuple(patch)} along each axis")


@dataclass(frozen=True)
class WindowGrid:
    """Windows of one size along three axes: each start along one with each along the others.

    Attributes:
        starts: first voxels of the windows along each axis, in order.
        patch: size of a window in voxels.
    """

    starts: Starts
    patch: Size

    @staticmethod
    def of(shape: Size, patch: Size, stride: Size) -> WindowGrid:
        """The windows of a volume of `shape`, which is taken as padded to the patch. Errors as in `window_starts`."""
        return WindowGrid(window_starts(shape, patch, stride), patch)

    @property
    def shape(self) -> Size:
        """How many windows there are along each axis."""
        x, y, z = (len(starts) for starts in self.starts)
        return x, y, z

    @cached_property
    def edges(self) -> list[np.ndarray]:
        """Along each axis: the first voxel of each cell, and the end of the volume."""
        return [
            np.unique([*starts, *(start + size for start in starts)])
            for starts, size in zip(self.starts, self.patch, strict=True)
        ]

    def corners(self, chosen: np.ndarray | None = None) -> list[tuple[int, int]]:
        """First voxels, in the plane of the first two axes, of all windows at a row or of the chosen [x, y]."""
        corners = itertools.product(*self.starts[:2])
        return list(corners if chosen is None else itertools.compress(corners, chosen.ravel().tolist()))

    def rows(self, chosen: np.ndarray) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
        """From the first row with chosen windows to the last: it, where what it finishes ends, its chosen corners."""
        used = np.flatnonzero(chosen.any((0, 1))).tolist()
        for index in range(used[0], used[-1] + 1) if used else ():
            start = self.starts[2][index]
            end = start + self.patch[2] if index == used[-1] else self.starts[2][index + 1]
            yield start, end, self.corners(chosen[..., index])

    def cell_voxels(self) -> list[Ranges]:
        """Along each axis: the voxels of each cell."""
        return [list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)) for edges in self.edges]

    def cells_at(self, axis: int, voxels: np.ndarray) -> np.ndarray:
        """The cell of each of these indices along an axis."""
        return np.searchsorted(self.edges[axis][1:-1], voxels, side="right")

    def over_windows(self, cells: np.ndarray, ufunc: np.ufunc) -> np.ndarray:
        """[*shape]: of the cells [.., nx, ny, nz] in each window, their maximum, minimum or the like."""
        return reduced(cells, [self._cells_of_windows(axis) for axis in range(3)], ufunc)

    def over_cells(self, windows: np.ndarray, ufunc: np.ufunc) -> np.ndarray:
        """[nx, ny, nz]: of the windows [*shape] in which each cell lies, their maximum, minimum or the like."""
        return reduced(windows, [self._windows_of_cells(axis) for axis in range(3)], ufunc)

    def fewest(self) -> np.ndarray:
        """bool [*shape]: windows that cover the volume with as little overlap as this grid has."""
        x, y, z = (np.isin(starts, few) for starts, few in zip(self.starts, self.few_starts(), strict=True))
        return x[:, None, None] & y[:, None] & z

    def few_starts(self) -> Starts:
        """First voxels of the windows of `fewest` along each axis."""
        x, y, z = (_fewest(starts, size) for starts, size in zip(self.starts, self.patch, strict=True))
        return x, y, z

    def constant(self, volume: np.ndarray) -> np.ndarray:
        """bool [*shape]: windows of a padded volume [C, X, Y, Z] in which each channel has one value only."""
        voxels = self.cell_voxels()
        lowest, highest = (reduced(volume, voxels, ufunc) for ufunc in (np.minimum, np.maximum))
        same = self.over_windows(lowest, np.minimum) == self.over_windows(highest, np.maximum)
        constant: np.ndarray = same.all(0)
        return constant

    def _cells_of_windows(self, axis: int) -> Ranges:
        edges, size = self.edges[axis], self.patch[axis]
        return [
            (int(np.searchsorted(edges, start)), int(np.searchsorted(edges, start + size)))
            for start in self.starts[axis]
        ]

    def _windows_of_cells(self, axis: int) -> Ranges:
        starts, size = np.array(self.starts[axis]), self.patch[axis]
        return [
            (int(np.searchsorted(starts, stop - size)), int(np.searchsorted(starts, first, side="right")))
            for first, stop in self.cell_voxels()[axis]
        ]


def reduced(values: np.ndarray, ranges: Sequence[Ranges], ufunc: np.ufunc) -> np.ndarray:
    """[.., X, Y, Z] to one value for each box of `ranges` along the last three axes; none of them may be empty."""
    for axis, parts in zip((-3, -2, -1), ranges, strict=True):
        views = np.moveaxis(values, axis, 0)
        values = np.stack([ufunc.reduce(views[first:stop], axis=0) for first, stop in parts], axis=axis)
    return values


def _fewest(starts: Sequence[int], size: int) -> tuple[int, ...]:
    """As few as leave no gap, the first and the last among them, each as far as possible from the one before."""
    chosen = [starts[0]]
    for start, following in itertools.pairwise((*starts[1:], math.inf)):
        if following > chosen[-1] + size:
            chosen.append(int(start))
    return tuple(chosen)
