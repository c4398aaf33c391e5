"""Which cheap signals deserve trust? Trains every candidate for long and for short, on one fold, with the same patches.

    python studies/ranking/train.py --data ../shared/data/Task04_Hippocampus --work runs/ranking

The long training is validated on its way, which tells what its beginning would have said. Interrupted trainings go on;
what is finished is kept. Each candidate leaves its log under --work, from which table.py makes the tables.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from candidates import Candidate, candidates, describe

from dints import build_network
from dints.config import Config
from dints.device import select_device
from dints.events import Reporter
from dints.run import Run
from dints.stages import prepare
from dints.training.retrain import FoldTrainer

HERE = Path(__file__).parent
FOLD = 0
SHORT = 100  # steps of a whole schedule of its own
MEMORY = 88 * 2**20  # bytes to train; what the searched network of the first study needs at half resolution


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=HERE / "hippocampus.yaml")
    options = parser.parse_args()
    run = ranking_run(options.work, options.data, options.config)
    found = candidates(run.config, MEMORY)
    (options.work / "candidates.jsonl").write_text(describe(found) + "\n")
    for candidate in found:
        for steps in (run.config.training.iterations, SHORT):
            train(candidate, run, steps, options.work)


def ranking_run(folder: Path, data: Path, settings: Path) -> Run:
    """The run whose cache, folds and settings all candidates share."""
    if (folder / "run.json").is_file():
        return Run(folder)
    return prepare(folder, data, str(settings), [], None, Reporter())


def train(candidate: Candidate, run: Run, steps: int, work: Path) -> None:
    """Trains one candidate for `steps`, with its validations in log.jsonl and its seconds in done.json."""
    folder = work / candidate.name.replace(" ", "_").replace(",", "") / str(steps)
    if (folder / "done.json").is_file():
        return
    config: Config = replace(run.config, training=replace(run.config.training, iterations=steps))
    channels, classes = len(config.task.channels), len(config.task.labels)
    build = partial(build_network, candidate.architecture, channels, classes, candidate.filters)
    started = time.process_time()
    reporter = Reporter()
    result = FoldTrainer(
        config, build, run.cache(reporter), run.splits[FOLD], FOLD, folder, select_device("auto"), reporter
    ).run()
    seconds = time.process_time() - started
    (folder / "done.json").write_text(json.dumps({"seconds": seconds, "best": result.mean_dice}))
    print(f"{candidate.name}, {steps} steps: {result.mean_dice:.4f} in {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
