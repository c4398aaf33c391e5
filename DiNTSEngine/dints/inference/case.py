"""One preprocessed image through the networks: windows, sums, election."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from dints.data.grid import Grid
from dints.events import Reporter
from dints.geometry import Box
from dints.inference.assemble import LabelAssembler
from dints.inference.band_sums import Band, Corner
from dints.inference.confidence import ConfidenceMeter
from dints.inference.fallback import Execution
from dints.inference.first_look import FirstLook, first_look
from dints.inference.focus import Focus
from dints.inference.passes import Passes
from dints.inference.region import blank_outside, embedded, working_box
from dints.inference.runoff import Runoff
from dints.inference.safety_bound import SafetyBound
from dints.inference.sliding_window import ForwardPass, Needed, flips_of, sliding_window
from dints.inference.tiling import Tiling
from dints.inference.window_grid import Windows

STAGE = "segment"  # of the progress that is reported
Sweeping = Callable[..., Iterator[Band]]  # networks, and which windows they need, to bands of the whole volume
# In the disagreement map, beyond every percentage: where a first look found nothing, and outside of a region.
NOT_COMPUTED = 255


@dataclass(frozen=True)
class CaseResult:
    """On the crop's grid [Xc, Yc, Zc]."""

    classes: np.ndarray  # class indices
    disagreement: np.ndarray | None
    computed: int  # windows that went through networks
    windows: int  # that would have if all were computed
    by_all: int  # of those computed: that went through all networks, not a majority alone
    passes: int  # of windows through networks, those of a first look, too
    seconds: float  # that these took


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
    exhaustive: bool  # every network goes over all of these windows, though it may change nothing

    def run(
        self, step: Execution, disagreement: bool, reporter: Reporter, meter: ConfidenceMeter | None = None
    ) -> CaseResult:
        """Class indices of the crop and, on request, the disagreement map, which takes all networks everywhere.

        `meter` is told of the probabilities of those that go over every window.
        """
        runoff = None if disagreement or self._majority == len(self.networks) else Runoff(self.grid, meter)
        assembler = LabelAssembler(self.grid, self.vote, disagreement, step.slab_bytes, meter, runoff, self.box)
        passes = Passes(reporter, STAGE)
        if self.box is None:
            doubt = assembler.disagreement()
            nowhere = None if doubt is None else np.full_like(doubt, NOT_COMPUTED)
            return CaseResult(assembler.labels(), nowhere, 0, 0, 0, 0, 0.0)
        for network in self.networks:
            if isinstance(network, nn.Module) and step.one_at_a_time:
                network.to("cpu")  # an earlier step may have left all of them on the device
        box = working_box(self.grid, self.box, self.tiling.patch)
        volume = self.volume[(slice(None), *box)]
        look = self._look(volume, step, passes)
        focus = look.focus(self.bound.threshold) if look and self.bound else None
        windows = focus.windows(self.tiling) if focus else self._all(volume)
        sweep = functools.partial(self._sweep, box, windows, focus, step, passes)
        by_all = windows.count
        if windows.count and runoff:
            by_all = self._in_two_rounds(assembler, runoff, box, sweep)
        elif windows.count:
            for band in sweep(self.networks):
                assembler.add(band)
        passes.finish()
        doubt = assembler.disagreement()
        if doubt is not None:
            if focus:
                _mark_what_was_not_computed(doubt, self.grid, box, focus)
            doubt = blank_outside(doubt, self.box, NOT_COMPUTED)
        every = self._all(volume).count
        return CaseResult(assembler.labels(), doubt, windows.count, every, by_all, passes.done, passes.seconds)

    @property
    def _majority(self) -> int:
        """How many of the networks decide alone where they agree."""
        everyone = len(self.networks)
        return everyone if self.exhaustive or self.vote != "majority" else everyone // 2 + 1

    def _all(self, volume: Tensor) -> Windows:
        x, y, z = volume.shape[1:]
        return Windows.all(self.tiling.grid((x, y, z)))

    def _in_two_rounds(self, assembler: LabelAssembler, runoff: Runoff, box: Box, sweep: Sweeping) -> int:
        """Returns how many windows went through all networks."""
        x_start, y_start, z_start = (part.start for part in box)
        first, asked = sweep(self.networks[: self._majority]), 0

        def needed(corners: Sequence[Corner], row: int) -> list[bool]:
            nonlocal asked
            row += z_start
            while not assembler.has_elected(row + self.tiling.patch[2]) and (band := next(first, None)):
                assembler.add(band)
            placed = [(x + x_start, y + y_start) for x, y in corners]
            answers = runoff.open_windows(placed, row, self.tiling.patch)
            asked += sum(answers)
            return answers

        for band in sweep(self.networks[self._majority :], needed):
            runoff.add(band)
        for band in first:  # behind the last window, where nothing is open
            assembler.add(band)
        return asked

    def _sweep(
        self,
        box: Box,
        windows: Windows,
        focus: Focus | None,
        step: Execution,
        passes: Passes,
        networks: Sequence[ForwardPass],
        needed: Needed | None = None,
    ) -> Iterator[Band]:
        """Bands of the whole volume, with certain background where nothing is computed."""
        bands = sliding_window(
            self.volume[(slice(None), *box)],
            networks,
            self.tiling.patch,
            self.tiling.stride,
            batch_size=step.batch_size,
            mirrored_axes=self.mirrored_axes,
            other_side=self.other_side,
            device=step.device,
            accumulate_on=step.accumulate_on,
            one_at_a_time=step.one_at_a_time,
            windows=windows,
            needed=needed,
            passes=passes.sweep(windows.count * len(networks) * len(flips_of(self.mirrored_axes))),
        )
        for band in bands:
            yield embedded(focus.band(band) if focus else band, box, self.grid.working_shape)

    def _look(self, volume: Tensor, step: Execution, passes: Passes) -> FirstLook | None:
        """The first look, if the model allows it and it is worth its time here.

        Until it is over, progress counts every window: what is left can only turn out to be less.
        """
        (x, y, z), flips = volume.shape[1:], len(flips_of(self.mirrored_axes))
        if not self.bound or not self.bound.way.is_worth_it((x, y, z), self.tiling, flips):
            return None
        later = passes.sweep(self._all(volume).count * len(self.networks) * flips)
        look = first_look(
            volume,
            self.networks[: self.bound.way.networks(len(self.networks))],
            self.tiling.patch,
            self.bound.way.scale,
            batch_size=step.batch_size,
            device=step.device,
            one_at_a_time=step.one_at_a_time,
            passes=passes.sweep(0),
        )
        later.total = 0
        return look


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
