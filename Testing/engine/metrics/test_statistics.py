"""Statistics of labels against figures that follow from the shapes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk

from dints.metrics.statistics import label_statistics

SPACING = (1.0, 2.0, 0.5)  # mm, x y z


def image_of(array: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(SPACING)
    return image


def test_volume_and_mean_of_a_box_are_exact() -> None:
    labels = np.zeros((10, 8, 6), np.uint8)
    labels[2:8, 1:5, 1:4] = 3
    intensity = np.where(labels == 3, 40.0, -1000.0)
    intensity[2:5] += 10
    (row,) = label_statistics(image_of(labels), image_of(intensity), {3: "liver"})
    assert row.name == "liver"
    assert row.volume == pytest.approx(6 * 4 * 3 * 1.0 / 1000)
    assert row.mean == pytest.approx(45.0)


def test_the_surface_of_a_ball_is_near_that_of_a_sphere() -> None:
    z, y, x = np.mgrid[-12:13, -12:13, -12:13]
    labels = image_of((z**2 + y**2 + x**2 <= 10**2).astype(np.uint8))
    labels.SetSpacing((1.0, 1.0, 1.0))
    (row,) = label_statistics(labels, labels, {1: "ball"})
    # The steps of the voxels make the surface about a tenth larger than the smooth one.
    assert row.surface == pytest.approx(4 * math.pi, rel=0.12)


def test_a_label_at_the_border_has_a_closed_surface() -> None:
    labels = np.ones((8, 8, 8), np.uint8)
    (row,) = label_statistics(image_of(labels), image_of(labels.astype(float)), {1: "all"})
    # Marching cubes cuts the edges of the box, so a little less than the box's faces.
    assert 0.85 < row.surface * 100 / (2 * (8 * 16 + 8 * 4 + 16 * 4)) < 1


def test_a_label_that_is_not_there_has_no_mean() -> None:
    labels = np.zeros((4, 4, 4), np.uint8)
    (row,) = label_statistics(image_of(labels), image_of(labels.astype(float)), {2: "none"})
    assert (row.volume, row.surface, row.mean) == (0.0, 0.0, None)
