"""What the report of a run shows, section by section, as plain values for its template.

A section is gathered from the run's files at any moment of the run: it is a mapping, or the sentence that stands in its
place where there is nothing to show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from dints.config import SearchConfig
from dints.errors import InputError
from dints.files.storage import read_json
from dints.report.figures import Chart, Curve, chart_svg, data_url, points
from dints.report.run_files import Part, RunFiles, naming, shown

GIVEN = "The architecture was given, not searched."
ABSENT = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"
MILLION, BILLION, GIBIBYTE = 1e6, 1e9, 2**30
MM3_PER_ML = 1000


def heading(run: RunFiles) -> tuple[str, str]:
    """Title and description."""
    try:
        return f"DiNTS report: {run.config.task.name}", run.config.task.description
    except InputError as error:
        return f"DiNTS report: {run.folder.resolve().name}", str(error)


def data(run: RunFiles) -> Part:
    """What the network works on, and what the check found."""
    config = run.config
    grid = f"spacing {_product(config.preprocessing.spacing)} mm, patch {_product(config.sampling.patch)}"
    facts = [
        ("Modality and channels", f"{config.task.modality}: {', '.join(config.task.channels)}"),
        ("Working grid", grid),
    ]
    return {"facts": facts, "check": shown(_check, run)}


def _check(run: RunFiles) -> Part:
    path = run.check_file
    if not path.exists():
        return "The data set has not been checked yet."
    labels = {value: name for value, name in run.config.task.labels.items() if value}
    checked = read_json(path)
    with naming(path):
        cases = checked["cases"]
        facts: list[tuple[str, object]] = [("Cases", len(cases))]
        if cases:
            facts.append(("Size, median (range)", _median_and_range([case["size"] for case in cases], "voxels")))
            facts.append(("Spacing, median (range)", _median_and_range([case["spacing"] for case in cases], "mm")))
        volumes = []
        for value, name in labels.items():
            present = [case["label_volumes"][str(value)] for case in cases if str(value) in case["label_volumes"]]
            median = f"{np.median(present) / MM3_PER_ML:.3g}" if present else ABSENT
            volumes.append((f"{value} {name}", len(present), median))
        problems = [f"{problem['file']}: {problem['reason']}" for problem in checked["problems"]]
        return {"facts": facts, "volumes": volumes, "problems": problems}


def architecture(run: RunFiles) -> Part:
    """The network that was found, and what it costs."""
    drawing = run.architecture_picture("svg")
    if not drawing.exists() and not run.summary_file.exists():
        return "The search has not finished yet."
    return {"drawing": shown(_drawing, drawing), "cost": shown(_cost, run)}


def _drawing(path: Path) -> Part:
    if not path.exists():
        return "The architecture has not been drawn."
    with naming(path):
        content = path.read_bytes()
        ElementTree.fromstring(content)  # a browser would show half of a file as nothing
    return {"source": data_url("image/svg+xml", content)}


def _cost(run: RunFiles) -> Part:
    path = run.summary_file
    if not path.exists():
        return GIVEN if run.was_not_searched else "The search has not finished yet."
    patch = f"For one patch of {_product(run.config.sampling.patch)} voxels."
    summary = read_json(path)
    with naming(path):
        ours, unet = summary["architecture"], summary["unet"]
        rows = [
            (name, f"{ours[key] / unit:.4g}", f"{unet[key] / unit:.4g}", f"{ours[key] / unet[key]:.0%}")
            for name, key, unit in (
                ("Parameters, million", "parameters", MILLION),
                ("Multiply-adds, billion", "macs", BILLION),
                ("Training memory, GiB (predicted)", "training_memory", GIBIBYTE),
            )
        ]
        found = f"Discretization gap G {summary['gap']}; expected "
        share = f"{summary['expected_memory']:.3f} of the full supernet's, budget"
        if seconds := run.config.search.seconds:
            found += f"time of a window {share} {seconds:g} s."
        else:
            found += f"memory {share} {summary['memory_budget']:.3f}."
        return {"rows": rows, "patch": patch, "found": found}


def search(run: RunFiles) -> Part:
    """How the architecture search went."""
    rows = run.rows(run.search.log)
    if not rows:
        return GIVEN if run.was_not_searched else "The search has not started yet."
    settings = run.config.search
    with naming(run.search.log):
        charts = [
            Chart(
                "Loss",
                {"network (train1)": points(rows, "loss"), "architecture (train2)": points(rows, "architecture_loss")},
            ),
            Chart("Dice on train2", {"Dice": points(rows, "dice")}),
            Chart("Discretization gap G", {"G": points(rows, "gap")}),
            _budget(points(rows, "memory_fraction"), settings),
        ]
    return {"charts": _drawn(charts), "progress": _progress(rows, settings.iterations)}


def _budget(expected: Curve, settings: SearchConfig) -> Chart:
    """What the network is expected to take, beside sigma; seconds of a budget are no share that the log knows."""
    title = "Expected share of the supernet's"
    if settings.seconds:
        return Chart(f"{title} time", {"expected": expected})
    return Chart(f"{title} memory", {"expected": expected}, settings.memory_budget, "budget")


def retraining(run: RunFiles) -> Part:
    """How the folds were retrained; a log that is damaged costs its fold's curves."""
    total, folds = run.config.training.iterations, range(run.config.training.folds)
    curves = {fold: shown(_fold_curves, run, fold, total) for fold in folds}
    if not any(curves.values()):
        return "No fold has been retrained yet."
    drawn = {f"fold {fold}": own for fold, own in curves.items() if isinstance(own, dict)}
    charts = [
        Chart(title, {name: own[key] for name, own in drawn.items() if own})
        for title, key in (("Loss", "loss"), ("Dice of the validation cases", "mean_dice"))
    ]
    lines = [own if isinstance(own, str) else own.get("progress", "not retrained yet.") for own in curves.values()]
    return {"charts": _drawn(charts), "progress": [f"Fold {fold}: {line}" for fold, line in enumerate(lines)]}


def _fold_curves(run: RunFiles, fold: int, total: int) -> dict[str, Any]:
    """Nothing before the first step."""
    rows = run.rows(run.fold(fold).log)
    with naming(run.fold(fold).log):
        curves = {key: points(rows, key) for key in ("loss", "mean_dice")}
        return {"progress": _progress(rows, total), **curves} if rows else {}


def configuration(run: RunFiles) -> Part:
    """All settings as they stand in the file."""
    with naming(run.config_file):
        return {"yaml": run.config_file.read_text(encoding="utf-8")}


def _drawn(charts: Iterable[Chart]) -> list[str]:
    """Without those that have nothing to show yet."""
    return [chart_svg(chart) for chart in charts if any(len(steps) for steps, _ in chart.curves.values())]


def _progress(rows: Sequence[Mapping[str, Any]], total: int) -> str:
    return f"{rows[-1]['step'] + 1} of {total} steps."


def _product(values: Sequence[float]) -> str:
    return f" {TIMES} ".join(f"{value:.4g}" for value in values)


def _median_and_range(triples: Sequence[Sequence[float]], unit: str) -> str:
    low, middle, high = (_product(reduce(triples, axis=0).tolist()) for reduce in (np.min, np.median, np.max))
    return f"{middle} {unit} ({low} to {high})"
