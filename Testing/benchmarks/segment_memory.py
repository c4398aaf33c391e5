"""Peak memory of segmenting a CT of 512 x 512 x 400 voxels with three classes.

    python Testing/benchmarks/segment_memory.py

Runs each case in a process of its own, prints the figures, writes them to results/segment_memory.json, and fails if one
exceeds the limit. The scan is tissue throughout, so that nothing of it can be cropped away. Linux only: the figures are
VmRSS with the networks loaded, before the scan exists, and VmHWM (the peak) in the end. The seconds in the committed
result are wall time on a machine that was busy with other work; they bound the time, they do not measure it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from machine import machine

from dints.config import Config
from dints.files.storage import write_json
from dints.inference.predictor import Predictor
from dints.space.architecture import Architecture
from dints.space.network import build_network
from dints.space.search_space import SearchSpace

LIMIT_GIB = 4.0  # above the process with its networks loaded
SIZE, SPACING = (512, 512, 400), (0.8, 0.8, 1.0)  # voxels, mm
RESULT = Path(__file__).parent / "results" / "segment_memory.json"
CASES = {"one smallest DiNTS": 1, "ensemble of five pointwise networks": 5}


def main() -> int:
    """Measures all cases; 0 if they stay within the limit."""
    measured = {case: _measured_in_a_process(case) for case in CASES}
    within = all(figures["above_baseline_gib"] <= LIMIT_GIB for figures in measured.values())
    result = {
        "size": SIZE,
        "spacing_mm": SPACING,
        "limit_gib": LIMIT_GIB,
        "within_limit": within,
        "cases": measured,
        "machine": machine(),
    }
    write_json(RESULT, result)
    print(json.dumps(result, indent=1))
    return 0 if within else 1


def _measured_in_a_process(case: str) -> dict[str, float]:
    command = [sys.executable, __file__, case]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(case: str) -> dict[str, float]:
    """Memory in GiB and time in seconds of one segmentation in this process."""
    predictor = Predictor(networks(case), config(), "cpu")
    predictor.segment([sitk.Image([8, 8, 8], sitk.sitkInt16)])  # what libraries load at first use is no part of it
    baseline = _status_gib("VmRSS")
    image = scan()
    started = time.monotonic()
    labels = predictor.segment([image])
    seconds = time.monotonic() - started
    assert labels.GetSize() == SIZE
    peak = _status_gib("VmHWM")
    estimate = predictor.estimate(SIZE, SPACING)
    return {
        "networks": CASES[case],
        "windows": estimate.windows,
        "baseline_gib": round(baseline, 3),
        "peak_gib": round(peak, 3),
        "above_baseline_gib": round(peak - baseline, 3),
        "estimated_gib": round(estimate.memory / 2**30, 3),
        "seconds": round(seconds, 1),
    }


def config() -> Config:
    labels = {0: "background", 1: "organ", 2: "tumour"}
    return Config.from_mapping(
        {
            "task": {"modality": "CT", "labels": labels},
            "preprocessing": {"intensity": "window"},
            "sampling": {"patch": [96, 96, 96]},
            "search": {"layers": 2, "levels": 2},
            "inference": {"overlap": 0.5},
        }
    )


def networks(case: str) -> list:
    if CASES[case] > 1:
        return [lambda windows, fold=fold: _pointwise(windows, fold) for fold in range(CASES[case])]
    torch.manual_seed(0)
    architecture = Architecture.random(SearchSpace(layers=2, levels=2), 0)
    return [build_network(architecture, in_channels=1, classes=3, filters=4)]


def _pointwise(windows: torch.Tensor, fold: int) -> torch.Tensor:
    """Three classes by intensity, a little different in each fold."""
    return torch.cat([-((windows - centre - 0.02 * fold) ** 2) for centre in (0.2, 0.5, 0.8)], 1)


def scan() -> sitk.Image:
    """Tissue of changing density with noise."""
    noise = np.random.default_rng(0).normal(50, 60, SIZE[:2][::-1]).astype(np.int16)
    voxels = np.empty(SIZE[::-1], np.int16)
    for row in range(SIZE[2]):
        voxels[row] = np.roll(noise, 7 * row, axis=0) + row // 4
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(SPACING)
    return image


def _status_gib(field: str) -> float:
    """A memory figure of this process from the kernel."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kib = next(line for line in lines if line.startswith(f"{field}:")).split()[1]
    return int(kib) / 2**20


if __name__ == "__main__":
    if len(sys.argv) == 1:
        raise SystemExit(main())
    print(json.dumps(measure(sys.argv[1])))
