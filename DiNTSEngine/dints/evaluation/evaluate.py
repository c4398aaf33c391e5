"""Scores of cases, their table on disk, and what it comes to.

What is scored is listed in `dints.metrics.segmentation.METRICS`; scores are mappings from a metric's name to a value.
An undefined score is NaN here, null in JSON, empty in CSV, and left out of every mean.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from dints.data.cases import Case
from dints.data.images import as_label
from dints.data.placement import geometry_difference
from dints.errors import InputError
from dints.files.storage import read_json, write_json, write_text
from dints.metrics.segmentation import METRICS, LabelMasks
from dints.run_layout import SCORE_TABLE, SCORES
from dints.training.log import defined

SCORES_FORMAT = 1
ALL_LABELS = "mean of labels"
# Dice that keeping the largest component must win on average: less is below what cross-validation can tell apart, and
# the cleanup can remove a second, true part of an organ.
COMPONENT_GAIN = 1e-4
ROW_KEYS = ("case", "fold", "value", "label")  # of a row on disk; every other key is a metric's name


@dataclass(frozen=True)
class ScoreRow:
    """One line of the table: a label of a case. `fold` is None for cases outside of the cross-validation."""

    case: str
    fold: int | None
    value: int
    label: str
    scores: Mapping[str, float]  # by the metric's name; NaN where undefined


@dataclass(frozen=True)
class Statistic:
    """Mean and sample standard deviation of the defined values among some; NaN where too few are defined."""

    mean: float
    std: float
    count: int

    @staticmethod
    def of(values: Iterable[float]) -> Statistic:
        """Leaves NaN out."""
        numbers = np.array([value for value in values if not math.isnan(value)])
        mean = float(numbers.mean()) if numbers.size else math.nan
        return Statistic(mean, float(numbers.std(ddof=1)) if numbers.size > 1 else math.nan, numbers.size)


@dataclass(frozen=True)
class SummaryRow:
    """Scores over cases: of one fold or (None) all of them, of one label or (None) each case's mean over its labels."""

    fold: int | None
    value: int | None
    label: str
    statistics: Mapping[str, Statistic]  # by the metric's name


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
    metrics: Collection[str] = METRICS,
    ignored: Collection[int] = (),
) -> dict[int, dict[str, float]]:
    """Scores of every label but the background: by value, then by the metric's name; NaN where undefined.

    Args:
        labels: names by value; other values in the images count as background.
        tolerance: mm, of the normalised surface distance.
        source: names the prediction in errors.
        metrics: names of those to compute.
        ignored: values in the reference of voxels that nobody annotated; both images count as background there.

    Raises:
        InputError: the images lie on different grids (resampling would change the score), or are no label images.
    """
    difference = geometry_difference(reference, prediction)
    if difference:
        raise InputError(f"{source}: {difference} as in the reference; write the prediction on the reference's grid")
    predicted, expected = (sitk.GetArrayFromImage(as_label(image, source)) for image in (prediction, reference))
    if ignored:
        predicted[np.isin(expected, list(ignored))] = 0
    spacing = reference.GetSpacing()[::-1]  # SimpleITK's arrays are [Z, Y, X]
    scores = {}
    for value in sorted(set(labels) - {0}):
        masks = LabelMasks(predicted == value, expected == value, spacing, tolerance)
        scores[value] = {name: METRICS[name].score(masks) for name in metrics}
    return scores


def score_rows(
    case: str, fold: int | None, scores: Mapping[int, Mapping[str, float]], labels: Mapping[int, str]
) -> list[ScoreRow]:
    """Lines of the table for one evaluated case."""
    return [ScoreRow(case, fold, value, labels[value], own) for value, own in scores.items()]


def measured(rows: Iterable[ScoreRow]) -> list[str]:
    """Names of the metrics that are in the table: in the order of `METRICS`, then those that another engine knew.

    All of `METRICS` if there are none.
    """
    found = dict.fromkeys(name for row in rows for name in row.scores) or METRICS
    return [*(name for name in METRICS if name in found), *(name for name in found if name not in METRICS)]


def summarize(rows: Sequence[ScoreRow]) -> list[SummaryRow]:
    """Mean and deviation over cases: all folds first, then each; in either every label, then the mean of labels."""
    numbered = sorted({row.fold for row in rows if row.fold is not None})
    groups = [(None, rows), *((fold, [row for row in rows if row.fold == fold]) for fold in numbered)]
    return [line for fold, group in groups for line in _summarize_group(fold, group)]


