"""Cases whose label may be wrong: where a cross-validation's prediction differs more than is usual for the size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from dints.data.cases import Case
from dints.data.images import read_image
from dints.data.segments import read_named_label
from dints.errors import InputError
from dints.evaluation.evaluate import read_scores
from dints.events import Reporter
from dints.files.storage import write_json
from dints.improvement.differences import likely_reason, most_different_place
from dints.metrics.segmentation import dice
from dints.run import Run

FEWEST_FOR_A_LINE = 8  # cases
SMALLEST_DISTANCE = 1e-3  # of two logarithms of volumes; nearer ones say nothing of a slope
SMALLEST_SPREAD = 0.02  # Dice; less is chance
NORMAL = 1.4826  # median absolute deviation to standard deviation
FAR = 3.0  # deviations from which a case is suspected


@dataclass(frozen=True)
class Suspect:
    """A case and the label of it that differs most from what was found, and where."""

    case: str
    images: tuple[str, ...]
    label_file: str
    prediction: str
    value: int
    label: str
    dice: float
    expected_dice: float  # of labels of this size in this run
    deviations: float  # below it
    reason: str
    sentence: str
    voxel: tuple[int, int, int]
    world: tuple[float, ...]  # mm, RAS

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Measured:
    case: Case
    value: int
    dice: float
    volume: float  # mm3, of the prediction, which a wrong label leaves alone; of the reference if nothing was found


def find_suspects(run: Run, reporter: Reporter, most: int = 20) -> list[Suspect]:
    """The cases that are suspected after a cross-validation, the worst first, each with its worst label.

    Args:
        most: so many at most.

    Raises:
        InputError: the run has not been cross-validated, or its predictions are gone.
    """
    if not run.scores_file.is_file():
        raise InputError(f"{run.folder}: has no cross-validation yet; `dints evaluate --run {run.folder}` makes it")
    cases = list(read_scores(run.evaluation_folder).cases.values())
    measured: list[_Measured] = []
    for number, case in enumerate(cases, start=1):
        measured += _measure(run, case)
        reporter.progress("suspects", number, len(cases))
    worst: dict[str, tuple[float, float, _Measured]] = {}
    for value in {own.value for own in measured}:
        own = [one for one in measured if one.value == value]
        usual, below = unusually_low([one.dice for one in own], [one.volume for one in own])
        for one, expected, deviations in zip(own, usual.tolist(), below.tolist(), strict=True):
            if deviations > max(FAR, worst.get(one.case.name, (0.0,))[0]):
                worst[one.case.name] = deviations, expected, one
    ordered = sorted(worst.values(), key=lambda found: -found[0])[:most]
    suspects = [_suspect(run, one, expected, deviations) for deviations, expected, one in ordered]
    write_json(run.suspects_file, {"suspects": [suspect.to_mapping() for suspect in suspects]})
    return suspects


def unusually_low(scores: Sequence[float], volumes: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """What Dice is usual for each size, and how far below it a case is, in robust deviations of all.

    The line through Dice and the logarithm of the volume is that of Theil and Sen: the median of the slopes of all
    pairs, so that cases with wrong labels do not bend it. Of few cases it is flat.
    """
    y, x = np.array(scores, float), np.log1p(np.array(volumes, float))
    rows, columns = np.triu_indices(len(x), 1)
    apart = np.abs(x[rows] - x[columns]) > SMALLEST_DISTANCE
    steps = (y[rows] - y[columns])[apart] / (x[rows] - x[columns])[apart]
    slope = float(np.median(steps)) if len(y) >= FEWEST_FOR_A_LINE and steps.size else 0.0
    usual = np.clip(slope * x + np.median(y - slope * x), 0, 1)
    spread = max(SMALLEST_SPREAD, NORMAL * float(np.median(np.abs(y - usual))))
    return usual, (usual - y) / spread


def _read(run: Run, case: Case) -> tuple[sitk.Image, np.ndarray, np.ndarray]:
    """The prediction, and label values [Z, Y, X] of it and of the reference; what nobody annotated is background."""
    path, task = run.prediction_file(case.name), run.config.task
    if not path.is_file() or case.label is None:
        raise InputError(f"{path}: is not there; `dints evaluate --run {run.folder}` makes it again")
    prediction = read_image(path)
    reference = sitk.GetArrayFromImage(read_named_label(case.label, task.values, prediction))
    predicted = sitk.GetArrayFromImage(prediction)
    if task.ignored:
        unknown = np.isin(reference, list(task.ignored))
        predicted[unknown], reference[unknown] = 0, 0
    return prediction, predicted, reference


def _measure(run: Run, case: Case) -> list[_Measured]:
    image, predicted, reference = _read(run, case)
    found = []
    for value in (value for value in run.config.task.labels if value):
        masks = predicted == value, reference == value
        score = dice(*masks)
        if not math.isnan(score):
            voxels = int(masks[0].sum()) or int(masks[1].sum())
            found.append(_Measured(case, value, score, voxels * float(np.prod(image.GetSpacing()))))
    return found


def _suspect(run: Run, one: _Measured, expected: float, deviations: float) -> Suspect:
    image, predicted, reference = _read(run, one.case)
    labels, value = run.config.task.labels, one.value
    reason, seen = likely_reason(predicted, reference, value, labels)
    voxel, world = most_different_place(predicted == value, reference == value, image)
    sentence = f"{one.case.name}: {reason}: {seen} (labels of this size have Dice {expected:.2f} here)"
    files = tuple(str(path) for path in one.case.images), str(one.case.label), str(run.prediction_file(one.case.name))
    return Suspect(
        one.case.name, *files, value, labels[value], one.dice, expected, deviations, reason, sentence, voxel, world
    )
