"""A run's safety bound, measured on what each fold segmented in its validation cases, or the reason why none is."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data.cases import Case
from dints.data.images import read_channels, write_image
from dints.evaluation.safety import keep_bound, measure_fold
from dints.inference.predictor import Predictor
from dints.inference.safety_bound import RESERVE, SafetyBound

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
    """Three cases of a grey box each, in an orientation of its own, and what `threshold` segments in them."""
    folder, predictor, cases = tmp_path / "evaluation", Predictor([threshold], config(), "cpu"), {}
    random = np.random.default_rng(0)
    for number, direction in enumerate([(1, 1, 1), (-1, -1, 1), (1, -1, -1)]):
        voxels = (1 + 4 * random.random(SIZE[::-1])).astype(np.float32)
        voxels[20:30, 12 + number : 20, 40:52] = 50
        image = sitk.GetImageFromArray(voxels)
        image.SetDirection(np.diag(direction).ravel().tolist())
        name = f"case{number}"
        write_image(image, tmp_path / f"{name}.nii.gz")
        cases[name] = Case(name, (tmp_path / f"{name}.nii.gz",), None)
        write_image(predictor.segment(read_channels(cases[name].images)), folder / "predictions" / f"{name}.nii.gz")
    return SimpleNamespace(
        config=config(),
        cases=cases,
        splits=[((), tuple(cases))],
        bound_file=folder / "safety_bound.json",
        prediction_file=lambda name: folder / "predictions" / f"{name}.nii.gz",
    )


def test_with_the_bound_that_is_kept_each_case_is_segmented_as_without(run):
    listener = Listener()
    measured = measure_fold(run, threshold, 0, "cpu", listener)
    keep_bound(run, measured, listener)
    bound = SafetyBound.from_mapping(json.loads(run.bound_file.read_text()), "")
    assert 0.01 < bound.threshold < 1 / RESERVE
    assert (bound.step, bound.cases) == (PATCH, 3)
    assert listener.steps == [("safety bound 0", number, 3) for number in (1, 2, 3)]
    assert f"{bound.saved:.0%} of the windows of 3 cases" in listener.texts[0]
    for name, case in run.cases.items():
        result = Predictor([threshold], config(), "cpu", bound=bound).predict(read_channels(case.images))
        expected = sitk.GetArrayFromImage(sitk.ReadImage(run.prediction_file(name)))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(result.labels), expected)
        assert result.computed < result.windows


def test_what_a_first_look_misses_leaves_the_model_without_a_bound(run):
    """A prediction where the network gives next to no probability: no threshold would find it."""
    labels = sitk.ReadImage(run.prediction_file("case1"))
    labels[2, 3, 60] = 10
    write_image(labels, run.prediction_file("case1"))
    blind = lambda windows: 10 * threshold(windows)  # noqa: E731
    listener = Listener()
    keep_bound(run, measure_fold(run, blind, 0, "cpu", listener), listener)
    assert "something would be lost" in json.loads(run.bound_file.read_text())["reason"]
    assert listener.texts[0].startswith("No safety bound, so every window will be computed: something would be lost")


def test_cases_of_one_window_give_no_bound(run):
    run.config = config(overlap=0.0)
    listener = Listener()
    measured = measure_fold(run, threshold, 0, "cpu", listener)
    assert measured == []
    keep_bound(run, measured, listener)
    assert "too few windows" in json.loads(run.bound_file.read_text())["reason"]
