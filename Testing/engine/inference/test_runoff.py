"""Where a majority of the networks agrees, the others are not asked, and the labels stay those of all of them."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from torch import nn

from dints.inference.first_look import Way
from dints.inference.predictor import Predictor
from dints.inference.safety_bound import SafetyBound

from .predicting import Recorder, config, threshold

BOUND = SafetyBound(0.05, Way(scale=1, alone=False), saved=0.5, cases=10)


def scan(size=(72, 40, 56), spacing=1.0) -> sitk.Image:
    """Air with noise, and a grey and a white box whose noise reaches the networks' thresholds."""
    random = np.random.default_rng(0)
    voxels = 1 + 4 * random.random(size)
    for first, level in ((6, 45), (20, 80)):
        box = tuple(slice(first, first + 9) for _ in range(3))
        voxels[box] = level + 20 * random.random((9, 9, 9))
    image = sitk.GetImageFromArray(voxels.astype(np.float32).transpose(2, 1, 0))
    image.SetSpacing((spacing, spacing, 1.1 * spacing))
    return image


def alike(number: int):
    """Networks that differ at the borders of the boxes and within them."""
    return lambda windows: threshold(windows + 0.03 * number * (windows > 0.3))


def apart(number: int) -> nn.Module:
    """Networks that agree nowhere: there are ties of two and two."""
    torch.manual_seed(number)
    return nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, 3, 3, padding=1))


@pytest.mark.parametrize("bound", [None, BOUND])
@pytest.mark.parametrize("spacing", [1.0, 0.7, 1.3])
@pytest.mark.parametrize("count", [3, 4, 5])
def test_labels_are_those_of_all_networks_and_some_windows_are_spared(count, spacing, bound):
    predictor = Predictor([alike(number) for number in range(count)], config(), "cpu", bound=bound)
    image = scan(spacing=spacing)
    every, spared = (predictor.predict([image], disagreement=asked) for asked in (True, False))  # a map takes all
    np.testing.assert_array_equal(*(sitk.GetArrayFromImage(found.labels) for found in (every, spared)))
    assert len(np.unique(sitk.GetArrayFromImage(spared.labels))) == 3
    assert every.by_all == every.computed == spared.computed
    assert 0 < spared.by_all < spared.computed


@pytest.mark.parametrize("options", [{}, {"batch_size": 3}, {"region": ((10, 5, 8), (30, 25, 41))}, {"mirror": True}])
@pytest.mark.parametrize("spacing", [1.0, 0.7])
def test_networks_that_agree_nowhere_all_count(spacing, options):
    predictor = Predictor([apart(number) for number in range(5)], config(), "cpu")
    image = scan(size=(40, 30, 44), spacing=spacing)
    every, none = (predictor.predict([image], disagreement=asked, **options) for asked in (True, False))
    np.testing.assert_array_equal(*(sitk.GetArrayFromImage(found.labels) for found in (every, none)))
    assert none.by_all == none.computed
    disputed = sitk.GetArrayFromImage(every.disagreement)
    assert (disputed == 60).any()  # a tie of two and two and one


def test_networks_that_agree_everywhere_spare_the_later_ones_all_windows():
    asked = []

    def later(windows: torch.Tensor) -> torch.Tensor:
        asked.append(len(windows))
        return threshold(windows)

    reporter = Recorder()
    found = Predictor([threshold, threshold, later], config(), "cpu").predict([scan()], reporter)
    assert asked == []
    assert found.by_all == 0 < found.computed
    assert reporter.steps[-1][1:] == (2 * found.computed, 2 * found.computed)


def test_progress_never_runs_backwards_and_ends_at_its_total():
    reporter = Recorder()
    Predictor([alike(number) for number in range(5)], config(), "cpu").predict([scan()], reporter)
    shares = [done / total for _, done, total in reporter.steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize("options", [{"vote": "mean"}, {"exhaustive": True}, {"disagreement": True}])
def test_all_networks_go_over_every_window_where_that_counts(options):
    found = Predictor([threshold] * 3, config(), "cpu").predict([scan()], **options)
    assert found.by_all == found.computed == found.windows


@pytest.mark.parametrize("spacing", [1.0, 0.7])
def test_how_sure_the_networks_are_is_told_by_those_that_see_every_window(spacing):
    networks, image = [alike(number) for number in range(5)], scan(spacing=spacing)
    predictor = Predictor(networks, config(), "cpu")
    found = predictor.predict([image], confidence=True)
    assert found.by_all < found.computed
    first = Predictor(networks[:3], config(), "cpu").predict([image], confidence=True, disagreement=True)
    assert found.confidence.expected_dice == first.confidence.expected_dice
    elected = sitk.GetArrayFromImage(found.labels)
    own = np.stack([sitk.GetArrayFromImage(predictor.segment([image], folds=[fold])) for fold in range(3)])
    outvoted = (own != elected)[:, elected > 0].mean()
    assert found.confidence.disagreement == pytest.approx(outvoted)
    assert outvoted > 0
