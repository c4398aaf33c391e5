"""The tables of an organ, from its run: who stood where in the race, and how the networks compare on the folds.

    python studies/two_organs/tables.py --run runs/hippocampus --name hippocampus

Writes NAME/race.csv, NAME/compare.csv and NAME/cases.csv beside this file, and architectures/NAME.json.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dints.evaluation.evaluate import ScoreRow, case_means, read_scores
from dints.evaluation.paired import paired_difference
from dints.files.storage import read_json
from dints.run import Run
from dints.space.architecture import Architecture
from dints.zoo.catalogue import design_from_mapping

HERE = Path(__file__).parent
SEARCHED = "searched"
RACE_HEADER = ("race", "name", "origin", "filters", "edges", "steps", "Dice")
MEBIBYTE = 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--name", required=True, help="of the folder beside this file")
    options = parser.parse_args()
    run, folder = Run(options.run), HERE / options.name
    folder.mkdir(exist_ok=True)
    (HERE / "architectures").mkdir(exist_ok=True)
    run.architecture().save(HERE / "architectures" / f"{options.name}.json")
    write(folder / "race.csv", RACE_HEADER, race_lines(run))
    compared = run.compare_folder / "compare.json"
    if compared.is_file():
        networks = read_json(compared)["networks"]
        rows = {one["name"]: read_scores(run.compare_folder / one["name"]).rows for one in networks}
        write(folder / "compare.csv", compare_header(run), (compare_line(one, rows) for one in networks))
        write(folder / "cases.csv", ("network", "case", "fold", "label", "DSC", "NSD"), case_lines(rows))


def race_lines(run: Run) -> Iterable[Sequence[object]]:
    """All standings, those of the first race before those of the leader against its neighbours."""
    for race, folder in (("proposals", run.race_folder), ("neighbours", run.race_folder / "near")):
        if not (folder / "standings.json").is_file():
            continue
        for row in read_json(folder / "standings.json"):
            design = design_from_mapping(row["architecture"])
            edges = int(design.edges.sum()) if isinstance(design, Architecture) else ""
            dice = "" if row["dice"] is None else f"{row['dice']:.4f}"
            yield race, row["name"], row["origin"], row["filters"], edges, row["steps"], dice


def compare_header(run: Run) -> Sequence[str]:
    labels = [name for value, name in run.config.task.labels.items() if value]
    scores = [f"{metric} {label}" for metric in ("DSC", "NSD") for label in labels]
    cost = ("parameters (M)", "multiply-adds (G)", "memory (MiB)")
    return ("network", "filters", *cost, *scores, "mean DSC", "searched minus this", "low", "high", "by fold")


def compare_line(network: Mapping[str, Any], rows: Mapping[str, Sequence[ScoreRow]]) -> Sequence[object]:
    """Costs, mean scores over all cases, and the paired difference, over all folds and (mean) in each."""
    own, cost = rows[network["name"]], network["cost"]
    means = [mean_of(own, metric, value) for metric in ("dice", "nsd") for value in sorted({row.value for row in own})]
    costs = cost["parameters"] / 1e6, cost["macs"] / 1e9, cost["training_memory"] / MEBIBYTE
    start = (network["name"].replace("_", " "), network["filters"], *(f"{value:.3g}" for value in costs))
    scores = [f"{value:.4f}" for value in (*means, network["dice"])]
    if network["name"] == SEARCHED:
        return (*start, *scores, "", "", "", "")
    found = network["difference"]
    by_fold = []
    for fold in sorted({row.fold for row in own if row.fold is not None}):
        ours, theirs = (
            {case: scores["dice"] for case, scores in case_means([row for row in some if row.fold == fold]).items()}
            for some in (rows[SEARCHED], own)
        )
        by_fold.append(f"{paired_difference(ours, theirs).mean:+.4f}")
    return (*start, *scores, *(f"{found[key]:+.4f}" for key in ("mean", "low", "high")), " ".join(by_fold))


def mean_of(rows: Sequence[ScoreRow], metric: str, value: int) -> float:
    """Of a label over the cases in which it is defined."""
    return float(np.nanmean([row.scores.get(metric, math.nan) for row in rows if row.value == value]))


def case_lines(rows: Mapping[str, Sequence[ScoreRow]]) -> Iterable[Sequence[object]]:
    """Every score of every network."""
    for name, own in rows.items():
        for row in own:
            yield name, row.case, row.fold, row.label, *(f"{row.scores[metric]:.4f}" for metric in ("dice", "nsd"))


def write(path: Path, header: Sequence[object], lines: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *lines])


if __name__ == "__main__":
    main()
