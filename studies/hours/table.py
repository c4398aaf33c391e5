"""What longer trainings of one fold gain: runs against the first one, by case, on the scans' own grid.

    python studies/hours/table.py runs/hours/hour runs/hours/wider runs/hours/deeper

Each run has trained the fold and was evaluated (`dints evaluate`), which takes the best weights of its validations. A
case's score is its mean over the labels. table.csv has a row a run.
"""

from __future__ import annotations

import argparse
import csv
import statistics
from pathlib import Path

from dints.config import Config
from dints.evaluation.evaluate import ScoreRow, case_means, read_scores
from dints.evaluation.paired import paired_difference
from dints.files.storage import read_json
from dints.run_layout import RunLayout, read_log

HERE = Path(__file__).parent
LAST = 100  # steps over which the loss at the end is the mean
HEADER = (
    *("run", "layers", "filters", "patches", "steps", "patches seen of a scan", "loss of the last 100 steps"),
    *("mean DSC at validations", "DSC of each label", "over the first", "low", "high"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--fold", type=int, default=0)
    options = parser.parse_args()
    first = rows_of(options.runs[0], options.fold)
    with (HERE / "table.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for run in options.runs:
            writer.writerow(row := [*trained(run, options.fold), *scored(rows_of(run, options.fold), first)])
            print(*row, sep=", ", flush=True)


def trained(run: Path, fold: int) -> list[object]:
    """What the fold was trained with, and how it went."""
    layout, config = RunLayout(run), Config.load(RunLayout(run).config_file)
    lines = read_log(layout.fold(fold).log)
    losses = [line["loss"] for line in lines if "loss" in line]
    dice = [f"{line['mean_dice']:.4f}" for line in lines if "mean_dice" in line]
    own, folds = config.training, config.training.folds
    scans = len(read_json(layout.check_file)["cases"]) * (folds - 1) / folds
    seen = len(losses) * own.batch_size / scans
    loss = statistics.mean(losses[-LAST:])
    name, layers = run.name, config.search.layers
    return [name, layers, own.filters, own.batch_size, len(losses), f"{seen:.0f}", f"{loss:.3f}", " ".join(dice)]


def rows_of(run: Path, fold: int) -> list[ScoreRow]:
    """Scores of the fold's scans."""
    return [row for row in read_scores(RunLayout(run).evaluation_folder).rows if row.fold == fold]


def scored(own: list[ScoreRow], first: list[ScoreRow]) -> list[str]:
    """Mean Dice of each label, and the difference to the first run with its interval."""
    labels = sorted({row.value for row in own})
    dice = [statistics.mean(row.scores["dice"] for row in own if row.value == label) for label in labels]
    ours, theirs = ({case: scores["dice"] for case, scores in case_means(rows).items()} for rows in (own, first))
    found = paired_difference(ours, theirs)
    return [" ".join(f"{value:.4f}" for value in dice), f"{found.mean:+.4f}", f"{found.low:+.4f}", f"{found.high:+.4f}"]


if __name__ == "__main__":
    main()
