"""Islands are removed from the labels that are named, and from no other."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import SimpleITK as sitk

from dints.inference.components import keep_largest_components


def row(*labels: int) -> np.ndarray:
    return np.array(labels, np.uint16).reshape(-1, 1, 1)


def test_only_the_largest_component_of_a_named_label_stays():
    labels = row(1, 0, 1, 1, 0, 2, 0, 2, 2)
    assert keep_largest_components(labels, [1]).ravel().tolist() == [0, 0, 1, 1, 0, 2, 0, 2, 2]
    assert keep_largest_components(labels, [1, 2]).ravel().tolist() == [0, 0, 1, 1, 0, 0, 0, 2, 2]


def test_nested_labels_lose_what_lies_outside_of_the_largest_foreground_component():
    labels = row(1, 1, 2, 2, 1, 0, 2, 2, 2, 0, 1, 1, 1)
    flat = keep_largest_components(labels, [1, 2])
    nested = keep_largest_components(labels, [1, 2], nested=True)
    assert flat.ravel().tolist() == [0, 0, 0, 0, 0, 0, 2, 2, 2, 0, 1, 1, 1]
    assert nested.ravel().tolist() == [1, 1, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]


def test_nesting_leaves_labels_alone_that_are_not_named():
    labels = row(1, 1, 2, 0, 2)
    assert keep_largest_components(labels, [1], nested=True).ravel().tolist() == [1, 1, 2, 0, 2]


def test_voxels_that_touch_at_a_corner_are_not_connected():
    labels = np.zeros((2, 2, 2), np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = labels[1, 1, 0] = 3
    assert np.argwhere(keep_largest_components(labels, [3])).tolist() == [[1, 1, 0], [1, 1, 1]]


@pytest.mark.parametrize("values", [[], [7], [1]])
def test_absent_labels_and_empty_volumes_are_no_problem(values):
    empty = np.zeros((3, 4, 5), np.uint16)
    np.testing.assert_array_equal(keep_largest_components(empty, values, nested=True), empty)


def test_the_input_is_left_as_it_was():
    labels = row(1, 0, 1, 1)
    keep_largest_components(labels, [1], nested=True)
    assert labels.ravel().tolist() == [1, 0, 1, 1]


def test_images_keep_their_geometry_and_type():
    image = sitk.GetImageFromArray(row(500, 0, 500, 500))
    image.SetSpacing((1.0, 2.0, 3.0))
    image.SetOrigin((4.0, 5.0, 6.0))
    image.SetDirection((0, 1, 0, 1, 0, 0, 0, 0, -1))
    cleaned = keep_largest_components(image, [500])
    assert cleaned.GetPixelID() == image.GetPixelID()
    assert cleaned.GetSpacing() == image.GetSpacing()
    assert cleaned.GetOrigin() == image.GetOrigin()
    assert cleaned.GetDirection() == image.GetDirection()
    assert sitk.GetArrayFromImage(cleaned).ravel().tolist() == [0, 0, 500, 500]


def test_components_are_those_of_scipy():
    labels = np.random.default_rng(0).integers(0, 3, (12, 13, 14)).astype(np.uint8)
    cleaned = keep_largest_components(labels, [1, 2])
    for value in (1, 2):
        components, _ = scipy.ndimage.label(labels == value)
        sizes = np.bincount(components.ravel())[1:]
        np.testing.assert_array_equal(cleaned == value, components == sizes.argmax() + 1)
