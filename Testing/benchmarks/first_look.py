"""What a first look spares, and whether it loses anything. Windows are counted, so a busy computer does not matter.

    python Testing/benchmarks/first_look.py

1. A CT of 512 x 512 x 400 voxels in which a ball of 5 % of the volume is to be found, windows of 96^3: how many go
   through how many networks, for one fold and for five. A function of the intensity stands for the networks.
2. Phantoms with an organ and lesions of 3 to 10 voxels, and three small convolutional networks with instance
   normalisation that were trained on others: the bound that is measured on some phantoms, and on further ones windows,
   Dice and components against the exhaustive result.
3. Real scans: in how many of the left atrium and of the hippocampus, which are crops, a first look could pay at all.

The result goes to results/first_look.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F
from comparisons.segmentation import OVERLAP, PATCH
from machine import machine
from paths import HIPPOCAMPUS, RESULTS, SHARED_DATA
from torch import nn

from dints.config import Config
from dints.evaluation.safety import measure
from dints.files.storage import write_json
from dints.geometry import Size
from dints.inference.first_look import first_look, is_worth_it, scouts
from dints.inference.predictor import Predictor
from dints.inference.safety_bound import SafetyBound, safety_bound
from dints.inference.window_grid import WindowGrid, stride_of

WORKING = (410, 410, 400)  # 512 x 512 x 400 voxels of 0.8, 0.8 and 1 mm at 1 mm
SHARE = 0.05  # of the volume, that of the ball
PHANTOM, LESIONS = (72, 64, 64), 6
SMALL_PATCH = (32, 32, 32)
FOLDS, TRAINED_ON, MEASURED_ON, TESTED_ON = 3, 4, 3, 6
STEPS, BATCH = 80, 2
CROPS = {  # patch, spacing and folds of the models that were trained on them
    "left atrium": (SHARED_DATA / "LeftAtrium", (48, 40, 24), (2.0, 2.0, 2.0), 5),
    "hippocampus": (HIPPOCAMPUS, (48, 80, 48), (0.75, 0.75, 0.75), 5),
}


def main() -> None:
    found = {
        "ball": {"one fold": ball(1), "five folds": ball(5)},
        "phantoms": phantoms(),
        "crops": {name: crops(*values) for name, values in CROPS.items()},
        "machine": machine(),
    }
    write_json(RESULTS / "first_look.json", found)
    print((RESULTS / "first_look.json").read_text())


def ball(folds: int) -> dict[str, float]:
    """Passes with and without a first look; the ball lies off the centre, so that windows cut it anyhow."""
    radius = (SHARE * np.prod(WORKING) * 3 / (4 * np.pi)) ** (1 / 3)
    x, y, z = np.ogrid[tuple(slice(0, count) for count in WORKING)]
    volume = np.random.default_rng(0).random((1, *WORKING), np.float32) / 10
    volume[0, (x - 170) ** 2 + (y - 230) ** 2 + (z - 190) ** 2 < radius**2] = 1
    grid = WindowGrid.of(WORKING, PATCH, stride_of(PATCH, OVERLAP))
    look = first_look(volume, scouts([by_intensity] * folds), grid)
    focus = look.focus(0.01)
    exhaustive, passes = folds * focus.windows.size, look.passes + folds * int(focus.windows.sum())
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


def phantoms() -> dict[str, object]:
    """Bound and results of the small networks; each phantom has a seed of its own."""
    config = Config.from_mapping(
        {
            "task": {"modality": "CT", "labels": {0: "background", 1: "organ", 2: "lesion"}},
            "preprocessing": {"spacing": [1, 1, 1], "intensity": "window", "window": [0, 300]},
            "sampling": {"patch": list(SMALL_PATCH)},
            "search": {"levels": 2},
            "inference": {"overlap": 0.5},
        }
    )
    networks = [trained(seed) for seed in range(FOLDS)]
    first, second = TRAINED_ON, TRAINED_ON + MEASURED_ON
    measured = []
    for image, _ in map(phantom, range(first, second)):
        for network in networks:
            predictor = Predictor([network], config, "cpu")
            measured.append(measure(predictor, [image], predictor.segment([image]), FOLDS))
    bound = safety_bound([case for case in measured if case])
    if not isinstance(bound, SafetyBound):
        return {"bound": bound}
    predictor = Predictor(networks, config, "cpu", bound=bound)
    rows = [compared(predictor, *phantom(seed)) for seed in range(second, second + TESTED_ON)]
    return {"bound": asdict(bound), "cases": len(rows)} | {
        "windows_computed": [round(f([row["share"] for row in rows]), 3) for f in (min, np.mean, max)],
        "largest_difference_of_dice": max(row["difference"] for row in rows),
        "dice": np.mean([row["dice"] for row in rows], axis=0).round(4).tolist(),
        "differing_voxels": sum(row["voxels"] for row in rows),
        "components": sum(row["components"] for row in rows),
        "lost_components": sum(row["lost"] for row in rows),
    }


def compared(predictor: Predictor, image: sitk.Image, label: np.ndarray) -> dict[str, object]:
    """With the bound and exhaustively, against the truth and each other."""
    looked, exhaustive = (predictor.predict([image], exhaustive=exhaustive) for exhaustive in (False, True))
    part, every = (sitk.GetArrayFromImage(result.labels) for result in (looked, exhaustive))
    scores = [[dice(found == value, label == value) for value in (1, 2)] for found in (part, every)]
    pieces = [pieces_of(every == value, part == value) for value in (1, 2)]
    return {
        "share": looked.computed / looked.windows,
        "dice": scores[1],
        "difference": float(np.abs(np.subtract(*scores)).max()),
        "voxels": int((part != every).sum()),
        "components": sum(count for count, _ in pieces),
        "lost": sum(lost for _, lost in pieces),
    }


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * float((one & other).sum()) / max(1, int(one.sum() + other.sum()))


def pieces_of(every: np.ndarray, part: np.ndarray) -> tuple[int, int]:
    """Components, and how many of them `part` has nothing of."""
    numbers = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(every.astype(np.uint8)), True))
    return int(numbers.max()), len(set(np.unique(numbers[every])) - set(np.unique(numbers[part & every])))


def phantom(seed: int) -> tuple[sitk.Image, np.ndarray]:
    """Noise with an organ of about 5 % of the volume, label 1, and lesions of 3 to 10 voxels anywhere, label 2."""
    random = np.random.default_rng(seed)
    voxels, label = random.normal(100, 10, PHANTOM).astype(np.float32), np.zeros(PHANTOM, np.uint8)
    centre = [random.uniform(0.3, 0.7) * count for count in PHANTOM]
    axes = [random.uniform(0.2, 0.26) * count for count in PHANTOM]
    place = np.indices(PHANTOM)
    inside = sum(((at - c) / a) ** 2 for at, c, a in zip(place, centre, axes, strict=True)) < 1
    voxels[inside] += 60
    label[inside] = 1
    for _ in range(LESIONS):
        voxel = np.array([random.integers(0, count) for count in PHANTOM])
        cells = {tuple(voxel)}
        while len(cells) < random.integers(3, 11):  # a walk: connected, of any shape
            voxel = voxel + np.eye(3, dtype=int)[random.integers(3)] * random.choice([-1, 1])
            voxel = voxel.clip(0, np.array(PHANTOM) - 1)
            cells.add(tuple(voxel))
        for cell in cells:
            voxels[cell], label[cell] = random.normal(250, 10), 2
    return sitk.GetImageFromArray(voxels), label


def trained(seed: int) -> nn.Module:
    """A network that sees 4 voxels to each side, and through its normalisation the whole window."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for channels in (1, 8, 8):
        layers += [nn.Conv3d(channels, 8, 3, padding=1), nn.InstanceNorm3d(8, affine=True), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Conv3d(8, 3, 3, padding=1))
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for images, labels in patches(seed):
        optimizer.zero_grad()
        F.cross_entropy(network(images), labels, torch.tensor([1.0, 1.0, 20.0])).backward()
        optimizer.step()
    return network.eval().requires_grad_(False)


