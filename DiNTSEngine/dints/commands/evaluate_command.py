"""Cross-validate the trained folds of a run, or score a folder of predictions against references."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Set
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from dints.commands.opening import refuse_away
from dints.commands.options import add_device
from dints.config.ignored import IGNORED_NAME, without_ignored
from dints.data.cases import label_name
from dints.data.formats import is_image
from dints.data.segments import found_labels, read_named_label
from dints.errors import InputError, RunError
from dints.evaluation.cross_validation import cross_validate, report_summary
from dints.evaluation.evaluate import ScoreRow, evaluate_case, score_rows, write_scores
from dints.events import Reporter
from dints.plan.forecast import kept_plan
from dints.plan.predict import evaluation_stage
from dints.run import Run, run_lock
from dints.run_layout import SCORES
from dints.stages import export

NAMED_LABELS = 5  # of those that only predictions hold, in a warning


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
    if arguments.run_folder and (arguments.predictions or arguments.references):
        raise InputError("--run cross-validates a run, --predictions scores a folder; give one of them")
    if not 0 <= arguments.tolerance < math.inf:
        raise InputError(f"--tolerance {arguments.tolerance:g}: must be a number of mm, 0 or more")
    if arguments.run_folder:
        run = Run(arguments.run_folder)
        refuse_away(run, "`dints train --on NAME` evaluates it there; else ")
        with run_lock(run.folder):
            if plan := kept_plan(run.plan_file, reporter):
                stages = map(evaluation_stage, run.trained_folds)
                reporter.expect({name: plan.stages[name] for name in stages if name in plan.stages}, {})
            rows = cross_validate(run, arguments.device, reporter)
            model = export(run, reporter)
        reporter.message(f"Model: {model.path}")
        folder = run.evaluation_folder
    elif arguments.predictions and arguments.references:
        folder = arguments.output or arguments.predictions
        if folder.is_file():
            raise InputError(f"{folder}: is a file; give folders for --predictions and --output")
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
    for name, path in found.items():
        if path.samefile(expected[name]):
            raise InputError(f"{path}: would be compared with itself; give the folder of the predictions")
    files = [*expected.values(), *found.values()]
    labels, ignored = without_ignored(found_labels(files))
    ignored = (*ignored, *arguments.ignored)
    labels = {value: name for value, name in labels.items() if value not in ignored}
    rows: list[ScoreRow] = []
    failures = []
    seen: tuple[set[int], set[int]] = set(), set()  # label values in predictions, in references
    for number, (name, path) in enumerate(sorted(expected.items()), start=1):
        try:
            pair = _read_pair(found.get(name), path, {**labels, **dict.fromkeys(ignored, IGNORED_NAME)})
            held = [set(np.unique(sitk.GetArrayViewFromImage(image)).tolist()) & labels.keys() - {0} for image in pair]
            own = {value: labels[value] for value in sorted(held[0] | held[1])}
            scores = evaluate_case(*pair, own, arguments.tolerance, str(found.get(name, name)), ignored=ignored)
            rows += score_rows(name, None, scores, own)
            for values, more in zip(seen, held, strict=True):
                values |= more
        except InputError as error:
            failures.append(str(error))
            reporter.warning(f"left out: {error}")
        reporter.progress("evaluate", number, len(expected))
    _remark(*seen, labels, reporter)
    return rows, failures


def _read_pair(prediction: Path | None, reference: Path, names: Mapping[int, str]) -> tuple[sitk.Image, sitk.Image]:
    """Prediction and reference with the values of `names`; of a missing prediction, nothing but background."""
    expected = read_named_label(reference, names)
    if prediction is None:
        return expected * 0, expected
    found = read_named_label(prediction, names, expected)
    return found, read_named_label(reference, names, found)


def _remark(predicted: Set[int], expected: Set[int], labels: Mapping[int, str], reporter: Reporter) -> None:
    """On labels that only one side knows: they may be the same structures under other values."""
    if not predicted and not expected:
        reporter.warning("nothing is labelled, neither in predictions nor in references: there is nothing to score")
    if stray := sorted(predicted - expected):
        known = ", ".join(labels[value] for value in sorted(expected)) or "nothing"
        shown = ", ".join(labels[value] for value in stray[:NAMED_LABELS]) + (", ..." if stray[NAMED_LABELS:] else "")
        reporter.warning(f"{shown}: in predictions alone, which counts as 0; references hold {known}")


def _label_images(folder: Path) -> dict[str, Path]:
    """Label images of a folder by name; InputError if two have one name."""
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if is_image(path):
            if label_name(path) in files:
                raise InputError(f"{path}: has the name of {files[label_name(path)].name}; remove one of them")
            files[label_name(path)] = path
    return files
