"""The cross-validation of a run whose networks are played by prepared segmentations."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk

from dints.config import Config
from dints.data.cases import Case
from dints.data.images import read_image
from dints.errors import InputError, MemoryShortageError
from dints.evaluation import cross_validation
from dints.evaluation.cross_validation import cross_validate, evaluate_model, report_summary
from dints.evaluation.evaluate import evaluate_case, read_scores
from dints.events import Reporter
from dints.inference.confidence import Confidence
from dints.inference.predictor import Prediction
from dints.metrics.segmentation import METRICS, Metric

LABELS = {0: "background", 1: "organ", 2: "vessel"}
FOLDS = {"case0": 0, "case1": 0, "case2": 1}


class Heard(Reporter):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.steps: list[tuple[str, int, int]] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
        self.steps.append((stage, step, total))


class Prepared:
    """A predictor that gives what a fold's network would: the reference, changed."""

    def __init__(self, networks, config, device) -> None:
        assert config.inference.largest_component == ()
        self.change = networks[0]

    def predict(self, images, confidence) -> Prediction:
        assert confidence
        labels = sitk.GetImageFromArray(self.change(reference_array()))
        labels.CopyInformation(images[0])
        return Prediction(labels, None, Confidence(0.1, 0.9))


def reference_array() -> np.ndarray:
    """Two organs, the second label of two pieces."""
    labels = np.zeros((10, 12, 14), np.uint8)
    labels[2:7, 2:8, 2:8] = 1
    labels[1:3, 9:11, 2:12] = 2
    labels[7:9, 9:11, 2:6] = 2
    return labels


def with_island(labels: np.ndarray) -> np.ndarray:
    labels[8:10, 0:2, 10:13] = 1
    return labels


