"""What a segmentation measures: volume, surface and mean intensity of each label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from dints.metrics.surface import CODES, element_areas, element_codes

CUBIC_MM_PER_ML = 1000.0
SQUARE_MM_PER_SQUARE_CM = 100.0


@dataclass(frozen=True)
class LabelStatistics:
    """Of one label of an image."""

    value: int
    name: str
    volume: float  # ml
    surface: float  # cm^2, of the steps of the voxels (a tenth above that of a smooth surface); closed at the border
    mean: float | None  # intensity, in the image's units; None where the image has no such voxel


def label_statistics(labels: sitk.Image, image: sitk.Image, names: Mapping[int, str]) -> list[LabelStatistics]:
    """One entry for each of `names`, which may leave out values (the background).

    Args:
        labels: label values; image: the intensities. Both 3D, on one grid.
    """
    measure = sitk.LabelStatisticsImageFilter()
    measure.UseHistogramsOff()
    measure.Execute(image, labels)
    present = set(measure.GetLabels())
    voxels = sitk.GetArrayViewFromImage(labels)  # [Z, Y, X]
    spacing = labels.GetSpacing()[::-1]
    areas, volume = element_areas(spacing), float(np.prod(spacing))
    rows = []
    for value, name in names.items():
        if value not in present:
            rows.append(LabelStatistics(value, name, 0.0, 0.0, None))
            continue
        x, x_last, y, y_last, z, z_last = measure.GetBoundingBox(value)
        mask = voxels[z : z_last + 1, y : y_last + 1, x : x_last + 1] == value
        surface = np.bincount(element_codes(mask).ravel(), minlength=CODES) @ areas
        milliliters = measure.GetCount(value) * volume / CUBIC_MM_PER_ML
        mean = float(measure.GetMean(value))
        rows.append(LabelStatistics(value, name, milliliters, float(surface) / SQUARE_MM_PER_SQUARE_CM, mean))
    return rows
