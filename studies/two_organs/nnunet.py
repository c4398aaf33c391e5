"""nnU-Net itself on one fold of the hippocampus, for as many processor seconds as the searched network trains there.

    pip install nnunetv2==2.8.1    # beside dints, for this script alone; an environment of its own is best
    OMP_NUM_THREADS=1 python studies/two_organs/nnunet.py --data ../shared/data/Task04_Hippocampus --work runs/nnunet

nnU-Net plans, prepares, augments, trains and predicts by its own code and settings (3d_fullres); the fold, the seconds
and the scoring are ours. Its polynomial decay ends with the last step that fits. Seconds of a step are measured first,
in turns with the searched network's, and kept. With --seconds it trains for that long instead. A row a training goes
to hippocampus/nnunet.csv.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from tables import HERE, SEARCHED, write

from dints import Architecture, build_network
from dints.evaluation.evaluate import ScoreRow, case_means, evaluate_case, score_rows
from dints.evaluation.paired import paired_difference
from dints.events import Reporter
from dints.files.storage import read_json, write_json
from dints.run import Run
from dints.stages import prepare
from dints.training.retrain import FoldTrainer

FOLD, NUMBER, NAME = 0, 4, "Dataset004_Hippocampus"
CONFIGURATION = "3d_fullres"
WORKERS = "nnUNet_n_proc_DA"  # processes that augment, in the environment
CPU = torch.device("cpu")
TURNS, STEPS = 3, 20  # of the measurement; its median counts
SETTINGS = ("network", "nnunetv2", "patch", "batch", "seconds", "seconds a step", "steps")
SCORES = ("DSC Anterior", "DSC Posterior", "NSD Anterior", "NSD Posterior", "mean DSC")
HEADER = (*SETTINGS, *SCORES, "searched minus this", "low", "high")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seconds", type=float, help="of the processor; without it those of the searched network")
    options = parser.parse_args()
    set_up(options.work)
    run = prepared(options.work / "run", options.data)
    plan(run, options.data, options.work)
    ours, theirs = seconds_a_step(run, options.work)
    seconds = options.seconds or run.config.training.iterations * ours
    steps = max(1, round(seconds / theirs))
    folder = options.work / f"{steps}_steps"
    if not (folder / "done.json").is_file():
        write_json(folder / "done.json", train(run, steps, folder, options.work))
    write_row(run, folder, read_json(folder / "done.json"), steps)


def set_up(work: Path) -> None:
    """Tells nnU-Net, which reads it from the environment, where its files are, and to work in this process alone."""
    for kind in ("raw", "preprocessed", "results"):
        os.environ[f"nnUNet_{kind}"] = str(work.resolve() / kind)
        (work / kind).mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)


def prepared(folder: Path, data: Path) -> Run:
    """A run with the settings and folds of the study; its fold is that of the table."""
    known = (folder / "run.json").is_file()
    run = Run(folder) if known else prepare(folder, data, str(HERE / "hippocampus.yaml"), [], None, Reporter())
    if set(run.splits[FOLD][1]) != set(searched_dice()):
        raise SystemExit(f"{folder}: fold {FOLD} has other cases than hippocampus/cases.csv")
    return run


def searched_dice() -> dict[str, float]:
    """Mean over the labels of each case of the fold, of the searched network."""
    with (HERE / "hippocampus" / "cases.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["network"] == SEARCHED and int(row["fold"]) == FOLD]
    cases = {row["case"] for row in rows}
    return {case: statistics.mean(float(row["DSC"]) for row in rows if row["case"] == case) for case in cases}


def plan(run: Run, data: Path, work: Path) -> None:
    """The data as nnU-Net wants them, its plan and its prepared scans, and our folds in place of its own."""
    from nnunetv2.experiment_planning import plan_and_preprocess_api as nnunet

    folds = work / "preprocessed" / NAME / "splits_final.json"
    if folds.is_file():
        return
    raw = work / "raw" / NAME
    for folder in ("imagesTr", "labelsTr"):
        (raw / folder).mkdir(parents=True, exist_ok=True)
    for name in run.splits[FOLD][0] + run.splits[FOLD][1]:
        shutil.copyfile(data / "imagesTr" / f"{name}.nii.gz", raw / "imagesTr" / f"{name}_0000.nii.gz")
        shutil.copyfile(data / "labelsTr" / f"{name}.nii.gz", raw / "labelsTr" / f"{name}.nii.gz")
    labels = {name: value for value, name in run.config.task.labels.items()}
    count = len(list((raw / "labelsTr").iterdir()))
    description = {"channel_names": {"0": "MRI"}, "labels": labels, "numTraining": count, "file_ending": ".nii.gz"}
    (raw / "dataset.json").write_text(json.dumps(description))
    os.environ[WORKERS] = "1"  # its planner refuses 0
    nnunet.extract_fingerprints([NUMBER], num_processes=1)
    nnunet.plan_experiments([NUMBER])
    nnunet.preprocess([NUMBER], configurations=[CONFIGURATION], num_processes=[1])
    folds.write_text(json.dumps([{"train": list(train), "val": list(kept)} for train, kept in run.splits]))


def trainer(work: Path, steps: int) -> Any:
    """nnU-Net's own, for so many steps, each an epoch of the decay; the first batch is drawn."""
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    os.environ[WORKERS] = "0"  # augments in this process, whose seconds count
    torch.manual_seed(0)
    np.random.seed(0)
    folder = work / "preprocessed" / NAME
    plans, dataset = read_json(folder / "nnUNetPlans.json"), read_json(folder / "dataset.json")
    found = nnUNetTrainer({**plans, "continue_training": False}, CONFIGURATION, FOLD, dataset, CPU)
    found.num_epochs, found.num_iterations_per_epoch = steps, 1
    found.on_train_start()
    return found


