"""Dice and normalised surface distance against the package `surface-distance`."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk
import surface_distance
from hypothesis import given, settings
from hypothesis import strategies as st

import dints
from dints.errors import InputError

spacings = st.tuples(*[st.floats(0.3, 6.0) for _ in range(3)])


def expected_surface_distance(prediction, reference, spacing, tolerance):
    distances = surface_distance.compute_surface_distances(reference, prediction, spacing)
    return surface_distance.compute_surface_dice_at_tolerance(distances, tolerance)


def blob(generator, shape, density):
    """A random mask with both speckle and smooth parts, never empty."""
    mask = generator.random(shape) < density
    low = [int(generator.integers(0, size - 1)) for size in shape]
    mask[tuple(slice(start, start + int(generator.integers(1, 6))) for start in low)] = True
    return mask


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(*[st.integers(2, 12) for _ in range(3)]),
    density=st.sampled_from([0.0, 0.02, 0.3, 0.8]),
    spacing=spacings,
    tolerance=st.floats(0.0, 9.0),
)
def test_random_masks_score_as_in_the_challenge(seed, shape, density, spacing, tolerance):
    generator = np.random.default_rng(seed)
    prediction, reference = blob(generator, shape, density), blob(generator, shape, density)
    expected_dice = surface_distance.compute_dice_coefficient(reference, prediction)
    assert dints.dice(prediction, reference) == pytest.approx(expected_dice, abs=1e-9)
    expected = expected_surface_distance(prediction, reference, spacing, tolerance)
    score = dints.normalized_surface_distance(prediction, reference, spacing, tolerance)
    assert score == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("spacing", "tolerance"), [(1.0, 1.0), (0.1, 0.3), (0.7, 1.4), (0.35, 0.7)])
def test_a_distance_of_exactly_the_tolerance_counts_as_in_the_challenge(spacing, tolerance):
    reference = np.zeros((12, 8, 8), bool)
    reference[2:6, 2:6, 2:6] = True
    for shift in range(1, 5):
        prediction = np.roll(reference, shift, axis=0)
        expected = expected_surface_distance(prediction, reference, (spacing,) * 3, tolerance)
        score = dints.normalized_surface_distance(prediction, reference, (spacing,) * 3, tolerance)
        assert score == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 2.0, 1.2)])
def test_real_masks_score_as_in_the_challenge(hippocampus, spacing):
    for path in sorted((hippocampus / "labelsTr").glob("*.nii.gz"))[:4]:
        labels = sitk.GetArrayFromImage(sitk.ReadImage(path))
        for value in (1, 2):
            reference = labels == value
            prediction = np.roll(reference, (1, 2), axis=(0, 2)) | (labels == 3 - value) & (labels > 1)
            expected_dice = surface_distance.compute_dice_coefficient(reference, prediction)
            assert dints.dice(prediction, reference) == pytest.approx(expected_dice, abs=1e-9)
            expected = expected_surface_distance(prediction, reference, spacing, 1.0)
            score = dints.normalized_surface_distance(prediction, reference, spacing, 1.0)
            assert 0 < score < 1
            assert score == pytest.approx(expected, abs=1e-9)


def test_two_empty_masks_have_no_score():
    empty = np.zeros((4, 4, 4), bool)
    assert math.isnan(dints.dice(empty, empty))
    assert math.isnan(dints.normalized_surface_distance(empty, empty, (1, 1, 1), 1))


def test_one_empty_mask_scores_zero():
    empty, full = np.zeros((4, 4, 4), bool), np.ones((4, 4, 4), bool)
    for prediction, reference in ((empty, full), (full, empty)):
        assert dints.dice(prediction, reference) == 0
        assert dints.normalized_surface_distance(prediction, reference, (1, 1, 1), 50) == 0


def test_everything_is_within_an_infinite_tolerance():
    masks = np.zeros((2, 9, 9, 9), bool)
    masks[0, 0, 0, 0] = masks[1, 8, 8, 8] = True
    assert dints.normalized_surface_distance(*masks, (1, 1, 1), math.inf) == 1


def test_equal_masks_score_one_at_tolerance_zero():
    mask = np.random.default_rng(0).random((5, 6, 7)) < 0.5
    assert dints.dice(mask, mask) == 1
    assert dints.normalized_surface_distance(mask, mask, (0.5, 1, 2), 0) == 1


@pytest.mark.parametrize(
    ("prediction", "reference", "spacing", "tolerance", "named"),
    [
        (np.ones((2, 2, 2)), np.ones((2, 2, 3)), (1, 1, 1), 1, "(2, 2, 3)"),
        (np.ones((2, 2)), np.ones((2, 2)), (1, 1), 1, "three axes"),
        (np.ones((2, 2, 2)), np.ones((2, 2, 2)), (1, 0, 1), 1, "positive"),
        (np.ones((2, 2, 2)), np.ones((2, 2, 2)), (1, 1, 1), -1, "tolerance -1"),
        (np.ones((2, 2, 2)), np.ones((2, 2, 2)), (1, 1, 1), float("nan"), "tolerance nan"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(prediction, reference, spacing, tolerance, named):
    with pytest.raises(InputError) as error:
        dints.normalized_surface_distance(prediction, reference, spacing, tolerance)
    assert named in str(error.value)
    assert "\n" not in str(error.value)
