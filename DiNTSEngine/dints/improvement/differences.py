"""How a prediction and a reference of one label differ: the likely reason, and the place that differs most."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import SimpleITK as sitk

from dints.config.sides import sides_of
from dints.improvement.reasons import EXCHANGED, MISSING, PROTOCOL, SHIFTED, SIDE, UNCLEAR
from dints.metrics.segmentation import dice

# An explanation counts if undoing it gains so much Dice; a fifth is far beyond what two readers differ by.
CLEAR_GAIN = 0.2
CONTAINED = 0.85  # of the smaller volume: then one outline lies within the other
LARGER = 1.3  # times the smaller volume, from which the two follow different rules

VoxelIndex = tuple[int, int, int]


def likely_reason(
    predicted: np.ndarray, reference: np.ndarray, value: int, labels: Mapping[int, str]
) -> tuple[str, str]:
    """The reason why a label differs, and what was seen, as the end of a sentence.

    Args:
        predicted, reference: label values [Z, Y, X].
        value: of the label that differs.
        labels: names by value.
    """
    found, drawn, name = predicted == value, reference == value, labels[value]
    if not drawn.any():
        return MISSING, f"{name} was found in {int(found.sum())} voxels and is not labelled"
    if not found.any():
        return UNCLEAR, f"{name} is labelled in {int(drawn.sum())} voxels and nothing of it was found"
    before = dice(found, drawn)
    if other := _exchanged_with(predicted, reference, value, labels, before):
        kind = SIDE if _other_side(value, labels) == other else EXCHANGED
        return kind, f"what was found as {name} is labelled {labels[other]}, and the other way round"
    offset, after = _best_shift(found, drawn)
    if after - before >= CLEAR_GAIN:
        i, j, k = offset
        return SHIFTED, f"moved by {i}, {j}, {k} voxels the label would have Dice {after:.2f} instead of {before:.2f}"
    small, large = sorted((int(found.sum()), int(drawn.sum())))
    if (found & drawn).sum() >= CONTAINED * small and large >= LARGER * small:
        size = "larger" if drawn.sum() == large else "smaller"
        return PROTOCOL, f"the label of {name} is {large / small:.1f} times {size} and one outline lies in the other"
    return UNCLEAR, f"{name} has Dice {before:.2f}"


def most_different_place(
    found: np.ndarray, drawn: np.ndarray, like: sitk.Image
) -> tuple[VoxelIndex, tuple[float, ...]]:
    """The middle of the largest connected difference of two masks [Z, Y, X]: voxel (i, j, k), and RAS in mm.

    It is a voxel that differs, whatever shape the difference has; (0, 0, 0) if nothing differs.
    """
    components = sitk.RelabelComponent(
        sitk.ConnectedComponent(sitk.GetImageFromArray((found != drawn).astype(np.uint8)))
    )
    places = np.argwhere(sitk.GetArrayViewFromImage(components) == 1)
    places = places if len(places) else np.zeros((1, 3), int)
    middle = places[np.abs(places - places.mean(0)).sum(1).argmin()]
    k, j, i = (int(index) for index in middle)
    x, y, z = like.TransformIndexToPhysicalPoint((i, j, k))
    return (i, j, k), (-x, -y, z)


def _exchanged_with(
    predicted: np.ndarray, reference: np.ndarray, value: int, labels: Mapping[int, str], before: float
) -> int | None:
    """The label whose reference a prediction meets much better than its own, and the other way round."""
    for other in labels:
        if other in (0, value):
            continue
        pairs = ((value, other), (other, value))
        if min(_dice(predicted == own, reference == drawn) for own, drawn in pairs) - before >= CLEAR_GAIN:
            return other
    return None


def _other_side(value: int, labels: Mapping[int, str]) -> int | None:
    values = sorted(labels)
    other = values[sides_of(labels).classes[values.index(value)]]
    return other if other != value else None


def _best_shift(found: np.ndarray, drawn: np.ndarray) -> tuple[VoxelIndex, float]:
    """The offset (i, j, k) in voxels that lays the middle of the reference on that of the prediction, and Dice then."""
    offset = np.round(np.argwhere(found).mean(0) - np.argwhere(drawn).mean(0)).astype(int)
    places = np.argwhere(drawn) + offset
    places = places[((places >= 0) & (places < drawn.shape)).all(1)]
    moved = np.zeros_like(drawn)
    moved[tuple(places.T)] = True
    k, j, i = offset.tolist()
    return (i, j, k), _dice(found, moved)


def _dice(first: np.ndarray, second: np.ndarray) -> float:
    """0 where both are empty: nothing speaks for an explanation."""
    return dice(first, second) if first.any() or second.any() else 0.0
