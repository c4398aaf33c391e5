"""Where an image is computed: voxels that must be, in blocks, and the windows that are laid over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from dints.geometry import Size
from dints.inference.band_sums import Band
from dints.inference.tiling import Tiling
from dints.inference.window_grid import Ranges, WindowGrid, Windows, reduced

BLOCK = 4  # voxels along each axis that are decided together


@dataclass(frozen=True)
class Focus:
    """What of a volume is computed; the rest is background."""

    blocks: np.ndarray  # bool, of `BLOCK` voxels along each axis
    shape: Size  # of the volume

    def windows(self, tiling: Tiling) -> Windows:
        """All windows that hold a voxel of the blocks: of a grid over these, or of one over all, if they are fewer."""
        if not self.blocks.any():
            return Windows(WindowGrid(((), (), ()), tiling.patch), np.zeros((0, 0, 0), bool))
        spans = [self._spans(axis) for axis in range(3)]
        patch, stride = tiling.patch, tiling.focused_stride
        grids = WindowGrid.over(spans, self.shape, patch, stride), WindowGrid.of(self.shape, patch, stride)
        return min((self._holding(grid) for grid in grids), key=lambda windows: windows.count)

    def _holding(self, grid: WindowGrid) -> Windows:
        held = [
            [(start // BLOCK, -(-(start + size) // BLOCK)) for start in starts]
            for starts, size in zip(grid.starts, grid.patch, strict=True)
        ]
        return Windows(grid, reduced(self.blocks, held, np.logical_or))

    def looked_at(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """bool [len(x), len(y), len(z)]: whether these voxels are computed."""
        looked: np.ndarray = self.blocks[np.ix_(x // BLOCK, y // BLOCK, z // BLOCK)]
        return looked

    @torch.inference_mode()
    def band(self, band: Band) -> Band:
        """The band, in place, with certain background in all voxels that are not computed."""
        _, width, depth, rows = band.logits[0].shape
        place = np.arange(width), np.arange(depth), band.first_row + np.arange(rows)
        outside = ~torch.from_numpy(self.looked_at(*place))
        for logits in band.logits:
            mask = outside.to(logits.device)
            logits[0].masked_fill_(mask, 0)
            logits[1:].masked_fill_(mask, -torch.inf)
        return band

    def _spans(self, axis: int) -> Ranges:
        """Ranges of voxels along an axis between which nothing is computed."""
        others = tuple(other for other in range(3) if other != axis)
        edges = np.flatnonzero(np.diff(self.blocks.any(others), prepend=False, append=False)) * BLOCK
        return [(first, min(stop, self.shape[axis])) for first, stop in edges.reshape(-1, 2).tolist()]
