"""How sure an ensemble is, from its probabilities, and what that lets expect of its Dice."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from dints import InputError
from dints.inference.calibration import FEWEST_CASES, Calibration
from dints.inference.confidence import ConfidenceMeter
from dints.inference.predictor import Predictor

from .predicting import config, phantom, threshold


def metered(*networks: torch.Tensor):
    """Of probabilities [K, n] of each network, added in two slabs."""
    meter = ConfidenceMeter(len(networks), len(networks[0]))
    for part in (slice(0, 3), slice(3, None)):
        for number, probabilities in enumerate(networks):
            meter.add_network(number, probabilities[:, part], probabilities[:, part].argmax(0))
    return meter.confidence()


def test_the_expected_dice_is_that_of_probabilities_and_their_own_choice():
    probabilities = torch.tensor([[0.9, 0.2, 0.4, 1.0], [0.1, 0.8, 0.6, 0.0]])
    expected = 2 * (0.8 + 0.6) / ((0.1 + 0.8 + 0.6) + 2)
    assert metered(probabilities).expected_dice == pytest.approx(expected)
    certain = torch.tensor([[0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0]])
    assert metered(certain).expected_dice == 1
    assert metered(probabilities, certain).expected_dice == pytest.approx((1 + expected) / 2)


def test_of_nothing_nothing_is_said():
    found = metered(torch.tensor([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]))
    assert (found.expected_dice, found.disagreement) == (None, None)


def test_networks_that_agree_are_surer_than_those_that_do_not():
    image = phantom()
    alike, apart = (
        Predictor(networks, config(), "cpu").predict([image], confidence=True).confidence
        for networks in ([threshold, threshold], [threshold, lambda windows: threshold(windows + 0.3)])
    )
    assert alike.disagreement == 0
    assert apart.disagreement > 0
    assert Predictor([threshold], config(), "cpu").predict([image]).confidence is None


def test_disagreement_is_that_of_the_map_within_what_was_found():
    image = phantom()
    networks = [threshold, threshold, lambda windows: threshold(windows + 0.3)]
    found = Predictor(networks, config(), "cpu").predict([image], confidence=True, disagreement=True)
    share, labels = (sitk.GetArrayFromImage(one) for one in (found.disagreement, found.labels))
    assert found.confidence.disagreement == pytest.approx(share[labels > 0].mean() / 100, abs=0.005)
    assert found.confidence.disagreement > 0


def test_a_line_is_recovered_with_its_error_and_predictions_stay_dice():
    generator = np.random.default_rng(0)
    expected = generator.uniform(0.6, 1, 40)
    dice = 0.1 + 0.8 * expected + generator.normal(0, 0.02, 40)
    found = Calibration.fit(expected, dice)
    assert (found.slope, found.intercept) == (pytest.approx(0.8, abs=0.1), pytest.approx(0.1, abs=0.1))
    assert found.error == pytest.approx(0.02 * (2 / np.pi) ** 0.5, rel=0.3)
    assert Calibration(5, 0, 0, 9).predicted(0.9) == 1
    assert Calibration.from_mapping(json.loads(json.dumps(found.to_mapping())), "model") == found


def test_few_cases_calibrate_nothing_and_doubt_that_tells_nothing_gives_the_mean():
    assert Calibration.fit([0.9] * (FEWEST_CASES - 1), [0.8] * (FEWEST_CASES - 1)) is None
    flat = Calibration.fit([0.9] * 8, [0.7, 0.9] * 4)
    assert flat.predicted(0.1) == pytest.approx(0.8)
    misleading = Calibration.fit(np.linspace(0.6, 0.9, 8), np.linspace(0.9, 0.6, 8))
    assert misleading.slope == 0


@pytest.mark.parametrize("values", [{}, {"slope": 1}, [], {"slope": "x", "intercept": 0, "error": 0, "cases": 1}])
def test_a_damaged_calibration_is_refused_by_name(values):
    with pytest.raises(InputError, match="model: the calibration is damaged"):
        Calibration.from_mapping(values, "model")
