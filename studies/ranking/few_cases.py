"""How many cases a race needs to tell good architectures apart, from the scores of the study of the hippocampus.

    python studies/ranking/few_cases.py

A race ranks on the half of the search's cases that its trainings do not see. Scores of two networks on one scan differ
by a deviation that is much the same for all pairs; so from some number of scans on the 95 % interval of their mean
difference is narrower than what is to be told apart.
"""

from __future__ import annotations

import csv
import itertools
import math
import statistics
from collections import defaultdict
from pathlib import Path

SCORES = Path(__file__).parents[1] / "hippocampus" / "compare_cases.csv"
COLLAPSED = "topology_0.2_seed0"  # a single path: its scores differ from all others by far more
TOLD_APART = 0.009  # Dice: the best U shape of this study against the best searched network
NORMAL_95 = 1.96
SEARCH_SHARE = 4 / 5  # of the cases: the training cases of one of five folds


def main() -> None:
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with SCORES.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            scores[row["network"]][row["case"]].append(float(row["dice"]))
    means = {
        network: {case: statistics.mean(labels) for case, labels in cases.items()}
        for network, cases in scores.items()
        if network != COLLAPSED
    }
    deviations = [
        statistics.stdev(one[case] - other[case] for case in one)
        for one, other in itertools.combinations(means.values(), 2)
    ]
    deviation = statistics.median(deviations)
    scans = math.ceil((NORMAL_95 * deviation / TOLD_APART) ** 2)
    cases = math.ceil(scans / (SEARCH_SHARE / 2))
    print(f"deviation of paired scores: {deviation:.4f} (median of {len(deviations)} pairs of networks)")
    print(f"scans that tell {TOLD_APART} apart: {scans}; cases of a data set with as many: {cases}")


if __name__ == "__main__":
    main()