def take(training: Any, steps: int) -> float:
    """Goes on for so many steps; processor seconds, those of reading and augmenting among them."""
    started = time.process_time()
    for _ in range(steps):
        training.on_train_epoch_start()
        found = training.train_step(next(training.dataloader_train))
        training.on_train_epoch_end([found])
        training.current_epoch += 1
    return time.process_time() - started


def seconds_a_step(run: Run, work: Path) -> tuple[float, float]:
    """Processor seconds of a training step of the searched network and of nnU-Net; kept in a file."""
    path = work / "seconds.json"
    if not path.is_file():
        theirs, network = trainer(work, 10 * TURNS), searched(run)
        take(theirs, 1)  # slower than the others
        found = [(measured(run, network), take(theirs, 2) / 2) for _ in range(TURNS)]
        own, other = zip(*found, strict=True)
        write_json(path, {"searched": statistics.median(own), "nnU-Net": statistics.median(other)})
    kept = read_json(path)
    return float(kept["searched"]), float(kept["nnU-Net"])


def searched(run: Run) -> Any:
    """Builds the searched network at the filters of the table."""
    architecture = Architecture.load(HERE / "architectures" / "hippocampus.json")
    config = run.config
    return partial(
        build_network, architecture, len(config.task.channels), len(config.task.labels), config.training.filters
    )


def measured(run: Run, build: Any) -> float:
    """Processor seconds of a step of ours, after the first ones, which are slower."""
    config = replace(run.config, training=replace(run.config.training, validation_cases=1))
    with tempfile.TemporaryDirectory() as folder:
        training = FoldTrainer(
            config, build, run.cache(Reporter()), run.splits[FOLD], FOLD, Path(folder), CPU, Reporter()
        )
        training.run(until=STEPS)
        started = time.process_time()
        training.run(until=2 * STEPS)
        return (time.process_time() - started) / STEPS


def train(run: Run, steps: int, folder: Path, work: Path) -> Mapping[str, Any]:
    """Trains, and predicts the fold's cases without mirroring, as ours are; predictions go to `folder`."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    training = trainer(work, steps)
    seconds = take(training, steps)
    training.set_deep_supervision_enabled(False)
    predictor = nnUNetPredictor(use_mirroring=False, device=CPU, allow_tqdm=False)
    predictor.manual_initialization(
        training.network.eval(),
        training.plans_manager,
        training.configuration_manager,
        [training.network.state_dict()],
        training.dataset_json,
        "nnUNetTrainer",
        None,
    )
    (folder / "predictions").mkdir(parents=True, exist_ok=True)
    cases = run.splits[FOLD][1]
    images = [[str(work / "raw" / NAME / "imagesTr" / f"{case}_0000.nii.gz")] for case in cases]
    predictor.predict_from_files_sequential(images, [str(folder / "predictions" / case) for case in cases])
    plan = training.configuration_manager
    return {"seconds": seconds, "patch": [int(side) for side in plan.patch_size], "batch": int(plan.batch_size)}


def write_row(run: Run, folder: Path, done: Mapping[str, Any], steps: int) -> None:
    """Scores the predictions on the scans' own grid; a row of the same steps is replaced, all others are kept."""
    task, rows = run.config.task, list[ScoreRow]()
    for case in run.splits[FOLD][1]:
        prediction = sitk.ReadImage(folder / "predictions" / f"{case}.nii.gz")
        reference = sitk.ReadImage(run.cases[case].label)
        rows += score_rows(case, FOLD, evaluate_case(prediction, reference, task.labels, task.tolerance), task.labels)
    own = {case: scores["dice"] for case, scores in case_means(rows).items()}
    found = paired_difference(searched_dice(), own)
    labels = [value for value in task.labels if value]
    means = [
        statistics.mean(row.scores[metric] for row in rows if row.value == value)
        for metric in ("dice", "nsd")
        for value in labels
    ]
    size = " x ".join(map(str, done["patch"]))
    start = ("nnU-Net", version("nnunetv2"), size, done["batch"], f"{done['seconds']:.0f}")
    scores = [f"{value:.4f}" for value in (*means, statistics.mean(own.values()))]
    differences = [f"{value:+.4f}" for value in (found.mean, found.low, found.high)]
    line = (*start, f"{done['seconds'] / steps:.2f}", steps, *scores, *differences)
    table = HERE / "hippocampus" / "nnunet.csv"
    write(table, HEADER, [*others(table, steps), line])
    print(*line)


def others(table: Path, steps: int) -> Sequence[Sequence[str]]:
    if not table.is_file():
        return []
    with table.open(encoding="utf-8") as file:
        return [row for row in list(csv.reader(file))[1:] if row[HEADER.index("steps")] != str(steps)]


if __name__ == "__main__":
    main()
