"""What does each part of today's recipe bring? The same training on one fold, with one part switched on at a time.

    python studies/recipe/train.py --data ../shared/data/Task04_Hippocampus --work runs/recipe [--parts noise blur]

The network is a U shape of the search space at full resolution; the base is the ranking study's recipe, scored once, by
its last weights. Interrupted trainings go on, and finished ones are kept. table.csv has a row for every finished part.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from functools import partial
from itertools import chain
from pathlib import Path

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
    folder = options.work / "run"
    run = (
        Run(folder)
        if (folder / "run.json").is_file()
        else prepare(folder, options.data, str(BASE), [], None, Reporter())
    )
    for part in options.parts:
        train(part, run, options.work)
        write_table(options.work)


def folder_of(part: str, work: Path) -> Path:
    return work / part.replace(" ", "_").replace(",", "")


def train(part: str, run: Run, work: Path) -> None:
    """Trains with one part; its Dice and processor seconds are in done.json then."""
    folder = folder_of(part, work)
    if (folder / "done.json").is_file():
        return
    config = run.config.with_overrides([*ONCE, *PARTS[part]])
    channels, classes = len(config.task.channels), len(config.task.labels)
    build = partial(build_network, u_shape(config.search.space), channels, classes, FILTERS)
    started, reporter = time.process_time(), Reporter()
    result = FoldTrainer(
        config, build, run.cache(reporter), run.splits[FOLD], FOLD, folder, select_device("auto"), reporter
    ).run()
    seconds = time.process_time() - started
    (folder / "done.json").write_text(json.dumps({"seconds": seconds, "dice": result.dice}))
    print(f"{part}: {result.mean_dice:.4f} in {seconds:.0f} s", flush=True)


def write_table(work: Path) -> None:
    """table.csv: a row for each part that is done, with what it has over the base."""
    done = {part: folder_of(part, work) / "done.json" for part in PARTS}
    found = {part: json.loads(path.read_text()) for part, path in done.items() if path.is_file()}
    with (HERE / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("part", "settings", "DSC Anterior", "DSC Posterior", "mean", "over the base", "seconds"))
        for part, row in found.items():
            mean = sum(row["dice"]) / len(row["dice"])
            gain = f"{mean - sum(found['base']['dice']) / len(row['dice']):+.4f}" if "base" in found else ""
            scores = [f"{value:.4f}" for value in (*row["dice"], mean)]
            writer.writerow((part, " ".join(PARTS[part]), *scores, gain, f"{row['seconds']:.0f}"))


if __name__ == "__main__":
    main()
