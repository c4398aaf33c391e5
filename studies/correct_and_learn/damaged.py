"""How many labels that were damaged on purpose does `dints suspects` find, and how many sound ones does it accuse?

`python damaged.py --data FOLDER --work FOLDER`; labels are exchanged, moved by a fifth of the image, or dropped, then a
cross-validation is made with them in the training, too, as it would be in earnest.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from study import CPU, Study

from dints.data.datalist import read_datalist
from dints.data.images import read_label, write_image
from dints.evaluation.cross_validation import cross_validate
from dints.events import Reporter
from dints.improvement.suspects import find_suspects
from dints.seeds import shuffled
from dints.stages import train

HEADER = ("damage", "cases", "suspected", "reason right")
SHIFT = 5  # part of the image


def exchanged(voxels: np.ndarray) -> np.ndarray:
    return np.array([0, 2, 1], voxels.dtype)[voxels]


def moved(voxels: np.ndarray) -> np.ndarray:
    return np.roll(voxels, voxels.shape[1] // SHIFT, 1)


def dropped(voxels: np.ndarray) -> np.ndarray:
    return np.where(voxels == 1, 0, voxels).astype(voxels.dtype)


DAMAGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "labels exchanged": exchanged,
    "shifted": moved,
    "label missing": dropped,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("damaged.csv"))
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--each", type=int, default=3, help="cases that are damaged in each way")
    parser.add_argument("--folds", type=int, nargs="+", help="those alone are trained, and their cases counted")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    datalist = read_datalist(options.data)
    names = shuffled([case.name for case in datalist.cases], 0, "damaged")[: options.cases]
    study = Study(options.work, datalist, [], options.set)
    damage_of = damaged(study, study.arranged(options.work / "data", names), names, options.each)
    run = study.begun(options.work / "run", options.work / "data", None)
    folds = options.folds or range(run.config.training.folds)
    train(run, [fold for fold in folds if fold not in run.trained_folds], CPU, Reporter())
    counted = {name for fold in run.trained_folds for name in run.splits[fold][1]}
    cross_validate(run, "cpu", Reporter())
    reasons = {suspect.case: suspect.reason for suspect in find_suspects(run, Reporter(), len(names))}
    with options.out.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *table(damage_of, reasons, counted)])


def damaged(study: Study, folder: Path, names: list[str], each: int) -> dict[str, str]:
    """Puts damaged labels into a data set; which damage each case has."""
    found = {}
    for number, (damage, change) in enumerate(DAMAGES.items()):
        for name in names[number * each : (number + 1) * each]:
            label = read_label(study.cases[name].label or "")
            image = sitk.GetImageFromArray(change(sitk.GetArrayFromImage(label)))
            image.CopyInformation(label)
            write_image(image, folder / "labels" / f"{name}.nii.gz")
            found[name] = damage
    return found


def table(damage_of: dict[str, str], reasons: dict[str, str], counted: set[str]) -> list[tuple[object, ...]]:
    """A line a damage, and those that were accused though nothing was done to them, of all sound ones."""
    rows: list[tuple[object, ...]] = []
    for damage in DAMAGES:
        own = [name for name, done in damage_of.items() if done == damage and name in counted]
        found = [name for name in own if name in reasons]
        rows.append((damage, len(own), len(found), sum(reasons[name] == damage for name in found)))
    sound = len(counted - damage_of.keys())
    return [*rows, ("none", sound, sum(name not in damage_of for name in reasons), 0)]


if __name__ == "__main__":
    main()
