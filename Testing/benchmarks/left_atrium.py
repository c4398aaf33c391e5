"""Whole segmentations of the left atrium at 0.625 mm by one trained network, beside the reference's pipeline.

    python Testing/benchmarks/left_atrium.py [--data LEFT_ATRIUM] [--work runs/left_atrium] [--turns 3]

Trains a network at 1.25 mm on 64 scans, goes on with it at 0.625 mm on the same scans, and last on two of the four that
have that resolution, and measures its safety bound on the other two, which no training had: half an hour, and goes on
where it was interrupted. These two are then segmented by the engine, in the precision that it chooses and in float32,
and by the reference with the same weights: from the image in memory to labels on its grid, in processor seconds of one
thread. They take turns, of which the median and the range are given. Windows overlap by 0.625 in both, the default of
both. The result goes to results/left_atrium.json.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from comparison import timed
from machine import machine
from monai.data import MetaTensor
from monai.transforms import Compose, CropForegroundd, NormalizeIntensityd, Spacingd
from paths import HERE, RESULTS, SHARED_DATA
from reference import reference_network, reference_segmentation
from torch import nn

from dints.config import Config
from dints.data.cases import Case
from dints.data.grid import Grid
from dints.data.images import read_image, read_label
from dints.device import PRECISION_VARIABLE
from dints.evaluation.cross_validation import cross_validate
from dints.events import Reporter
from dints.files.storage import read_json, write_json
from dints.inference.predictor import Prediction, Predictor
from dints.inference.safety_bound import SafetyBound
from dints.metrics.segmentation import dice
from dints.run import Run, load_fold

RESULT = RESULTS / "left_atrium.json"
CPU, FOLD, TURNS = torch.device("cpu"), 0, 3
ARCHITECTURE = HERE.parents[1] / "studies" / "two_organs" / "architectures" / "left_atrium.json"
SPACING = 0.625  # mm
FINE = (
    f"preprocessing.spacing=[{SPACING}, {SPACING}, {SPACING}]",
    "sampling.patch=[64, 64, 48]",
    "training.validation_cases=2",
    "inference.overlap=0.625",
)
STAGES = {"fine": (500, 1.0e-3), "native": (100, 3.0e-4)}  # steps, learning rate
REFERENCE = "reference"
ENGINE = {"half precision": "half", "full precision": "full"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED_DATA / "LeftAtrium")
    parser.add_argument("--work", type=Path, default=HERE.parents[1] / "runs" / "left_atrium")
    parser.add_argument("--turns", type=int, default=TURNS, help="of each side on each scan")
    parser.add_argument("--result", type=Path, default=RESULT)
    options = parser.parse_args()
    if options.turns < 1:
        parser.error(f"--turns {options.turns}: must be at least 1")
    torch.set_num_threads(1)
    run = trained(options.data, options.work)
    network, config = load_fold(run, FOLD)[0], run.config
    bound, why = measured_bound(run)
    predictor = Predictor([network], config, "cpu", None, bound)
    theirs = reference_network(network, run.architecture()).eval()
    turns = options.turns
    scans = {name: scan(run.cases[name], predictor, theirs, config, turns) for name in run.splits[FOLD][1]}
    about = {"turns": turns, "bound": bound.to_mapping() if bound else why, "machine": machine()}
    write_json(options.result, {"scans": scans, **about})
    print(options.result.read_text())


def trained(data: Path, work: Path) -> Run:
    """At 1.25 mm, from there at 0.625 mm, and from there on scans that were not brought to it."""
    coarse = work / "coarse"
    train("--run", coarse, "--data", data, "--config", HERE / "left_atrium.yaml", "--architecture", ARCHITECTURE)
    train("--run", work / "fine", "--data", data, "--from", coarse, "--old", coarse, *settings(*STAGES["fine"]))
    train("--run", work / "native", "--data", native(data, work), "--from", work / "fine", *settings(*STAGES["native"]))
    return Run(work / "native")


def settings(steps: int, learning_rate: float) -> list[str]:
    """Of a training that goes on with another's weights."""
    lengths = [f"training.{name}={steps}" for name in ("iterations", "schedule_iterations", "validate_every")]
    chosen = [*FINE, *lengths, f"training.learning_rate={learning_rate}"]
    return [part for setting in chosen for part in ("--set", setting)]


