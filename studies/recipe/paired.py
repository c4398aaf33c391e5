"""Parts of the recipe against the base on two folds and two seeds: what may become a default is decided here.

    D=../shared/data/Task04_Hippocampus
    python studies/recipe/paired.py --data $D --work runs/recipe --parts "deep supervision"

Trainings of train.py in the same work folder count. All are scored on the scans' own grid; a case's score is its mean
over labels and seeds. paired.csv has a row a part: the difference to the base with its 95 % interval over cases.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import torch
from train import HERE, PARTS, builder, folder_of, prepared, train

from dints.evaluation.cross_validation import score_fold
from dints.evaluation.evaluate import case_means, read_scores, write_scores
from dints.evaluation.paired import paired_difference
from dints.events import Reporter
from dints.files.storage import write_text
from dints.run import Run
from dints.training.checkpoint import restoring

CPU = torch.device("cpu")
Group = tuple[int, int]  # fold and seed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", choices=PARTS, required=True, metavar="PART")
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    options = parser.parse_args()
    run = prepared(options.work, options.data)
    groups = [(fold, seed) for fold in options.folds for seed in options.seeds]
    base: dict[Group, dict[str, float]] = {}
    lines = ["part,folds and seeds,mean DSC,over the base,low,high,by fold and seed"]
    for group in groups:
        base[group] = dice("base", group, run, options.work)
    for part in options.parts:
        own = {group: dice(part, group, run, options.work) for group in groups}
        lines.append(line(part, own, base))
        write_text(HERE / "paired.csv", "\n".join(lines) + "\n")
        print(lines[-1], flush=True)


def dice(part: str, group: Group, run: Run, work: Path) -> dict[str, float]:
    """Mean over the labels of each case of a fold, after a training with the part; what is there is read."""
    fold, seed = group
    name = part + (f", seed {seed}" if seed else "") + (f", fold {fold}" if fold else "")
    train(name, [*PARTS[part], f"training.seed={seed}"], fold, run, work)
    folder = folder_of(name, work)
    if not (folder / "scores.json").is_file():
        network = builder(run)()
        with restoring(folder / "best.pt", CPU) as state:
            network.load_state_dict(state["network"])
        found = score_fold(run, network.eval().requires_grad_(False), fold, folder, "cpu", Reporter())
        write_scores(folder, found, tolerance=run.config.task.tolerance)
    return {case: scores["dice"] for case, scores in case_means(read_scores(folder).rows).items()}


def line(part: str, own: dict[Group, dict[str, float]], base: dict[Group, dict[str, float]]) -> str:
    """Of the table: over all cases, and the mean difference in each fold and seed."""
    ours, theirs = over_seeds(own), over_seeds(base)
    found = paired_difference(ours, theirs)
    groups = " ".join(f"{fold}/{seed}" for fold, seed in own)
    parts = " ".join(f"{paired_difference(own[group], base[group]).mean:+.4f}" for group in own)
    mean = statistics.mean(ours.values())
    return f"{part},{groups},{mean:.4f},{found.mean:+.4f},{found.low:+.4f},{found.high:+.4f},{parts}"


def over_seeds(scores: dict[Group, dict[str, float]]) -> dict[str, float]:
    """Mean of each case; every case is in one fold."""
    cases = {case for own in scores.values() for case in own}
    return {case: statistics.mean(own[case] for own in scores.values() if case in own) for case in cases}


if __name__ == "__main__":
    main()
