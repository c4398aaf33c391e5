"""Majority votes in two rounds: where a first majority of the networks agrees, the others can change nothing.

Three of five networks decide by themselves wherever they agree. The other two go over those windows alone that hold a
voxel in which the three do not; there all five are counted as in one round, bit for bit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dints.data.grid import Grid
from dints.geometry import Size
from dints.inference.band_sums import Band, Corner
from dints.inference.confidence import ConfidenceMeter
from dints.inference.vote import disagreement, elect, largest

NEAR = 0.01  # of a voxel: what rounding may add to the reach of an interpolation


@dataclass(frozen=True)
class OpenSlab:
    """Rows of the crop with voxels that the first round left open, N in all.

    Attributes:
        targets: the rows.
        labels: their class indices uint8 [Xc, Yc, rows], to be written to.
        voxels: bool [Xc, Yc, rows].
        winners: [F, N] of the networks of the first round.
        total: [K, N], the sums of their probabilities.
    """

    targets: range
    labels: np.ndarray
    voxels: Tensor
    winners: Tensor
    total: Tensor


class Runoff:
    """Keeps what the first round leaves open, and decides it when the other networks' bands are there.

    Args:
        grid: of the volume that the bands belong to.
        meter: is told of the disagreement of the first round's networks.
    """

    def __init__(self, grid: Grid, meter: ConfidenceMeter | None = None) -> None:
        self._grid, self._meter = grid, meter
        self._slabs: deque[OpenSlab] = deque()
        self._pending: list[Tensor] = []  # of each later network: probabilities [K, X, Y, n] that open slabs read
        self._first_row = 0  # working row of the first one pending

    def hear(self, targets: range, labels: np.ndarray, winners: Tensor, total: Tensor) -> Tensor:
        """Takes what an `OpenSlab` has, of all voxels: classes [F, Xc, Yc, rows]. Returns which voxels are open."""
        voxels: Tensor = (winners != winners[0]).any(0)
        if voxels.any():
            self._slabs.append(OpenSlab(targets, labels, voxels, winners[:, voxels], total[:, voxels]))
        return voxels

    def open_windows(self, corners: Sequence[Corner], row: int, patch: Size) -> list[bool]:
        """Which windows at a working row hold a voxel that an open one is interpolated from.

        The first round must have voted on all rows of the crop that these windows reach.
        """
        first, stop = self._readers(2, row, patch[2])
        columns = np.zeros(self._grid.crop_shape[:2], bool)
        for slab in self._slabs:
            part = slice(max(0, first - slab.targets.start), max(0, stop - slab.targets.start))
            columns |= slab.voxels[..., part].any(-1).cpu().numpy()
        parts = [tuple(slice(*self._readers(axis, corner[axis], patch[axis])) for axis in (0, 1)) for corner in corners]
        return [bool(columns[part].any()) for part in parts]

    @torch.inference_mode()
    def add(self, band: Band) -> None:
        """Takes the later networks' next band, on any device; their first one may begin at any row."""
        if not self._slabs:  # whatever reads these rows has been voted on
            return
        probabilities = [logits.softmax(0) for logits in band.logits]
        if self._pending:
            probabilities = [torch.cat(parts, -1) for parts in zip(self._pending, probabilities, strict=True)]
        else:
            self._first_row = band.first_row
        available = self._first_row + probabilities[0].shape[-1]
        while self._slabs and self._grid.rows_needed(self._slabs[0].targets).stop <= available:
            self._decide(self._slabs.popleft(), probabilities)
        kept_from = self._grid.rows_needed(self._slabs[0].targets).start if self._slabs else available
        kept = slice(max(0, kept_from - self._first_row), None)
        self._pending = [fold[..., kept] for fold in probabilities] if kept_from < available else []
        self._first_row = max(kept_from, self._first_row)

    def _decide(self, slab: OpenSlab, folds: Sequence[Tensor]) -> None:
        # Rows before the first window hold nothing that is open, but slabs are interpolated as a whole.
        missing = max(0, self._first_row - self._grid.rows_needed(slab.targets).start)
        winners, total = [slab.winners], slab.total
        for fold in folds:
            rows = F.pad(fold, (missing, 0)) if missing else fold
            found = self._grid.interpolate_rows(rows, self._first_row - missing, slab.targets)[:, slab.voxels]
            winners.append(largest(found)[None])
            total = total + found
        elected = elect(torch.cat(winners), total, "majority")
        slab.labels[slab.voxels.cpu().numpy()] = elected.cpu().numpy()
        if self._meter is not None:  # of the first round's networks, as everywhere else
            found = elected > 0
            self._meter.add_votes(disagreement(slab.winners[:, found], elected[found], total[:, found]))

    def _readers(self, axis: int, start: int, size: int) -> tuple[int, int]:
        """Of a window along an axis: the first voxel of the crop that reads some of it, and the one after the last."""
        crop, working = self._grid.crop_shape[axis], self._grid.working_shape[axis]
        centres = ((np.arange(crop) + 0.5) * working / crop - 0.5).clip(0, working - 1)
        near = NEAR if crop != working else 0
        low, high = np.floor(centres - near), np.ceil(centres + near)
        return int(np.searchsorted(high, start)), int(np.searchsorted(low, start + size))
