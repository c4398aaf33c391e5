"""One preprocessed image through the networks: windows, sums, election."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from dints.data.grid import Grid
from dints.events import Reporter
from dints.geometry import Box
from dints.inference.assemble import LabelAssembler
from dints.inference.confidence import ConfidenceMeter
from dints.inference.fallback import Execution
from dints.inference.first_look import FirstLook, first_look
from dints.inference.focus import Focus
from dints.inference.region import blank_outside, embedded, working_box
from dints.inference.safety_bound import SafetyBound
from dints.inference.sliding_window import ForwardPass, flips_of, sliding_window
from dints.inference.tiling import Tiling

STAGE = "segment"  # of the progress that is reported
NOT_COMPUTED = 255  # in the disagreement map, beyond every percentage: where a first look found nothing


@dataclass(frozen=True)
class CaseResult:
    """On the crop's grid [Xc, Yc, Zc]."""

    classes: np.ndarray  # class indices
    disagreement: np.ndarray | None
    computed: int  # windows that went through each network
    windows: int  # that would have if all were computed


@dataclass(frozen=True)
class PreparedCase:
    """A preprocessed image and all that decides on its labels."""

    volume: Tensor  # [C, X, Y, Z]
    grid: Grid
    box: Box | None  # of the crop: what is wanted; None if nothing of it is
    networks: Sequence[ForwardPass]
    tiling: Tiling
    vote: str
    mirrored_axes: Sequence[int]
    other_side: Sequence[int]  # class indices after an R-L flip
    bound: SafetyBound | None  # None computes every window

    def run(
        self, step: Execution, disagreement: bool, reporter: Reporter, meter: ConfidenceMeter | None = None
    ) -> CaseResult:
        """Class indices of the crop and, on request, the disagreement map; `meter` is told of all probabilities."""
        assembler = LabelAssembler(self.grid, self.vote, disagreement, step.slab_bytes, meter)
        if self.box is None:
            return CaseResult(assembler.labels(), assembler.disagreement(), 0, 0)
        for network in self.networks:
            if isinstance(network, nn.Module) and step.one_at_a_time:
                network.to("cpu")  # an earlier step may have left all of them on the device
        box = working_box(self.grid, self.box, self.tiling.patch)
        volume = self.volume[(slice(None), *box)]
        look = self._look(volume, step, reporter)
        focus = look.focus(self.bound.threshold) if look and self.bound else None
        computed = self._fill(assembler, box, look, focus, step, reporter)
        doubt = assembler.disagreement()
        if doubt is not None:
            if focus:
                _mark_what_was_not_computed(doubt, self.grid, box, focus)
            doubt = blank_outside(doubt, self.box)
        classes = blank_outside(assembler.labels(), self.box)
        return CaseResult(classes, doubt, computed, self._count(volume))

    def _count(self, volume: Tensor) -> int:
        """Of all windows, for each network."""
        x, y, z = volume.shape[1:]
        return math.prod(self.tiling.grid((x, y, z)).shape)

    def _fill(
        self,
        assembler: LabelAssembler,
        box: Box,
        look: FirstLook | None,
        focus: Focus | None,
        step: Execution,
        reporter: Reporter,
    ) -> int:
        """What must be computed, through every network; returns how many windows that takes each of them."""
        volume, looked = self.volume[(slice(None), *box)], look.passes if look else 0
        windows = focus.windows(self.tiling) if focus else None
        if windows and not windows.count:
            reporter.progress(STAGE, looked, looked)
            return 0
        bands = sliding_window(
            volume,
            self.networks,
            self.tiling.patch,
            self.tiling.stride,
            batch_size=step.batch_size,
            mirrored_axes=self.mirrored_axes,
            other_side=self.other_side,
            device=step.device,
            accumulate_on=step.accumulate_on,
            one_at_a_time=step.one_at_a_time,
            windows=windows,
            progress=lambda done, total: reporter.progress(STAGE, looked + done, looked + total),
        )
        for band in bands:
            assembler.add(embedded(focus.band(band) if focus else band, box, self.grid.working_shape))
        return windows.count if windows else self._count(volume)

    def _look(self, volume: Tensor, step: Execution, reporter: Reporter) -> FirstLook | None:
        """The first look, if the model allows it and it is worth its time here.

        Until it is over, progress counts every window: what is left can only turn out to be less.
        """
        (x, y, z), flips = volume.shape[1:], len(flips_of(self.mirrored_axes))
        if not self.bound or not self.bound.way.is_worth_it((x, y, z), self.tiling, flips):
            return None
        passes = self._count(volume) * len(self.networks) * flips
        return first_look(
            volume,
            self.networks[: self.bound.way.networks(len(self.networks))],
            self.tiling.patch,
            self.bound.way.scale,
            batch_size=step.batch_size,
            device=step.device,
            one_at_a_time=step.one_at_a_time,
            progress=lambda done, total: reporter.progress(STAGE, done, total + passes),
        )


def _mark_what_was_not_computed(doubt: np.ndarray, grid: Grid, box: Box, focus: Focus) -> None:
    """In the disagreement map [Xc, Yc, Zc], in place, row by row."""
    x, y, z = (
        (np.floor((np.arange(count) + 0.5) * working / count).astype(int) - part.start).clip(
            0, part.stop - part.start - 1
        )
        for count, working, part in zip(grid.crop_shape, grid.working_shape, box, strict=True)
    )
    for row in range(doubt.shape[2]):
        doubt[..., row][~focus.looked_at(x, y, z[row : row + 1])[..., 0]] = NOT_COMPUTED
