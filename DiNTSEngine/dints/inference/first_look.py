"""Looking where something is: a first pass without overlap tells where windows are needed at all.

One network, or a majority of them, goes once over the volume, at half the resolution or at the full one: which of these
ways is safe, and saves most, is measured for each model (`dints.inference.safety_bound`). What lies within `MARGIN` of
a voxel in which anything but background is more probable than the model's safety bound is computed by all networks, in
windows that are laid over it (`dints.inference.focus`). Everything else is background.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dints.data.padding import pad_to_patch
from dints.geometry import Size
from dints.inference.focus import BLOCK, Focus
from dints.inference.passes import PassCounter
from dints.inference.sliding_window import ForwardPass, Sweep
from dints.inference.tiling import Tiling
from dints.inference.window_grid import WindowGrid, Windows

MARGIN = 8  # voxels around what is possible: the eighth part of a small patch, more than interpolation reads
WORTH_IT = 2  # times as many passes as the first look, or the look may cost more than it saves


@dataclass(frozen=True)
class Way:
    """How a first look is done."""

    scale: int  # 2: at half the resolution
    alone: bool  # by one network, not by a majority

    def networks(self, count: int) -> int:
        """How many of the networks look: one, or a majority and no more."""
        return 1 if self.alone else count // 2 + 1

    def in_words(self) -> str:
        resolution = "the full" if self.scale == 1 else "half the"
        return f"of {'one network' if self.alone else 'a majority'} at {resolution} resolution"

    def is_worth_it(self, shape: Size, tiling: Tiling, flips: int = 1) -> bool:
        """Whether a first look at a volume of `shape` can save more than it costs."""
        windows = math.prod(tiling.grid(shape).shape)
        first = look_windows(shape, tiling.patch, self.scale) * self.networks(tiling.networks)
        return windows > 1 and first * WORTH_IT <= windows * tiling.networks * flips


SCALES = (2, 1)
WAYS = tuple(Way(scale, alone) for scale, alone in itertools.product(SCALES, (True, False)))


@dataclass(frozen=True)
class FirstLook:
    """How probable anything but background is at most, for each block of a volume."""

    highest: np.ndarray  # float32: of the voxels within `MARGIN` of the block
    shape: Size  # of the volume
    passes: int  # of windows through the networks

    def focus(self, threshold: float) -> Focus:
        """Where anything but background has a probability above the threshold."""
        return Focus(self.highest > threshold, self.shape)


def look_windows(shape: Size, patch: Size, scale: int) -> int:
    """Windows of a first look at a volume."""
    return math.prod(WindowGrid.fewest(_scaled(shape, scale), patch).shape)


@torch.inference_mode()
def first_look(
    volume: Tensor,
    networks: Sequence[ForwardPass],
    patch: Size,
    scale: int = 1,
    *,
    batch_size: int = 1,
    device: torch.device | str = "cpu",
    one_at_a_time: bool = False,
    passes: PassCounter | None = None,
) -> FirstLook:
    """The networks over [C, X, Y, Z], or over means of `scale` voxels along each axis, without mirroring.

    Other arguments as in `sliding_window`.
    """
    x, y, z = volume.shape[1:]
    side = [min(scale, count) for count in (x, y, z)]  # an axis of one voxel stays
    seen = F.avg_pool3d(volume[None], side, ceil_mode=True, count_include_pad=False)[0]
    padded, margins = pad_to_patch(seen.numpy(), patch)
    grid = WindowGrid.fewest(padded.shape[1:], patch)
    sweep = Sweep(padded, grid, networks, batch_size, [()], [], torch.device(device), one_at_a_time)
    windows = Windows.all(grid)
    passes = passes or PassCounter()
    passes.total = sweep.passes(windows.chosen)
    highest = np.zeros(_scaled((x, y, z), BLOCK), np.float32)
    for row, _, corners in grid.rows(windows.chosen):
        for _, batch, logits in sweep.logits(row, corners, passes):
            possible = (1 - logits.softmax(1)[:, 0]).nan_to_num(nan=1).cpu().numpy()
            for corner, window in zip(batch, possible, strict=True):
                start = [at - margin for at, margin in zip((*corner, row), margins, strict=True)]
                _note(highest, window, start, seen.shape[1:], BLOCK // scale)
    reach = math.ceil(MARGIN / BLOCK)
    near = F.max_pool3d(torch.from_numpy(highest)[None], 2 * reach + 1, stride=1, padding=reach)[0]
    return FirstLook(near.numpy(), (x, y, z), passes.done)


def _note(highest: np.ndarray, window: np.ndarray, start: Sequence[int], shape: Sequence[int], side: int) -> None:
    """Raises blocks of `side` voxels to what a window at `start` has of the volume in them."""
    inside = window[tuple(slice(max(0, -at), count - at) for at, count in zip(start, shape, strict=True))]
    first = [max(0, at) for at in start]
    margins = [(at % side, -(at + count) % side) for at, count in zip(first, inside.shape, strict=True)]
    padded = np.pad(inside, margins)
    x, y, z = (count // side for count in padded.shape)
    part = highest[tuple(slice(at // side, at // side + n) for at, n in zip(first, (x, y, z), strict=True))]
    np.maximum(part, padded.reshape(x, side, y, side, z, side).max((1, 3, 5)), out=part)


def _scaled(shape: Size, side: int) -> Size:
    x, y, z = (-(-count // side) for count in shape)
    return x, y, z
