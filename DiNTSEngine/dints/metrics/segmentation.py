"""The two measures of the Medical Segmentation Decathlon, for one label of one case.

Both are undefined (NaN) where prediction and reference are both empty, and such values are left out of means, as the
challenge does; where only one of the two is empty, both are 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dints.errors import InputError
from dints.geometry import bounding_box
from dints.metrics.surface import element_areas, element_codes, within


def dice(prediction: np.ndarray, reference: np.ndarray) -> float:
    """Dice-Soerensen coefficient 2 |P and R| / (|P| + |R|) of two masks of one shape; NaN if both are empty.

    What is not zero is foreground. Raises InputError if the shapes differ.
    """
    prediction, reference = _masks(prediction, reference)
    volumes = int(prediction.sum()) + int(reference.sum())
    return 2 * int((prediction & reference).sum()) / volumes if volumes else float("nan")


def normalized_surface_distance(
    prediction: np.ndarray, reference: np.ndarray, spacing: Sequence[float], tolerance: float
) -> float:
    """Part of both surfaces that lies within `tolerance` mm of the other one (Nikolov et al., arXiv:1809.04430).

    Masks are [X, Y, Z] of one shape, what is not zero is foreground; `spacing` in mm along their axes. 1 is perfect, 0
    if one mask is empty, NaN if both are. Raises InputError for other shapes, spacing or tolerance.
    """
    prediction, reference = _masks(prediction, reference)
    if prediction.ndim != 3 or len(spacing) != 3:
        raise InputError(f"masks of shape {prediction.shape} with spacing {tuple(spacing)}: three axes are needed")
    if not (min(spacing) > 0 and tolerance >= 0):
        raise InputError(f"spacing {tuple(spacing)} must be positive and tolerance {tolerance} not negative")
    box = bounding_box(prediction, reference)
    if box is None:
        return float("nan")
    codes = element_codes(prediction[box]), element_codes(reference[box])
    areas = element_areas(spacing)
    borders = [areas[code] > 0 for code in codes]
    total = matched = 0.0
    for own, other in ((0, 1), (1, 0)):
        elements = areas[codes[own][borders[own]]]
        total += float(elements.sum())
        matched += float(elements[within(borders[own], borders[other], spacing, tolerance)].sum())
    return matched / total


def _masks(prediction: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    prediction, reference = np.asarray(prediction, bool), np.asarray(reference, bool)
    if prediction.shape != reference.shape:
        raise InputError(
            f"prediction of shape {prediction.shape} and reference of shape {reference.shape}: compare on one grid"
        )
    return prediction, reference
