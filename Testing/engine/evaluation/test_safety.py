"""A run's safety bound, measured on what each fold segmented in its validation cases, or the reason why none is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from dints.errors import InputError
from dints.evaluation.safety import keep_bound, kept_bound, measure
from dints.inference.first_look import Way
from dints.inference.predictor import Predictor
from dints.inference.safety_bound import RESERVE, MeasuredLook, SafetyBound

from ..inference.predicting import Recorder, config, threshold

SIZE = (80, 64, 72)


class Listener(Recorder):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def message(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture
def run(tmp_path: Path) -> SimpleNamespace:
    settings = config()
    settings = replace(settings, training=replace(settings.training, folds=5))
    return SimpleNamespace(bound_file=tmp_path / "evaluation" / "safety_bound.json", config=settings)


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


def measured(scans: list[sitk.Image], network=threshold, **inference) -> list[MeasuredLook]:
    predictor, looks = Predictor([network], config(**inference), "cpu"), []
    for scan in scans:
        own = predictor.segment([scan])
        looks += measure(predictor, [scan], own, own, networks=5)
    return looks


def kept(run, looks: list[MeasuredLook], listener: Listener | None = None) -> SafetyBound:
    keep_bound(run, [0], looks, listener or Listener())
    return SafetyBound.from_mapping(json.loads(run.bound_file.read_text()), "")


def same_with_and_without(bound: SafetyBound, scans: list[sitk.Image], network=threshold) -> None:
    predictor = Predictor([network], config(), "cpu", bound=bound)
    for scan in scans:
        looked, exhaustive = (predictor.predict([scan], exhaustive=exhaustive) for exhaustive in (False, True))
        expected = sitk.GetArrayFromImage(exhaustive.labels)
        assert expected.any()
        np.testing.assert_array_equal(sitk.GetArrayFromImage(looked.labels), expected)
        assert looked.computed < looked.windows


def test_with_the_bound_that_is_kept_each_case_is_segmented_as_without(run, scans):
    listener = Listener()
    bound = kept(run, measured(scans), listener)
    assert 0.001 < bound.threshold <= 1 / RESERVE
    assert (bound.way, bound.cases) == (Way(2, alone=True), 3)
    assert "of one network at half the resolution" in listener.texts[0]
    assert f"spares {bound.saved:.0%} of the work on 3 cases" in listener.texts[0]
    same_with_and_without(bound, scans)


def test_lesions_that_half_the_resolution_averages_away_are_looked_for_at_the_full_one(run, scans):
    """Of 3 to 10 voxels, by a network that is sure of what it says: none is lost."""
    sharp = lambda windows: 10 * threshold(windows)  # noqa: E731
    lesions = [((3, 1, 1), (5, 9, 11)), ((2, 2, 1), (61, 3, 77)), ((1, 5, 2), (40, 53, 33))]
    small = []
    for scan in scans:
        voxels = sitk.GetArrayFromImage(scan)
        for (x, y, z), (i, j, k) in lesions:
            voxels[k : k + z, j : j + y, i : i + x] = 50
        small.append(sitk.GetImageFromArray(voxels))
    looks = measured(small, sharp)
    assert {look.scale for look in looks if look.limit < 0.001} == {2}
    bound = kept(run, looks)
    assert bound.way.scale == 1
    same_with_and_without(bound, small, sharp)


def test_what_a_first_look_misses_leaves_the_model_without_a_bound(run, scans):
    """A label where the network gives next to no probability: no threshold would find it."""
    blind = Predictor([lambda windows: 10 * threshold(windows)], config(), "cpu")
    labels = blind.segment([scans[1]])
    labels[2, 3, 60] = 10
    looks, listener = measure(blind, [scans[1]], labels, labels, networks=5), Listener()
    keep_bound(run, [0], looks, listener)
    assert "something would be lost" in json.loads(run.bound_file.read_text())["reason"]
    assert listener.texts[0].startswith("No safety bound, so every window will be computed: something would be lost")


def test_cases_of_too_few_windows_give_no_bound(run, scans):
    assert measured([scan[:16, :16, :16] for scan in scans]) == []
    keep_bound(run, [0], [], Listener())
    assert "too few windows" in json.loads(run.bound_file.read_text())["reason"]


def test_networks_that_find_nothing_give_no_bound(run, scans):
    """No threshold loses anything of nothing: a tenth of 1 would be the loosest bound of all."""
    blind = lambda windows: threshold(torch.zeros_like(windows))  # noqa: E731
    keep_bound(run, [0], measured(scans, blind), Listener())
    assert json.loads(run.bound_file.read_text()) == {"reason": "nothing was found in any case"}


def test_a_bound_is_not_that_of_networks_which_were_trained_after_it(run, scans):
    assert kept_bound(run, [0]) == {"reason": "it was not measured"}
    bound = kept(run, measured(scans))
    assert kept_bound(run, [0]) == bound.to_mapping()
    assert "evaluate the run again" in kept_bound(run, [0, 1])["reason"]


@pytest.mark.parametrize("text", ["[]", "{}", '{"folds": 3}', '{"threshold": 2, "folds": [0]}'])
def test_a_damaged_bound_is_named_with_what_measures_it_anew(run, text):
    run.folder = run.bound_file.parents[1]
    run.bound_file.parent.mkdir()
    run.bound_file.write_text(text)
    with pytest.raises(InputError, match=r"safety_bound\.json: is damaged; `dints evaluate --run"):
        kept_bound(run, [0])


def test_a_look_for_which_memory_runs_out_is_made_with_less(scans):
    """The evaluation ended there, though the segmentation before it had got along."""
    calls = []

    def short_of_memory(windows: torch.Tensor) -> torch.Tensor:
        calls.append(len(windows))
        if len(calls) == 1:
            raise MemoryError
        return threshold(windows)

    looks, _ = Predictor([short_of_memory], config(), "cpu").looks(scans[:1], 5)
    expected, _ = Predictor([threshold], config(), "cpu").looks(scans[:1], 5)
    assert looks.keys() == expected.keys()
    for scale, look in looks.items():
        np.testing.assert_array_equal(look.highest, expected[scale].highest)
