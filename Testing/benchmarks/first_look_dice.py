"""What a first look changes in the Dice of an ensemble: the cases of one fold of a run, with and without it.

    python Testing/benchmarks/first_look_dice.py RUN [RUN ...] [--fold 0] [--bound 0.05]

All networks of the run vote, those that have trained on the cases too: what is asked is not how good they are, but what
becomes different. A run's own safety bound is taken where it has one, else `--bound` at half the resolution. The result
goes to results/first_look_dice.json, one entry for each run.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from machine import machine
from paths import RESULTS

from dints.data.cases import Case
from dints.data.images import read_channels, read_label
from dints.files.storage import read_json, write_json
from dints.inference.first_look import Way
from dints.inference.predictor import Predictor
from dints.inference.safety_bound import SafetyBound
from dints.metrics.segmentation import dice
from dints.run import Run, load_fold

RESULT = RESULTS / "first_look_dice.json"
SIDES = {"exhaustive": True, "looked": False}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--bound", type=float, default=0.05)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for folder in options.runs:
        runs = read_json(RESULT)["runs"] if RESULT.is_file() else {}
        runs[folder.name] = measured(Run(folder), options.fold, options.bound)
        write_json(RESULT, {"runs": runs, "machine": machine()})
    print(RESULT.read_text())


def measured(run: Run, fold: int, threshold: float) -> dict[str, Any]:
    folds = run.trained_folds
    values = read_json(run.bound_file) if run.bound_file.is_file() else {"reason": ""}
    bound = SafetyBound(threshold, Way(scale=2, alone=True), saved=0.1, cases=1)
    if "reason" not in values:
        bound = SafetyBound.from_mapping(values, str(run.bound_file))
    config = replace(run.config, inference=replace(run.config.inference, largest_component=()))
    predictor = Predictor([load_fold(run, own)[0] for own in folds], config, "cpu", None, bound)
    names = {value: name for value, name in config.task.labels.items() if value}
    scores: dict[str, list[list[float]]] = {side: [] for side in SIDES}
    windows = {"computed": 0, "windows": 0}
    for case in (run.cases[name] for name in run.splits[fold][1]):
        for side, exhaustive in SIDES.items():
            found = predictor.predict(read_channels(case.images), exhaustive=exhaustive)
            scores[side].append(dice_of_labels(sitk.GetArrayFromImage(found.labels), case, list(names)))
        windows = {key: windows[key] + getattr(found, key) for key in windows}
    exhaustive, looked = (np.array(scores[side]) for side in SIDES)
    change = looked - exhaustive
    largest = change[np.abs(change).argmax(0), range(len(names))]
    rows = zip(names.values(), exhaustive.mean(0), looked.mean(0), change.mean(0), largest, strict=True)
    keys = ("exhaustive", "looked", "mean_change", "largest_change")
    labels = {name: dict(zip(keys, np.round(own, 5).tolist(), strict=True)) for name, *own in rows}
    return {"cases": len(change), "networks": len(folds), "bound": bound.threshold, "labels": labels, **windows}


def dice_of_labels(labels: np.ndarray, case: Case, values: list[int]) -> list[float]:
    assert case.label
    reference = sitk.GetArrayFromImage(read_label(case.label))
    return [dice(labels == value, reference == value) for value in values]


if __name__ == "__main__":
    main()
