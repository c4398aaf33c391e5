"""Networks over whole volumes, window by window, in memory that does not grow with the volume's last axis.

Windows are visited in the order of their place along the last axis. Sums are held for a band as thick as the patch;
rows (planes of constant last index) that no further window reaches are finished, handed out and forgotten.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from dints.data.padding import pad_to_patch
from dints.device import autocast, half_type
from dints.errors import RunError
from dints.geometry import Size
from dints.inference.band_sums import Band, BandSums, Corner, without_margins
from dints.inference.passes import PassCounter
from dints.inference.window_grid import WindowGrid, Windows

ForwardPass = Callable[[Tensor], Tensor]  # [B, C, *patch] to logits [B, K, *patch]
Needed = Callable[[Sequence[Corner], int], Sequence[bool]]  # corners of windows and their row, in the volume

FIRST_SPATIAL_AXIS = 2  # of [B, C, X, Y, Z]


@torch.inference_mode()
def sliding_window(
    volume: Tensor | np.ndarray,
    networks: Sequence[ForwardPass],
    patch: Size,
    stride: Size,
    *,
    batch_size: int = 1,
    mirrored_axes: Sequence[int] = (),
    other_side: Sequence[int] = (),
    device: torch.device | str = "cpu",
    accumulate_on: torch.device | str | None = None,
    one_at_a_time: bool = False,
    windows: Windows | None = None,
    needed: Needed | None = None,
    passes: PassCounter | None = None,
) -> Iterator[Band]:
    """Weighted mean of the logits of overlapping windows, for F networks at once, in bands along the last axis.

    Volumes smaller than the patch are padded by reflection: the networks see windows of the training size only.
    Windows are computed in the precision of `dints.device.autocast` and summed in float32.

    Args:
        volume: [C, X, Y, Z] on the CPU.
        networks: map [B, C, *patch] to logits [B, K, *patch]; modules are moved to the device.
        patch: size of a window in voxels.
        stride: steps between windows in voxels.
        batch_size: windows that a network sees at once.
        mirrored_axes: some of 0, 1, 2; each window's logits are averaged over all combinations of flips along them.
        other_side: for each class the one that an R-L flip (axis 0) makes of it; empty if all stay.
        device: where the networks run.
        accumulate_on: where the sums are held and the bands come out; the same device by default.
        one_at_a_time: only one network at a time is on the device, to save its memory.
        windows: which ones of the padded volume are computed, in place of all in steps of the stride. A voxel has its
            mean only if all windows of their grid in which it lies are; it is NaN where there are none.
        needed: asked row by row which of these windows are computed after all. Bands begin with the first such window.
        passes: counts them and their seconds; constant windows are none.

    Raises:
        NotFiniteAnswerError: that of a network, in full precision either.

    Yields:
        Bands that together cover rows 0 to Z once, in order; of `windows`, from the first row to the last in them.
    """
    padded, margins = pad_to_patch(np.asarray(volume), patch)
    windows = windows or Windows.all(WindowGrid.of(padded.shape[1:], patch, stride))
    grid, chosen = windows.grid, windows.chosen
    flips, exchanged = flips_of(mirrored_axes), list(other_side)
    sweep = Sweep(padded, grid, networks, batch_size, flips, exchanged, torch.device(device), one_at_a_time)
    sums = BandSums(len(networks), padded.shape[1:3], patch, grid.corners(), torch.device(accumulate_on or device))
    passes = passes or PassCounter()
    passes.total = sweep.passes(chosen)
    for row, next_row, corners in grid.rows(chosen):
        if needed:
            asked = sweep.passes_at(row, corners)
            kept = needed([(x - margins[0], y - margins[1]) for x, y in corners], row - margins[2])
            corners = list(itertools.compress(corners, kept))
            passes.spare(asked - sweep.passes_at(row, corners))
        sums.start(row)
        for network, batch, logits in sweep.logits(row, corners, passes):
            sums.add(network, batch, _finite(logits, network))
        for band in sums.finish(row, next_row):
            yield from without_margins(band, margins, volume.shape[1:])


@dataclass(frozen=True)
class Sweep:
    """The windows of one volume through the networks.

    Windows in which each channel has one value only, such as air or padding, are all alike: a network's answer to one
    is kept for those that follow. They count as no pass.
    """

    volume: np.ndarray  # [C, X, Y, Z], no axis shorter than the patch
    grid: WindowGrid
    networks: Sequence[ForwardPass]
    batch_size: int
    flips: Sequence[tuple[int, ...]]
    other_side: list[int]
    device: torch.device
    one_at_a_time: bool
    _answers: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)  # of a network: values, and its logits

    @functools.cached_property
    def _constant(self) -> np.ndarray:
        return self.grid.constant(self.volume)

    def passes(self, chosen: np.ndarray) -> int:
        """How many passes the chosen windows take."""
        return int((chosen & ~self._constant).sum()) * len(self.networks) * len(self.flips)

    def passes_at(self, row: int, corners: Sequence[Corner]) -> int:
        """How many passes these windows take."""
        constant = self._constant_at(row)
        return sum(not constant[corner] for corner in corners) * len(self.networks) * len(self.flips)

    def logits(
        self, row: int, corners: Sequence[Corner], passes: PassCounter
    ) -> Iterator[tuple[int, Sequence[Corner], Tensor]]:
        """(network, corners, logits [B, K, *patch]) of the windows at a row, for all networks."""
        members = range(len(self.networks))
        for group in [[member] for member in members] if self.one_at_a_time else [members]:
            with _on_device([self.networks[member] for member in group], self.device, self.one_at_a_time):
                for batch, constant in self._batches(row, corners):
                    windows = self._cut(row, batch)
                    for member in group:
                        yield member, batch, self._answer(member, windows, None if constant else passes)

    def _batches(self, row: int, corners: Sequence[Corner]) -> Iterator[tuple[Sequence[Corner], bool]]:
        """Corners in their order, constant windows one by one: so sums are formed in one order whatever is constant."""
        for alike, run in itertools.groupby(corners, self._constant_at(row).__getitem__):
            batch, size = list(run), 1 if alike else self.batch_size
            for first in range(0, len(batch), size):
                yield batch[first : first + size], alike

    def _constant_at(self, row: int) -> dict[Corner, bool]:
        constant = self._constant[..., self.grid.starts[2].index(row)]
        return dict(zip(self.grid.corners(), constant.ravel().tolist(), strict=True))

    def _cut(self, row: int, corners: Sequence[Corner]) -> Tensor:
        """float32 [B, C, *patch] on the device."""
        width, depth, height = self.grid.patch
        windows = [self.volume[:, x : x + width, y : y + depth, row : row + height] for x, y in corners]
        return torch.from_numpy(np.stack(windows)).to(self.device, torch.float32)

    def _answer(self, member: int, windows: Tensor, passes: PassCounter | None) -> Tensor:
        """float32 logits [B, K, *patch] of windows that are passes, or of a constant one."""
        if passes is None:
            return self._answer_to_constant(member, windows)
        with passes.timed(self.device):
            return self._evaluate(member, windows, passes)

    def _answer_to_constant(self, member: int, windows: Tensor) -> Tensor:
        """Logits of a constant window, which is evaluated only if the one before had other values."""
        values = windows[..., 0, 0, 0].clone()
        if member not in self._answers or not torch.equal(self._answers[member][0], values):
            self._answers[member] = values, self._evaluate(member, windows, None)
        return self._answers[member][1]

    def _evaluate(self, member: int, windows: Tensor, passes: PassCounter | None) -> Tensor:
        """float32 logits: their mean over the flips. What half precision cannot hold is computed in full."""
        with autocast(self.device):
            logits = self._mean(member, windows, passes)
        if half_type(self.device) is None or torch.isfinite(logits).all():
            return logits
        return self._mean(member, windows, None)

    def _mean(self, member: int, windows: Tensor, passes: PassCounter | None) -> Tensor:
        network = self.networks[member]

        def flipped(axes: tuple[int, ...]) -> Tensor:
            logits = network(windows.flip(axes)).flip(axes).float() if axes else network(windows).float()
            if passes:
                passes.add(len(windows))
            return logits[:, self.other_side] if self.other_side and FIRST_SPATIAL_AXIS in axes else logits

        logits = functools.reduce(torch.add, map(flipped, self.flips))
        return logits / len(self.flips) if len(self.flips) > 1 else logits


class NotFiniteAnswerError(RunError):
    """What a network makes of an image is infinite or not a number."""


def _finite(logits: Tensor, network: int) -> Tensor:
    """The same logits. NotFiniteAnswerError if they are not finite: they would elect background without a word."""
    if not torch.isfinite(logits).all():
        raise NotFiniteAnswerError(
            f"network {network + 1}: its answer is not finite, in full precision either; train this fold again, or "
            "segment with the others (--folds)"
        )
    return logits


def flips_of(axes: Sequence[int]) -> list[tuple[int, ...]]:
    """All combinations of flips along spatial `axes`, as axes of [B, C, X, Y, Z]; the first is none."""
    shifted = [axis + FIRST_SPATIAL_AXIS for axis in axes]
    return [flip for count in range(len(axes) + 1) for flip in itertools.combinations(shifted, count)]


@contextlib.contextmanager
def _on_device(networks: Sequence[ForwardPass], device: torch.device, leave: bool) -> Iterator[None]:
    """Has the networks that are modules on the device; with `leave` they go back to the CPU in the end."""
    modules = [network for network in networks if isinstance(network, nn.Module)]
    try:
        for module in modules:
            module.to(device)
        yield
    finally:
        for module in modules if leave else []:
            module.to("cpu")
