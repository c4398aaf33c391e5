"""The comparison at equal seconds: each network trains as many steps as fit into the time of the searched one's.

    python studies/two_organs/equal_seconds.py --run runs/hippocampus --name hippocampus --folds 0 1

The run has been searched: its architecture is the reference, with the scores of `dints compare` if that was run, else
trained here. The processor seconds of a step are measured first, in turns, and kept, so that an interrupted comparison
goes on with the same numbers. Writes NAME/TABLE beside this file.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from tables import HERE, write

from dints import build_network
from dints.config import Config
from dints.evaluation.compare import SEARCHED, contestants
from dints.evaluation.cross_validation import score_fold
from dints.evaluation.evaluate import ScoreRow, case_means, read_scores, write_scores
from dints.evaluation.paired import paired_difference
from dints.events import Reporter
from dints.files.storage import read_json, write_json
from dints.run import Run
from dints.search.race import Candidate
from dints.training.checkpoint import restoring
from dints.training.retrain import FoldTrainer

CPU = torch.device("cpu")
TURNS, STEPS = 3, 10  # of the measurement; its median counts
HEADER = ("network", "filters", "seconds a step", "steps", "mean DSC", "searched minus this", "low", "high")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--name", required=True, help="of the folder beside this file")
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--random", type=int, default=0, help="how many random architectures take part")
    parser.add_argument("--architecture", nargs="*", default=[], help="files of others that take part")
    parser.add_argument("--table", default="equal_seconds.csv", help="file that is written in that folder")
    options = parser.parse_args()
    run, work = Run(options.run), options.run / "equal_seconds"
    lineup = contestants(run, options.random, options.architecture)
    seconds = seconds_a_step(run, lineup, work / "seconds.json")
    (HERE / options.name).mkdir(exist_ok=True)
    compared = run.compare_folder / SEARCHED
    rows: dict[str, Sequence[ScoreRow]] = {SEARCHED: read_scores(compared).rows} if compared.is_dir() else {}
    for one in lineup:
        if one.name in rows:
            continue
        steps = steps_of(one, seconds, run)
        rows[one.name] = [row for fold in options.folds for row in trained(run, one, steps, fold, work / one.name)]
        lines = [line(known, seconds, run, rows) for known in lineup if known.name in rows]
        write(HERE / options.name / options.table, HEADER, lines)
        print(one.name, steps, lines[-1], flush=True)


def seconds_a_step(run: Run, lineup: Sequence[Candidate], path: Path) -> Mapping[str, float]:
    """Processor seconds of a training step of each network, kept in a file."""
    if not path.is_file():
        found: dict[str, list[float]] = {one.name: [] for one in lineup}
        for _ in range(TURNS):
            for one in lineup:
                found[one.name].append(measured(run, one))
        write_json(path, {name: statistics.median(values) for name, values in found.items()})
    return {name: float(value) for name, value in read_json(path).items()}


def measured(run: Run, one: Candidate) -> float:
    """Of steps after the first ones, which are slower."""
    with tempfile.TemporaryDirectory() as folder:
        training = trainer(run, one, run.config.training.iterations, 0, Path(folder), validation_cases=1)
        training.run(until=STEPS)
        started = time.process_time()
        training.run(until=3 * STEPS)
        return (time.process_time() - started) / (2 * STEPS)


def steps_of(one: Candidate, seconds: Mapping[str, float], run: Run) -> int:
    return round(run.config.training.iterations * seconds[SEARCHED] / seconds[one.name])


def trainer(run: Run, one: Candidate, steps: int, fold: int, folder: Path, validation_cases: int = 0) -> FoldTrainer:
    """For `steps` of a schedule that ends there, validated once."""
    training = replace(run.config.training, iterations=steps, validate_every=steps, validation_cases=validation_cases)
    config: Config = replace(run.config, training=training)
    build = partial(build_network, one.design, len(config.task.channels), len(config.task.labels))
    return FoldTrainer(config, build, run.cache(Reporter()), run.splits[fold], fold, folder, CPU, Reporter())


def trained(run: Run, one: Candidate, steps: int, fold: int, folder: Path) -> Sequence[ScoreRow]:
    """Scores of a fold's validation cases after the training; what is there is read."""
    own = folder / f"fold{fold}"
    if not (own / "scores.json").is_file():
        training = trainer(run, one, steps, fold, own)
        training.run()
        network = build_network(one.design, len(run.config.task.channels), len(run.config.task.labels))
        with restoring(training.files.best, CPU) as state:
            network.load_state_dict(state["network"])
        found = score_fold(run, network.eval().requires_grad_(False), fold, own, "cpu", Reporter())
        write_scores(own, found, tolerance=run.config.task.tolerance)
    return read_scores(own).rows


def line(
    one: Candidate, seconds: Mapping[str, float], run: Run, rows: Mapping[str, Sequence[ScoreRow]]
) -> Sequence[object]:
    """Of the table."""
    ours, own = (dice(rows[name]) for name in (SEARCHED, one.name))
    start = (one.origin, one.design.filters, f"{seconds[one.name]:.3f}", steps_of(one, seconds, run))
    mean = f"{statistics.mean(own.values()):.4f}"
    if one.name == SEARCHED:
        return (*start, mean, "", "", "")
    found = paired_difference({case: ours[case] for case in own}, own)
    return (*start, mean, f"{found.mean:+.4f}", f"{found.low:+.4f}", f"{found.high:+.4f}")


def dice(rows: Sequence[ScoreRow]) -> dict[str, float]:
    """Mean over the labels of each case."""
    return {case: scores["dice"] for case, scores in case_means(rows).items()}


if __name__ == "__main__":
    main()
