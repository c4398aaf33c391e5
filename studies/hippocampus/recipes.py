"""Which training recipe? One fold trained as in the comparison of networks, with some values changed.

    python studies/hippocampus/recipes.py --data ../shared/data/Task04_Hippocampus --work runs/study \
        --name fine training.iterations=1000 preprocessing.spacing=[0.6,0.6,0.6] sampling.patch=[48,80,48]

By the last weights the fold's scans are scored, for the row NAME of recipes.csv. An interrupted training goes on.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import time
from functools import partial
from pathlib import Path

import numpy as np
from tables import write_csv

from dints import Architecture, build_network
from dints.config import Config
from dints.data.images import read_channels, read_label
from dints.device import select_device
from dints.evaluation.evaluate import evaluate_case
from dints.events import Reporter
from dints.inference.predictor import Predictor
from dints.run import Run
from dints.space.network import Network
from dints.stages import prepare
from dints.training.checkpoint import load_checkpoint
from dints.training.retrain import FoldTrainer

HERE = Path(__file__).parent
RESULT = HERE / "recipes.csv"
HEADER = ("recipe", "changes", "fold", "processor seconds", "DSC Anterior", "DSC Posterior", "NSD Anterior")
HEADER += ("NSD Posterior", "processor seconds a scan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--name", required=True, help="of the row and of the folder in the work folder")
    parser.add_argument("--architecture", default="topology_0.5_seed0", help="one of architectures/")
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--mirror", action="store_true", help="score with mirrored windows, too, as another row")
    parser.add_argument("changes", nargs="*", metavar="SECTION.KEY=VALUE")
    options = parser.parse_args()
    run = recipe_run(options)
    network, seconds = train(run, options.fold, HERE / "architectures" / f"{options.architecture}.json")
    changes = " ".join(options.changes) or "none"
    for mirror in (False, True) if options.mirror else (False,):
        name = f"{options.name}, mirrored" if mirror else options.name
        write_row((name, changes, options.fold, f"{seconds:.0f}", *scores(run, options.fold, network, mirror)))
    print(RESULT.read_text())


def recipe_run(options: argparse.Namespace) -> Run:
    """The recipe's run: configuration, folds and preprocessed scans."""
    folder = options.work / "recipes" / options.name
    if (folder / "run.json").is_file():
        return Run(folder)
    config = Config.load(HERE / "compare.yaml", Config.load(HERE / "search.yaml")).with_overrides(options.changes)
    config = config.with_overrides([f"training.validate_every={config.training.iterations}"])  # the last weights count
    folder.parent.mkdir(parents=True, exist_ok=True)
    config.save(folder.with_suffix(".yaml"))
    return prepare(folder, options.data, str(folder.with_suffix(".yaml")), [], None, Reporter())


def train(run: Run, fold: int, architecture: Path) -> tuple[Network, float]:
    """The trained network and the processor's seconds, which are kept beside it for a later evaluation."""
    config, reporter, folder = run.config, Reporter(), run.folder / f"fold{fold}"
    channels, classes = len(config.task.channels), len(config.task.labels)
    build = partial(build_network, Architecture.load(architecture), channels, classes, config.training.filters)
    device, spent = select_device("cpu"), folder / "seconds.txt"
    started = time.process_time()
    FoldTrainer(config, build, run.cache(reporter), run.splits[fold], fold, folder, device, reporter).run()
    seconds = float(spent.read_text()) if spent.exists() else time.process_time() - started
    spent.write_text(str(seconds))
    network = build()
    network.load_state_dict(load_checkpoint(folder / "best.pt", device)["network"])
    return network.requires_grad_(False), seconds


def scores(run: Run, fold: int, network: Network, mirror: bool) -> list[str]:
    """Mean DSC and NSD of each label over the fold's validation scans, and the seconds that one takes."""
    config = run.config
    inference = dataclasses.replace(config.inference, mirror=mirror)
    predictor = Predictor([network], dataclasses.replace(config, inference=inference), "cpu")
    seconds, rows = 0.0, []
    for case in (run.cases[name] for name in run.splits[fold][1]):
        assert case.label is not None
        images, started = read_channels(case.images), time.process_time()
        prediction = predictor.segment(images)
        seconds += time.process_time() - started
        found = evaluate_case(prediction, read_label(case.label), config.task.labels, config.task.tolerance).values()
        rows.append([scores[metric] for metric in ("dice", "nsd") for scores in found])
    return [f"{value:.4f}" for value in np.nanmean(rows, axis=0)] + [f"{seconds / len(rows):.3f}"]


def write_row(row: tuple[object, ...]) -> None:
    """Adds the row, in place of one of the same name and fold."""
    rows = list(csv.reader(RESULT.open()))[1:] if RESULT.exists() else []
    kept = [tuple(old) for old in rows if (old[0], old[2]) != (row[0], str(row[2]))]
    write_csv(RESULT, HEADER, [*kept, row])


if __name__ == "__main__":
    main()
