"""Cross-validation of the final model, as it is shipped and mirrored at test time.

    python studies/hippocampus/final.py --run runs/study/final

Every scan is segmented by the network of the fold that held it out. Writes final.csv: mean DSC and NSD of each label,
of each fold and of all scans. The logs of the trainings go to logs/. --results names another folder for both.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tables import write_csv, write_log

from dints.data.images import read_channels, read_label
from dints.evaluation.evaluate import evaluate_case
from dints.inference.predictor import Predictor
from dints.run import Run, load_fold

HERE = Path(__file__).parent
SETTINGS = {"shipped": False, "mirrored": True}
HEADER = ("setting", "fold", "scans", "DSC Anterior", "DSC Posterior", "NSD Anterior", "NSD Posterior")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--results", type=Path, default=HERE)
    options = parser.parse_args()
    run = Run(options.run)
    (options.results / "logs").mkdir(parents=True, exist_ok=True)
    for fold in run.trained_folds:
        write_log(run.fold(fold).log, options.results / "logs" / f"final_fold{fold}.csv")
    lines = []
    for setting, mirror in SETTINGS.items():
        folds = [scores(run, fold, mirror) for fold in run.trained_folds]
        for fold, rows in zip([*run.trained_folds, "all"], [*folds, np.concatenate(folds)], strict=True):
            lines.append((setting, fold, len(rows), *(f"{value:.4f}" for value in np.nanmean(rows, axis=0))))
    write_csv(options.results / "final.csv", HEADER, lines)
    print((options.results / "final.csv").read_text())


def scores(run: Run, fold: int, mirror: bool) -> np.ndarray:
    """[scans, 4]: DSC and NSD of each label for the scans that a fold held out."""
    predictor = Predictor([load_fold(run, fold)[0]], run.config, "cpu")
    rows = []
    for case in (run.cases[name] for name in run.splits[fold][1]):
        assert case.label is not None
        prediction = predictor.segment(read_channels(case.images), mirror=mirror)
        task = run.config.task
        found = evaluate_case(prediction, read_label(case.label), task.labels, task.tolerance).values()
        rows.append([scores[metric] for metric in ("dice", "nsd") for scores in found])
    return np.array(rows)


if __name__ == "__main__":
    main()
