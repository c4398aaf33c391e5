"""Scores of cases, their table on disk, and what it comes to.

Where a label is absent from both prediction and reference its scores are undefined, as in the Medical Segmentation
Decathlon: NaN here, null in JSON, empty in CSV, and left out of every mean. Where only one of the two is empty, the
scores are 0.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from dints.data.cases import Case
from dints.data.images import as_label, geometry_difference
from dints.errors import InputError
from dints.files.storage import read_json, write_json, write_text
from dints.metrics.segmentation import dice, normalized_surface_distance

SCORES_FORMAT = 1
ALL_LABELS = "mean of labels"
# Dice that keeping the largest component must win on average: less is below what cross-validation can tell apart, and
# the cleanup can remove a second, true part of an organ.
COMPONENT_GAIN = 1e-4


@dataclass(frozen=True)
class LabelScore:
    """Scores of one label in one case; NaN where undefined."""

    dice: float
    nsd: float


@dataclass(frozen=True)
class ScoreRow:
    """One line of the table of scores; `fold` is None for cases outside of the cross-validation."""

    case: str
    fold: int | None
    value: int
    label: str
    dice: float
    nsd: float


@dataclass(frozen=True)
class Statistic:
    """Mean and sample standard deviation of the defined values among some; NaN where too few are defined."""

    mean: float
    std: float
    count: int

    @staticmethod
    def of(values: Iterable[float]) -> Statistic:
        """Leaves NaN out."""
        defined = np.array([value for value in values if not math.isnan(value)])
        mean = float(defined.mean()) if defined.size else math.nan
        return Statistic(mean, float(defined.std(ddof=1)) if defined.size > 1 else math.nan, defined.size)


@dataclass(frozen=True)
class SummaryRow:
    """Scores over cases: of one fold or (None) all of them, of one label or (None) each case's mean over its labels."""

    fold: int | None
    value: int | None
    label: str
    dice: Statistic
    nsd: Statistic


@dataclass(frozen=True)
class Scores:
    """What an evaluation left on disk."""

    rows: tuple[ScoreRow, ...]
    cases: dict[str, Case]
    tolerance: float | None  # mm, of the normalised surface distance


def evaluate_case(
    prediction: sitk.Image,
    reference: sitk.Image,
    labels: Mapping[int, str],
    tolerance: float,
    source: str = "prediction",
) -> dict[int, LabelScore]:
    """Scores of every label but the background, by value.

    Args:
        labels: names by value; other values in the images count as background.
        tolerance: mm, of the normalised surface distance.
        source: names the prediction in errors.

    Raises:
        InputError: the images lie on different grids (resampling would change the score), or are no label images.
    """
    difference = geometry_difference(reference, prediction)
    if difference:
        raise InputError(f"{source}: {difference} as in the reference; write the prediction on the reference's grid")
    predicted, expected = (sitk.GetArrayFromImage(as_label(image, source)) for image in (prediction, reference))
    spacing = reference.GetSpacing()[::-1]  # SimpleITK's arrays are [Z, Y, X]
    scores = {}
    for value in sorted(set(labels) - {0}):
        masks = predicted == value, expected == value
        scores[value] = LabelScore(dice(*masks), normalized_surface_distance(*masks, spacing, tolerance))
    return scores


def score_rows(
    case: str, fold: int | None, scores: Mapping[int, LabelScore], labels: Mapping[int, str]
) -> list[ScoreRow]:
    """Lines of the table for one evaluated case."""
    return [ScoreRow(case, fold, value, labels[value], score.dice, score.nsd) for value, score in scores.items()]


def summarize(rows: Sequence[ScoreRow]) -> list[SummaryRow]:
    """Mean and deviation over cases: all folds first, then each; in either every label, then the mean of labels."""
    numbered = sorted({row.fold for row in rows if row.fold is not None})
    groups = [(None, rows), *((fold, [row for row in rows if row.fold == fold]) for fold in numbered)]
    return [line for fold, group in groups for line in _summarize_group(fold, group)]


