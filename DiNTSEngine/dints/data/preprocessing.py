"""From image files' grids to the network's input and back: axes, crop, spacing, intensity, each defined once.

Training and inference use the same `Preprocessor`; the `Grid` that it returns undoes axes, crop and spacing. An oblique
volume keeps its own axes, named after the nearest of Right, Anterior, Superior: voxels are not interpolated for that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F

from dints.config import PreprocessingConfig
from dints.config.ignored import IGNORED
from dints.data.grid import Grid
from dints.data.images import LARGEST_FLOAT, NUMBER_REMEDY, as_label
from dints.data.placement import geometry_difference
from dints.errors import InputError
from dints.geometry import Size, bounding_box

LARGEST_WORKING_VOLUME = 2**31  # voxels, 8 GiB a channel: more means that the header's spacing is wrong
ROUNDING = 1e-5  # of the mean; a standard deviation below it is float32 noise of a constant image
UNKNOWN_CLASS = -1


class Preprocessor:
    """Turns the channels of a case into the network's input; see `PreprocessingConfig`."""

    def __init__(self, config: PreprocessingConfig) -> None:
        self.config = config

    def __call__(self, channels: Sequence[sitk.Image]) -> tuple[torch.Tensor, Grid]:
        """(image [C, X, Y, Z] float32 in RAS axes at about the working spacing, grid to return by).

        `channels` are scalar 3D images on one grid. InputError if they are not, or if a voxel is not finite.
        """
        _check_channels(channels)
        grid = self._grid(channels)
        image = torch.empty((len(channels), *grid.working_shape))
        for index, channel in enumerate(channels):
            voxels = _packed(grid.crop(sitk.GetArrayViewFromImage(channel)), np.float32)
            image[index] = resample(torch.from_numpy(voxels), grid.working_shape, "trilinear")
            del voxels
            _scale_intensity(image[index], self.config.window_of(index), index)
        return image, grid

    def label(
        self, image: sitk.Image, grid: Grid, label_values: Sequence[int], ignored: Sequence[int] = ()
    ) -> torch.Tensor:
        """Class indices uint8 [X, Y, Z] of a label image on the grid of its case (nearest neighbour).

        A class index is the rank of a value among `label_values`; `ignored` values become IGNORED. InputError for
        another value or another grid.
        """
        if difference := geometry_difference(grid.source_image(), image):
            raise InputError(f"label: {difference} as in its image; resample the label to the image's grid")
        image = as_label(image)  # must outlive the view on its voxels
        voxels = grid.crop(sitk.GetArrayViewFromImage(image))
        lookup = np.full(np.iinfo(voxels.dtype).max + 1, UNKNOWN_CLASS, dtype=np.int16)
        for index, value in enumerate(sorted(label_values)):
            lookup[value : value + 1] = index  # a slice, as 8-bit labels cannot hold every declared value
        for value in ignored:
            lookup[value : value + 1] = IGNORED
        classes = lookup[voxels]
        if (unknown := classes == UNKNOWN_CLASS).any():
            declared = ", ".join(map(str, sorted(label_values)))
            raise InputError(f"label: value {voxels[unknown][0]} is not declared; declare it or keep to {declared}")
        return resample(torch.from_numpy(_packed(classes, np.uint8)), grid.working_shape, "nearest-exact")

    def _grid(self, channels: Sequence[sitk.Image]) -> Grid:
        """The grid of a case: its box, and the working shape that comes nearest to the spacing asked for."""
        grid = Grid.of(channels[0])
        if self.config.crop_foreground:
            arrays = (grid.crop(sitk.GetArrayViewFromImage(channel)) for channel in channels)
            inside = [self._is_foreground(index, array) for index, array in enumerate(arrays)]
            grid = grid.cropped(*_foreground_box(inside))
        extents = [count * step for count, step in zip(grid.crop_shape, grid.oriented_spacing, strict=True)]
        x, y, z = (max(1, round(mm / step)) for mm, step in zip(extents, self.config.spacing, strict=True))
        if x * y * z > LARGEST_WORKING_VOLUME:
            extent = " x ".join(f"{mm:.4g}" for mm in extents)
            raise InputError(f"image: {extent} mm make {x * y * z} working voxels; correct the spacing in the file")
        return grid.with_working_shape((x, y, z))

    def _is_foreground(self, channel: int, array: np.ndarray) -> np.ndarray:
        window = self.config.window_of(channel)
        return array > window[0] if window else array != 0


def _scale_intensity(volume: torch.Tensor, window: tuple[float, float] | None, channel: int) -> None:
    """In place: clips to a window and scales to 0..1; without one standardises the non-zero voxels, zeros stay.

    InputError if single precision cannot hold how far voxels lie from their mean.
    """
    if window:
        low, high = window
        volume.clamp_(low, high).sub_(low).div_(high - low)
        return
    outside = volume == 0
    count = max(1, int(volume.count_nonzero()))
    # Sums in float64, plane by plane: PyTorch would convert the whole volume for them.
    mean = sum(float(plane.double().sum()) for plane in volume) / count
    volume.sub_(mean).masked_fill_(outside, 0)
    deviation = math.sqrt(sum(float(plane.double().square().sum()) for plane in volume) / count)
    if not math.isfinite(deviation):
        reason = "holds voxels too far apart for single precision; replace the extreme ones"
        raise InputError(f"image: channel {channel} {reason}, such as by the intensity of air")
    volume.div_(deviation if deviation > ROUNDING * abs(mean) else 1.0)


def resample(volume: torch.Tensor, shape: Size, mode: str) -> torch.Tensor:
    """[X, Y, Z] at another shape over the same field of view: voxel edges coincide, not voxel centres."""
    if tuple(volume.shape) == shape:
        return volume
    align = {} if mode == "nearest-exact" else {"align_corners": False}
    return F.interpolate(volume[None, None], size=shape, mode=mode, **align)[0, 0]


def _check_channels(channels: Sequence[sitk.Image]) -> None:
    if not channels:
        raise InputError("image: no channel was given; give one image for each channel")
    for index, channel in enumerate(channels):
        if channel.GetDimension() != 3 or channel.GetNumberOfComponentsPerPixel() != 1:
            raise InputError(
                f"image: channel {index} is no scalar 3D image; split it with dints.data.images.split_channels"
            )
        if difference := geometry_difference(channels[0], channel):
            raise InputError(f"image: channel {index}: {difference} as in channel 0; resample it to that grid")
        voxels = sitk.GetArrayViewFromImage(channel)
        if not (voxels.max() <= LARGEST_FLOAT and voxels.min() >= -LARGEST_FLOAT):  # also true for NaN
            raise InputError(f"image: channel {index} holds NaN or infinite voxels; {NUMBER_REMEDY}")


def _packed(view: np.ndarray, dtype: type) -> np.ndarray:
    """A C-contiguous copy of [X, Y, Z]. By planes: at once, a transposed volume misses the cache (4 times as long)."""
    packed: np.ndarray = np.empty(view.shape, dtype)
    for row in range(view.shape[1]):
        packed[:, row] = view[:, row]
    return packed


def _foreground_box(masks: Sequence[np.ndarray]) -> tuple[Size, Size]:
    """(first voxel, shape) of the bounding box of what is set in any mask; the whole volume if nothing is."""
    x, y, z = bounding_box(*masks) or (slice(0, size) for size in masks[0].shape)
    return (x.start, y.start, z.start), (x.stop - x.start, y.stop - y.start, z.stop - z.start)
