"""Networks over whole volumes, window by window, in memory that does not grow with the volume's last axis.

Windows are visited in the order of their place along the last axis. Sums are held for a band as thick as the patch;
rows (planes of constant last index) that no further window reaches are finished, handed out and forgotten.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dints.data.padding import pad_to_patch
from dints.device import autocast
from dints.errors import InputError
from dints.geometry import Size

SIGMA_FRACTION = 1 / 8  # of the patch: the width of the Gaussian in common use (nnU-Net, MONAI)
BAND_ROWS = 16  # handed out at once: fewer would use a part of each 64-byte line of memory that they read
SMALLEST_WEIGHT = 1e-3  # keeps the corners, where the Gaussian underflows, from being divided by nothing

ForwardPass = Callable[[Tensor], Tensor]  # [B, C, *patch] to logits [B, K, *patch]
Starts = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
Corner = tuple[int, int]  # first voxel of a window in the plane of the first two axes

FIRST_SPATIAL_AXIS = 2  # of [B, C, X, Y, Z]


@dataclass(frozen=True)
class Band:
    """Finished rows `first_row` to `first_row + n` of the volume: float32 logits [K, X, Y, n] of each network."""

    first_row: int
    logits: Sequence[Tensor]


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


def gaussian_weights(patch: Size) -> Tensor:
    """float32 [*patch]: how much a window's voxels count, 1 at its centre and never below `SMALLEST_WEIGHT`."""
    weights = torch.ones(())
    for size in patch:
        distance = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
        profile = torch.exp(-0.5 * (distance / (size * SIGMA_FRACTION)) ** 2)
        weights = weights[..., None] * profile
    return weights.clamp_min(SMALLEST_WEIGHT)


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
    progress: Callable[[int, int], None] | None = None,
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
        progress: called with the passes done and their total; a pass is one window through one network in one flip.

    Yields:
        Bands that together cover rows 0 to Z once, in order.
    """
    padded, margins = pad_to_patch(np.asarray(volume), patch)
    flips, exchanged = flips_of(mirrored_axes), list(other_side)
    sweep = _Sweep(padded, networks, patch, stride, batch_size, flips, exchanged, torch.device(device), one_at_a_time)
    rows, corners = sweep.rows_and_corners()
    sums = _BandSums(len(networks), padded.shape[1:3], patch, corners, torch.device(accumulate_on or device))
    passes = _PassCounter(len(rows) * len(corners) * len(networks) * len(sweep.flips), progress)
    for row, next_row in itertools.pairwise((*rows, padded.shape[3])):
        sums.start(row)
        for network, batch, logits in sweep.logits(row, corners, passes):
            sums.add(network, batch, logits)
        for band in sums.finish(row, next_row):
            yield from _without_margins(band, margins, volume.shape[1:])


def _without_margins(band: Band, margins: Size, shape: Sequence[int]) -> Iterator[Band]:
    """The part of a band that lies in the volume of the given shape, if any."""
    x, y, z = margins
    start = max(band.first_row, z)
    stop = min(band.first_row + band.logits[0].shape[-1], z + shape[2])
    if start < stop:
        rows = slice(start - band.first_row, stop - band.first_row)
        yield Band(start - z, [logits[:, x : x + shape[0], y : y + shape[1], rows] for logits in band.logits])


@dataclass
class _PassCounter:
    """Tells how many windows went through a network: in a scan of one window, too, that is more than none and all."""

    total: int
    tell: Callable[[int, int], None] | None
    done: int = 0

    def add(self, windows: int) -> None:
        self.done += windows
        if self.tell:
            self.tell(self.done, self.total)


@dataclass(frozen=True)
class _Sweep:
    """The windows of one volume through the networks."""

    volume: np.ndarray  # [C, X, Y, Z], no axis shorter than the patch
    networks: Sequence[ForwardPass]
    patch: Size
    stride: Size
    batch_size: int
    flips: Sequence[tuple[int, ...]]
    other_side: list[int]
    device: torch.device
    one_at_a_time: bool

    def rows_and_corners(self) -> tuple[tuple[int, ...], list[Corner]]:
        """First rows of the windows, and their first voxels in the plane, the same at each row."""
        shape = self.volume.shape[1], self.volume.shape[2], self.volume.shape[3]
        x, y, z = window_starts(shape, self.patch, self.stride)
        return z, list(itertools.product(x, y))

    def logits(
        self, row: int, corners: Sequence[Corner], passes: _PassCounter
    ) -> Iterator[tuple[int, Sequence[Corner], Tensor]]:
        """(network, corners, logits [B, K, *patch]) of all windows at a row, for all networks."""
        members = range(len(self.networks))
        for group in [[member] for member in members] if self.one_at_a_time else [members]:
            with _on_device([self.networks[member] for member in group], self.device, self.one_at_a_time):
                for first in range(0, len(corners), self.batch_size):
                    batch = corners[first : first + self.batch_size]
                    windows = self._cut(row, batch)
                    for member in group:
                        yield member, batch, self._evaluate(self.networks[member], windows, passes)

    def _cut(self, row: int, corners: Sequence[Corner]) -> Tensor:
        """float32 [B, C, *patch] on the device."""
        width, depth, height = self.patch
        windows = [self.volume[:, x : x + width, y : y + depth, row : row + height] for x, y in corners]
        return torch.from_numpy(np.stack(windows)).to(self.device, torch.float32)

    def _evaluate(self, network: ForwardPass, windows: Tensor, passes: _PassCounter) -> Tensor:
        """float32 logits: their mean over the flips."""

        def flipped(axes: tuple[int, ...]) -> Tensor:
            logits = network(windows.flip(axes)).flip(axes).float() if axes else network(windows).float()
            passes.add(len(windows))
            return logits[:, self.other_side] if self.other_side and FIRST_SPATIAL_AXIS in axes else logits

        with autocast(self.device):
            logits = functools.reduce(torch.add, map(flipped, self.flips))
            return logits / len(self.flips) if len(self.flips) > 1 else logits


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


class _BandSums:
    """Weighted sums of logits, and of the weights, over the rows that the windows at one row reach.

    A ring along the last axis: row r of the volume is kept at index r modulo the patch's length.
    """

    def __init__(
        self, networks: int, plane: Sequence[int], patch: Size, corners: Sequence[Corner], device: torch.device
    ) -> None:
        self._networks, self._plane, self._patch, self._device = networks, tuple(plane), patch, device
        self._gaussian = gaussian_weights(patch).to(device)
        self._logits: list[Tensor] = []  # [K, X, Y, patch z] of each network once the first window tells K
        self._weights = torch.zeros((*self._plane, patch[2]), device=device)
        self._coverage = torch.zeros_like(self._weights)  # what all windows at one row weigh together
        for x, y in corners:
            self._coverage[x : x + patch[0], y : y + patch[1]] += self._gaussian
        self._shift = 0  # where in the ring the windows begin

    def start(self, row: int) -> None:
        """The windows that follow begin at `row`."""
        self._shift = row % self._patch[2]
        self._weights += torch.roll(self._coverage, self._shift, dims=-1)

    def add(self, network: int, corners: Sequence[Corner], logits: Tensor) -> None:
        """Adds windows [B, K, *patch] of a network."""
        if not self._logits:
            shape = (logits.shape[1], *self._plane, self._patch[2])
            self._logits = [torch.zeros(shape, device=self._device) for _ in range(self._networks)]
        turn = self._patch[2] - self._shift  # the window's row that lies at the start of the ring
        for (x, y), window in zip(corners, logits.to(self._device), strict=True):
            sums = self._logits[network][:, x : x + self._patch[0], y : y + self._patch[1]]
            sums[..., self._shift :].addcmul_(window[..., :turn], self._gaussian[..., :turn])
            sums[..., : self._shift].addcmul_(window[..., turn:], self._gaussian[..., turn:])

    def finish(self, first: int, stop: int) -> Iterator[Band]:
        """Takes rows `first` to before `stop` out: mean logits in bands of at most `BAND_ROWS`."""
        while first < stop:
            start = first % self._patch[2]
            rows = min(BAND_ROWS, stop - first, self._patch[2] - start)  # the ring closes there
            sums = [logits[..., start : start + rows] for logits in self._logits]
            weights = self._weights[..., start : start + rows]
            band = Band(first, [logits / weights for logits in sums])
            for values in (*sums, weights):
                values.zero_()
            yield band
            first += rows
