"""Where the windows of a volume lie: evenly over all of it, as few as cover it, or over parts of it alone."""

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
    return math.prod(map(_needed, shape, patch, stride))


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

    @staticmethod
    def fewest(shape: Size, patch: Size) -> WindowGrid:
        """As few windows as cover a volume of `shape`, which is taken as padded to the patch, evenly spread."""
        x, y, z = (_fewest(length, size) for length, size in zip(shape, patch, strict=True))
        return WindowGrid((x, y, z), patch)

    @staticmethod
    def over(spans: Sequence[Ranges], shape: Size, patch: Size, stride: Size) -> WindowGrid:
        """Windows over these ranges of voxels along each axis, which are in order and apart.

        They lie no further apart than the stride, and reach beyond a range on both sides alike. Over the whole of an
        axis they are those of `of`.
        """
        axes = zip(spans, shape, patch, stride, strict=True)
        x, y, z = (_starts_over(ranges, length, size, step) for ranges, length, size, step in axes)
        return WindowGrid((x, y, z), patch)

    @property
    def shape(self) -> Size:
        """How many windows there are along each axis."""
        x, y, z = (len(starts) for starts in self.starts)
        return x, y, z

    @cached_property
    def edges(self) -> list[np.ndarray]:
        """Along each axis: where windows begin or end. What lies between is a cell: its voxels share their windows."""
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

    def constant(self, volume: np.ndarray) -> np.ndarray:
        """bool [*shape]: windows of a padded volume [C, X, Y, Z] in which each channel has one value only."""
        cells = [list(itertools.pairwise(edges.tolist())) for edges in self.edges]
        windows = [self._cells_of_windows(axis) for axis in range(3)]
        lowest, highest = (reduced(reduced(volume, cells, of), windows, of) for of in (np.minimum, np.maximum))
        same = lowest == highest
        constant: np.ndarray = same.all(0)
        return constant

    def _cells_of_windows(self, axis: int) -> Ranges:
        edges, size = self.edges[axis], self.patch[axis]
        return [
            (int(np.searchsorted(edges, start)), int(np.searchsorted(edges, start + size)))
            for start in self.starts[axis]
        ]


@dataclass(frozen=True)
class Windows:
    """Those of a grid that are computed."""

    grid: WindowGrid
    chosen: np.ndarray  # bool [*grid.shape]

    @staticmethod
    def all(grid: WindowGrid) -> Windows:
        return Windows(grid, np.ones(grid.shape, bool))

    @property
    def count(self) -> int:
        return int(self.chosen.sum())


def reduced(values: np.ndarray, ranges: Sequence[Ranges], ufunc: np.ufunc) -> np.ndarray:
    """[.., X, Y, Z] to one value for each box of `ranges` along the last three axes; none of them may be empty."""
    for axis, parts in zip((-3, -2, -1), ranges, strict=True):
        views = np.moveaxis(values, axis, 0)
        values = np.stack([ufunc.reduce(views[first:stop], axis=0) for first, stop in parts], axis=axis)
    return values


def _fewest(length: int, size: int) -> tuple[int, ...]:
    count = math.ceil(max(length, size) / size)
    return tuple(np.linspace(0, max(0, length - size), count).round().astype(int).tolist())


def _starts_over(spans: Ranges, length: int, size: int, step: int) -> tuple[int, ...]:
    last, starts = max(0, length - size), set()
    for first, stop in _joined(spans, size, step):
        reach = size + (_needed(stop - first, size, step) - 1) * step
        begin = max(0, min(first - (reach - stop + first) // 2, length - reach))
        starts |= {min(start, last) for start in range(begin, begin + reach - size + 1, step)}
    return tuple(sorted(starts))


def _joined(spans: Ranges, size: int, step: int) -> Ranges:
    """Neighbours as one where that takes no more windows."""
    joined = [spans[0]]
    for span in spans[1:]:
        apart = sum(_needed(stop - first, size, step) for first, stop in (joined[-1], span))
        if _needed(span[1] - joined[-1][0], size, step) <= apart:
            joined[-1] = joined[-1][0], span[1]
        else:
            joined.append(span)
    return joined


def _needed(length: int, size: int, step: int) -> int:
    """How many windows cover so many voxels."""
    return 1 + math.ceil(max(0, length - size) / step)
