"""Looking where something is: a first pass with little overlap tells which windows need more than that.

A majority of the networks go once over the volume, through as few of the windows as cover it. Where one of them gives
anything but background a probability above the model's safety bound (`dints.inference.safety_bound`), with a margin
around, every window is computed by every network; what comes out there is, bit for bit, what it is without a first
look. Elsewhere is background: what a majority calls so, the other networks cannot outvote, nor can their mean as long
as the bound is below 1/6 (five networks).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from dints.data.padding import pad_to_patch
from dints.geometry import Size
from dints.inference.band_sums import Band
from dints.inference.sliding_window import ForwardPass, PassCounter, Progress, Sweep
from dints.inference.window_grid import Ranges, WindowGrid, reduced

MARGIN = 8  # voxels around what is possible: the eighth part of a small patch, more than interpolation reads
WORTH_IT = 2  # times as many passes as the first look, or the look may cost more than it saves


@dataclass(frozen=True)
class FirstLook:
    """How probable anything but background is at most, for each cell of the windows' grid."""

    grid: WindowGrid
    highest: np.ndarray  # float32 [nx, ny, nz]: of the voxels within `MARGIN` of the cell
    passes: int  # of windows through the networks

    def levels(self) -> np.ndarray:
        """[nx, ny, nz]: a cell is looked at by all its windows as long as the threshold lies below its level."""
        return self.grid.over_cells(self.grid.over_windows(self.highest, np.maximum), np.minimum)

    def focus(self, threshold: float) -> Focus:
        """Where anything but background has a probability above the threshold."""
        windows = self.grid.over_windows(self.highest, np.maximum) > threshold
        return Focus(self.grid, windows, self.grid.over_cells(windows, np.minimum))


@dataclass(frozen=True)
class Focus:
    """The windows that are computed."""

    grid: WindowGrid
    windows: np.ndarray  # bool
    cells: np.ndarray  # bool [nx, ny, nz], all of whose windows are computed

    @torch.inference_mode()
    def band(self, band: Band) -> Band:
        """The band, in place, with certain background where not all windows were computed."""
        _, width, depth, rows = band.logits[0].shape
        place = np.arange(width), np.arange(depth), band.first_row + np.arange(rows)
        outside = ~torch.from_numpy(self.looked_at(*place))
        for logits in band.logits:
            mask = outside.to(logits.device)
            logits[0].masked_fill_(mask, 0)
            logits[1:].masked_fill_(mask, -torch.inf)
        return band

    def looked_at(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """bool [len(x), len(y), len(z)]: whether all windows were computed there."""
        cells = (self.grid.cells_at(axis, voxels) for axis, voxels in enumerate((x, y, z)))
        looked: np.ndarray = self.cells[np.ix_(*cells)]
        return looked


def scouts(networks: Sequence[ForwardPass]) -> Sequence[ForwardPass]:
    """Those that look first: a majority, and no more."""
    return networks[: len(networks) // 2 + 1]


def is_worth_it(grid: WindowGrid, networks: int, flips: int = 1) -> bool:
    """Whether a first look can save more than it costs."""
    few = int(grid.fewest().sum())
    first, passes = few * (networks // 2 + 1), math.prod(grid.shape) * networks * flips
    return few > 1 and first * WORTH_IT <= passes


def first_step(grid: WindowGrid) -> Size:
    """The largest step between windows of the first look along each axis; the patch where there is only one window."""
    x, y, z = (
        max(np.diff(starts).tolist(), default=size) for starts, size in zip(grid.few_starts(), grid.patch, strict=True)
    )
    return x, y, z


@torch.inference_mode()
def first_look(
    volume: np.ndarray,
    networks: Sequence[ForwardPass],
    grid: WindowGrid,
    *,
    batch_size: int = 1,
    device: torch.device | str = "cpu",
    one_at_a_time: bool = False,
    progress: Progress | None = None,
) -> FirstLook:
    """The networks over [C, X, Y, Z] without mirroring; arguments as in `sliding_window`."""
    padded, _ = pad_to_patch(volume, grid.patch)
    sweep = Sweep(padded, grid, networks, batch_size, [()], [], torch.device(device), one_at_a_time)
    few = grid.fewest()
    passes = PassCounter(sweep.passes(few), progress)
    highest = np.zeros([len(edges) - 1 for edges in grid.edges], np.float32)
    for row, _, corners in grid.rows(few):
        for _, batch, logits in sweep.logits(row, corners, passes):
            possible = (1 - logits.softmax(1)[:, 0]).nan_to_num(nan=1).cpu().numpy()
            for (x, y), window in zip(batch, possible, strict=True):
                cells, voxels = zip(*(_reached(grid, axis, at) for axis, at in enumerate((x, y, row))), strict=True)
                part = highest[cells]
                np.maximum(part, reduced(window, voxels, np.maximum), out=part)
    return FirstLook(grid, highest, passes.done)


def _reached(grid: WindowGrid, axis: int, start: int) -> tuple[slice, Ranges]:
    """The cells that have voxels of a window within the margin, and which of the window's these are."""
    size = grid.patch[axis]
    near = [
        (max(0, first - MARGIN - start), min(size, stop + MARGIN - start)) for first, stop in grid.cell_voxels()[axis]
    ]
    indices = [index for index, (first, stop) in enumerate(near) if first < stop]
    return slice(indices[0], indices[-1] + 1), [near[index] for index in indices]
