"""The tables of the study, from what train.py and signals.py left.

    python studies/ranking/table.py --work runs/ranking

candidates.csv: cost and Dice of every candidate after 100, 200, ... steps and at the end. correlations.csv: rank
correlation (Spearman) of each cheap signal with the Dice of the long training, and how good its first choice is.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from dints.run_layout import read_log

HERE = Path(__file__).parent
LONG, SHORT = 500, 100
RESAMPLES = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    listed = [json.loads(line) for line in (options.work / "candidates.jsonl").read_text().splitlines()]
    signals = json.loads((options.work / "signals.json").read_text())
    rows = [row | signals[row["name"]] | dice(options.work, row["name"]) for row in listed]
    rows = [row for row in rows if f"Dice after {LONG} steps" in row]
    rows.sort(key=lambda row: -row[f"Dice after {LONG} steps"])
    write_candidates(rows)
    write_correlations(rows, [name for name in rows[0] if name not in listed[0]])


def dice(work: Path, name: str) -> dict[str, float]:
    """Mean Dice of the validation cases along the long training, and after the short one."""
    folder = work / name.replace(" ", "_").replace(",", "")
    found = {}
    for row in read_log(folder / str(LONG) / "log.jsonl"):
        if row.get("mean_dice") is not None:
            found[f"Dice after {row['step'] + 1} steps"] = row["mean_dice"]
    for row in read_log(folder / str(SHORT) / "log.jsonl"):
        if row.get("mean_dice") is not None:
            found[f"Dice of a whole training of {SHORT} steps"] = row["mean_dice"]
    return found


def write_candidates(rows: list[dict]) -> None:
    steps = [f"Dice after {count} steps" for count in range(100, LONG + 1, 100)]
    names = ["name", "filters", "edges", "parameters", "macs", "training_memory", *steps]
    names.append(f"Dice of a whole training of {SHORT} steps")
    with (HERE / "candidates.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(
            [f"{row[name]:.4f}" if name.startswith("Dice") else row[name] for name in names] for row in rows
        )


def write_correlations(rows: list[dict], names: list[str]) -> None:
    """A line a signal, the most trustworthy first."""
    truth = np.array([row[f"Dice after {LONG} steps"] for row in rows])
    lines = []
    for name in names:
        if name == f"Dice after {LONG} steps":
            continue
        signal = np.array([row[name] for row in rows])
        choice = truth[int(np.argmax(signal))]
        lines.append((name, spearmanr(signal, truth).statistic, *interval(signal, truth), truth.max() - choice))
    lines.sort(key=lambda line: -line[1])
    with (HERE / "correlations.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ("signal", "rank correlation", "95 % from", "to", "Dice lost by its first choice", "candidates")
        )
        for name, *values in lines:
            writer.writerow((name, *(f"{value:.3f}" for value in values), len(rows)))
    print((HERE / "correlations.csv").read_text())


def interval(signal: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """95 % interval of the rank correlation, by resampling candidates."""
    generator = np.random.default_rng(0)
    drawn = generator.integers(len(truth), size=(RESAMPLES, len(truth)))
    values = [spearmanr(signal[one], truth[one]).statistic for one in drawn if len(set(one.tolist())) > 2]
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return float(low), float(high)


if __name__ == "__main__":
    main()
