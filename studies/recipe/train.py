"""What does each part of today's recipe bring? The same training on one fold, with one part switched on at a time.

    python studies/recipe/train.py --data ../shared/data/Task04_Hippocampus --work runs/recipe [--parts noise blur]

The network is a U shape of the search space at full resolution; the base is the ranking study's recipe, scored once, by
its last weights. Interrupted trainings go on, and finished ones are kept. table.csv has a row for every finished part;
rows of parts that are not in the work folder stay. Other folds and seeds: paired.py.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from torch import nn

from dints import build_network
from dints.device import select_device
from dints.events import Reporter
from dints.run import Run
from dints.stages import prepare
from dints.training.retrain import FoldTrainer
from dints.zoo.shapes import u_shape

HERE = Path(__file__).parent
BASE = HERE.parent / "ranking" / "hippocampus.yaml"
FOLD, FILTERS = 0, 10
HEADER = ("part", "settings", "DSC Anterior", "DSC Posterior", "mean", "over the base", "seconds")
ONCE = ["training.validate_every=500"]  # at the end, so that no choice of the best moment enters

AUGMENTATIONS = {
    "three axes": [
        "augmentation.rotation_axes=[0, 1, 2]",
        "augmentation.rotation_degrees=30.0",
        "augmentation.scale_range=[0.7, 1.4]",
    ],
    "noise": ["augmentation.noise_probability=0.1"],
    "blur": ["augmentation.blur_probability=0.2"],
    "brightness": ["augmentation.brightness_probability=0.15"],
    "contrast": ["augmentation.contrast_probability=0.15"],
    "low resolution": ["augmentation.low_resolution_probability=0.25"],
    "inverted gamma": ["augmentation.inverted_gamma_probability=0.1", "augmentation.gamma_keeps=statistics"],
    "R-L mirroring": ["augmentation.flip_probability=0.5", "augmentation.flip_axes=[0]"],
}
TRAINING = {
    "deep supervision": ["training.deep_supervision=true"],
    "polynomial decay": ["training.schedule=polynomial", "training.warmup=0"],
    "average of weights": ["training.average=0.99"],
    "rare labels": ["sampling.rare_labels=true"],
}
ALL_AXES = ["augmentation.flip_probability=0.5", "augmentation.flip_axes=[0, 1, 2]"]  # also from anterior to posterior
PARTS = {
    "base": [],
    "base, seed 1": ["training.seed=1"],
    **AUGMENTATIONS,
    **TRAINING,
    "mirroring along all axes": ALL_AXES,
    "all augmentations": [*chain(*AUGMENTATIONS.values())],
    "all augmentations, mirroring along all axes": [*chain(*AUGMENTATIONS.values()), *ALL_AXES],
    "all": [*chain(*AUGMENTATIONS.values(), *TRAINING.values())],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    options = parser.parse_args()
    run = prepared(options.work, options.data)
    for part in options.parts:
        train(part, PARTS[part], FOLD, run, options.work)
        write_table(options.work)


def prepared(work: Path, data: Path) -> Run:
    """The run whose cache, folds and settings all trainings share."""
    folder = work / "run"
    known = (folder / "run.json").is_file()
    return Run(folder) if known else prepare(folder, data, str(BASE), [], None, Reporter())


def folder_of(name: str, work: Path) -> Path:
    return work / name.replace(" ", "_").replace(",", "")


def builder(run: Run) -> Callable[[], nn.Module]:
    """Of the network that all trainings share."""
    task = run.config.task
    return partial(build_network, u_shape(run.config.search.space), len(task.channels), len(task.labels), FILTERS)


def train(name: str, settings: Sequence[str], fold: int, run: Run, work: Path) -> None:
    """Trains with settings over the base; its Dice and processor seconds are in done.json then."""
    folder = folder_of(name, work)
    if (folder / "done.json").is_file():
        return
    config = run.config.with_overrides([*ONCE, *settings])
    started, reporter = time.process_time(), Reporter()
    result = FoldTrainer(
        config, builder(run), run.cache(reporter), run.splits[fold], fold, folder, select_device("auto"), reporter
    ).run()
    seconds = time.process_time() - started
    (folder / "done.json").write_text(json.dumps({"seconds": seconds, "dice": result.dice}))
    print(f"{name}: {result.mean_dice:.4f} in {seconds:.0f} s", flush=True)


def write_table(work: Path) -> None:
    """table.csv: a row for each part that is done, or has one already, with what it has over the base."""
    table = HERE / "table.csv"
    with table.open(newline="", encoding="utf-8") as file:
        rows = {row["part"]: row for row in csv.DictReader(file)}
    done = {part: folder_of(part, work) / "done.json" for part in PARTS}
    found = {part: json.loads(path.read_text()) for part, path in done.items() if path.is_file()}
    rows |= {part: row_of(part, own, found.get("base")) for part, own in found.items()}
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEADER, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[part] for part in PARTS if part in rows)


def row_of(part: str, done: Mapping[str, Any], base: Mapping[str, Any] | None) -> dict[str, str]:
    """Of the table, with what the part has over the base, if that is done."""
    mean = statistics.mean(done["dice"])
    gain = f"{mean - statistics.mean(base['dice']):+.4f}" if base else ""
    scores = [f"{value:.4f}" for value in (*done["dice"], mean)]
    return dict(zip(HEADER, (part, " ".join(PARTS[part]), *scores, gain, f"{done['seconds']:.0f}"), strict=True))


if __name__ == "__main__":
    main()
