"""Segmenting a box of an image only: what of the working volume must be computed, and what of it counts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
import torch.nn.functional as F

from dints.data.grid import Grid
from dints.errors import InputError, brief
from dints.geometry import Box, Size
from dints.inference.band_sums import Band

Region = tuple[Size, Size]  # the first voxel, and the one after the last, along the file's axes


def checked_region(region: Sequence[Sequence[int]], size: Size) -> Region:
    """The region as a tuple; InputError if it is no box within an image of `size` voxels."""
    try:
        (x, y, z), (x_stop, y_stop, z_stop) = ((int(value) for value in corner) for corner in region)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"region {brief(region)}: must be two voxels, ((x, y, z), (x, y, z))") from None
    first, stop = (x, y, z), (x_stop, y_stop, z_stop)
    if not all(0 <= low < high <= count for low, high, count in zip(first, stop, size, strict=True)):
        box = f"{brief(first)} to {brief(stop)}"
        raise InputError(f"region {box}: must be a box of at least one voxel within the image's {size} voxels")
    return first, stop


def crop_box(grid: Grid, region: Region) -> Box | None:
    """The region within the crop, in its axes; None if it lies in what was cropped away."""
    box = []
    for axis, source in enumerate(grid.axes):
        low, high = region[0][source], region[1][source]
        if grid.flips[axis]:
            low, high = grid.size[source] - high, grid.size[source] - low
        low = max(low - grid.crop_start[axis], 0)
        high = min(high - grid.crop_start[axis], grid.crop_shape[axis])
        if low >= high:
            return None
        box.append(slice(low, high))
    return box[0], box[1], box[2]


def working_box(grid: Grid, box: Box, patch: Size) -> Box:
    """The working voxels to compute for a box of the crop.

    Half a patch more on each side, so that the box lies in the middle of windows as it would without a region; a whole
    patch at least, where the volume has it.
    """
    wider = []
    for part, size, working, crop in zip(box, patch, grid.working_shape, grid.crop_shape, strict=True):
        low = math.floor(part.start * working / crop) - size // 2
        low = max(0, min(low, working - size))
        high = math.ceil(part.stop * working / crop) + size // 2
        wider.append(slice(low, min(working, max(high, low + size))))
    return wider[0], wider[1], wider[2]


def embedded(band: Band, box: Box, working_shape: Size) -> Band:
    """A band of the boxed volume as one of the whole volume; what surrounds it is zero and must not be used."""
    (x, y, z), (width, depth, _) = box, working_shape
    margins = (0, 0, y.start, depth - y.stop, x.start, width - x.stop)
    logits = [F.pad(values, margins) for values in band.logits] if any(margins) else band.logits
    return Band(band.first_row + z.start, logits)


def placed_within(voxels: np.ndarray, grid: Grid, region: Region, outside: int) -> sitk.Image:
    """Image on the file's grid from voxels of the crop; what was cropped away is 0 in the region, else `outside`."""
    (x, y, z), (x_stop, y_stop, z_stop) = region
    source = np.full(grid.size[::-1], outside, voxels.dtype)
    source[z:z_stop, y:y_stop, x:x_stop] = 0
    grid.crop(source)[:] = voxels
    return grid.source_image(source)


def blank_outside(voxels: np.ndarray, box: Box, value: int = 0) -> np.ndarray:
    """A copy that has one value outside of the box."""
    blanked = np.full_like(voxels, value)
    blanked[box] = voxels[box]
    return blanked