def plain_summary(rows: Sequence[ScoreRow]) -> list[dict[str, Any]]:
    """`summarize` as JSON holds it: metrics beside a line's own keys, None for NaN, which JSON lacks."""
    return [
        {
            "fold": line.fold,
            "value": line.value,
            "label": line.label,
            **{
                name: {"mean": defined(of.mean), "std": defined(of.std), "count": of.count}
                for name, of in line.statistics.items()
            },
        }
        for line in summarize(rows)
    ]


def case_means(rows: Sequence[ScoreRow]) -> dict[str, dict[str, float]]:
    """Mean of each metric over the defined labels of each case, in the order of the rows."""
    by_case: dict[str, list[Mapping[str, float]]] = {}
    for row in rows:
        by_case.setdefault(row.case, []).append(row.scores)
    names = measured(rows)
    return {
        case: {name: statistic.mean for name, statistic in _statistics(own, names).items()}
        for case, own in by_case.items()
    }


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
    before, after = ({(row.case, row.value): row.scores["dice"] for row in rows} for rows in (without, kept))
    if before.keys() != after.keys():
        raise InputError("the scores with and without cleanup are of different cases or labels; score the same cases")
    gains: dict[int, list[float]] = {}
    for (case, value), score in before.items():
        gains.setdefault(value, []).append(after[case, value] - score)
    return tuple(sorted(value for value, differences in gains.items() if Statistic.of(differences).mean > threshold))


def write_scores(
    folder: str | Path, rows: Sequence[ScoreRow], cases: Iterable[Case] = (), tolerance: float | None = None
) -> None:
    """Writes the table, and the table with summary and files of the cases as JSON, into a folder."""
    folder = Path(folder)
    names = measured(rows)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow((*ROW_KEYS, *names))
    for row in rows:
        cells = [row.case, row.fold, row.value, row.label, *(defined(row.scores.get(name, math.nan)) for name in names)]
        writer.writerow("" if cell is None else cell for cell in cells)
    write_text(folder / SCORE_TABLE, table.getvalue())
    content = {
        "format": SCORES_FORMAT,
        "tolerance": tolerance,
        "summary": plain_summary(rows),
        "cases": {
            case.name: {
                "images": [str(path.absolute()) for path in case.images],
                "label": str(case.label.absolute()) if case.label else None,
            }
            for case in cases
        },
        "rows": [_plain_row(row) for row in rows],
    }
    write_json(folder / SCORES, content)


def read_scores(folder: str | Path) -> Scores:
    """Reads what `write_scores` wrote; InputError if it is missing or something else."""
    path = Path(folder) / SCORES
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != SCORES_FORMAT:
        raise InputError(f"{path}: is not a table of scores of format {SCORES_FORMAT}; evaluate again")
    try:
        rows = tuple(_parse_row(row) for row in content["rows"])
        cases = {
            name: Case(name, tuple(map(Path, files["images"])), Path(files["label"]) if files["label"] else None)
            for name, files in content["cases"].items()
        }
        tolerance = content["tolerance"]
        return Scores(rows, cases, None if tolerance is None else float(tolerance))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: is damaged ({type(error).__name__}: {error}); evaluate again") from error


def _summarize_group(fold: int | None, rows: Sequence[ScoreRow]) -> list[SummaryRow]:
    labels, names = {row.value: row.label for row in rows}, measured(rows)
    lines = [
        SummaryRow(fold, value, labels[value], _statistics([row.scores for row in rows if row.value == value], names))
        for value in sorted(labels)
    ]
    total = _statistics(list(case_means(rows).values()), names)
    return [*lines, SummaryRow(fold, None, ALL_LABELS, total)]


def _statistics(scores: Sequence[Mapping[str, float]], names: Iterable[str]) -> dict[str, Statistic]:
    """Of each metric; scores that lack one are left out of its statistic."""
    return {name: Statistic.of(own.get(name, math.nan) for own in scores) for name in names}


def _plain_row(row: ScoreRow) -> dict[str, Any]:
    """As JSON holds it: metrics beside the row's own keys, None for NaN, which JSON lacks."""
    own = dict(zip(ROW_KEYS, (row.case, row.fold, row.value, row.label), strict=True))
    return own | {name: defined(value) for name, value in row.scores.items()}


def _parse_row(values: Mapping[str, Any]) -> ScoreRow:
    """LookupError, TypeError, ValueError or AttributeError if it is none."""
    case, fold, value, label = (values[key] for key in ROW_KEYS)
    if not (isinstance(case, str) and isinstance(label, str)):
        raise TypeError(f"case {case!r} and label {label!r} must be texts")
    scores = {name: math.nan if own is None else float(own) for name, own in values.items() if name not in ROW_KEYS}
    return ScoreRow(case, None if fold is None else int(fold), int(value), label, scores)
