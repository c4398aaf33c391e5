"""Prediction against reality: whole runs that are given a time, and how long each of their stages took.

    python Testing/benchmarks/plan.py --work runs/plan                            # six runs on two data sets: 5.1 hours
    python Testing/benchmarks/plan.py --work runs/plan --data DATA --hours 0.25   # one

Each is `dints demo --data DATA --hours H` on the processor. Stages, what they were predicted to take and what they took
go to results/plan/stages.csv, totals and Dice to runs.csv. On a computer that does anything else the figures say
nothing: the loads before the start and at the end (mean of 15 minutes) stand in each row.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from paths import HIPPOCAMPUS, RESULTS

from dints.data.phantom import write_phantoms
from dints.files.storage import read_json

HOURS = {"hippocampus": (0.25, 1.0, 3.0), "phantoms": (0.1, 0.25, 0.5)}
PHANTOMS = {"cases": 20, "size": (64, 64, 48)}
ENOUGH = 0.25  # by which prediction and reality may differ


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of the runs; none is repeated")
    parser.add_argument("--data", type=Path, help="in place of both data sets")
    parser.add_argument("--hours", type=float, nargs="+", help="in place of those of each data set")
    parser.add_argument("--results", type=Path, default=RESULTS / "plan")
    options = parser.parse_args()
    stages, runs = [], []
    for name, data, hours in chosen(options):
        folder = options.work / f"{name}-{hours:g}"
        if folder.exists():
            continue
        rows, total = measured(name, data, hours, folder)
        stages += rows
        runs.append(total)
        append(options.results / "stages.csv", rows)
        append(options.results / "runs.csv", [total])
    for row in runs:
        print(", ".join(f"{key} {value}" for key, value in row.items()))


def chosen(options: argparse.Namespace) -> Iterable[tuple[str, Path, float]]:
    """Name and folder of the data, and the hours, of each run."""
    if options.data:
        yield from ((options.data.name, options.data, hours) for hours in options.hours or HOURS["phantoms"])
        return
    phantoms = options.work / "phantoms"
    if not (phantoms / "dataset.json").is_file():
        write_phantoms(phantoms, **PHANTOMS)
    for name, data in (("hippocampus", HIPPOCAMPUS), ("phantoms", phantoms)):
        yield from ((name, data, hours) for hours in options.hours or HOURS[name])


def measured(name: str, data: Path, hours: float, folder: Path) -> tuple[list[dict[str, object]], dict[str, object]]:
    """Rows of the stages, and of the whole run."""
    command = [sys.executable, "-m", "dints", "demo", "--run", str(folder), "--data", str(data)]
    command += ["--hours", str(hours), "--held-out", "0", "--device", "cpu", "--events"]
    load, started = os.getloadavg()[0], time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        predicted, took, before = followed(process.stdout)
    if process.returncode:
        raise SystemExit(f"{folder}: the run ended with {process.returncode}")
    whole = time.monotonic() - started
    row = {"data": name, "hours": hours}
    loads = {"load_before": round(load, 2), "load_after": round(os.getloadavg()[2], 2)}
    stages = [
        {**row, "stage": stage, "predicted": round(seconds), "took": round(took.get(stage, 0.0)), **loads}
        for stage, seconds in predicted.items()
    ]
    expected = sum(predicted.values())
    ratio = sum(took.values()) / expected
    return stages, {
        **row,
        "predicted_minutes": round(expected / 60, 1),
        "took_minutes": round(sum(took.values()) / 60, 1),
        "check_and_measuring_minutes": round(before / 60, 1),
        "whole_minutes": round(whole / 60, 1),
        "ratio": round(ratio, 2),
        "within": abs(ratio - 1) <= ENOUGH,
        "dice": " ".join(f"{value:.4f}" for value in label_dice(folder)),
        **loads,
    }


def followed(lines: Iterable[str]) -> tuple[dict[str, float], dict[str, float], float]:
    """Predicted seconds of the stages, those that they took, and those before the prediction was there.

    The time from one event to the next progress belongs to the stage of that progress, what passes until a sentence or
    result to the stage before it. A race is one stage.
    """
    predicted: dict[str, float] = {}
    took: dict[str, float] = {}
    started = since = time.monotonic()
    before, stage = 0.0, ""
    for line in lines:
        event, now = json.loads(line), time.monotonic()
        if event["event"] == "result" and event["name"] == "plan" and not predicted:
            predicted, since, before = event["values"]["stages"], now, now - started
        elif predicted and (stage or event["event"] == "progress"):
            if event["event"] == "progress":
                stage = event["stage"] if event["stage"] in predicted else event["stage"].split()[0]
            took[stage] = took.get(stage, 0.0) + now - since
            since = now
    return predicted, took, before


def label_dice(folder: Path) -> list[float]:
    """Mean Dice of each label over all cases of the cross-validation."""
    summary = read_json(folder / "evaluation" / "scores.json")["summary"]
    return [line["dice"]["mean"] for line in summary if line["fold"] is None and line["value"] is not None]


def append(path: Path, rows: list[dict[str, object]]) -> None:
    """Adds rows to a table, whose first line names the columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.is_file()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        if new:
            writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
