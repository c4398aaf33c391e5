"""What a segmentation is scored by, label by label: `METRICS`. A new metric is a function and a line there.

The two that are there are those of the Medical Segmentation Decathlon. Both are undefined (NaN) where prediction and
reference are both empty, and such values are left out of means, as the challenge does; where only one of the two is
empty, both are 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dints.errors import InputError
from dints.geometry import bounding_box
from dints.metrics.surface import element_areas, element_codes, within


@dataclass(frozen=True)
class LabelMasks:
    """One label of one case, as it was predicted and as it should be."""

    prediction: np.ndarray  # bool [X, Y, Z], as the reference
    reference: np.ndarray
    spacing: Sequence[float]  # mm, along the arrays' axes
    tolerance: float  # mm, by which a surface may be off


@dataclass(frozen=True)
class Metric:
    """A line of the table."""

    name: str  # in scores.json and scores.csv: stays as it is
    caption: str
    short: str  # where the caption has no room
    measure: Callable[[LabelMasks], float]  # of two masks that are not empty
    unit: str = ""  # none: a fraction
    higher_is_better: bool = True
    one_empty: float = 0.0  # the score where only one of the masks is empty; NaN is undefined
    both_empty: float = math.nan

    def score(self, masks: LabelMasks) -> float:
        """Of one label of one case; NaN where undefined."""
        empty = sum(not mask.any() for mask in (masks.prediction, masks.reference))
        if empty:
            return self.one_empty if empty == 1 else self.both_empty
        return self.measure(masks)


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


# In the order of tables; the first ranks the cases in a report.
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("dice", "Dice", "Dice", lambda masks: dice(masks.prediction, masks.reference)),
        Metric(
            "nsd",
            "Normalised surface distance",
            "NSD",
            lambda masks: normalized_surface_distance(
                masks.prediction, masks.reference, masks.spacing, masks.tolerance
            ),
        ),
    )
}


def short_name(name: str) -> str:
    """What a metric is called where there is little room; one that only another engine knows goes by its name."""
    return METRICS[name].short if name in METRICS else name


def _masks(prediction: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    prediction, reference = np.asarray(prediction, bool), np.asarray(reference, bool)
    if prediction.shape != reference.shape:
        raise InputError(
            f"prediction of shape {prediction.shape} and reference of shape {reference.shape}: compare on one grid"
        )
    return prediction, reference
