"""The random numbers of augmentations, which depend neither on one another nor on how a batch is shared."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from dints.process_group import BatchShard

Pair = tuple[Tensor, Tensor]  # images float [b, C, X, Y, Z] and labels uint8 [b, X, Y, Z]

LARGEST_SEED = 2**53  # below it every whole number is a float64


class Draws:
    """The random numbers of one augmentation in one step, from a CPU generator that nothing else draws from.

    They are drawn for every patch of the whole batch, so that a patch's numbers depend neither on which patches are
    changed nor on which process has it. Where every voxel needs one (noise), a number a patch seeds a generator of the
    patch on its device.
    """

    def __init__(self, generator: torch.Generator, shard: BatchShard) -> None:
        self.generator, self.shard = generator, shard
        self.chosen: Tensor | slice = slice(None)  # the patches of the shard that are changed

    def choose(self, probability: float) -> Tensor:
        """Indices of the patches to change, int64 [b]; all that is drawn from now on is for those."""
        self.chosen = (self.uniform() < probability).nonzero()[:, 0]
        return self.chosen

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """A number for each patch: float64 [b] on the CPU; `high` is excluded."""
        numbers = torch.rand(self.shard.whole, generator=self.generator, dtype=torch.float64)
        return low + (high - low) * numbers[self.shard.rows][self.chosen]

    def factors(self, limits: tuple[float, float]) -> Tensor:
        """Factors within limits, even on a logarithmic scale, so that a factor is as likely as its inverse."""
        low, high = limits
        return low * (high / low) ** self.uniform()

    def normal_like(self, images: Tensor) -> Tensor:
        """A number for each voxel from the standard normal distribution, on the device of images [b, C, X, Y, Z]."""
        voxels = torch.empty_like(images)
        for patch, seed in zip(voxels, self.uniform(0, LARGEST_SEED).long().tolist(), strict=True):
            patch.normal_(generator=torch.Generator(images.device).manual_seed(seed))
        return voxels


def each_channel(draw: Callable[[], Tensor], images: Tensor) -> Tensor:
    """What `draw` gives a patch, drawn for every channel by itself: [b, C, 1, 1, 1], as images [b, C, X, Y, Z]."""
    numbers = torch.stack([draw() for _ in range(images.shape[1])], dim=1)
    return numbers.to(images)[..., None, None, None]
