"""The report's sections on scores: means over cases, every case, and pictures of three of them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dints.data.images import read_channels, read_label
from dints.data.segments import blank, read_named_label
from dints.evaluation.evaluate import Statistic, case_means, measured, summarize
from dints.metrics.segmentation import METRICS, short_name
from dints.report.figures import data_url
from dints.report.overlays import PREDICTION_COLOUR, REFERENCE_COLOUR, overlay_views
from dints.report.run_files import Part, RunFiles, shown

ABSENT = "\N{EN DASH}"
PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
NOT_EVALUATED = "Nothing has been evaluated yet."


def summary(run: RunFiles) -> Part:
    """Mean scores over cases, for each metric: a line a label, a column a fold."""
    if run.scores is None:
        return NOT_EVALUATED
    lines = summarize(run.scores.rows)
    columns: list[int | None] = [None, *sorted({line.fold for line in lines if line.fold is not None})]
    by_place = {(line.fold, line.value): line.statistics for line in lines}

    def rows(name: str) -> Iterator[list[str]]:
        for label in (line for line in lines if line.fold is None):
            statistics = [by_place.get((fold, label.value), {}).get(name) for fold in columns]
            count = f"{label.statistics[name].count} cases"
            yield [label.label, *map(_mean_and_deviation, statistics), count]

    tolerance = run.scores.tolerance
    meaning = f"Mean {PLUS_MINUS} standard deviation over cases."
    if tolerance is not None:
        meaning += f" Surfaces agree where they are at most {tolerance:g} mm apart."
    return {
        "head": ("", *("all" if fold is None else f"fold {fold}" for fold in columns), "defined in"),
        "metrics": [
            {"caption": _caption(name), "rule": _rule(name), "rows": list(rows(name))}
            for name in measured(run.scores.rows)
        ],
        "meaning": meaning,
    }


def cases(run: RunFiles) -> Part:
    """Scores of every case: their means over labels, then those of each label."""
    if run.scores is None or not run.scores.rows:
        return NOT_EVALUATED
    rows, metrics = run.scores.rows, measured(run.scores.rows)
    labels = {row.value: row.label for row in rows}
    by_case = {(row.case, row.value): row.scores for row in rows}
    folds = {row.case: ABSENT if row.fold is None else str(row.fold) for row in rows}
    head = ["Case", "Fold", *(f"Mean {short_name(name)}" for name in metrics)]
    head += [f"{label} {short_name(name)}" for label in labels.values() for name in metrics]
    lines = []
    for case, mean in case_means(rows).items():
        scores = [mean, *(by_case.get((case, value), {}) for value in labels)]
        lines.append([case, folds[case], *(_number(own.get(name)) for own in scores for name in metrics)])
    return {"head": head, "rows": lines}


def examples(run: RunFiles) -> Part:
    """Pictures of the best, the median and the worst case by the first metric."""
    if run.scores is None:
        return NOT_EVALUATED
    name = measured(run.scores.rows)[0]
    means = {case: mean[name] for case, mean in case_means(run.scores.rows).items() if not math.isnan(mean[name])}
    if not means:
        return NOT_EVALUATED
    ranked = sorted(means, key=means.__getitem__, reverse=name in METRICS and not METRICS[name].higher_is_better)
    return {
        "legend": (("reference", REFERENCE_COLOUR), ("prediction", PREDICTION_COLOUR)),
        "cases": [
            {
                "name": case,
                "title": f"{rank}: {case}, mean {short_name(name)} {_number(means[case])}",
                "pictures": shown(_pictures, run, case),
            }
            for rank, case in (("Best", ranked[-1]), ("Median", ranked[len(ranked) // 2]), ("Worst", ranked[0]))
        ],
    }


def _pictures(run: RunFiles, case: str) -> list[dict[str, str]] | str:
    """A case in three planes; InputError if an image moved since the evaluation, is damaged or on another grid."""
    files = run.scores.cases.get(case) if run.scores else None
    if files is None or files.label is None:
        return "The scores do not name this case's files."
    window = run.config.preprocessing.window_of(0)
    image = read_channels(files.images)[0]
    label = read_named_label(files.label, run.config.task.values, image)
    label = blank(label, run.config.task.ignored)
    views = overlay_views(image, label, read_label(run.prediction_file(case)), window)
    return [{"plane": view.plane, "source": data_url("image/png", view.png)} for view in views]


def _caption(name: str) -> str:
    metric = METRICS.get(name)
    return f"{metric.caption}, {metric.unit}" if metric and metric.unit else metric.caption if metric else name


def _rule(name: str) -> str:
    """Which scores are good, and what a label that is absent scores."""
    if name not in METRICS:
        return "A metric that this engine does not know."
    metric = METRICS[name]

    def scores(value: float) -> str:
        return "has no score" if math.isnan(value) else f"scores {value:g}"

    return (
        f"{'Higher' if metric.higher_is_better else 'Lower'} is better. A label that is in neither reference nor "
        f"prediction {scores(metric.both_empty)}; one that is in only one of them {scores(metric.one_empty)}."
    )


def _number(value: float | None) -> str:
    return ABSENT if value is None or math.isnan(value) else f"{value:.4f}"


def _mean_and_deviation(statistic: Statistic | None) -> str:
    if statistic is None or math.isnan(statistic.mean):
        return ABSENT
    deviation = "" if math.isnan(statistic.std) else f" {PLUS_MINUS} {statistic.std:.4f}"
    return f"{statistic.mean:.4f}{deviation}"
