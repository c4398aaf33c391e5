"""One preprocessed image through the networks: windows, sums, election."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from dints.config import InferenceConfig
from dints.data.grid import Grid
from dints.events import Reporter
from dints.geometry import Box, Size
from dints.inference.assemble import LabelAssembler
from dints.inference.confidence import ConfidenceMeter
from dints.inference.fallback import Execution
from dints.inference.first_look import FirstLook, Focus, first_look, is_worth_it, scouts
from dints.inference.region import blank_outside, embedded, working_box
from dints.inference.safety_bound import SafetyBound
from dints.inference.sliding_window import ForwardPass, flips_of, sliding_window
from dints.inference.window_grid import WindowGrid, stride_of

STAGE = "segment"  # of the progress that is reported
NOT_COMPUTED = 255  # in the disagreement map, beyond every percentage: where a first look found nothing


@dataclass(frozen=True)
class CaseResult:
    """On the crop's grid [Xc, Yc, Zc]."""

    classes: np.ndarray  # class indices
    disagreement: np.ndarray | None
    computed: int  # windows that went through all networks
    windows: int  # all there are


@dataclass(frozen=True)
class PreparedCase:
    """A preprocessed image and all that decides on its labels."""

    volume: Tensor  # [C, X, Y, Z]
    grid: Grid
    box: Box | None  # of the crop: what is wanted; None if nothing of it is
    networks: Sequence[ForwardPass]
    patch: Size
    settings: InferenceConfig
    mirrored_axes: Sequence[int]
    other_side: Sequence[int]  # class indices after an R-L flip
    bound: SafetyBound | None  # None computes every window

    def run(
        self, step: Execution, disagreement: bool, reporter: Reporter, meter: ConfidenceMeter | None = None
    ) -> CaseResult:
        """Class indices of the crop and, on request, the disagreement map; `meter` is told of all probabilities."""
        assembler = LabelAssembler(self.grid, self.settings.vote, disagreement, step.slab_bytes, meter)
        if self.box is None:
            return CaseResult(assembler.labels(), assembler.disagreement(), 0, 0)
        for network in self.networks:
            if isinstance(network, nn.Module) and step.one_at_a_time:
                network.to("cpu")  # an earlier step may have left all of them on the device
        computed = working_box(self.grid, self.box, self.patch)
        windows = self.windows(computed)
        look = self._look(computed, windows, step, reporter)
        focus = look.focus(self.bound.threshold) if look and self.bound else None
        self._fill(assembler, computed, look, focus, step, reporter)
        doubt = assembler.disagreement()
        if doubt is not None:
            if focus:
                _mark_what_was_not_computed(doubt, self.grid, computed, focus)
            doubt = blank_outside(doubt, self.box)
        classes = blank_outside(assembler.labels(), self.box)
        count = math.prod(windows.shape)
        return CaseResult(classes, doubt, int(focus.windows.sum()) if focus else count, count)

    def windows(self, computed: Box) -> WindowGrid:
        """The windows of a box of the working volume."""
        x, y, z = (max(part.stop - part.start, size) for part, size in zip(computed, self.patch, strict=True))
        return WindowGrid.of((x, y, z), self.patch, stride(self.settings, self.patch))

    def _fill(
        self,
        assembler: LabelAssembler,
        computed: Box,
        look: FirstLook | None,
        focus: Focus | None,
        step: Execution,
        reporter: Reporter,
    ) -> None:
        """Every chosen window through every network."""
        looked = look.passes if look else 0
        bands = sliding_window(
            self.volume[(slice(None), *computed)],
            self.networks,
            self.patch,
            stride(self.settings, self.patch),
            batch_size=step.batch_size,
            mirrored_axes=self.mirrored_axes,
            other_side=self.other_side,
            device=step.device,
            accumulate_on=step.accumulate_on,
            one_at_a_time=step.one_at_a_time,
            windows=focus.windows if focus else None,
            progress=lambda done, total: reporter.progress(STAGE, looked + done, looked + total),
        )
        for band in bands:
            band = focus.band(band) if focus else band
            assembler.add(embedded(band, computed, self.grid.working_shape))
        if focus and not focus.windows.any():
            reporter.progress(STAGE, looked, looked)

    def _look(self, computed: Box, windows: WindowGrid, step: Execution, reporter: Reporter) -> FirstLook | None:
        """The first look, if the model allows it here and it is worth its time.

        Until it is over, progress counts every window: what is left can only turn out to be less.
        """
        flips = len(flips_of(self.mirrored_axes))
        if not self.bound or not self.bound.allows(windows) or not is_worth_it(windows, len(self.networks), flips):
            return None
        passes = math.prod(windows.shape) * len(self.networks) * flips
        return first_look(
            self.volume[(slice(None), *computed)].numpy(),
            scouts(self.networks),
            windows,
            batch_size=step.batch_size,
            device=step.device,
            one_at_a_time=step.one_at_a_time,
            progress=lambda done, total: reporter.progress(STAGE, done, total + passes),
        )


def stride(settings: InferenceConfig, patch: Size) -> Size:
    """Voxels from window to window."""
    return settings.stride or stride_of(patch, settings.overlap)


def _mark_what_was_not_computed(doubt: np.ndarray, grid: Grid, computed: Box, focus: Focus) -> None:
    """In the disagreement map [Xc, Yc, Zc], in place, row by row."""
    x, y, z = (
        (np.floor((np.arange(count) + 0.5) * working / count).astype(int) - part.start).clip(
            0, part.stop - part.start - 1
        )
        for count, working, part in zip(grid.crop_shape, grid.working_shape, computed, strict=True)
    )
    for row in range(doubt.shape[2]):
        doubt[..., row][~focus.looked_at(x, y, z[row : row + 1])[..., 0]] = NOT_COMPUTED
