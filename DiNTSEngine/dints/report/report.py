"""The report of a run: one HTML file that says what was done and how well it worked, at any moment of the run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from dints import __version__
from dints.config import Config
from dints.data.images import read_channels, read_label
from dints.errors import InputError
from dints.evaluation.evaluate import Scores, Statistic, case_means, read_scores, summarize
from dints.files.storage import read_json, write_text
from dints.report.figures import CURVE_POINTS, Chart, chart_svg, points
from dints.report.overlays import PREDICTION_COLOUR, REFERENCE_COLOUR, overlay_views
from dints.report.page import Html, element, join, note, page, picture, section, table, text
from dints.training.log import read_log

ABSENT = "\N{EN DASH}"
MILLION, BILLION, GIBIBYTE = 1e6, 1e9, 2**30
MM3_PER_ML = 1000
THINNED = f"Curves of more than {CURVE_POINTS} steps show means of consecutive steps."


def write_report(run_folder: str | Path) -> Path:
    """Writes `report.html` into a run folder from what is there so far, and returns its path.

    Raises:
        InputError: the folder is not a run, one of its files is damaged, or matplotlib is missing.
    """
    folder = Path(run_folder)
    config = Config.load(folder / "config.yaml")
    scores = read_scores(folder / "evaluation") if (folder / "evaluation" / "scores.json").is_file() else None
    content = page(
        f"DiNTS report: {config.task.name}",
        note(config.task.description),
        _data_section(folder, config),
        _architecture_section(folder, config),
        _search_section(folder, config),
        _training_section(folder, config),
        _summary_section(scores),
        _cases_section(scores),
        _overlay_section(folder, config, scores),
        _configuration_section(folder),
        element("footer", f"SlicerDiNTS {__version__}"),
    )
    path = folder / "report.html"
    write_text(path, content)
    return path


def _data_section(folder: Path, config: Config) -> Html:
    facts: list[tuple[str, object]] = [
        ("Modality and channels", f"{config.task.modality}: {', '.join(config.task.channels)}"),
        (
            "Working grid",
            f"spacing {_product(config.preprocessing.spacing)} mm, patch {_product(config.sampling.patch)}",
        ),
    ]
    if not (folder / "check.json").is_file():
        return section("Data", table((), facts, "facts"), note("The data set has not been checked yet."))
    checked = read_json(folder / "check.json")
    cases, problems = checked["cases"], checked["problems"]
    facts.insert(1, ("Cases", len(cases)))
    if cases:
        facts.insert(2, ("Size, median (range)", _median_and_range([case["size"] for case in cases], "voxels")))
        facts.insert(3, ("Spacing, median (range)", _median_and_range([case["spacing"] for case in cases], "mm")))
    volumes = []
    for value, name in config.task.labels.items():
        present = [case["label_volumes"][str(value)] for case in cases if str(value) in case["label_volumes"]]
        if value != 0:
            median = f"{np.median(present) / MM3_PER_ML:.3g}" if present else ABSENT
            volumes.append((f"{value} {name}", len(present), median))
    found = [element("li", f"{problem['file']}: {problem['reason']}") for problem in problems]
    return section(
        "Data",
        table((), facts, "facts"),
        table(("Label", "Cases with it", "Median volume, ml"), volumes),
        element("details", element("summary", f"{len(found)} problems found by the check"), element("ul", *found))
        if found
        else note("The check found no problems."),
    )


def _architecture_section(folder: Path, config: Config) -> Html:
    drawing, numbers = folder / "search" / "architecture.svg", folder / "search" / "summary.json"
    parts = []
    if drawing.is_file():
        parts.append(picture("image/svg+xml", drawing.read_bytes(), "The searched architecture", "sheet"))
    if numbers.is_file():
        summary = read_json(numbers)
        ours, unet = summary["architecture"], summary["unet"]
        rows = [
            (name, f"{ours[key] / unit:.4g}", f"{unet[key] / unit:.4g}", f"{ours[key] / unet[key]:.0%}")
            for name, key, unit in (
                ("Parameters, million", "parameters", MILLION),
                ("Multiply-adds, billion", "macs", BILLION),
                ("Training memory, GiB (predicted)", "training_memory", GIBIBYTE),
            )
        ]
        parts.append(table(("", "DiNTS", "3D U-Net", "DiNTS / U-Net"), rows))
        parts.append(note(f"For one patch of {_product(config.sampling.patch)} voxels."))
        parts.append(element("p", _found(summary)))
    return section("Architecture", *(parts or [note("The search has not finished yet.")]))


def _found(summary: dict) -> str:
    return (
        f"Discretization gap G {summary['gap']}; expected memory {summary['expected_memory']:.3f} of the full "
        f"supernet's, budget {summary['memory_budget']:.3f}."
    )


def _search_section(folder: Path, config: Config) -> Html:
    rows = read_log(folder / "search" / "log.jsonl")
    if not rows:
        return section("Search", note("The search has not started yet."))
    charts = [
        Chart(
            "Loss",
            {"network (train1)": points(rows, "loss"), "architecture (train2)": points(rows, "architecture_loss")},
        ),
        Chart("Dice on train2", {"Dice": points(rows, "dice")}),
        Chart("Discretization gap G", {"G": points(rows, "gap")}),
        Chart(
            "Expected share of the supernet's memory",
            {"expected": points(rows, "memory_fraction")},
            config.search.memory_budget,
            "budget",
        ),
    ]
    return section("Search", _charts(charts), note(_progress(rows, config.search.iterations)), note(THINNED))


def _training_section(folder: Path, config: Config) -> Html:
    logs = {fold: read_log(folder / "train" / f"fold{fold}" / "log.jsonl") for fold in range(config.training.folds)}
    logs = {fold: rows for fold, rows in logs.items() if rows}
    if not logs:
        return section("Retraining", note("No fold has been retrained yet."))
    charts = [
        Chart(title, {f"fold {fold}": points(rows, key) for fold, rows in logs.items()})
        for title, key in (("Loss", "loss"), ("Dice of the validation cases", "mean_dice"))
    ]
    lines = (note(f"Fold {fold}: {_progress(rows, config.training.iterations)}") for fold, rows in logs.items())
    return section("Retraining", _charts(charts), *lines, note(THINNED))


def _progress(rows: Sequence[dict], total: int) -> str:
    return f"{rows[-1]['step'] + 1} of {total} steps."


def _charts(charts: Sequence[Chart]) -> Html:
    """Charts side by side, without those that have nothing to show yet."""
    shown = (chart for chart in charts if any(len(steps) for steps, _ in chart.curves.values()))
    return element("div", *(Html(chart_svg(chart)) for chart in shown), style="charts")


def _summary_section(scores: Scores | None) -> Html:
    if scores is None:
        return section("Cross-validation", note("Nothing has been evaluated yet."))
    summary = summarize(scores.rows)
    folds = sorted({line.fold for line in summary if line.fold is not None})
    columns: list[int | None] = [None, *folds]
    lines = {(line.fold, line.value): line for line in summary}
    labels = [line for line in summary if line.fold is None]
    head = ("", *("all" if fold is None else f"fold {fold}" for fold in columns), "defined in")

    def rows(measure: str) -> Iterator[list[object]]:
        for label in labels:
            cells = [lines.get((fold, label.value)) for fold in columns]
            statistics = [line.statistics.get(measure) if line else None for line in cells]
            yield [label.label, *map(_mean_and_deviation, statistics), f"{label.statistics[measure].count} cases"]

    tolerance = f", tolerance {scores.tolerance:g} mm" if scores.tolerance is not None else ""
    return section(
        "Cross-validation",
        element("h3", "Dice"),
        table(head, rows("dice")),
        element("h3", f"Normalised surface distance{tolerance}"),
        table(head, rows("nsd")),
        note(
            "Mean \N{PLUS-MINUS SIGN} standard deviation over cases. A label that is in neither reference nor "
            "prediction has no score; one that is in only one of them scores 0."
        ),
    )


def _cases_section(scores: Scores | None) -> Html:
    if scores is None or not scores.rows:
        return section("Cases", note("Nothing has been evaluated yet."))
    labels = {row.value: row.label for row in scores.rows}
    by_case = {(row.case, row.value): row for row in scores.rows}
    folds = {row.case: row.fold for row in scores.rows}
    head = ["Case", "Fold", "Mean Dice", "Mean NSD"]
    head += [f"{name} {measure}" for name in labels.values() for measure in ("Dice", "NSD")]
    rows = []
    for case, mean in case_means(scores.rows).items():
        cells: list[object] = [
            case,
            ABSENT if folds[case] is None else folds[case],
            _number(mean["dice"]),
            _number(mean["nsd"]),
        ]
        for value in labels:
            row = by_case.get((case, value))
            cells += [_number(row.scores[name] if row else math.nan) for name in ("dice", "nsd")]
        rows.append(cells)
    return section("Cases", note("Click a heading to sort."), table(head, rows, "numbers sortable"))


def _overlay_section(folder: Path, config: Config, scores: Scores | None) -> Html:
    means = {case: mean["dice"] for case, mean in case_means(scores.rows).items()} if scores else {}
    ranked = sorted((case for case, mean in means.items() if not math.isnan(mean)), key=lambda case: means[case])
    if scores is None or not ranked:
        return section("Best, median and worst case", note("Nothing has been evaluated yet."))
    legend = join(
        Html(f'<span class="swatch" style="color: {colour}"></span>{text(name)}')
        for name, colour in (("reference", REFERENCE_COLOUR), ("prediction", PREDICTION_COLOUR))
    )
    parts = [element("p", legend)]
    for rank, case in (("Best", ranked[-1]), ("Median", ranked[len(ranked) // 2]), ("Worst", ranked[0])):
        parts.append(element("h3", f"{rank}: {case}, mean Dice {_number(means[case])}"))
        parts.append(_overlays(folder, config, scores, case))
    return section("Best, median and worst case", *parts)


def _overlays(folder: Path, config: Config, scores: Scores, case: str) -> Html:
    """Pictures of a case, or why there are none: data may have moved since the evaluation."""
    files = scores.cases.get(case)
    if files is None or files.label is None:
        return note("The scores do not name this case's files.")
    window = config.preprocessing.window if config.preprocessing.intensity == "window" else None
    try:
        image, reference = read_channels(files.images)[0], read_label(files.label)
        prediction = read_label(folder / "evaluation" / "predictions" / f"{case}.nii.gz")
    except InputError as error:
        return note(f"No picture: {error}")
    views = overlay_views(image, reference, prediction, window)
    pictures = (
        element(
            "figure",
            picture("image/png", view.png, f"{case}, {view.plane}"),
            element("figcaption", view.plane),
        )
        for view in views
    )
    return element("div", *pictures, style="row")


def _configuration_section(folder: Path) -> Html:
    settings = (folder / "config.yaml").read_text(encoding="utf-8")
    return section(
        "Configuration", element("details", element("summary", "All settings as YAML"), element("pre", settings))
    )


def _product(values: Sequence[float]) -> str:
    return " \N{MULTIPLICATION SIGN} ".join(f"{value:.4g}" for value in values)


def _median_and_range(triples: Sequence[Sequence[float]], unit: str) -> str:
    low, middle, high = (_product(reduce(triples, axis=0).tolist()) for reduce in (np.min, np.median, np.max))
    return f"{middle} {unit} ({low} to {high})"


def _number(value: float) -> str:
    return ABSENT if math.isnan(value) else f"{value:.4f}"


def _mean_and_deviation(statistic: Statistic | None) -> str:
    if statistic is None or math.isnan(statistic.mean):
        return ABSENT
    deviation = "" if math.isnan(statistic.std) else f" \N{PLUS-MINUS SIGN} {statistic.std:.4f}"
    return f"{statistic.mean:.4f}{deviation}"
