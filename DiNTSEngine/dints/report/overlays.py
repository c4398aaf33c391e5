"""Contours of reference and prediction over the image, in the slices that show most of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from dints.data.placement import geometry_difference
from dints.errors import InputError
from dints.geometry import bounding_box
from dints.report.figures import new_figure, png

REFERENCE_COLOUR = "#35d0ff"
PREDICTION_COLOUR = "#ff9a1f"
REFERENCE_WIDTH, PREDICTION_WIDTH = 3.2, 1.3  # points; where the two agree, the prediction runs inside the reference
GREY_PERCENTILES = (0.5, 99.5)  # of the shown slice, to black and white: single bright voxels must not darken the rest
MARGIN_MM = 30.0  # of image around the labels; more would make small organs invisible
VIEW_INCHES = 4.2  # longer side
SHORTEST_INCHES = 0.2  # shorter side: a single slice would vanish


@dataclass(frozen=True)
class Plane:
    """A viewing plane of an array [Z, Y, X] in LPS axes, shown as in radiology: the patient's right is on the left."""

    name: str
    axis: int  # that is sliced
    rows: int  # axis that runs along the picture's height
    columns: int
    head_up: bool  # the row axis grows upwards


PLANES = (
    Plane("axial", 0, 1, 2, False),
    Plane("coronal", 1, 0, 2, True),
    Plane("sagittal", 2, 0, 1, True),
)


@dataclass(frozen=True)
class View:
    """A picture of one plane."""

    plane: str
    png: bytes


def overlay_views(
    image: sitk.Image,
    reference: sitk.Image,
    prediction: sitk.Image,
    window: tuple[float, float] | None = None,
) -> list[View]:
    """An axial, a coronal and a sagittal picture, each in the slice with most labelled voxels.

    Args:
        image: scalar 3D image, the grey background.
        reference: label image on the same grid, as `prediction`.
        window: intensities shown black and white; by default percentiles of the slice.

    Raises:
        InputError: the grids differ, or matplotlib is missing.
    """
    for labels, name in ((reference, "reference"), (prediction, "prediction")):
        if difference := geometry_difference(image, labels):
            raise InputError(f"{name}: {difference} as in the image; an overlay needs one grid")
    grey, expected, predicted = (
        sitk.GetArrayFromImage(sitk.DICOMOrient(volume, "LPS")) for volume in (image, reference, prediction)
    )
    spacing = sitk.DICOMOrient(image, "LPS").GetSpacing()[::-1]
    labelled = (expected > 0) | (predicted > 0)
    box = _box_around(labelled, spacing)
    volumes = [volume[box] for volume in (grey, expected, predicted)]
    return [View(plane.name, _draw(plane, volumes, labelled[box], spacing, window)) for plane in PLANES]


def _box_around(mask: np.ndarray, spacing: Sequence[float]) -> tuple[slice, ...]:
    """Box around the foreground of a mask with a margin; everything if there is no foreground."""
    box = bounding_box(mask)
    if box is None:
        return (slice(None),) * mask.ndim
    margins = [round(MARGIN_MM / step) for step in spacing]
    return tuple(slice(max(0, own.start - margin), own.stop + margin) for own, margin in zip(box, margins, strict=True))


def _draw(
    plane: Plane,
    volumes: Sequence[np.ndarray],
    labelled: np.ndarray,
    spacing: Sequence[float],
    window: tuple[float, float] | None,
) -> bytes:
    index = int(labelled.sum(axis=(plane.rows, plane.columns)).argmax())
    grey, expected, predicted = (volume.take(index, axis=plane.axis) for volume in volumes)
    extent = grey.shape[0] * spacing[plane.rows], grey.shape[1] * spacing[plane.columns]  # mm
    scale = VIEW_INCHES / max(extent)
    figure = new_figure(*(max(length * scale, SHORTEST_INCHES) for length in reversed(extent)))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    low, high = window or np.percentile(grey, GREY_PERCENTILES)
    axes.imshow(grey, cmap="gray", vmin=low, vmax=high, aspect="auto", origin="lower" if plane.head_up else "upper")
    axes.autoscale(False)  # the picture ends where the image ends
    columns, rows = (np.arange(-1, size + 1) for size in reversed(grey.shape))  # one around it: contours are closed
    for labels, colour, width in (
        (expected, REFERENCE_COLOUR, REFERENCE_WIDTH),
        (predicted, PREDICTION_COLOUR, PREDICTION_WIDTH),
    ):
        for value in np.unique(labels[labels > 0]):
            axes.contour(columns, rows, np.pad(labels == value, 1), levels=[0.5], colors=[colour], linewidths=width)
    return png(figure)
