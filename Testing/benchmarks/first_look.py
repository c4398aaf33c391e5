"""What a first look spares. Windows are counted, so a busy computer does not matter.

    python Testing/benchmarks/first_look.py

1. A CT of 512 x 512 x 400 voxels in which a ball of 5 % of the volume is to be found, windows of 96^3: how many go
   through how many networks, for one fold and for five. A function of the intensity stands for the networks.
2. The left atrium at 0.625 mm, where its labels lie.
3. Real scans: in how many of the left atrium and of the hippocampus, which are crops, a first look could pay at all.

The result goes to results/first_look.json.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from comparisons.segmentation import OVERLAP, PATCH
from machine import machine
from paths import HIPPOCAMPUS, RESULTS, SHARED_DATA

from dints.files.storage import write_json
from dints.geometry import Size
from dints.inference.first_look import WAYS, Way, first_look
from dints.inference.tiling import Tiling
from dints.inference.window_grid import stride_of

WORKING = (410, 410, 400)  # 512 x 512 x 400 voxels of 0.8, 0.8 and 1 mm at 1 mm
SHARE = 0.05  # of the volume, that of the ball
BOUND = 0.01
CROPS = {  # patch, spacing and folds of the models that were trained on them
    "left atrium": (SHARED_DATA / "LeftAtrium", (48, 40, 24), (2.0, 2.0, 2.0), 5),
    "hippocampus": (HIPPOCAMPUS, (48, 80, 48), (0.75, 0.75, 0.75), 5),
}


def main() -> None:
    found = {
        "ball": {way.in_words(): {"one fold": ball(way, 1), "five folds": ball(way, 5)} for way in WAYS},
        "left atrium at 0.625 mm": {way.in_words(): native(way) for way in WAYS if way.alone},
        "crops": {name: crops(*values) for name, values in CROPS.items()},
        "machine": machine(),
    }
    write_json(RESULTS / "first_look.json", found)
    print((RESULTS / "first_look.json").read_text())


def ball(way: Way, folds: int) -> dict[str, float]:
    """Passes with and without a first look; the ball lies off the centre, so that windows cut it anyhow."""
    tiling = Tiling(PATCH, stride_of(PATCH, OVERLAP), folds)
    look = first_look(torch.from_numpy(ball_volume()), [by_intensity] * way.networks(folds), PATCH, way.scale)
    computed, windows = look.focus(BOUND).windows(tiling).count, math.prod(tiling.grid(WORKING).shape)
    passes = look.passes + folds * computed
    return {
        "windows": windows,
        "computed": computed,
        "passes_of_the_first_look": look.passes,
        "passes": passes,
        "exhaustive_passes": folds * windows,
        "times_fewer": round(folds * windows / passes, 2),
    }


@functools.cache
def ball_volume() -> np.ndarray:
    radius = (SHARE * np.prod(WORKING) * 3 / (4 * np.pi)) ** (1 / 3)
    x, y, z = np.ogrid[tuple(slice(0, count) for count in WORKING)]
    volume = np.random.default_rng(0).random((1, *WORKING), np.float32) / 10
    volume[0, (x - 170) ** 2 + (y - 230) ** 2 + (z - 190) ** 2 < radius**2] = 1
    return volume


def native(way: Way) -> dict[str, float]:
    """Windows of one network on the scans of the left atrium that have their own resolution, where their labels lie."""
    tiling, every, passes = Tiling(PATCH, stride_of(PATCH, OVERLAP), 1), 0, 0
    for path in sorted((SHARED_DATA / "LeftAtrium" / "native" / "labels").glob("*.nii.gz")):
        label = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).T > 0
        noise = np.random.default_rng(0).random(label.shape, np.float32) / 10
        volume = torch.from_numpy(np.where(label, np.float32(1), noise)[None])
        look = first_look(volume, [by_intensity], PATCH, way.scale)
        every += math.prod(tiling.grid(look.shape).shape)
        passes += look.passes + look.focus(BOUND).windows(tiling).count
    return {"exhaustive_passes": every, "passes": passes, "times_fewer": round(every / passes, 2)}


def by_intensity(windows: torch.Tensor) -> torch.Tensor:
    """Two classes, around 0 and 1."""
    return torch.cat([-20 * windows**2, -20 * (windows - 1) ** 2], 1)


def crops(folder: Path, patch: Size, spacing: tuple[float, ...], folds: int) -> dict[str, int]:
    """From the headers of the scans."""
    windows, worth, way, tiling = [], 0, Way(scale=2, alone=True), Tiling(patch, stride_of(patch, OVERLAP), folds)
    for path in sorted((folder / "imagesTr").glob("*.nii.gz")):
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        sides = zip(reader.GetSize(), reader.GetSpacing(), spacing, patch, strict=True)
        x, y, z = (max(size, round(count * step / wanted)) for count, step, wanted, size in sides)
        windows.append(math.prod(tiling.grid((x, y, z)).shape))
        worth += way.is_worth_it((x, y, z), tiling)
    return {"scans": len(windows), "first_look_pays": worth, "most_windows": max(windows, default=0)}


if __name__ == "__main__":
    main()
