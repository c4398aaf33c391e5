"""Removes the islands of a label: only its largest connected component stays."""

from __future__ import annotations

from collections.abc import Collection
from typing import overload

import numpy as np
import SimpleITK as sitk

from dints.geometry import bounding_box


@overload
def keep_largest_components(labels: np.ndarray, values: Collection[int], nested: bool = False) -> np.ndarray: ...
@overload
def keep_largest_components(labels: sitk.Image, values: Collection[int], nested: bool = False) -> sitk.Image: ...
def keep_largest_components(
    labels: np.ndarray | sitk.Image, values: Collection[int], nested: bool = False
) -> np.ndarray | sitk.Image:
    """A copy in which each label of `values` keeps only its largest component; the rest of it becomes background.

    Components are connected through faces. Of equally large ones the first in the array's order stays.

    Args:
        labels: integers, 0 is background; an image keeps its geometry.
        values: the labels to clean; those that do not occur are passed over.
        nested: labels nest, such as a tumour inside its organ: first, the labels to clean keep only what lies in the
            largest component of all foreground together.
    """
    if isinstance(labels, sitk.Image):
        cleaned = sitk.GetImageFromArray(_clean(sitk.GetArrayFromImage(labels), values, nested))
        cleaned.CopyInformation(labels)
        return cleaned
    return _clean(labels.copy(order="K"), values, nested)


def _clean(labels: np.ndarray, values: Collection[int], nested: bool) -> np.ndarray:
    """`labels`, changed in place."""
    if nested and values:
        outside = _islands(labels != 0)
        labels[outside & np.isin(labels, list(values))] = 0
    for value in values:
        labels[_islands(labels == value)] = 0
    return labels


def _islands(mask: np.ndarray) -> np.ndarray:
    """What of a mask does not belong to its largest component."""
    islands = mask.copy()
    box = bounding_box(mask)
    if box is not None:  # labels are small in their volume, and components take four bytes a voxel
        components = sitk.ConnectedComponent(sitk.GetImageFromArray(mask[box].astype(np.uint8)))
        ranked = sitk.RelabelComponent(components, sortByObjectSize=True)
        islands[box] &= sitk.GetArrayViewFromImage(ranked) != 1
    return islands
