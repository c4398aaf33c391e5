"""Sums of overlapping windows, held for a band as thick as the patch and handed out row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dints.geometry import Size

SIGMA_FRACTION = 1 / 8  # of the patch: the width of the Gaussian in common use (nnU-Net, MONAI)
BAND_ROWS = 16  # handed out at once: fewer would use a part of each 64-byte line of memory that they read
SMALLEST_WEIGHT = 1e-3  # keeps the corners, where the Gaussian underflows, from being divided by nothing

Corner = tuple[int, int]  # first voxel of a window in the plane of the first two axes


@dataclass(frozen=True)
class Band:
    """Finished rows `first_row` to `first_row + n` of the volume: float32 logits [K, X, Y, n] of each network."""

    first_row: int
    logits: Sequence[Tensor]


def gaussian_weights(patch: Size) -> Tensor:
    """float32 [*patch]: how much a window's voxels count, 1 at its centre and never below `SMALLEST_WEIGHT`."""
    weights = torch.ones(())
    for size in patch:
        distance = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
        profile = torch.exp(-0.5 * (distance / (size * SIGMA_FRACTION)) ** 2)
        weights = weights[..., None] * profile
    return weights.clamp_min(SMALLEST_WEIGHT)


def without_margins(band: Band, margins: Size, shape: Sequence[int]) -> Iterator[Band]:
    """The part of a band that lies in the volume of the given shape, if any."""
    x, y, z = margins
    start = max(band.first_row, z)
    stop = min(band.first_row + band.logits[0].shape[-1], z + shape[2])
    if start < stop:
        rows = slice(start - band.first_row, stop - band.first_row)
        yield Band(start - z, [logits[:, x : x + shape[0], y : y + shape[1], rows] for logits in band.logits])


class BandSums:
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
            if sums:  # of no window, the classes are not known
                yield band
            first += rows
