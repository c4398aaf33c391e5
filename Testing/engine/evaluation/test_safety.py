"""A run's safety bound, measured on what each fold segmented in its validation cases, or the reason why none is."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk

from dints.evaluation.safety import keep_bound, measure
from dints.inference.predictor import Predictor
from dints.inference.safety_bound import RESERVE, MeasuredCase, SafetyBound

from ..inference.predicting import PATCH, Recorder, config, threshold

SIZE = (80, 64, 72)


class Listener(Recorder):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def message(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture
def run(tmp_path: Path) -> SimpleNamespace:
    return SimpleNamespace(bound_file=tmp_path / "evaluation" / "safety_bound.json")


@pytest.fixture
def scans() -> list[sitk.Image]:
    """Three scans of a grey box each, each with its own orientation."""
    random, images = np.random.default_rng(0), []
    for number, direction in enumerate([(1, 1, 1), (-1, -1, 1), (1, -1, -1)]):
        voxels = (1 + 4 * random.random(SIZE[::-1])).astype(np.float32)
        voxels[20:30, 12 + number : 20, 40:52] = 50
        images.append(sitk.GetImageFromArray(voxels))
        images[-1].SetDirection(np.diag(direction).ravel().astype(float).tolist())
    return images


def measured(scans: list[sitk.Image], network=threshold, **inference) -> list[MeasuredCase | None]:
    predictor = Predictor([network], config(**inference), "cpu")
    return [measure(predictor, [scan], predictor.segment([scan]), networks=5) for scan in scans]


def test_with_the_bound_that_is_kept_each_case_is_segmented_as_without(run, scans):
    listener = Listener()
    keep_bound(run, measured(scans), listener)
    bound = SafetyBound.from_mapping(json.loads(run.bound_file.read_text()), "")
    assert 0.01 < bound.threshold < 1 / RESERVE
    assert (bound.step, bound.cases) == (PATCH, 3)
    assert f"{bound.saved:.0%} of the windows of 3 cases" in listener.texts[0]
    predictor = Predictor([threshold], config(), "cpu", bound=bound)
    for scan in scans:
        looked, exhaustive = (predictor.predict([scan], exhaustive=exhaustive) for exhaustive in (False, True))
        expected = sitk.GetArrayFromImage(exhaustive.labels)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(looked.labels), expected)
        assert looked.computed < looked.windows


def test_what_a_first_look_misses_leaves_the_model_without_a_bound(run, scans):
    """A label where the network gives next to no probability: no threshold would find it."""
    blind = Predictor([lambda windows: 10 * threshold(windows)], config(), "cpu")
    labels = blind.segment([scans[1]])
    labels[2, 3, 60] = 10
    case, listener = measure(blind, [scans[1]], labels, networks=5), Listener()
    keep_bound(run, [case], listener)
    assert "something would be lost" in json.loads(run.bound_file.read_text())["reason"]
    assert listener.texts[0].startswith("No safety bound, so every window will be computed: something would be lost")


def test_cases_of_too_few_windows_give_no_bound(run, scans):
    assert measured(scans, overlap=0.0) == [None] * 3
    keep_bound(run, [], Listener())
    assert "too few windows" in json.loads(run.bound_file.read_text())["reason"]
