"""Measures again what the shipped model says of its own certainty, from the model alone: no training is repeated.

    python studies/hippocampus/recalibrate.py --data ../shared/data/Task04_Hippocampus --work runs/recalibrated

The model's networks become the folds of a run, whose cases the seed and their names tell; each network segments those
that it did not learn from. If the Dice of each fold is not the model's own, these are not its folds, and nothing is
written. What `dints evaluate` then finds, calibration and safety bound, takes the place of what the manifest has; the
weights stay as they are, bit for bit. Writes calibration.csv (each case) and calibration_folds.csv: the mean absolute
error on each fold of a line through the other four, beside that of giving each case the mean Dice of those.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tables import write_csv

from dints.errors import InputError
from dints.evaluation.cross_validation import cross_validate, expected_dice
from dints.evaluation.evaluate import ScoreRow, case_means, summarize
from dints.evaluation.export import export
from dints.events import Reporter
from dints.files.storage import write_text
from dints.inference.calibration import Calibration
from dints.model.folder import SHIPPED_FOLDER
from dints.model.manifest import Manifest
from dints.model.model import Model, load_model
from dints.run import Run
from dints.training.checkpoint import save_checkpoint
from dints.training.validation import mean_defined

RESULTS = Path(__file__).with_name("second")
MEASURED = ("calibration", "safety_bound")
TOLERANCE = 5e-4  # of a fold's mean Dice: kernels were rounded after the cross-validation that the model tells
Pairs = Mapping[int, Sequence[tuple[float, float]]]  # of each fold: expected Dice and Dice of its cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=SHIPPED_FOLDER / "hippocampus-mr.zip", help="is replaced")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--notes", type=Path, help="text file with another description of the model")
    options = parser.parse_args()
    model, reporter = load_model(options.model), Reporter()
    run = rebuilt(model, options.data, options.work)
    rows = cross_validate(run, "cpu", reporter)
    refuse_other_folds(rows, model.manifest)
    found = export(run, reporter).manifest.training
    measured = {name: found[name] for name in MEASURED}
    notes = options.notes.read_text(encoding="utf-8").strip() if options.notes else model.manifest.notes
    manifest = replace(model.manifest, notes=notes, training={**model.manifest.training, **measured})
    list(model.networks)  # read before the file is replaced: a damaged one is left alone
    Model(model.path, manifest).converted(options.model)
    assert load_model(options.model).manifest.folds == model.manifest.folds, "weights have changed"
    print(json.dumps(measured, indent=1))
    write_tables(run, rows, options.results)


def rebuilt(model: Model, data: Path, folder: Path) -> Run:
    """A run that has just trained the networks of the model."""
    manifest = model.manifest
    run = Run.create(folder, data, manifest.config)
    manifest.architecture.save(run.architecture_file)
    last = manifest.config.training.iterations - 1
    for number, (network, fold) in enumerate(zip(model.networks, manifest.folds, strict=True)):
        dice, files = list(fold.dice), run.fold(number)
        save_checkpoint(files.best, {"network": network.state_dict(), "dice": dice})
        mean = mean_defined([value for value in dice if value is not None])
        write_text(files.log, json.dumps({"step": last, "dice": dice, "mean_dice": mean}) + "\n")
    return run


def refuse_other_folds(rows: Sequence[ScoreRow], manifest: Manifest) -> None:
    """InputError unless each network has the Dice on its fold that the model tells."""
    for line in summarize(rows):
        if line.fold is None or line.value is None:
            continue
        found, told = line.statistics["dice"].mean, manifest.folds[line.fold].dice[line.value - 1]
        print(f"fold {line.fold}, {line.label}: Dice {found:.4f}, the model tells {told:.4f}")
        if told is None or abs(found - told) > TOLERANCE:
            raise InputError(f"fold {line.fold}: is not that of the model; give the data that it was trained on")


def write_tables(run: Run, rows: Sequence[ScoreRow], results: Path) -> None:
    """Of each case, and of each fold as if its cases came after the calibration."""
    expected, true = expected_dice(run.evaluation_folder), case_means(rows)
    cases = [
        (fold, name, own, true[name]["dice"])
        for fold, (_, validation) in enumerate(run.splits)
        for name in validation
        if (own := expected[name]) is not None
    ]
    write_csv(
        results / "calibration.csv",
        ("fold", "case", "expected Dice", "Dice"),
        [(fold, name, f"{own:.4f}", f"{dice:.4f}") for fold, name, own, dice in cases],
    )
    pairs = {fold: [(own, dice) for of, _, own, dice in cases if of == fold] for fold in range(len(run.splits))}
    errors = {fold: errors_on(fold, pairs) for fold in pairs}
    lines = [*errors.items(), ("all", np.concatenate(list(errors.values()), axis=1))]
    header = ("fold", "cases", "error of the predicted Dice", "of the mean Dice", "correlation")
    table = [
        (fold, own.shape[1], *(f"{value:.4f}" for value in own[:2].mean(1)), f"{np.corrcoef(own[2:])[0, 1]:.3f}")
        for fold, own in lines
    ]
    write_csv(results / "calibration_folds.csv", header, table)
    print((results / "calibration_folds.csv").read_text())


def errors_on(fold: int, pairs: Pairs) -> np.ndarray:
    """[4, cases of the fold]: errors of the line through the other folds and of their mean, expected Dice, Dice."""
    others = np.array([pair for other, own in pairs.items() if other != fold for pair in own])
    calibration = Calibration.fit(*others.T)
    assert calibration is not None, "too few cases"
    x, y = np.array(pairs[fold]).T
    predicted = np.array([calibration.predicted(value) for value in x])
    return np.array([np.abs(predicted - y), np.abs(others[:, 1].mean() - y), x, y])


if __name__ == "__main__":
    main()
