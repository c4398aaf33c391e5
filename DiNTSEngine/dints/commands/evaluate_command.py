"""Cross-validate the trained folds of a run, or score a folder of predictions against references."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from dints.commands.options import add_device
from dints.config.ignored import IGNORED_NAME, without_ignored
from dints.data.formats import image_name, is_image
from dints.data.segments import found_labels, read_named_label
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
    parser.add_argument(
        "--ignored", type=int, nargs="+", default=(), metavar="VALUE", help="values in references that nobody annotated"
    )
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
        rows, failures = _score_folder(arguments, reporter)
        write_scores(folder, rows, tolerance=arguments.tolerance)
    else:
        raise InputError("nothing to evaluate: give --run, or --predictions and --references")
    report_summary("Cross-validation" if arguments.run_folder else "Predictions", rows, reporter)
    reporter.result("scores", path=str(folder / SCORES))
    if failures:
        raise RunError(f"{len(failures)} were not scored: {'; '.join(failures)}")


def _score_folder(arguments: argparse.Namespace, reporter: Reporter) -> tuple[list[ScoreRow], list[str]]:
    """Rows of every label of a reference or prediction, and what could not be read.

    Labels are known by the names that files give them, else by their numbers. A reference without a prediction is
    scored as if nothing had been found there.
    """
    predictions, references = arguments.predictions, arguments.references
    found, expected = _label_images(predictions), _label_images(references)
    if not found:
        raise InputError(f"{predictions}: holds no label images; give a folder of predictions")
    if stray := sorted(found.keys() - expected.keys()):
        raise InputError(f"{found[stray[0]]}: has no reference of the same name in {references}; add or remove it")
    if missing := sorted(expected.keys() - found.keys()):
        reporter.warning(f"{len(missing)} without a prediction, which counts as 0: {', '.join(missing)}")
    files = [*expected.values(), *(path for name, path in found.items() if name in expected)]
    labels, ignored = without_ignored(found_labels(files))
    ignored = (*ignored, *arguments.ignored)
    labels = {value: name for value, name in labels.items() if value not in ignored}
    rows: list[ScoreRow] = []
    failures = []
    for number, (name, path) in enumerate(sorted(expected.items()), start=1):
        try:
            rows += _score(name, found.get(name), path, labels, ignored, arguments.tolerance)
        except InputError as error:
            failures.append(str(error))
            reporter.warning(f"left out: {error}")
        reporter.progress("evaluate", number, len(expected))
    return rows, failures


def _score(
    name: str,
    prediction: Path | None,
    reference: Path,
    labels: Mapping[int, str],
    ignored: Sequence[int],
    tolerance: float,
) -> list[ScoreRow]:
    """Rows of the labels that the two hold."""
    names = {**labels, **dict.fromkeys(ignored, IGNORED_NAME)}
    expected = read_named_label(reference, names)
    if prediction:
        found = read_named_label(prediction, names, expected)
        expected = read_named_label(reference, names, found)
    else:
        found = expected * 0
    values = np.union1d(*(sitk.GetArrayViewFromImage(image) for image in (found, expected)))
    own = {int(value): labels[value] for value in values if value in labels}
    scores = evaluate_case(found, expected, own, tolerance, str(prediction or name), ignored=ignored)
    return score_rows(name, None, scores, own)


def _label_images(folder: Path) -> dict[str, Path]:
    """Label images of a folder by name; InputError if two have one name."""
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if is_image(path):
            if image_name(path) in files:
                raise InputError(f"{path}: has the name of {files[image_name(path)].name}; remove one of them")
            files[image_name(path)] = path
    return files
