"""From the folds' logits on the working grid to labels at the original resolution, slab by slab.

Probabilities of all classes exist at the original resolution for one slab of rows at a time only.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from dints.data.grid import Grid
from dints.geometry import Box
from dints.inference.band_sums import Band
from dints.inference.confidence import ConfidenceMeter
from dints.inference.runoff import Runoff
from dints.inference.vote import disagreement, elect, largest

SLAB_BYTES = 128 * 2**20  # working memory; larger slabs are not faster
COPIES = 6  # tensors of a slab that exist at once while it is interpolated and elected
PERCENT = 100  # of the disagreement map, in whole percents: 8 bits a voxel, readable in a viewer


class LabelAssembler:
    """Takes bands in order and elects a class for each voxel of the crop at its original resolution.

    Softmax is taken on the working grid, then probabilities are interpolated. Rows outside of the bands that were
    added stay background; voxels outside of the box are certain background, also in what others are told.

    Args:
        grid: of the volume that the bands belong to.
        vote: "majority" of the folds' classes, ties to the class with the higher mean probability of those tied;
            or "mean": the class with the highest mean probability.
        disagreement: also make the map that `disagreement()` returns.
        slab_bytes: bound of the working memory, as long as it suffices for one row.
        meter: is told of all probabilities.
        runoff: is told of each slab, and decides in its labels what the folds leave open.
        box: of the crop, that is wanted; all of it by default.
    """

    def __init__(
        self,
        grid: Grid,
        vote: str = "majority",
        disagreement: bool = False,
        slab_bytes: int = SLAB_BYTES,
        meter: ConfidenceMeter | None = None,
        runoff: Runoff | None = None,
        box: Box | None = None,
    ) -> None:
        self._grid, self._vote, self._slab_bytes = grid, vote, slab_bytes
        # In memory as files have it, the last axis first: so the way back to the file's grid is a plain copy.
        self._labels = np.zeros(grid.crop_shape[::-1], np.uint8).T
        self._disagreement = np.zeros_like(self._labels) if disagreement else None
        self._meter, self._runoff = meter, runoff
        self._box = None if box == tuple(slice(0, count) for count in grid.crop_shape) else box
        self._pending: list[Tensor] = []  # of each fold: probabilities [K, X, Y, n] that further targets read
        self._first_row = 0  # working row of the first one pending
        self._next = 0  # target row, all before it are done

    @torch.inference_mode()
    def add(self, band: Band) -> None:
        """Takes the next band, on any device."""
        if not self._pending:
            self._first_row = band.first_row
            while self._next < self._grid.crop_shape[2] and self._rows_needed(self._next).start < self._first_row:
                self._next += 1
        probabilities = [logits.softmax(0) for logits in band.logits]
        if self._pending:
            probabilities = [torch.cat(parts, -1) for parts in zip(self._pending, probabilities, strict=True)]
        self._pending = probabilities
        self._assemble_what_is_ready()

    def has_elected(self, stop: int) -> bool:
        """Whether all rows of the crop are done that read working rows before `stop`."""
        return self._next == self._grid.crop_shape[2] or self._rows_needed(self._next).start >= stop

    def labels(self) -> np.ndarray:
        """Class indices uint8 [Xc, Yc, Zc] of the crop."""
        return self._labels

    def disagreement(self) -> np.ndarray | None:
        """uint8 [Xc, Yc, Zc] in percent, if it was asked for: the folds whose class differs from the one elected.

        For a single fold: the entropy of its probabilities, relative to that of equal ones.
        """
        return self._disagreement

    def _rows_needed(self, target: int) -> range:
        return self._grid.rows_needed(range(target, target + 1))

    def _assemble_what_is_ready(self) -> None:
        """Elects all rows whose working rows are there, then forgets the working rows that no further one reads."""
        available = self._first_row + self._pending[0].shape[-1]
        total = self._grid.crop_shape[2]
        ready = self._next
        while ready < total and self._rows_needed(ready).stop <= available:
            ready += 1
        thickness = self._slab_rows()
        for first in range(self._next, ready, thickness):
            self._assemble(range(first, min(first + thickness, ready)))
        self._next = ready
        kept_from = min(self._rows_needed(ready).start, available) if ready < total else available
        kept = slice(kept_from - self._first_row, None)
        self._pending = [fold[..., kept] for fold in self._pending] if kept_from < available else []
        self._first_row = kept_from

    def _slab_rows(self) -> int:
        """Rows of the crop whose election stays within the byte budget."""
        classes, plane = len(self._pending[0]), math.prod(self._grid.crop_shape[:2])
        larger = max(plane, math.prod(self._grid.working_shape[:2]))
        return max(1, self._slab_bytes // (classes * larger * self._pending[0].element_size() * COPIES))

    def _assemble(self, targets: range) -> None:
        winners, total = [], torch.empty(0)
        for fold in self._pending:
            probabilities = self._within_box(self._grid.interpolate_rows(fold, self._first_row, targets), targets)
            winners.append(largest(probabilities))
            if self._meter is not None:
                self._meter.add_network(len(winners) - 1, probabilities, winners[-1])
            total = total + probabilities if total.numel() else probabilities
        votes = torch.stack(winners)
        elected = elect(votes, total, self._vote)
        rows = slice(targets.start, targets.stop)
        self._labels[..., rows] = elected.cpu().numpy()
        found = elected > 0
        if self._runoff is not None:
            found &= ~self._runoff.hear(targets, self._labels[..., rows], votes, total)
        if self._meter is not None:
            self._meter.add_votes(disagreement(votes[:, found], elected[found], total[:, found]))
        if self._disagreement is not None:
            share = disagreement(votes, elected, total)
            self._disagreement[..., rows] = (share * PERCENT).round().cpu().numpy()

    def _within_box(self, probabilities: Tensor, targets: range) -> Tensor:
        """Those of rows [K, Xc, Yc, n], with certain background outside of the box."""
        if self._box is None:
            return probabilities
        x, y, z = self._box
        rows = slice(max(0, z.start - targets.start), max(0, z.stop - targets.start))
        within = torch.zeros_like(probabilities)
        within[0] = 1
        within[:, x, y, rows] = probabilities[:, x, y, rows]
        return within
