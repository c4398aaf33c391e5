"""Does the ranking put first what the model segments worst? The pool's labels, which it did not see, tell.

`python ranked.py --data FOLDER --work FOLDER` reads the proposals that study.py has left so far, and writes ranked.csv:
the true Dice of the ten scans that were chosen and of all, how many of the ten are among the ten worst, and the rank
correlation (Spearman) of the doubt with the true Dice, which is -1 where the ranking is perfect.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from dints.data.datalist import DataList, read_datalist
from dints.data.images import read_label
from dints.evaluation.evaluate import evaluate_case
from dints.files.storage import read_json
from dints.training.validation import mean_defined

CHOSEN = 10
HEADER = ("round", "scans", "Dice of the chosen", "Dice of all", "of the ten worst", "rank correlation", "p")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("ranked.csv"))
    options = parser.parse_args()
    datalist = read_datalist(options.data)
    rows = []
    while (folder := options.work / f"ranking-{len(rows) + 1}-ranked").is_dir():
        rows.append((len(rows) + 1, *measured(folder, datalist)))
    with options.out.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])
    print(options.out.read_text())


def measured(folder: Path, datalist: DataList) -> tuple[object, ...]:
    """Of the proposals of one round, which stand in the order of the ranking."""
    labels = {case.name: case.label for case in datalist.cases}
    dice = np.array(
        [true_dice(row, labels[row["case"]], datalist) for row in read_json(folder / "ranking.json")["cases"]]
    )
    chosen = dice[:CHOSEN]
    worst = int((chosen <= np.sort(dice)[CHOSEN - 1]).sum())
    correlation = spearmanr(-np.arange(len(dice)), dice)  # doubt falls with the place
    values = (f"{chosen.mean():.4f}", f"{dice.mean():.4f}", worst, f"{correlation.statistic:+.3f}")
    return (len(dice), *values, f"{correlation.pvalue:.1g}")


def true_dice(row: dict, label: Path | None, datalist: DataList) -> float:
    assert label is not None
    proposal, reference = read_label(row["proposal"]), read_label(label)
    scores = evaluate_case(proposal, reference, datalist.labels, 1.0, row["case"], metrics=("dice",))
    return mean_defined([own["dice"] for own in scores.values()])


if __name__ == "__main__":
    main()
