"""Scores of a run: each fold on the cases that it was not trained on, and the ensemble on held-out cases."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import SimpleITK as sitk

from dints.config import TaskConfig
from dints.data.cases import Case
from dints.data.images import naming, read_channels, read_image, write_image
from dints.data.segments import blank, read_named_label
from dints.errors import InputError
from dints.evaluation.evaluate import (
    ScoreRow,
    component_benefit,
    evaluate_case,
    score_rows,
    summarize,
    write_scores,
)
from dints.evaluation.safety import keep_bound, measure
from dints.events import Reporter
from dints.files.storage import read_json, write_json
from dints.inference.components import keep_largest_components
from dints.inference.predictor import Predictor
from dints.inference.safety_bound import MeasuredLook
from dints.inference.sliding_window import ForwardPass
from dints.metrics.segmentation import METRICS, short_name
from dints.model.model import Model
from dints.run import Run, load_fold

CONFIDENCE = "confidence.json"  # of an evaluation's folder: the Dice that each case's network expects

FoldCase = tuple[int | None, Case]  # a case, and the fold that did not train on it


def cross_validate(run: Run, device: str, reporter: Reporter) -> list[ScoreRow]:
    """Segments and scores the validation cases of every trained fold, from their original files.

    Finds the labels that gain from keeping their largest component only, and applies that; the run remembers them for
    its model. Measures the model's safety bound. Predictions and scores go to the run's evaluation folder.
    """
    trained = run.require_trained_folds(reporter)
    folder, config = run.evaluation_folder, run.config
    cases = [(fold, run.cases[name]) for fold in trained for name in run.splits[fold][1]]
    rows: list[ScoreRow] = []
    measured: list[MeasuredLook] = []
    for fold in trained:
        rows += score_fold(run, load_fold(run, fold)[0], fold, folder, device, reporter, measured)
    keep_bound(run, list(trained), measured, reporter)
    gaining = component_benefit(rows, _score_cleaned(cases, folder, config.task))
    if gaining:
        rows = _clean_up(rows, cases, folder, config.task, gaining)
    write_json(run.cleanup_file, {"largest_component": list(gaining)})
    write_scores(folder, rows, [case for _, case in cases], config.task.tolerance)
    return rows


def score_fold(
    run: Run,
    network: ForwardPass,
    fold: int,
    folder: Path,
    device: str,
    reporter: Reporter,
    measured: list[MeasuredLook] | None = None,
) -> list[ScoreRow]:
    """Segments the validation cases of a fold, without cleanup, and scores them; predictions go to `folder`.

    To `measured`, if given, comes what tells the safety bound.
    """
    plain_config = replace(run.config, inference=replace(run.config.inference, largest_component=()))
    cases, rows = [run.cases[name] for name in run.splits[fold][1]], list[ScoreRow]()
    predictor = Predictor([network], plain_config, device)
    for case, channels, own in _segmented(predictor, cases, folder, f"fold {fold}", reporter):
        if measured is not None:
            reference = blank(_reference(case, own, run.config.task), run.config.task.ignored)
            measured += measure(predictor, channels, own, reference, run.config.training.folds)
        rows += _case_rows(fold, case, _prediction(folder, case), run.config.task)
    return rows


def evaluate_model(
    model: Model, cases: Sequence[Case], folder: Path, device: str, reporter: Reporter
) -> list[ScoreRow]:
    """Segments and scores cases that no network of the model has seen."""
    task, rows = model.manifest.config.task, list[ScoreRow]()
    for case, *_ in _segmented(model.predictor(device), cases, folder, "ensemble", reporter):
        rows += _case_rows(None, case, _prediction(folder, case), task)
    write_scores(folder, rows, cases, task.tolerance)
    return rows


def report_summary(title: str, rows: Sequence[ScoreRow], reporter: Reporter) -> None:
    """Says mean and deviation of every label over all cases."""
    for line in summarize(rows):
        if line.fold is None:
            scores = (f"{short_name(name)} {of.mean:.4f} +- {of.std:.4f}" for name, of in line.statistics.items())
            counts = {statistic.count for statistic in line.statistics.values()}
            reporter.message(f"{title}, {line.label}: {', '.join(scores)} ({max(counts)} cases)")


def _segmented(
    predictor: Predictor, cases: Sequence[Case], folder: Path, name: str, reporter: Reporter
) -> Iterator[tuple[Case, list[sitk.Image], sitk.Image]]:
    """Each case, its channels and its labels, which go to `folder`, and with them how sure the network is.

    A case counts as done once whoever takes it asks for the next.
    """
    expected = expected_dice(folder)
    for number, case in enumerate(cases, start=1):
        channels = read_channels(case.images)
        with naming(case.images):
            prediction = predictor.predict(channels, confidence=True)
        write_image(prediction.labels, _prediction_file(folder, case))
        expected[case.name] = prediction.confidence.expected_dice if prediction.confidence else None
        yield case, channels, prediction.labels
        reporter.progress(f"evaluate {name}", number, len(cases))
    write_json(folder / CONFIDENCE, expected)


def expected_dice(folder: Path) -> dict[str, float | None]:
    """The Dice that networks expect of their own predictions in the folder of an evaluation, by case."""
    path = folder / CONFIDENCE
    values = read_json(path) if path.is_file() else {}
    numbers = isinstance(values, dict) and all(own is None or isinstance(own, int | float) for own in values.values())
    if not numbers:
        raise InputError(f"{path}: is damaged; evaluate again")
    return dict(values)


def _score_cleaned(cases: Sequence[FoldCase], folder: Path, task: TaskConfig) -> list[ScoreRow]:
    """Dice of the stored predictions, every label reduced to its largest component."""
    values = tuple(value for value in task.labels if value)
    rows: list[ScoreRow] = []
    for fold, case in cases:
        cleaned = keep_largest_components(_prediction(folder, case), values, task.nested)
        rows += _case_rows(fold, case, cleaned, task, metrics=("dice",))
    return rows


def _clean_up(
    rows: Sequence[ScoreRow], cases: Sequence[FoldCase], folder: Path, task: TaskConfig, values: tuple[int, ...]
) -> list[ScoreRow]:
    """Cleans the stored predictions; the rows after that, with scores of the labels that have changed alone."""
    changed: dict[tuple[str, int], ScoreRow] = {}
    for fold, case in cases:
        before = _prediction(folder, case)
        after = keep_largest_components(before, values, task.nested)
        old, new = (sitk.GetArrayViewFromImage(image) for image in (before, after))
        touched = set(old[old != new].tolist())  # their voxels became background
        if not touched:
            continue
        write_image(after, _prediction_file(folder, case))
        labels = {value: name for value, name in task.labels.items() if value in touched}
        changed |= {(row.case, row.value): row for row in _case_rows(fold, case, after, replace(task, labels=labels))}
    return [changed.get((row.case, row.value), row) for row in rows]


def _case_rows(
    fold: int | None, case: Case, prediction: sitk.Image, task: TaskConfig, metrics: Collection[str] = METRICS
) -> list[ScoreRow]:
    reference = _reference(case, prediction, task)
    scores = evaluate_case(prediction, reference, task.labels, task.tolerance, case.name, metrics, task.ignored)
    return score_rows(case.name, fold, scores, task.labels)


def _reference(case: Case, like: sitk.Image, task: TaskConfig) -> sitk.Image:
    if case.label is None:
        raise InputError(f"{case.name}: has no label to compare with; evaluate labelled cases")
    return read_named_label(case.label, task.values, like)


def _prediction(folder: Path, case: Case) -> sitk.Image:
    return read_image(_prediction_file(folder, case))


def _prediction_file(folder: Path, case: Case) -> Path:
    return folder / "predictions" / f"{case.name}.nii.gz"
