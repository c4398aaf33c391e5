"""Cross-validate the trained folds of a run, or score a folder of predictions against references."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from dints.commands.options import add_device
from dints.data.images import image_name, is_image, read_label
from dints.errors import InputError, RunError
from dints.evaluation.cross_validation import cross_validate, report_summary
from dints.evaluation.evaluate import ScoreRow, evaluate_case, score_rows, write_scores
from dints.events import Reporter
from dints.run import Run, run_lock
from dints.run_layout import SCORES
from dints.stages import export


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run", type=Path, dest="run_folder", metavar="RUN", help="folder of the run to cross-validate"
    )
    parser.add_argument("--predictions", type=Path, help="folder of label images to score instead")
    parser.add_argument("--references", type=Path, help="folder of references with the same names")
    parser.add_argument("--output", type=Path, help="where scores go (default: the folder of the predictions)")
    parser.add_argument("--tolerance", type=float, default=1.0, help="mm, of the surface distance (default: 1)")
    add_device(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    failures: list[str] = []
    if arguments.run_folder:
        run = Run(arguments.run_folder)
        with run_lock(run.folder):
            rows = cross_validate(run, arguments.device, reporter)
            model = export(run, reporter)
        reporter.message(f"Model: {model.path}")
        folder = run.evaluation_folder
    elif arguments.predictions and arguments.references:
        folder = arguments.output or arguments.predictions
        rows, failures = _score_folder(arguments.predictions, arguments.references, arguments.tolerance, reporter)
        write_scores(folder, rows, tolerance=arguments.tolerance)
    else:
        raise InputError("nothing to evaluate: give --run, or --predictions and --references")
    report_summary("Cross-validation" if arguments.run_folder else "Predictions", rows, reporter)
    reporter.result("scores", path=str(folder / SCORES))
    if failures:
        raise RunError(f"{len(failures)} were not scored: {'; '.join(failures)}")


def _score_folder(
    predictions: Path, references: Path, tolerance: float, reporter: Reporter
) -> tuple[list[ScoreRow], list[str]]:
    """Every label value of the reference or prediction is scored under its number; and what could not be read.

    A reference without a prediction is scored as if nothing had been found there.
    """
    found, expected = _label_images(predictions), _label_images(references)
    if not found:
        raise InputError(f"{predictions}: holds no label images; give a folder of predictions")
    if stray := sorted(found.keys() - expected.keys()):
        raise InputError(f"{found[stray[0]]}: has no reference of the same name in {references}; add or remove it")
    if missing := sorted(expected.keys() - found.keys()):
        reporter.warning(f"{len(missing)} without a prediction, which counts as 0: {', '.join(missing)}")
    rows: list[ScoreRow] = []
    failures = []
    for number, (name, path) in enumerate(sorted(expected.items()), start=1):
        try:
            rows += _score(name, found.get(name), path, tolerance)
        except InputError as error:
            failures.append(str(error))
            reporter.warning(f"left out: {error}")
        reporter.progress("evaluate", number, len(expected))
    return rows, failures


def _score(name: str, prediction: Path | None, reference: Path, tolerance: float) -> list[ScoreRow]:
    expected = read_label(reference)
    found = read_label(prediction) if prediction else expected * 0
    values = np.union1d(*(sitk.GetArrayViewFromImage(image) for image in (found, expected)))
    labels = {int(value): f"label {value}" for value in values}
    return score_rows(name, None, evaluate_case(found, expected, labels, tolerance, str(prediction or name)), labels)


def _label_images(folder: Path) -> dict[str, Path]:
    """Label images of a folder by name; InputError if two have one name."""
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if is_image(path):
            if image_name(path) in files:
                raise InputError(f"{path}: has the name of {files[image_name(path)].name}; remove one of them")
            files[image_name(path)] = path
    return files