def missing_vessel(labels: np.ndarray) -> np.ndarray:
    labels[labels == 2] = 0
    return labels


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Two folds of three cases; the networks of a fold are functions in `networks`."""
    config = Config.from_mapping({"task": {"name": "prepared", "labels": LABELS}, "training": {"folds": 2}})
    cases = {}
    for name in FOLDS:
        image, label = (sitk.GetImageFromArray(array) for array in (reference_array() * 9.0, reference_array()))
        files = [tmp_path / f"{name}_{kind}.nii.gz" for kind in ("image", "label")]
        for volume, path in zip((image, label), files, strict=True):
            volume.SetSpacing((1.0, 1.5, 2.0))
            sitk.WriteImage(volume, path)
        cases[name] = Case(name, (files[0],), files[1])
    networks = {0: with_island, 1: with_island}
    made = SimpleNamespace(
        folder=tmp_path,
        evaluation_folder=tmp_path / "evaluation",
        cleanup_file=tmp_path / "evaluation" / "cleanup.json",
        bound_file=tmp_path / "evaluation" / "safety_bound.json",
        config=config,
        cases=cases,
        splits=[((), tuple(name for name, owner in FOLDS.items() if owner == fold)) for fold in range(2)],
        require_trained_folds=lambda reporter: [0, 1],
        networks=networks,
    )
    monkeypatch.setattr(cross_validation, "Predictor", Prepared)
    monkeypatch.setattr(cross_validation, "measure", lambda *_: [])
    monkeypatch.setattr(cross_validation, "load_fold", lambda run, fold: (run.networks[fold], ()))
    return made


def stored(run: SimpleNamespace, name: str) -> np.ndarray:
    return sitk.GetArrayFromImage(read_image(run.evaluation_folder / "predictions" / f"{name}.nii.gz"))


def scored_afresh(run: SimpleNamespace, name: str) -> dict[int, dict[str, float]]:
    """Scores of a stored prediction, all computed again."""
    images = (run.evaluation_folder / "predictions" / f"{name}.nii.gz", run.cases[name].label)
    return evaluate_case(*map(read_image, images), LABELS, run.config.task.tolerance)


def test_every_case_is_scored_once_with_the_fold_that_did_not_see_it(run):
    reporter = Heard()
    rows = cross_validate(run, "cpu", reporter)
    assert [(row.case, row.fold, row.value) for row in rows] == [
        (name, fold, value) for name, fold in FOLDS.items() for value in (1, 2)
    ]
    assert reporter.steps == [("evaluate fold 0", 1, 2), ("evaluate fold 0", 2, 2), ("evaluate fold 1", 1, 1)]
    assert read_scores(run.evaluation_folder).rows == tuple(rows)
    assert read_scores(run.evaluation_folder).cases == run.cases


def test_a_case_is_done_once_it_is_scored(run, monkeypatch):
    """The surfaces of a large scan take as long as its windows: the time left may not end before them."""
    order: list[object] = []

    def scored(*arguments, **_named):
        order.append(arguments[4])
        return evaluate_case(*arguments)

    class Ordering(Reporter):
        def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
            order.append(step)

    monkeypatch.setattr(cross_validation, "evaluate_case", scored)
    cross_validate(run, "cpu", Ordering())
    assert order[:6] == ["case0", 1, "case1", 2, "case2", 1]


def test_a_label_that_gains_is_cleaned_up_and_one_of_two_true_pieces_is_not(run):
    rows = cross_validate(run, "cpu", Heard())
    assert json.loads(run.cleanup_file.read_text()) == {"largest_component": [1]}
    for name in FOLDS:
        np.testing.assert_array_equal(stored(run, name), reference_array())
    assert all(score == 1 for row in rows for score in row.scores.values())


def test_predictions_stay_as_they_are_where_no_label_gains(run):
    run.networks = {0: missing_vessel, 1: missing_vessel}
    rows = cross_validate(run, "cpu", Heard())
    assert json.loads(run.cleanup_file.read_text()) == {"largest_component": []}
    np.testing.assert_array_equal(stored(run, "case0"), missing_vessel(reference_array()))
    assert [row.scores["dice"] for row in rows] == [1, 0] * 3


def test_scores_after_the_cleanup_are_those_of_the_stored_predictions(run):
    run.networks = {0: with_island, 1: missing_vessel}  # one fold's cases change, the other's do not
    rows = cross_validate(run, "cpu", Heard())
    assert json.loads(run.cleanup_file.read_text()) == {"largest_component": [1]}
    for name in FOLDS:
        assert {row.value: row.scores for row in rows if row.case == name} == scored_afresh(run, name)


def test_a_nested_task_cleans_up_what_lies_outside_of_the_whole_organ(run):
    run.config = run.config.with_overrides(["task.nested=true"])
    rows = cross_validate(run, "cpu", Heard())
    for name in FOLDS:
        assert {row.value: row.scores for row in rows if row.case == name} == scored_afresh(run, name)


@pytest.mark.parametrize("network", [with_island, missing_vessel])
def test_a_surface_distance_is_computed_once_for_a_case_a_label_and_a_cleanup(run, monkeypatch, network):
    counted: Counter[tuple[bytes, bytes]] = Counter()
    distance = METRICS["nsd"].measure

    def counting(masks) -> float:
        counted[masks.prediction.tobytes(), masks.reference.tobytes()] += 1
        return distance(masks)

    monkeypatch.setitem(METRICS, "nsd", Metric("nsd", "Surface", "NSD", counting))
    run.networks = {0: network, 1: network}
    cross_validate(run, "cpu", Heard())
    organ, vessel = (reference_array() == value for value in (1, 2))
    plain = network(reference_array()) == 1
    expected = Counter({(plain.tobytes(), organ.tobytes()): len(FOLDS)})
    if network is with_island:  # its organ loses the island; its vessel is scored as it is
        expected[organ.tobytes(), organ.tobytes()] = len(FOLDS)
        expected[vessel.tobytes(), vessel.tobytes()] = len(FOLDS)
    assert counted == expected


def test_held_out_cases_are_scored_without_a_fold_and_never_cleaned_up_again(run, tmp_path):
    model = SimpleNamespace(
        manifest=SimpleNamespace(config=run.config),
        predictor=lambda device: Prepared([with_island], run.config, device),
    )
    rows = evaluate_model(model, list(run.cases.values()), tmp_path / "held_out", "cpu", Heard())
    assert {row.fold for row in rows} == {None}
    assert 0 < rows[0].scores["dice"] < 1
    assert read_scores(tmp_path / "held_out").rows == tuple(rows)


def test_a_case_without_a_label_is_refused_by_name(run, tmp_path):
    run.cases["case1"] = Case("case1", run.cases["case1"].images, None)
    with pytest.raises(InputError, match="case1: has no label"):
        cross_validate(run, "cpu", Heard())


def test_the_summary_names_every_metric_of_every_label(run):
    run.networks = {0: missing_vessel, 1: missing_vessel}
    reporter = Heard()
    report_summary("Cross-validation", cross_validate(run, "cpu", Heard()), reporter)
    for message, line, mean in zip(reporter.messages, ("organ", "vessel", "mean of labels"), (1, 0, 0.5), strict=True):
        assert message.startswith(f"Cross-validation, {line}: Dice {mean:.4f} +- 0.0000, NSD {mean:.4f} +- 0.0000")
        assert all(metric.short in message for metric in METRICS.values())
        assert message.endswith(" (3 cases)")


def test_a_scan_for_which_memory_does_not_suffice_is_named(run, monkeypatch):
    def fail(*_, **__):
        raise MemoryShortageError("image: memory ran out")

    monkeypatch.setattr(Prepared, "predict", fail)
    with pytest.raises(MemoryShortageError, match=r"case0_image\.nii\.gz: memory ran out$"):
        cross_validate(run, "cpu", Reporter())
