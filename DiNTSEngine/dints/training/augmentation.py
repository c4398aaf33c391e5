"""Random changes of training patches (4.1), batched, on the device that holds the patches.

`AUGMENTATIONS` lists them. A new one is a function like those below, a line there, and its probability (0 switches it
off) in `dints.config.AugmentationConfig`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from dints.config import AugmentationConfig
from dints.config.sides import Sides
from dints.process_group import BatchShard

AXIAL_PLANE = (-3, -2)  # x and y of [..., X, Y, Z]
RIGHT_ANGLES = 3  # 90, 180 and 270 degrees

Pair = tuple[Tensor, Tensor]  # images float [b, C, X, Y, Z] and labels uint8 [b, X, Y, Z]


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


KEPT, EXCHANGED, LOST = "kept", "exchanged", "lost"


class Augmentation(NamedTuple):
    """A line of the table."""

    name: str  # of its generator: another name draws other numbers
    probability: Callable[[AugmentationConfig], float]  # that a patch is changed
    change: Callable[[Tensor, Tensor, AugmentationConfig, Draws], Pair]  # copies of the chosen patches, changed
    sides: str = KEPT  # what becomes of left and right


def augment(
    images: Tensor,
    labels: Tensor,
    config: AugmentationConfig,
    generator_of: Callable[[str], torch.Generator],
    shard: BatchShard | None = None,
    sides: Sides | None = None,
) -> Pair:
    """Changed copies of images float [B, C, X, Y, Z] and labels uint8 [B, X, Y, Z].

    Args:
        generator_of: gives an augmentation its generator on the CPU, by its name; there is no other randomness. So
            adding, removing or moving one leaves the numbers of all others as they were.
        shard: which patches of a whole batch these are; they are changed as they would be in the whole.
        sides: of the classes. What is mirrored along R-L gets the other side's classes, or is left out where one has
            none; so is what leaves no left and right at all.
    """
    images, labels = images.clone(), labels.clone()
    for name, probability, change, effect in AUGMENTATIONS:
        if sides and sides.any and (effect == LOST or (effect == EXCHANGED and not sides.mirrorable)):
            continue
        draws = Draws(generator_of(name), shard or BatchShard(slice(None), len(images)))
        patches = draws.choose(probability(config)).to(images.device)
        if len(patches):
            images[patches], labels[patches] = change(images[patches], labels[patches], config, draws)
            if sides and effect == EXCHANGED:
                labels[patches] = torch.tensor(sides.classes, device=labels.device)[labels[patches].long()].to(labels)
    return images, labels


def flip_probability(axis: int, config: AugmentationConfig) -> float:
    """Along an axis of [X, Y, Z]."""
    return config.flip_probability if axis in config.flip_axes else 0.0


def flip(axis: int, images: Tensor, labels: Tensor, config: AugmentationConfig, draws: Draws) -> Pair:
    """Mirrors along an axis of [X, Y, Z]."""
    return images.flip(axis - 3), labels.flip(axis - 3)


def rotate90(images: Tensor, labels: Tensor, config: AugmentationConfig, draws: Draws) -> Pair:
    """Rotates by 90, 180 or 270 degrees in the axial plane, if the patches are as wide as high."""
    turns = 1 + draws.uniform(0, RIGHT_ANGLES).long()
    if images.shape[-3] != images.shape[-2]:
        return images, labels
    for count in range(1, RIGHT_ANGLES + 1):
        patches = (turns == count).nonzero()[:, 0].to(images.device)
        images[patches] = images[patches].rot90(count, AXIAL_PLANE)
        labels[patches] = labels[patches].rot90(count, AXIAL_PLANE)
    return images, labels


def rotate_and_scale(images: Tensor, labels: Tensor, config: AugmentationConfig, draws: Draws) -> Pair:
    """Rotates by any angle and scales, in the axial plane, with one interpolation."""
    limit = math.radians(config.rotation_degrees)
    radians, scales = draws.uniform(-limit, limit), draws.factors(config.scale_range)
    maps = _axial_maps(radians, scales, *images.shape[-3:-1]).to(images)
    moved = _sample_axial(labels[:, None].to(images.dtype), maps, "nearest")[:, 0].to(labels.dtype)
    return _sample_axial(images, maps, "bilinear"), moved


def gamma(images: Tensor, labels: Tensor, config: AugmentationConfig, draws: Draws) -> Pair:
    """Raises intensities to a power, between minimum and maximum of each channel, which stay."""
    exponents = draws.factors(config.gamma_range).to(images).view(-1, 1, 1, 1, 1)
    low, high = images.amin((2, 3, 4), keepdim=True), images.amax((2, 3, 4), keepdim=True)
    width = high - low
    relative = (images - low) / torch.where(width > 0, width, 1)  # a constant patch stays as it is
    return relative**exponents * width + low, labels


# In the order in which they are applied. Each changes some patches, whichever the others change.
AUGMENTATIONS = (
    Augmentation("flip 0", partial(flip_probability, 0), partial(flip, 0), EXCHANGED),
    Augmentation("flip 1", partial(flip_probability, 1), partial(flip, 1)),
    Augmentation("flip 2", partial(flip_probability, 2), partial(flip, 2)),
    Augmentation("rotate90", lambda config: config.rotate90_probability, rotate90, LOST),
    Augmentation("affine", lambda config: config.affine_probability, rotate_and_scale),
    Augmentation("gamma", lambda config: config.gamma_probability, gamma),
)


def _axial_maps(radians: Tensor, scales: Tensor, x: int, y: int) -> Tensor:
    """[b, 2, 3] maps from output to input positions (y, x), in half patch widths as `affine_grid` wants them.

    Angles are those of voxels, so patches that are not square are not sheared; objects grow by `scales`.
    """
    cosine, sine, zero = radians.cos() / scales, radians.sin() / scales, torch.zeros_like(radians)
    rows = [cosine, sine * (x / y), zero, -sine * (y / x), cosine, zero]
    return torch.stack(rows, dim=1).view(-1, 2, 3)


def _sample_axial(volumes: Tensor, maps: Tensor, mode: str) -> Tensor:
    """[b, C, X, Y, Z] resampled in each axial plane; beyond the border the patch is reflected, images and labels alike.

    Zeros there would change the statistics that instance normalisation sees.
    """
    count, channels, x, y, z = volumes.shape
    planes = volumes.permute(0, 1, 4, 2, 3).reshape(count, channels * z, x, y)
    grid = F.affine_grid(maps, list(planes.shape), align_corners=False)
    sampled = F.grid_sample(planes, grid, mode=mode, padding_mode="reflection", align_corners=False)
    return sampled.view(count, channels, z, x, y).permute(0, 1, 3, 4, 2)
