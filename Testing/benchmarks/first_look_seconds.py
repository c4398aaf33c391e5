"""What a first look saves in seconds, beside the reference implementation: 8 filters, a ball of 5 % of 512 x 512 x 400.

    python Testing/benchmarks/first_look_seconds.py

Whole segmentations by the engine, in processor seconds of one thread: of one fold and of five, with first looks at half
the resolution and at the full one, in the precision that the engine chooses, and of one fold in float32. What is found
is decided by intensity, added to networks of the paper's architecture whose answer counts nothing: they take the time.
The reference would take a quarter of an hour on a core, so it is put together of what is measured: its pipeline with a
network of no cost, by its faster way, and a window through its network, times its windows. The result goes to
results/first_look_seconds.json.
"""

from __future__ import annotations

import os
import statistics

import numpy as np
import SimpleITK as sitk
import torch
from comparison import MEBIBYTE, REFERENCE, timed
from comparisons.segmentation import PATCH, RAS, SIZE, SPACING, config, prepare
from first_look import SHARE, by_intensity
from machine import current_memory, machine, peak_memory, reset_peak_memory
from paths import RESULTS
from reference import papers_architecture, reference_network
from torch import nn

from dints.device import PRECISION_VARIABLE
from dints.files.storage import write_json
from dints.inference.first_look import Way
from dints.inference.predictor import Predictor
from dints.inference.safety_bound import SafetyBound
from dints.space.network import build_network

CPU = torch.device("cpu")
FILTERS, CLASSES, FOLDS, BOUND = 8, 3, 5, 0.01
WAYS = {"half the resolution": Way(scale=2, alone=True), "the full resolution": Way(scale=1, alone=True)}
WINDOWS = 512  # of the reference, with the overlap of `comparisons.segmentation`
REFERENCE_PASSES = 3
ROWS = (
    ("half", "half the resolution", 1),
    ("half", "half the resolution", FOLDS),
    ("half", "the full resolution", 1),
    ("full", "half the resolution", 1),
    ("half", "the full resolution", FOLDS),
    ("full", "the full resolution", 1),
)
RESULT = RESULTS / "first_look_seconds.json"


class Finder(nn.Module):
    """Decides by intensity, in the time of a network."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.network = build_network(papers_architecture(), in_channels=1, classes=CLASSES, filters=FILTERS)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        decided = torch.cat([by_intensity(windows), torch.full_like(windows, -100)], 1)
        return decided + 0 * self.network(windows)


def main() -> None:
    torch.set_num_threads(1)
    image, rows, reference = ball(), {}, reference_seconds()
    for precision, name, folds in ROWS:
        os.environ[PRECISION_VARIABLE] = precision
        predictor = Predictor([Finder(seed) for seed in range(folds)], config(), "cpu", None, bound(WAYS[name]))
        row = segmentation(predictor, image)
        row["times_faster"] = round(reference["one fold"] / row["seconds"], 2)
        rows[f"{folds} folds, {name}, {precision} precision"] = row
        write_json(RESULT, {"engine": rows, "reference": reference, "machine": machine()})
    print(RESULT.read_text())


def ball() -> sitk.Image:
    """Bright, off the centre, in noise."""
    low, high = config().preprocessing.window
    x, y, z = np.ogrid[tuple(slice(0, count) for count in SIZE)]
    radius = (SHARE * np.prod(SIZE) * np.prod(SPACING) * 3 / (4 * np.pi)) ** (1 / 3)
    distance = sum(((i - at) * step) ** 2 for i, at, step in zip((x, y, z), (210, 290, 190), SPACING, strict=True))
    noise = np.random.default_rng(0).random(SIZE, np.float32) / 10
    voxels = (low + (high - low) * np.where(distance < radius**2, 1, noise)).astype(np.int16)
    image = sitk.GetImageFromArray(voxels.transpose(2, 1, 0))
    image.SetSpacing(SPACING)
    image.SetDirection(RAS)
    return image


def bound(way: Way) -> SafetyBound:
    return SafetyBound(BOUND, way, saved=0.5, cases=1)


def segmentation(predictor: Predictor, image: sitk.Image) -> dict[str, float]:
    """Seconds, memory above what was loaded, and the windows of each network."""
    reset_peak_memory()
    before = current_memory()
    seconds, found = timed(lambda: predictor.predict([image]), CPU)
    memory = round((peak_memory() - before) / MEBIBYTE)
    share = float((sitk.GetArrayViewFromImage(found.labels) == 1).mean())
    assert abs(share - SHARE) < 0.002, f"found {share:.4f} of the volume"
    return {"seconds": round(seconds, 1), "mebibytes": memory, "computed": found.computed, "windows": found.windows}


def reference_seconds() -> dict[str, float]:
    """Of one fold: its pipeline, and a window through its network times all windows."""
    os.environ[PRECISION_VARIABLE] = "full"
    pipeline, _ = timed(prepare(REFERENCE, CPU, SIZE, None, resize=True), CPU)
    network, window = reference_network(Finder(0).network, papers_architecture()).eval(), torch.rand(1, 1, *PATCH)
    with torch.inference_mode():
        passes = [timed(lambda: network(window), CPU)[0] for _ in range(REFERENCE_PASSES + 1)][1:]
    one = statistics.median(passes)
    return {"pipeline": pipeline, "window": one, "windows": WINDOWS, "one fold": round(pipeline + WINDOWS * one, 1)}


if __name__ == "__main__":
    main()
