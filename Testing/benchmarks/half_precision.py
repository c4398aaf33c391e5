"""Whether segmenting in half precision changes Dice, on real scans that the network has not seen.

    python Testing/benchmarks/half_precision.py [--data HIPPOCAMPUS] [--work runs/half_precision]

Trains one network for a few minutes (`dints train`, which goes on where it was interrupted), then segments its
validation cases in the processor's half precision and in float32. The result goes to results/half_precision.json. Where
the processor has no half precision there is nothing to compare, and the script says so.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from machine import machine
from paths import HERE, HIPPOCAMPUS, RESULTS, SMALL_ARCHITECTURE

from dints.data.cases import Case
from dints.data.images import read_channels, read_label
from dints.device import PRECISION_VARIABLE, half_type
from dints.files.storage import write_json
from dints.inference.predictor import Predictor
from dints.metrics.segmentation import dice
from dints.run import Run, load_fold

RESULT = RESULTS / "half_precision.json"
FOLD = 0
SETTINGS = ("training.iterations=600", "training.validate_every=600", "training.folds=2")
CASES = 30
LARGEST_CHANGE = 1e-3  # of a label's mean Dice


def main() -> int:
    """Trains, compares; 0 if Dice is the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HIPPOCAMPUS)
    parser.add_argument("--work", type=Path, default=HERE.parents[1] / "runs" / "half_precision")
    options = parser.parse_args()
    precision = half_type(torch.device("cpu"))
    if precision is None:
        print("this processor has no half precision")
        return 0
    torch.set_num_threads(1)
    train(options.data, options.work)
    result = compare(Run(options.work))
    write_json(RESULT, {**result, "precision": str(precision).removeprefix("torch."), "machine": machine()})
    print(RESULT.read_text())
    return 0 if result["largest_change_of_a_mean"] <= LARGEST_CHANGE else 1


def train(data: Path, work: Path) -> None:
    command = [sys.executable, "-m", "dints", "train", "--run", str(work), "--data", str(data), "--device", "cpu"]
    command += ["--config", str(HERE / "hippocampus_quick.yaml"), "--architecture", str(SMALL_ARCHITECTURE)]
    command += [argument for setting in SETTINGS for argument in ("--set", setting)]
    subprocess.run([*command, "--folds", str(FOLD)], check=True)


def compare(run: Run) -> dict:
    """Dice of every label in both precisions over validation cases of the fold."""
    predictor = Predictor([load_fold(run, FOLD)[0]], run.config, "cpu")
    cases = [run.cases[name] for name in run.splits[FOLD][1]][:CASES]
    names = {value: name for value, name in run.config.task.labels.items() if value}
    scores = {"full": [], "half": []}  # [case][label]
    differing = voxels = 0
    for case in cases:
        labels = {precision: segment(predictor, case, precision) for precision in scores}
        differing += int((labels["full"] != labels["half"]).sum())
        voxels += labels["full"].size
        for precision, found in scores.items():
            found.append(dice_of_labels(labels[precision], case, list(names)))
    full, half = (np.array(scores[precision]) for precision in ("full", "half"))
    changes = np.nanmean(half, 0) - np.nanmean(full, 0)
    return {
        "cases": len(cases),
        "dice_float32": dict(zip(names.values(), np.nanmean(full, 0).round(5).tolist(), strict=True)),
        "change_of_the_mean": dict(zip(names.values(), changes.round(6).tolist(), strict=True)),
        "largest_change_of_a_mean": round(float(np.abs(changes).max()), 6),
        "largest_change_in_a_case": round(float(np.nanmax(np.abs(half - full))), 6),
        "voxels_that_differ": differing / voxels,
    }


def segment(predictor: Predictor, case: Case, precision: str) -> np.ndarray:
    """Labels [z, y, x]."""
    if precision == "full":
        os.environ[PRECISION_VARIABLE] = "full"
    else:
        os.environ.pop(PRECISION_VARIABLE, None)
    return sitk.GetArrayFromImage(predictor.segment(read_channels(case.images)))


def dice_of_labels(labels: np.ndarray, case: Case, values: Sequence[int]) -> list[float]:
    assert case.label
    reference = sitk.GetArrayFromImage(read_label(case.label))
    return [dice(labels == value, reference == value) for value in values]


if __name__ == "__main__":
    raise SystemExit(main())
