"""Augmentations that change intensities, not labels: gamma (4.1), and those of nnU-Net (Isensee et al., 2021).

Blur and low resolution are linear along each axis, so both are a matrix an axis, different for every patch.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from dints.config import AugmentationConfig
from dints.geometry import thin_axes
from dints.training.draws import Draws, Pair, each_channel

OVER_VOXELS = (2, 3, 4)  # of images [b, C, X, Y, Z]


def noise(images: Tensor, labels: Tensor, config: AugmentationConfig, draws: Draws) -> Pair:
    """Adds Gaussian noise; its deviation is a share of that of the patch's channel, whatever the images' unit."""
    shares = each_channel(partial(draws.uniform, *config.noise_range), images)
    return images + draws.normal_like(images) * (shares * _deviation(images)), labels


def blur(images: Tensor, labels: Tensor, config: AugmentationConfig, draws: Draws) -> Pair:
    """Smooths with a Gaussian of as many voxels along all axes; beyond the border the patch is reflected."""
    deviations = each_channel(partial(draws.uniform, *config.blur_range), images).double().flatten()
    matrices = [gaussian_matrices(deviations, side) for side in images.shape[2:]]
    return _along_axes(images, matrices), labels


def brightness(images: Tensor, labels: Tensor, config: AugmentationConfig, draws: Draws) -> Pair:
    """Multiplies intensities."""
    return images * each_channel(partial(draws.factors, config.brightness_range), images), labels


def contrast(images: Tensor, labels: Tensor, config: AugmentationConfig, draws: Draws) -> Pair:
    """Multiplies the distance from the mean; what leaves the channel's range becomes its end, if it is kept."""
    factors = each_channel(partial(draws.factors, config.contrast_range), images)
    mean = images.mean(OVER_VOXELS, keepdim=True)
    changed = (images - mean) * factors + mean
    if config.contrast_keeps_range:
        low, high = _range(images)
        changed = changed.clamp(low, high)
    return changed, labels


def low_resolution(images: Tensor, labels: Tensor, config: AugmentationConfig, draws: Draws) -> Pair:
    """Takes fewer voxels (the nearest) along all axes but that of thick slices, and interpolates between them."""
    shares = each_channel(partial(draws.uniform, *config.low_resolution_range), images).double().flatten()
    sides, kept = images.shape[2:], thin_axes(images.shape[2:])
    ones = torch.ones_like(shares)
    matrices = [coarse_matrices(ones if axis in kept else shares, side) for axis, side in enumerate(sides)]
    return _along_axes(images, matrices), labels


def gamma(images: Tensor, labels: Tensor, config: AugmentationConfig, draws: Draws) -> Pair:
    """Raises intensities to a power, between minimum and maximum of each channel.

    These stay, or the mean and the deviation do, as `gamma_keeps` asks.
    """
    exponents = draws.factors(config.gamma_range).to(images).view(-1, 1, 1, 1, 1)
    low, high = _range(images)
    width = high - low
    relative = (images - low) / torch.where(width > 0, width, 1)  # a constant patch stays as it is
    changed = relative**exponents * width + low
    return (_with_statistics_of(images, changed) if config.gamma_keeps == "statistics" else changed), labels


def inverted_gamma(images: Tensor, labels: Tensor, config: AugmentationConfig, draws: Draws) -> Pair:
    """The same with bright and dark exchanged meanwhile, so that it works on the other end of the range."""
    changed, labels = gamma(-images, labels, config, draws)
    return -changed, labels


def gaussian_matrices(deviations: Tensor, side: int) -> Tensor:
    """[b, side, side] for deviations float64 [b] in voxels: each row weights the voxels of a line, reflected once."""
    places = torch.arange(side, dtype=deviations.dtype, device=deviations.device)
    images = torch.stack((places, -1 - places, 2 * side - 1 - places))  # of each voxel: itself and its mirror images
    distances = (images[:, None, :] - places[:, None]) / deviations.view(-1, 1, 1, 1)
    weights = (-0.5 * distances.square()).exp().sum(1)
    return weights / weights.sum(2, keepdim=True)


def coarse_matrices(shares: Tensor, side: int) -> Tensor:
    """[b, side, side] that leave a share of the voxels, float64 [b], and interpolate linearly between them."""
    count = (shares * side).round().clamp(min=1)[:, None]
    places = torch.arange(side, dtype=shares.dtype, device=shares.device)
    coarse = ((places + 0.5) * count / side - 0.5).clamp(min=0).minimum(count - 1)
    before = coarse.floor()
    matrices = torch.zeros(len(shares), side, side, dtype=shares.dtype, device=shares.device)
    for neighbour, weight in ((before, 1 + before - coarse), ((before + 1).minimum(count - 1), coarse - before)):
        nearest = ((neighbour + 0.5) * side / count).long()
        matrices.scatter_add_(2, nearest[..., None], weight[..., None])
    return matrices


def _along_axes(images: Tensor, matrices: list[Tensor]) -> Tensor:
    """[b, C, X, Y, Z] with each axis multiplied by its matrix of each patch and channel, [b C, n, n]."""
    x, y, z = (matrix.to(images) for matrix in matrices)
    volumes = images.flatten(0, 1)
    volumes = torch.bmm(x, volumes.flatten(2)).view_as(volumes)
    volumes = y[:, None] @ volumes
    return (volumes @ z.transpose(1, 2)[:, None]).view_as(images)


def _range(images: Tensor) -> Pair:
    """Minimum and maximum of each channel, [b, C, 1, 1, 1]."""
    return images.amin(OVER_VOXELS, keepdim=True), images.amax(OVER_VOXELS, keepdim=True)


def _deviation(images: Tensor) -> Tensor:
    """Standard deviation of each channel, [b, C, 1, 1, 1]."""
    return images.std(OVER_VOXELS, keepdim=True)


def _with_statistics_of(images: Tensor, changed: Tensor) -> Tensor:
    """`changed` with mean and deviation of each channel of `images`."""
    own = _deviation(changed)
    ratio = _deviation(images) / torch.where(own > 0, own, 1)
    return (changed - changed.mean(OVER_VOXELS, keepdim=True)) * ratio + images.mean(OVER_VOXELS, keepdim=True)
