"""From an image to labels on its own grid, whatever is asked for and whatever goes wrong on the way."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from torch import nn

from dints.config import Config
from dints.data.preprocessing import Preprocessor
from dints.errors import InputError, RunError
from dints.inference.first_look import Way
from dints.inference.predictor import Predictor
from dints.inference.safety_bound import SafetyBound
from dints.inference.training_range import FEWEST_CASES, TrainingRange

from .predicting import (
    LPS,
    OBLIQUE,
    PERMUTED,
    Recorder,
    config,
    conv_network,
    expected_labels,
    noisy,
    phantom,
    segment,
    threshold,
)


@pytest.mark.parametrize("direction", [LPS, OBLIQUE, PERMUTED])
def test_labels_lie_on_exactly_the_grid_of_the_image(direction):
    image = phantom(direction)
    labels = Predictor([threshold], config(), "cpu").segment([image])
    assert labels.GetSize() == image.GetSize()
    assert labels.GetSpacing() == image.GetSpacing()
    assert labels.GetOrigin() == image.GetOrigin()
    assert labels.GetDirection() == image.GetDirection()
    assert labels.GetPixelID() == sitk.sitkUInt16
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), expected_labels(image))


@pytest.mark.parametrize("direction", [LPS, OBLIQUE])
@pytest.mark.parametrize("axes", ["RAS", "PIR", "SLA"])
def test_the_order_of_the_axes_in_the_file_does_not_matter(direction, axes):
    image = noisy(phantom(direction, spacing=(1.2, 0.9, 1.5)))
    predictor = Predictor([conv_network()], config(), "cpu")
    expected = sitk.DICOMOrient(predictor.segment([image]), axes)
    labels = predictor.segment([sitk.DICOMOrient(image, axes)])
    np.testing.assert_allclose(labels.GetOrigin(), expected.GetOrigin())
    np.testing.assert_allclose(labels.GetDirection(), expected.GetDirection())
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), sitk.GetArrayFromImage(expected))


@pytest.mark.parametrize("file", ["mr/example_mr.nii.gz", "ct/example_ct_crop.nii.gz"])
def test_labels_of_a_real_scan_have_exactly_its_geometry(shared_data, file):
    image = sitk.ReadImage(str(shared_data / file))
    coarse = Config.from_mapping({"preprocessing": {"spacing": [4, 4, 4]}}, base=config())
    labels = Predictor([conv_network()], coarse, "cpu").segment([image])
    assert labels.GetSize() == image.GetSize()
    assert labels.GetSpacing() == image.GetSpacing()
    assert labels.GetOrigin() == image.GetOrigin()
    assert labels.GetDirection() == image.GetDirection()
    assert set(np.unique(sitk.GetArrayFromImage(labels))) <= {0, 10, 300}


def test_what_was_cropped_away_is_background():
    labels = segment(phantom(), [lambda windows: threshold(torch.ones_like(windows))])
    assert Counter(labels.ravel().tolist()) == {0: 24 * 20 * 28 - 20 * 13 * 15, 300: 20 * 13 * 15}


def test_a_coarser_image_is_segmented_at_its_own_resolution():
    image = phantom(spacing=(1.5, 2.0, 0.7))
    agreement = segment(image) == expected_labels(image)
    assert agreement.mean() > 0.95


@pytest.mark.parametrize("options", [{"mirror": True}, {"batch_size": 3}, {"stride": (5, 6, 7)}, {"overlap": 0.25}])
def test_options_change_the_way_and_not_the_labels_of_a_local_network(options):
    image = phantom()
    np.testing.assert_array_equal(segment(image, **options), expected_labels(image))


def test_mirroring_makes_only_the_flips_that_the_training_had():
    task = config()
    assert Predictor([threshold], task, "cpu").flips(mirror=True) == 8
    assert Predictor([threshold], task, "cpu").flips(mirror=False) == 1
    sideways = task.with_overrides(["augmentation.flip_axes=[0]"])
    assert Predictor([threshold], sideways, "cpu").flips(mirror=True) == 2
    unflipped = task.with_overrides(["augmentation.flip_probability=0"])
    assert Predictor([threshold], unflipped, "cpu").flips(mirror=True) == 1


def test_an_overlap_that_is_asked_for_wins_over_the_stride_of_the_config():
    predictor = Predictor([threshold], config(stride=[4, 4, 4]), "cpu")
    size, spacing = (32, 32, 32), (1.0, 1.0, 1.0)
    assert predictor.estimate(size, spacing).windows == 5**3
    assert predictor.estimate(size, spacing, overlap=0.5).windows == 3**3
    assert predictor.estimate(size, spacing, stride=(16, 16, 8)).windows == 2 * 2 * 3


def test_folds_vote_by_majority_or_mean():
    confident = lambda windows: 100 * threshold(torch.zeros_like(windows))  # noqa: E731
    hesitant = lambda windows: 0.01 * threshold(torch.ones_like(windows))  # noqa: E731
    networks = [confident, hesitant, hesitant]
    assert set(segment(phantom(), networks).ravel()) == {0, 300}
    assert set(segment(phantom(), networks, vote="mean").ravel()) == {0}
    assert set(segment(phantom(), networks, folds=[0]).ravel()) == {0}
    assert set(segment(phantom(), networks, folds=[1, 2]).ravel()) == {0, 300}


def test_the_largest_component_is_kept_of_the_labels_that_are_named():
    image = phantom()
    image[6, 4, 5] = 100  # a white island
    island = (5, 4, 6)
    assert segment(image)[island] == 300
    cleaned = segment(image, largest_component=(300,))
    assert cleaned[island] == 0
    np.testing.assert_array_equal(cleaned, segment(phantom()) * (cleaned != 0))
    assert segment(image, largest_component=(10,))[island] == 300


def test_a_disagreement_map_comes_on_the_grid_of_the_image():
    always_white = lambda windows: threshold(torch.ones_like(windows))  # noqa: E731
    image = phantom(OBLIQUE)
    prediction = Predictor([threshold, threshold, always_white], config(), "cpu").predict([image], disagreement=True)
    percent = sitk.GetArrayFromImage(prediction.disagreement)
    np.testing.assert_array_equal(percent, np.where(expected_labels(image) == 10, 33, 0))
    assert prediction.disagreement.GetDirection() == image.GetDirection()
    assert Predictor([threshold], config(), "cpu").predict([image]).disagreement is None


class FailsOnce:
    """`threshold`, but one of its calls runs out of memory."""

    def __init__(self, failing_call: int, error: Exception) -> None:
        self.failing_call, self.error, self.calls = failing_call, error, 0

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        if self.calls == self.failing_call:
            raise self.error
        return threshold(windows)


@pytest.mark.parametrize("failing_call", ["first", "third", "last"])
@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory")])
def test_running_out_of_memory_leaves_the_labels_and_warns(failing_call, error):
    image = phantom(spacing=(2.0, 2.0, 2.0))
    batches = FailsOnce(0, error)
    options = {"batch_size": 2}
    expected = segment(image, [batches], **options)
    network = FailsOnce({"first": 1, "third": 3, "last": batches.calls}[failing_call], error)
    reporter = Recorder()
    np.testing.assert_array_equal(segment(image, [network], reporter, **options), expected)
    assert len(reporter.warnings) == 1
    assert "one window at a time" in reporter.warnings[0]


def test_memory_that_never_suffices_ends_in_an_error():
    def hungry(windows):
        raise MemoryError

    with pytest.raises(RunError, match="smaller region"):
        segment(phantom(), [hungry])


@pytest.mark.parametrize("mirror", [False, True])
def test_progress_counts_every_window_in_every_network_and_flip(mirror):
    reporter = Recorder()
    segment(phantom(), [threshold] * 3, reporter, mirror=mirror, exhaustive=True)
    predictor = Predictor([threshold], config(), "cpu")
    total = 3 * predictor.estimate((15, 13, 20), (1, 1, 1)).windows * predictor.flips(mirror)
    assert reporter.steps[-1] == ("segment", total, total)
    assert [step for _, step, _ in reporter.steps] == list(range(1, total + 1))


@pytest.mark.parametrize("options", [{}, {"folds": [0]}, {"disagreement": True}, {"region": ((0, 0, 0), (4, 4, 4))}])
@pytest.mark.parametrize("side", [24, 100])
def test_the_progress_of_a_constant_scan_ends_complete_and_never_says_none_of_none(side, options):
    reporter, bound = Recorder(), SafetyBound(0.05, Way(scale=1, alone=True), saved=0.5, cases=10)
    always_white = lambda windows: threshold(torch.ones_like(windows))  # noqa: E731
    image = sitk.GetImageFromArray(np.full((side,) * 3, 50, np.int16))
    Predictor([threshold, threshold, always_white], config(), "cpu", bound=bound).predict([image], reporter, **options)
    assert all(total > 0 for _, _, total in reporter.steps)
    assert [step for step in reporter.steps if step[1]] == [("segment", 1, 1)]


def test_an_estimate_grows_with_the_volume_the_folds_and_the_overlap():
    predictor = Predictor([threshold] * 2, config(), "cpu")
    small = predictor.estimate((32, 32, 32), (1, 1, 1))
    assert predictor.estimate((64, 32, 32), (1, 1, 1)).windows > small.windows
    assert predictor.estimate((32, 32, 32), (2, 1, 1)).memory > small.memory
    assert predictor.estimate((32, 32, 32), (1, 1, 1), folds=[0]).memory < small.memory
    assert predictor.estimate((32, 32, 32), (1, 1, 1), overlap=0.75).windows > small.windows


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"overlp": 0.5}, "overlap"),
        ({"overlap": 1.5}, "overlap"),
        ({"vote": "best"}, "vote"),
        ({"stride": (17, 4, 4)}, "stride"),
        ({"largest_component": (7,)}, "largest_component"),
        ({"folds": [2]}, "folds"),
        ({"folds": []}, "folds"),
    ],
)
def test_options_without_meaning_are_refused_in_one_line(options, said):
    with pytest.raises(InputError, match=said) as caught:
        segment(phantom(), **options)
    assert "\n" not in str(caught.value)


def test_a_wrong_number_of_channels_is_refused():
    with pytest.raises(InputError, match="the model needs 1: image"):
        Predictor([threshold], config(), "cpu").segment([phantom(), phantom()])


def test_channels_may_come_as_one_image_of_several_components():
    two = dataclasses.replace(config(), task=dataclasses.replace(config().task, channels=("a", "b")))
    predictor = Predictor([lambda windows: threshold(windows[:, 1:])], two, "cpu")
    image = phantom()
    blank = sitk.Cast(image * 0 + 20, sitk.sitkInt16)
    labels = predictor.segment([sitk.Compose([blank, image])])
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), expected_labels(image))


def test_networks_are_used_in_evaluation_mode():
    network = nn.Sequential(nn.Dropout(0.9), nn.Conv3d(1, 3, 1))
    Predictor([network], config(), "cpu")
    assert not network.training


def range_of(image: sitk.Image, largest_class: int) -> TrainingRange:
    """As if the image were all training data, its higher classes labelled as `largest_class`."""
    volume, grid = Preprocessor(config().preprocessing)([image])
    classes = np.searchsorted([0, 10, 300], grid.crop(expected_labels(image))).clip(max=largest_class)
    return TrainingRange.of([(volume.numpy(), classes, grid)] * FEWEST_CASES, classes=3)


@pytest.mark.parametrize(
    ("largest_class", "region", "warned"),
    [(2, None, False), (1, None, True), (1, ((0, 0, 0), (20, 20, 20)), False)],
    ids=["as in training", "larger than in training", "a part cannot tell"],
)
def test_volumes_unlike_those_of_the_training_cases_are_warned_of(largest_class, region, warned):
    reporter, image = Recorder(), phantom()
    predictor = Predictor([threshold], config(), "cpu", range_of(image, largest_class))
    predictor.segment([image], reporter, region=region)
    assert bool(reporter.warnings) == warned
    if warned:
        assert "white 392 mm3, in training 0-0 mm3" in reporter.warnings[0]


def test_a_prepared_image_gives_what_its_channels_give():
    image = phantom(OBLIQUE, spacing=(0.8, 0.9, 1.1))
    predictor, region = Predictor([threshold], config(), "cpu"), ((4, 5, 6), (14, 15, 16))
    for options in ({}, {"region": region}):
        prepared = predictor.predict(predictor.prepare([image]), **options).labels
        plain = predictor.predict([image], **options).labels
        np.testing.assert_array_equal(sitk.GetArrayFromImage(prepared), sitk.GetArrayFromImage(plain))
        assert prepared.GetOrigin() == plain.GetOrigin()
