"""Scores of a run: each fold on the cases that it was not trained on, and the ensemble on held-out cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import SimpleITK as sitk

from dints.config import Config
from dints.data.cases import Case
from dints.data.images import read_channels, read_image, read_label, write_image
from dints.errors import InputError
from dints.evaluation.evaluate import (
    ScoreRow,
    component_benefit,
    evaluate_case,
    score_rows,
    summarize,
    write_scores,
)
from dints.events import Reporter
from dints.files.storage import write_json
from dints.inference.components import keep_largest_components
from dints.inference.predictor import Predictor
from dints.model.model import Model
from dints.run import Run, load_fold


def cross_validate(run: Run, device: str, reporter: Reporter) -> list[ScoreRow]:
    """Segments and scores the validation cases of every trained fold, from their original files.

    Finds the labels that gain from keeping their largest component only, and applies that; the run remembers them for
    its model. Predictions and scores go to the run's evaluation folder.
    """
    if not run.trained_folds:
        raise InputError(f"{run.folder}: has no trained fold; run `dints train --run {run.folder}` first")
    folder, config = run.evaluation_folder, run.config
    plain_config = replace(config, inference=replace(config.inference, largest_component=()))
    cases = [(fold, run.cases[name]) for fold in run.trained_folds for name in run.splits[fold][1]]
    for fold in run.trained_folds:
        predictor = Predictor([load_fold(run, fold)[0]], plain_config, device)
        _segment_cases(predictor, [case for owner, case in cases if owner == fold], folder, f"fold {fold}", reporter)
    every_label = tuple(value for value in config.task.labels if value)
    rows = _score(cases, folder, config, ())
    gaining = component_benefit(rows, _score(cases, folder, config, every_label))
    if gaining:
        for _, case in cases:
            write_image(_cleaned(folder, case, config, gaining), _prediction_file(folder, case))
        rows = _score(cases, folder, config, ())
    write_json(run.cleanup_file, {"largest_component": list(gaining)})
    write_scores(folder, rows, [case for _, case in cases], config.task.tolerance)
    return rows


def evaluate_model(
    model: Model, cases: Sequence[Case], folder: Path, device: str, reporter: Reporter
) -> list[ScoreRow]:
    """Segments and scores cases that no network of the model has seen."""
    config = model.manifest.config
    _segment_cases(model.predictor(device), cases, folder, "ensemble", reporter)
    rows = _score([(None, case) for case in cases], folder, config, ())
    write_scores(folder, rows, cases, config.task.tolerance)
    return rows


def report_summary(title: str, rows: Sequence[ScoreRow], reporter: Reporter) -> None:
    """Says mean and deviation of every label over all cases."""
    for line in summarize(rows):
        if line.fold is None:
            reporter.message(
                f"{title}, {line.label}: Dice {line.dice.mean:.4f} +- {line.dice.std:.4f}, "
                f"NSD {line.nsd.mean:.4f} +- {line.nsd.std:.4f} ({line.dice.count} cases)"
            )


def _segment_cases(predictor: Predictor, cases: Sequence[Case], folder: Path, name: str, reporter: Reporter) -> None:
    for number, case in enumerate(cases, start=1):
        write_image(predictor.segment(read_channels(case.images)), _prediction_file(folder, case))
        reporter.progress(f"evaluate {name}", number, len(cases))


def _score(
    cases: Sequence[tuple[int | None, Case]], folder: Path, config: Config, cleaned: tuple[int, ...]
) -> list[ScoreRow]:
    """Rows of the stored predictions, after cleanup of some labels."""
    rows: list[ScoreRow] = []
    for fold, case in cases:
        prediction = _cleaned(folder, case, config, cleaned)
        labels, tolerance = config.task.labels, config.task.tolerance
        scores = evaluate_case(prediction, read_label(_label_of(case)), labels, tolerance, case.name)
        rows += score_rows(case.name, fold, scores, labels)
    return rows


def _cleaned(folder: Path, case: Case, config: Config, values: tuple[int, ...]) -> sitk.Image:
    prediction = read_image(_prediction_file(folder, case))
    return keep_largest_components(prediction, values, config.task.nested) if values else prediction


def _label_of(case: Case) -> Path:
    if case.label is None:
        raise InputError(f"{case.name}: has no label to compare with; evaluate labelled cases")
    return case.label


def _prediction_file(folder: Path, case: Case) -> Path:
    return folder / "predictions" / f"{case.name}.nii.gz"