def case_means(rows: Sequence[ScoreRow]) -> dict[str, LabelScore]:
    """Mean over the defined labels of each case, in the order of the rows."""
    by_case: dict[str, list[ScoreRow]] = {}
    for row in rows:
        by_case.setdefault(row.case, []).append(row)
    return {case: LabelScore(*(statistic.mean for statistic in _statistics(own))) for case, own in by_case.items()}


def component_benefit(
    without: Sequence[ScoreRow], kept: Sequence[ScoreRow], threshold: float = COMPONENT_GAIN
) -> tuple[int, ...]:
    """Values of the labels whose mean Dice gains more than `threshold` when only the largest component is kept.

    Args:
        without: scores of the predictions as they are.
        kept: scores of the same cases, each label reduced to its largest component.

    Raises:
        InputError: the two tables are not about the same cases and labels.
    """
    before, after = ({(row.case, row.value): row.dice for row in rows} for rows in (without, kept))
    if before.keys() != after.keys():
        raise InputError("the scores with and without cleanup are of different cases or labels; score the same cases")
    gains: dict[int, list[float]] = {}
    for (case, value), score in before.items():
        gains.setdefault(value, []).append(after[case, value] - score)
    return tuple(sorted(value for value, differences in gains.items() if Statistic.of(differences).mean > threshold))


def write_scores(
    folder: str | Path, rows: Sequence[ScoreRow], cases: Iterable[Case] = (), tolerance: float | None = None
) -> None:
    """Writes `scores.csv` (the table) and `scores.json` (table, summary and files of the cases) into a folder."""
    folder = Path(folder)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(field.name for field in fields(ScoreRow))
    for row in rows:
        writer.writerow("" if value is None else value for value in _plain(row).values())
    write_text(folder / "scores.csv", table.getvalue())
    content = {
        "format": SCORES_FORMAT,
        "tolerance": tolerance,
        "summary": [_plain(line) for line in summarize(rows)],
        "cases": {
            case.name: {
                "images": [str(path.absolute()) for path in case.images],
                "label": str(case.label.absolute()) if case.label else None,
            }
            for case in cases
        },
        "rows": [_plain(row) for row in rows],
    }
    write_json(folder / "scores.json", content)


def read_scores(folder: str | Path) -> Scores:
    """Reads what `write_scores` wrote; InputError if it is missing or something else."""
    path = Path(folder) / "scores.json"
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != SCORES_FORMAT:
        raise InputError(f"{path}: is not a table of scores of format {SCORES_FORMAT}; evaluate again")
    try:
        rows = [ScoreRow(**{**row, "dice": _parse(row["dice"]), "nsd": _parse(row["nsd"])}) for row in content["rows"]]
        cases = {
            name: Case(name, tuple(map(Path, files["images"])), Path(files["label"]) if files["label"] else None)
            for name, files in content["cases"].items()
        }
        return Scores(tuple(rows), cases, content["tolerance"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: is damaged ({type(error).__name__}: {error}); evaluate again") from error


def _summarize_group(fold: int | None, rows: Sequence[ScoreRow]) -> list[SummaryRow]:
    names = {row.value: row.label for row in rows}
    lines = [
        SummaryRow(fold, value, names[value], *_statistics([row for row in rows if row.value == value]))
        for value in sorted(names)
    ]
    return [*lines, SummaryRow(fold, None, ALL_LABELS, *_statistics(list(case_means(rows).values())))]


def _statistics(scores: Sequence[ScoreRow] | Sequence[LabelScore]) -> tuple[Statistic, Statistic]:
    """Of Dice and of the normalised surface distance."""
    return Statistic.of(score.dice for score in scores), Statistic.of(score.nsd for score in scores)


def _plain(row: ScoreRow | SummaryRow) -> dict[str, Any]:
    """A row as JSON holds it: None for NaN, which JSON lacks."""

    def without_nan(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_nan(item) for key, item in value.items()}
        return None if isinstance(value, float) and math.isnan(value) else value

    return without_nan(asdict(row))


def _parse(value: float | None) -> float:
    return math.nan if value is None else float(value)