def patches(seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    random, cases = np.random.default_rng(1000 + seed), [phantom(number) for number in range(TRAINED_ON)]
    for _ in range(STEPS):
        pairs = []
        for _ in range(BATCH):
            image, label = cases[random.integers(len(cases))]
            corner = [random.integers(count - size + 1) for count, size in zip(PHANTOM, SMALL_PATCH, strict=True)]
            box = tuple(slice(at, at + size) for at, size in zip(corner, SMALL_PATCH, strict=True))
            pairs.append((sitk.GetArrayViewFromImage(image)[box].clip(0, 300) / 300, label[box].astype(np.int64)))
        images, labels = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*pairs, strict=True))
        yield images[:, None], labels


def crops(folder: Path, patch: Size, spacing: tuple[float, ...], folds: int) -> dict[str, int]:
    """From the headers of the scans."""
    grids = []
    for path in sorted((folder / "imagesTr").glob("*.nii.gz")):
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        sides = zip(reader.GetSize(), reader.GetSpacing(), spacing, patch, strict=True)
        x, y, z = (max(size, round(count * step / wanted)) for count, step, wanted, size in sides)
        grids.append(WindowGrid.of((x, y, z), patch, stride_of(patch, OVERLAP)))
    windows = [int(np.prod(grid.shape)) for grid in grids]
    worth = sum(is_worth_it(grid, folds) for grid in grids)
    return {"scans": len(grids), "first_look_pays": worth, "most_windows": max(windows, default=0)}


if __name__ == "__main__":
    main()
