"""What a first look spares, and whether it loses anything. Windows are counted, so a busy computer does not matter.

    python Testing/benchmarks/first_look.py --work runs/first_look

1. A CT of 512 x 512 x 400 voxels in which a ball of 5 % of the volume is to be found, windows of 96^3: how many go
   through how many networks, for one fold and for five. A function of the intensity stands for the networks.
2. Trained networks: small ones, in the whole way from data to a model with its safety bound, on phantoms with lesions
   of 3 to 10 voxels, on the left atrium and on the hippocampus. Cases that they have not seen are segmented with the
   bound and exhaustively: windows, differences of Dice, components that are missing.

The result goes to results/first_look.json; the runs stay in the work folder, and the same command goes on with them.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from comparisons.segmentation import OVERLAP, PATCH
from machine import machine
from paths import HIPPOCAMPUS, RESULTS, SHARED_DATA

from dints.data.images import read_channels, read_image, write_image
from dints.device import select_device
from dints.evaluation.cross_validation import cross_validate
from dints.events import Reporter
from dints.files.storage import read_json, write_json
from dints.inference.first_look import first_look, scouts
from dints.inference.window_grid import WindowGrid, stride_of
from dints.model.model import load_model
from dints.run import Run
from dints.stages import export, keep_architecture, prepare, train
from dints.zoo.catalogue import find_design

RESULT = RESULTS / "first_look.json"
WORKING = (410, 410, 400)  # 512 x 512 x 400 voxels of 0.8, 0.8 and 1 mm at 1 mm
SHARE = 0.05  # of the volume, that of the ball
ARCHITECTURE = "u-shape"
HELD_OUT = {"phantoms": 5, "left_atrium": 8, "hippocampus": 8}
FOLDS = 2
QUICK = [
    f"training.folds={FOLDS}",
    "training.batch_size=2",
    "training.optimizer=adamw",
    "training.schedule=one_cycle",
    "training.learning_rate=0.003",
    "training.filters=4",
    "search.layers=6",
    "search.levels=3",
    "training.warmup=50",
    "sampling.patch=[32, 32, 32]",
]
PHANTOMS, PHANTOM_SIZE, LESIONS = 15, (88, 80, 72), 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--only", choices=("ball", *HELD_OUT), help="measure one part again; the others stay")
    options = parser.parse_args()
    found = read_json(RESULT) if RESULT.is_file() else {}
    if options.only in (None, "ball"):
        found["ball"] = {"one fold": ball(1), "five folds": ball(5)}
    sources = {
        "phantoms": options.work / "phantom_data",
        "left_atrium": SHARED_DATA / "LeftAtrium",
        "hippocampus": HIPPOCAMPUS,
    }
    for name, data in sources.items():
        if options.only in (None, name):
            if name == "phantoms":
                write_phantoms(data)
            found[name] = compare(trained(options.work / name, data, HELD_OUT[name], options.iterations))
            write_json(RESULT, found | {"machine": machine()})
    write_json(RESULT, found | {"machine": machine()})
    print(RESULT.read_text())


def ball(folds: int) -> dict[str, float]:
    """Passes with and without a first look; the ball lies off the centre, so that windows cut it anyhow."""
    radius = (SHARE * np.prod(WORKING) * 3 / (4 * np.pi)) ** (1 / 3)
    x, y, z = np.ogrid[tuple(slice(0, count) for count in WORKING)]
    volume = np.random.default_rng(0).random((1, *WORKING), np.float32) / 10
    volume[0, (x - 170) ** 2 + (y - 230) ** 2 + (z - 190) ** 2 < radius**2] = 1
    grid = WindowGrid.of(WORKING, PATCH, stride_of(PATCH, OVERLAP))
    networks = [by_intensity] * folds
    look = first_look(volume, scouts(networks), grid)
    focus = look.focus(0.01)
    exhaustive = folds * focus.windows.size
    passes = look.passes + folds * int(focus.windows.sum())
    return {
        "windows": focus.windows.size,
        "computed": int(focus.windows.sum()),
        "passes_of_the_first_look": look.passes,
        "passes": passes,
        "exhaustive_passes": exhaustive,
        "times_fewer": round(exhaustive / passes, 2),
    }


def by_intensity(windows: torch.Tensor) -> torch.Tensor:
    """Two classes, around 0 and 1."""
    return torch.cat([-20 * windows**2, -20 * (windows - 1) ** 2], 1)


def write_phantoms(folder: Path) -> None:
    """Noise with an organ of about 5 % of the volume, label 1, and lesions of 3 to 10 voxels anywhere, label 2."""
    if (folder / "dataset.json").is_file():
        return
    names = [f"phantom_{number:02}" for number in range(PHANTOMS)]
    for number, name in enumerate(names):
        image, label = phantom(np.random.default_rng(number))
        write_image(sitk.GetImageFromArray(image), folder / "imagesTr" / f"{name}.nii.gz")
        write_image(sitk.GetImageFromArray(label), folder / "labelsTr" / f"{name}.nii.gz")
    pairs = [{"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"} for name in names]
    labels = {"0": "background", "1": "organ", "2": "lesion"}
    content = {"name": "Phantoms", "modality": {"0": "MRI"}, "labels": labels, "training": pairs}
    (folder / "dataset.json").write_text(json.dumps(content))


def phantom(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    image = random.normal(100, 10, PHANTOM_SIZE).astype(np.float32)
    label = np.zeros(PHANTOM_SIZE, np.uint8)
    centre = [random.uniform(0.3, 0.7) * count for count in PHANTOM_SIZE]
    axes = [random.uniform(0.2, 0.26) * count for count in PHANTOM_SIZE]
    place = np.indices(PHANTOM_SIZE)
    inside = sum(((at - c) / a) ** 2 for at, c, a in zip(place, centre, axes, strict=True)) < 1
    image[inside] += 40
    label[inside] = 1
    for _ in range(LESIONS):
        voxel = np.array([random.integers(3, count - 3) for count in PHANTOM_SIZE])
        for _ in range(int(random.integers(3, 11))):  # a walk: connected, of any shape
            image[tuple(voxel)] = random.normal(220, 10)
            label[tuple(voxel)] = 2
            voxel = np.clip(voxel + np.eye(3, dtype=int)[random.integers(3)] * random.choice([-1, 1]), 0, None)
            voxel = np.minimum(voxel, np.array(PHANTOM_SIZE) - 1)
    return image, label


def trained(folder: Path, data: Path, held_out: int, iterations: int) -> Run:
    """A run with all folds trained, and its model exported with the bound that cross-validation measured."""
    reporter = Reporter()
    overrides = [*QUICK, f"training.iterations={iterations}", f"training.schedule_iterations={iterations}"]
    overrides += [f"training.validate_every={iterations}"]
    run = prepare(folder, data, None, overrides, None, reporter, held_out)
    if not run.model_file.is_file():
        if not run.architecture_file.is_file():
            keep_architecture(run, find_design(ARCHITECTURE, run.config.search.space), reporter)
        train(run, range(FOLDS), select_device("cpu"), reporter)
        cross_validate(run, "cpu", reporter)
        export(run, reporter)
    return run


def compare(run: Run) -> dict[str, object]:
    """Cases that no network has seen, segmented with the bound and exhaustively."""
    model = load_model(run.model_file)
    predictor, labels = model.predictor("cpu"), sorted(model.labels)
    cases = [case for case in run.datalist.cases if case.name in run.held_out]
    rows = []
    for case in cases:
        channels = read_channels(case.images)
        looked, exhaustive = (predictor.predict(channels, exhaustive=exhaustive) for exhaustive in (False, True))
        pairs = [(voxels(looked.labels) == label, voxels(exhaustive.labels) == label) for label in labels]
        reference = voxels(read_image(case.label))
        rows.append(
            {
                "computed": looked.computed,
                "windows": looked.windows,
                "dice": [dice(every, reference == label) for label, (_, every) in zip(labels, pairs, strict=True)],
                "difference": max(
                    abs(dice(part, reference == label) - dice(every, reference == label))
                    for label, (part, every) in zip(labels, pairs, strict=True)
                ),
                "components": sum(components(every) for _, every in pairs),
                "missing": sum(missing(part, every) for part, every in pairs),
            }
        )
    bound = predictor.bound
    return {
        "bound": asdict(bound) if bound else model.why_every_window,
        "cases": len(rows),
        "windows_computed": round(float(np.mean([row["computed"] / row["windows"] for row in rows])), 3),
        "least_and_most": [round(f(row["computed"] / row["windows"] for row in rows), 3) for f in (min, max)],
        "largest_difference_of_dice": max(row["difference"] for row in rows),
        "dice": np.mean([row["dice"] for row in rows], axis=0).round(4).tolist(),
        "components": sum(row["components"] for row in rows),
        "missing_components": sum(row["missing"] for row in rows),
    }


def voxels(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    total = int(one.sum() + other.sum())
    return 2 * int((one & other).sum()) / total if total else 1.0


def components(mask: np.ndarray) -> int:
    return int(voxels(connected(mask)).max())


def connected(mask: np.ndarray) -> sitk.Image:
    return sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True)


def missing(part: np.ndarray, every: np.ndarray) -> int:
    """Components of `every` of which `part` has nothing."""
    numbers = voxels(connected(every))
    return len(set(np.unique(numbers[every])) - set(np.unique(numbers[part & every])))


if __name__ == "__main__":
    main()
