"""Augmentations that move voxels, images and labels alike (4.1)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from dints.config import AugmentationConfig
from dints.geometry import thin_axes
from dints.training.draws import Draws, Pair

AXIAL_PLANE = (-3, -2)  # x and y of [..., X, Y, Z]
RIGHT_ANGLES = 3  # 90, 180 and 270 degrees


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
    """Rotates by any angles and scales, with one interpolation; with a single axis, in the planes across it alone.

    Angles are those of voxels, so patches that are not cubes are not sheared; objects grow by the factor.
    """
    limit = math.radians(config.rotation_degrees)
    radians = {axis: draws.uniform(-limit, limit) for axis in config.rotation_axes}
    scales = draws.factors(config.scale_range)
    axes = turning_axes(config.rotation_axes, images.shape[-3:])
    positions = torch.eye(3, dtype=scales.dtype).expand(len(scales), 3, 3)  # from those of the output to the input's
    for axis in axes:
        positions = positions @ _turn(axis, radians[axis])
    positions = positions / scales.view(-1, 1, 1)
    across = axes[0] if len(axes) == 1 else None
    moved = _sample(labels[:, None].to(images.dtype), positions, across, "nearest")[:, 0].to(labels.dtype)
    return _sample(images, positions, across, "bilinear"), moved


def turning_axes(axes: Sequence[int], size: Sequence[int]) -> list[int]:
    """The axes about which patches of a size [X, Y, Z] turn: of several, those whose plane has no thin side.

    A thick slice that turned out of its plane would be stretched beyond what scans show.
    """
    if len(axes) == 1:
        return list(axes)
    return [axis for axis in axes if not thin_axes([side for own, side in enumerate(size) if own != axis])]


def _turn(axis: int, radians: Tensor) -> Tensor:
    """[b, 3, 3] rotations about an axis."""
    first, second = (own for own in range(3) if own != axis)
    turns = torch.eye(3, dtype=radians.dtype).repeat(len(radians), 1, 1)
    turns[:, first, first] = turns[:, second, second] = radians.cos()
    turns[:, second, first], turns[:, first, second] = radians.sin(), -radians.sin()
    return turns


def _sample(volumes: Tensor, positions: Tensor, across: int | None, mode: str) -> Tensor:
    """[b, C, X, Y, Z] at `positions` [b, 3, 3], in voxels from the centre; where an axis is `across`, plane by plane.

    Beyond the border the patch is reflected, images and labels alike: zeros there would change the statistics that
    instance normalisation sees.
    """
    folded, axes = volumes, [0, 1, 2]
    if across is not None:
        axes.remove(across)
        folded = volumes.movedim(across + 2, 2).flatten(1, 2)
    sides = torch.tensor([volumes.shape[axis + 2] for axis in axes], dtype=positions.dtype)
    # As `affine_grid` wants them: in half patch widths, the last axis first, with a shift.
    maps = F.pad((positions[:, axes][:, :, axes] * (sides / sides[:, None])).flip(1, 2), (0, 1)).to(volumes)
    grid = F.affine_grid(maps, list(folded.shape), align_corners=False)
    sampled = F.grid_sample(folded, grid, mode=mode, padding_mode="reflection", align_corners=False)
    if across is None:
        return sampled
    planes: Tensor = sampled.unflatten(1, (volumes.shape[1], -1))
    return planes.movedim(2, across + 2)
