"""Cross-validate the trained folds of a run, or score a folder of predictions against references."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from dints.commands.options import add_device
from dints.data.images import image_name, is_image, read_label
from dints.errors import InputError
from dints.evaluation.cross_validation import cross_validate, report_summary
from dints.evaluation.evaluate import ScoreRow, evaluate_case, score_rows, write_scores
from dints.events import Reporter
from dints.run import Run, run_lock
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
    if arguments.run_folder:
        run = Run(arguments.run_folder)
        with run_lock(run.folder):
            rows = cross_validate(run, arguments.device, reporter)
            model = export(run, reporter)
        reporter.message(f"Model: {model.path}")
        folder = run.evaluation_folder
    elif arguments.predictions and arguments.references:
        folder = arguments.output or arguments.predictions
        rows = _score_folder(arguments.predictions, arguments.references, arguments.tolerance, reporter)
        write_scores(folder, rows, tolerance=arguments.tolerance)
    else:
        raise InputError("nothing to evaluate: give --run, or --predictions and --references")
    report_summary("Cross-validation" if arguments.run_folder else "Predictions", rows, reporter)
    reporter.result("scores", path=str(folder / "scores.json"))


def _score_folder(predictions: Path, references: Path, tolerance: float, reporter: Reporter) -> list[ScoreRow]:
    """Every label value of the reference or prediction is scored under its number."""
    files = sorted(path for path in predictions.iterdir() if is_image(path)) if predictions.is_dir() else []
    if not files:
        raise InputError(f"{predictions}: holds no label images; give a folder of predictions")
    expected = (
        {image_name(path): path for path in references.iterdir() if is_image(path)} if references.is_dir() else {}
    )
    rows: list[ScoreRow] = []
    for number, path in enumerate(files, start=1):
        name = image_name(path)
        if name not in expected:
            raise InputError(f"{path}: has no reference of the same name in {references}; add or remove it")
        prediction, reference = read_label(path), read_label(expected[name])
        values = np.union1d(*(sitk.GetArrayViewFromImage(image) for image in (prediction, reference)))
        labels = {int(value): f"label {value}" for value in values}
        rows += score_rows(name, None, evaluate_case(prediction, reference, labels, tolerance, str(path)), labels)
        reporter.progress("evaluate", number, len(files))
    return rows
