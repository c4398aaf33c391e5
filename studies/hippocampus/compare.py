"""Does searching help? Networks trained alike on two folds: searched, the paper's, random ones and a 3D U-Net.

    python studies/hippocampus/compare.py --data ../shared/data/Task04_Hippocampus --work runs/study \
        --searched topology_0.5_seed0 --pancreas ../shared/data/architectures/pancreas_cvpr.pth

What was searched is read from a folder of architectures (see search.py). Random architectures and the U-Net have the
training memory of the first one. Interrupted trainings go on. The table goes to compare.csv, every case's scores to
compare_cases.csv. On another grid, in folders of its own:

    python studies/hippocampus/compare.py --data ../shared/data/Task04_Hippocampus --work runs/fine \
        --searched topology_0.5_seed0 --random 0 --config studies/hippocampus/fine/compare.yaml \
        --results studies/hippocampus/fine
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tables import write_csv
from torch import nn

from dints import Architecture, SearchSpace, build_network
from dints.config import Config
from dints.cost.complexity import Summary, measure
from dints.data.images import read_channels, read_label
from dints.device import select_device
from dints.evaluation.evaluate import ScoreRow, case_means, evaluate_case, score_rows
from dints.events import Reporter
from dints.inference.predictor import Predictor
from dints.run import Run
from dints.stages import prepare
from dints.training.checkpoint import load_checkpoint
from dints.training.retrain import FoldTrainer
from dints.zoo.unet_design import UNetDesign

HERE = Path(__file__).parent
FOLDS = (0, 1)
SAME_MEMORY = 0.05  # random architectures may differ so much, relatively
RESAMPLES = 10_000  # of the bootstrap
Build = Callable[[], nn.Module]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--searched", nargs="+", required=True, help="names of searches; the first is the baseline")
    parser.add_argument("--architectures", type=Path, default=HERE / "architectures", help="folder of them")
    parser.add_argument("--pancreas", type=Path, help="the paper's architecture; left out without it")
    parser.add_argument("--random", type=int, default=3, help="how many random architectures (default: 3)")
    parser.add_argument("--no-unet", action="store_true", help="leaves the 3D U-Net out")
    parser.add_argument("--config", type=Path, default=HERE / "compare.yaml", help="on top of search.yaml")
    parser.add_argument("--results", type=Path, default=HERE, help="where the tables go")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    run = comparison_run(options.work / "compare", options.data, options.config)
    builds = dict(networks(options, run.config))
    results = {name: train_and_score(name, build, run, options.device) for name, build in builds.items()}
    write_cases(results, options.results)
    write_table(builds, results, run.config, options.results)
    print((options.results / "compare.csv").read_text())


def comparison_run(folder: Path, data: Path, settings: Path) -> Run:
    """The run whose cache, folds and settings all networks share."""
    if (folder / "run.json").is_file():
        return Run(folder)
    config = folder.parent / "compare.yaml"
    folder.parent.mkdir(parents=True, exist_ok=True)
    Config.load(settings, Config.load(HERE / "search.yaml")).save(config)
    return prepare(folder, data, str(config), [], None, Reporter())


def networks(options: argparse.Namespace, config: Config) -> Iterator[tuple[str, Build]]:
    """(name, how to build it) of every network that is compared."""
    searched = [Architecture.load(options.architectures / f"{name}.json") for name in options.searched]
    yield from ((name, builder(found, config)) for name, found in zip(options.searched, searched, strict=True))
    if options.pancreas:
        yield "paper's Pancreas architecture", builder(Architecture.load(options.pancreas), config)
    memory = cost(builder(searched[0], config), config).training_memory
    feasible = random_architectures(memory, searched[0].space, config)
    for number, architecture in enumerate(itertools.islice(feasible, options.random), start=1):
        yield f"random {number}", builder(architecture, config)
    if not options.no_unet:
        yield "3D U-Net", unet_builder(memory, config)


def builder(architecture: Architecture, config: Config) -> Build:
    """The network of an architecture at the filters of the comparison."""
    channels, classes = len(config.task.channels), len(config.task.labels)
    return partial(build_network, architecture, channels, classes, config.training.filters)


def random_architectures(memory: int, space: SearchSpace, config: Config) -> Iterator[Architecture]:
    """The feasible random architectures, by seed, whose training memory is that of the searched one."""
    for seed in itertools.count():
        architecture = Architecture.random(space, seed)
        if abs(cost(builder(architecture, config), config).training_memory / memory - 1) < SAME_MEMORY:
            yield architecture


def unet_builder(memory: int, config: Config) -> Build:
    """A 3D U-Net of four resolutions, as wide as the memory allows."""
    builds = [
        partial(UNetDesign().network, len(config.task.channels), len(config.task.labels), width)
        for width in range(2, 33, 2)
    ]
    return min(builds, key=lambda build: abs(cost(build, config).training_memory - memory))


def cost(build: Build, config: Config) -> Summary:
    """Parameters, multiply-adds of a patch, and memory of a training step."""
    with torch.device("meta"):
        network = build()
    return measure(network, (config.training.batch_size, len(config.task.channels), *config.sampling.patch))


def train_and_score(name: str, build: Build, run: Run, device: str) -> list[ScoreRow]:
    """Scores of the folds' validation cases by the last weights."""
    config, reporter = run.config, Reporter()
    cache = run.cache(reporter)
    rows: list[ScoreRow] = []
    for fold in FOLDS:
        folder = run.folder / name.replace(" ", "_") / f"fold{fold}"
        started = time.process_time()
        FoldTrainer(config, build, cache, run.splits[fold], fold, folder, select_device(device), reporter).run()
        print(f"{name}, fold {fold}: trained in {time.process_time() - started:.0f} s of the processor", flush=True)
        network = build()
        network.load_state_dict(load_checkpoint(folder / "best.pt", torch.device("cpu"))["network"])
        predictor = Predictor([network.requires_grad_(False)], config, device)
        for case in run.splits[fold][1]:
            files = run.cases[case]
            assert files.label is not None
            prediction = predictor.segment(read_channels(files.images))
            scores = evaluate_case(prediction, read_label(files.label), config.task.labels, config.task.tolerance)
            rows += score_rows(case, fold, scores, config.task.labels)
    return rows