def train(*arguments: Any) -> None:
    command = [sys.executable, "-m", "dints", "train", "--folds", FOLD, "--device", "cpu", *arguments]
    subprocess.run(list(map(str, command)), check=True)


def native(data: Path, work: Path) -> Path:
    """The scans that have their own resolution, as a data set whose labels have names."""
    folder = work / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for images, place in (("images", "imagesTr"), ("labels", "labelsTr")):
        if not (folder / place).exists():
            (folder / place).symlink_to((data / "native" / images).resolve())
    names = sorted(path.name for path in (data / "native" / "images").iterdir())
    training = [{"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"} for name in names]
    kept = {key: value for key, value in read_json(data / "dataset.json").items() if key in ("modality", "labels")}
    write_json(folder / "dataset.json", {"name": "LeftAtrium", **kept, "training": training})
    return folder


def measured_bound(run: Run) -> tuple[SafetyBound | None, str]:
    """As `dints evaluate` measures it, or why there is none."""
    if not run.bound_file.is_file():
        cross_validate(run, "cpu", Reporter())
    values = read_json(run.bound_file)
    return (None, values["reason"]) if "reason" in values else (SafetyBound.from_mapping(values, "bound"), "")


def scan(case: Case, predictor: Predictor, network: nn.Module, config: Config, turns: int) -> dict[str, Any]:
    """Of each side seconds, how many times as long the reference takes, and Dice."""
    image = read_image(case.images[0])
    assert case.label
    truth = inside(read_label(case.label))
    works: dict[str, Callable[[], Any]] = {
        **{name: lambda own=own: engine(predictor, image, own) for name, own in ENGINE.items()},
        REFERENCE: lambda: reference(image, network, config),
    }
    seconds, results = in_turns(works, turns)
    found = {name: inside(own.labels) if isinstance(own, Prediction) else own > 0 for name, own in results.items()}
    rows = {}
    for name, prediction in results.items():
        ratios = [theirs / ours for theirs, ours in zip(seconds[REFERENCE], seconds[name], strict=True)]
        rows[name] = {
            **spread("seconds", seconds[name]),
            **spread("times_faster", ratios),
            "dice": round(dice(found[name], truth), 4),
            "same_voxels": round(float((found[name] == found[REFERENCE]).mean()), 6),
        }
        if isinstance(prediction, Prediction):
            rows[name] |= {"computed": prediction.computed, "windows": prediction.windows}
    return rows


def in_turns(works: dict[str, Callable[[], Any]], turns: int) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Seconds of each work in each turn, so that whatever else the machine does meets all; and results of the last."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    results = {}
    for _ in range(turns):
        for name, work in works.items():
            took, results[name] = timed(work, CPU)
            seconds[name].append(took)
    return seconds, results


def spread(name: str, values: list[float]) -> dict[str, Any]:
    """The median, and the lowest and highest value."""
    return {name: round(statistics.median(values), 2), f"{name}_range": [round(min(values), 2), round(max(values), 2)]}


def inside(labels: sitk.Image) -> np.ndarray:
    """bool [x, y, z] in RAS axes."""
    return Grid.of(labels).crop(sitk.GetArrayFromImage(labels)) > 0


def engine(predictor: Predictor, image: sitk.Image, precision: str) -> Prediction:
    os.environ[PRECISION_VARIABLE] = precision
    return predictor.predict([image])


def reference(image: sitk.Image, network: nn.Module, config: Config) -> np.ndarray:
    """Labels [x, y, z] in RAS axes by MONAI's own resampling, and all that follows.

    It gets the image in these axes: turning it would need another package.
    """
    source = Grid.of(image).crop(sitk.GetArrayFromImage(image))[None].astype(np.float32)
    affine = torch.diag(torch.tensor([*Grid.of(image).oriented_spacing, 1.0], dtype=torch.float64))
    before = Compose(
        [
            CropForegroundd("image", source_key="image", select_fn=lambda voxels: voxels != 0, allow_smaller=True),
            Spacingd("image", pixdim=config.preprocessing.spacing, mode="bilinear"),
            NormalizeIntensityd("image", nonzero=True, channel_wise=True),
        ]
    )
    case = {"image": MetaTensor(torch.from_numpy(source), affine=affine)}
    return reference_segmentation(case, before, network, config.sampling.patch, config.inference.overlap)


if __name__ == "__main__":
    main()
