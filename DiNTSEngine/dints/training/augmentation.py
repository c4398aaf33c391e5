"""Random changes of training patches (4.1), batched, on the device that holds the patches."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from dints.config import AugmentationConfig
from dints.process_group import Part

AXIAL_PLANE = (-3, -2)  # x and y of [..., X, Y, Z]
RIGHT_ANGLES = 3  # 90, 180 and 270 degrees


def augment(
    images: Tensor,
    labels: Tensor,
    config: AugmentationConfig,
    generator: torch.Generator,
    part: Part | None = None,
) -> tuple[Tensor, Tensor]:
    """Changed copies of images float [B, C, X, Y, Z] and labels uint8 [B, X, Y, Z].

    Flips along some axes; rotations by 90, 180 or 270 degrees in the axial plane (only for patches as wide as high);
    rotation by any angle and scaling in the axial plane; gamma. Randomness comes from the CPU `generator` alone;
    patches that are `part` of a batch are changed as they would be in the whole.
    """
    # A row a patch. Every change has its own columns, so one that is switched off leaves the others' numbers alone.
    rows, whole = part or Part(slice(None), len(images))
    chances = torch.rand((whole, 6), generator=generator, dtype=torch.float64)[rows]
    amounts = torch.rand((whole, 4), generator=generator, dtype=torch.float64)[rows]
    images, labels = images.clone(), labels.clone()
    for axis in config.flip_axes:
        _flip(images, labels, _chosen(chances[:, axis], config.flip_probability), axis - 3)
    if images.shape[-3] == images.shape[-2]:
        _rotate90(images, labels, _chosen(chances[:, 3], config.rotate90_probability), amounts[:, 0])
    radians = (2 * amounts[:, 1] - 1) * math.radians(config.rotation_degrees)
    scales = _between(config.scale_range, amounts[:, 2])
    _rotate_and_scale(images, labels, _chosen(chances[:, 4], config.affine_probability), radians, scales)
    _gamma(images, _chosen(chances[:, 5], config.gamma_probability), _between(config.gamma_range, amounts[:, 3]))
    return images, labels


def _chosen(chances: Tensor, probability: float) -> Tensor:
    """Indices of the patches to change."""
    return (chances < probability).nonzero()[:, 0]


def _between(limits: tuple[float, float], amounts: Tensor) -> Tensor:
    """Factors within limits, even on a logarithmic scale, so that a factor is as likely as its inverse."""
    low, high = limits
    return low * (high / low) ** amounts


def _flip(images: Tensor, labels: Tensor, chosen: Tensor, axis: int) -> None:
    """Flips the chosen patches in place."""
    patches = chosen.to(images.device)
    images[patches] = images[patches].flip(axis)
    labels[patches] = labels[patches].flip(axis)


def _rotate90(images: Tensor, labels: Tensor, chosen: Tensor, amounts: Tensor) -> None:
    """Rotates the chosen patches in place by 90, 180 or 270 degrees."""
    turns = 1 + (RIGHT_ANGLES * amounts[chosen]).long()
    for count in range(1, RIGHT_ANGLES + 1):
        patches = chosen[turns == count].to(images.device)
        images[patches] = images[patches].rot90(count, AXIAL_PLANE)
        labels[patches] = labels[patches].rot90(count, AXIAL_PLANE)


def _rotate_and_scale(images: Tensor, labels: Tensor, chosen: Tensor, radians: Tensor, scales: Tensor) -> None:
    """Rotates and scales the chosen patches in place, in the axial plane, with one interpolation."""
    if not len(chosen):
        return
    x, y = images.shape[-3:-1]
    maps = _axial_maps(radians[chosen], scales[chosen], x, y).to(images)
    patches = chosen.to(images.device)
    images[patches] = _sample_axial(images[patches], maps, "bilinear")
    labels[patches] = _sample_axial(labels[patches, None].to(images.dtype), maps, "nearest")[:, 0].to(labels.dtype)


def _axial_maps(radians: Tensor, scales: Tensor, x: int, y: int) -> Tensor:
    """[B, 2, 3] maps from output to input positions (y, x), in half patch widths as `affine_grid` wants them.

    Angles are those of voxels, so patches that are not square are not sheared; objects grow by `scales`.
    """
    cosine, sine, zero = radians.cos() / scales, radians.sin() / scales, torch.zeros_like(radians)
    rows = [cosine, sine * (x / y), zero, -sine * (y / x), cosine, zero]
    return torch.stack(rows, dim=1).view(-1, 2, 3)


def _sample_axial(volumes: Tensor, maps: Tensor, mode: str) -> Tensor:
    """[B, C, X, Y, Z] resampled in each axial plane; beyond the border the patch is reflected, images and labels alike.

    Zeros there would change the statistics that instance normalisation sees.
    """
    count, channels, x, y, z = volumes.shape
    planes = volumes.permute(0, 1, 4, 2, 3).reshape(count, channels * z, x, y)
    grid = F.affine_grid(maps, list(planes.shape), align_corners=False)
    sampled = F.grid_sample(planes, grid, mode=mode, padding_mode="reflection", align_corners=False)
    return sampled.view(count, channels, z, x, y).permute(0, 1, 3, 4, 2)


def _gamma(images: Tensor, chosen: Tensor, exponents: Tensor) -> None:
    """Raises the chosen patches to a power in place, between minimum and maximum of each channel, which stay."""
    if not len(chosen):
        return
    patches = chosen.to(images.device)
    values = images[patches]
    low, high = values.amin((2, 3, 4), keepdim=True), values.amax((2, 3, 4), keepdim=True)
    width = high - low
    relative = (values - low) / torch.where(width > 0, width, 1)  # a constant patch stays as it is
    images[patches] = relative ** exponents[chosen].to(images).view(-1, 1, 1, 1, 1) * width + low