def write_cases(results: dict[str, list[ScoreRow]], folder: Path) -> None:
    lines = [
        (name, row.case, row.fold, row.label, f"{row.scores['dice']:.4f}", f"{row.scores['nsd']:.4f}")
        for name, rows in results.items()
        for row in rows
    ]
    write_csv(folder / "compare_cases.csv", ("network", "case", "fold", "label", "dice", "nsd"), lines)


def write_table(builds: dict[str, Build], results: dict[str, list[ScoreRow]], config: Config, folder: Path) -> None:
    """A line a network: its cost, its mean scores, and the paired difference to the baseline with a 95 % interval."""
    baseline = dice_of_cases(next(iter(results.values())))
    lines = []
    for name, rows in results.items():
        summary = cost(builds[name], config)
        labels = [value for value in config.task.labels if value]
        dice = [np.mean([row.scores["dice"] for row in rows if row.value == value]) for value in labels]
        nsd = [np.mean([row.scores["nsd"] for row in rows if row.value == value]) for value in labels]
        difference = dice_of_cases(rows) - baseline
        interval = bootstrap_interval(difference)
        costs = (
            f"{summary.parameters / 1e6:.2f}",
            f"{summary.macs / 1e9:.3f}",
            f"{summary.training_memory / 2**20:.0f}",
        )
        scores = (f"{value:.4f}" for value in (*dice, *nsd, difference.mean(), *interval))
        lines.append((name, *costs, *scores))
    names = [name for value, name in config.task.labels.items() if value]
    header = ("network", "parameters (M)", "multiply-adds (G)", "training memory (MiB)")
    header += tuple(f"{score} {name}" for score in ("DSC", "NSD") for name in names)
    header += ("difference of mean DSC", "95 % from", "to")
    write_csv(folder / "compare.csv", header, lines)


def dice_of_cases(rows: list[ScoreRow]) -> np.ndarray:
    """Mean Dice over the labels of each case, in the order of the rows, which all networks share."""
    return np.array([scores["dice"] for scores in case_means(rows).values()])


def bootstrap_interval(differences: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean, by resampling cases."""
    random = np.random.default_rng(0)
    means = random.choice(differences, (RESAMPLES, len(differences))).mean(1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


if __name__ == "__main__":
    main()
