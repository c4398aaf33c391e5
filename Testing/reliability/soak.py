"""Hundreds of segmentations in one warm worker and thousands of training steps: does memory grow, do files stay open?

`python Testing/reliability/soak.py` takes some minutes and prints what it measured; `test_soak.py` is the same in
short, and the README holds the last figures. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from dints.config import Config
from dints.data.phantom import write_phantoms
from dints.events import Reporter
from dints.model.manifest import FORMAT
from dints.model.model import load_model
from dints.run import Run
from dints.stages import keep_architecture, train

MODEL = Path(__file__).parent / "compatibility" / "models" / f"format{FORMAT}.zip"
KIBIBYTE, MEBIBYTE = 2**10, 2**20
SCAN_SIZE = (64, 64, 48)  # a copy of a scan that is kept by mistake is 0.75 MiB, of its labels 0.2 MiB
WARM_UP = 0.2  # of the runs; until then caches and the allocator's reserves fill


@dataclass(frozen=True)
class Growth:
    """What a process held from the end of the warm-up on."""

    runs: int
    memory_first: float  # MiB, resident, without pages of files: those of libraries come and go
    memory_last: float
    memory_slope: float  # MiB a run: the median over pairs of runs (Theil and Sen), as some are seen before they free
    handles_first: int  # open files: the fewest of the first quarter of the runs, because some are open for a moment
    handles_last: int  # of the last quarter

    @staticmethod
    def of(samples: list[tuple[int, int]]) -> Growth:
        """From bytes and handles after each run."""
        kept = np.array(samples[int(WARM_UP * len(samples)) :], float)
        memory, handles = kept[:, 0] / MEBIBYTE, kept[:, 1].astype(int)
        first, second = np.triu_indices(len(memory), 1)
        slope, quarter = float(np.median((memory[second] - memory[first]) / (second - first))), len(handles) // 4
        opened = int(handles[:quarter].min()), int(handles[-quarter:].min())
        return Growth(len(samples), float(memory[0]), float(memory[-1]), slope, *opened)


def sample(process: int | str) -> tuple[int, int]:
    """Bytes of its own that a process holds in memory, and its open files."""
    (line,) = [line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("RssAnon:")]
    return int(line.split()[1]) * KIBIBYTE, len(os.listdir(f"/proc/{process}/fd"))


def segmentations(runs: int, folder: Path, finer: int = 1) -> Growth:
    """Segments one scan, on a grid so many times finer along each axis, again and again with one worker."""
    data = write_phantoms(folder / "data", cases=1, unlabelled=0, size=SCAN_SIZE)
    scan = next((data / "imagesTr").iterdir())
    sitk.WriteImage(sitk.Expand(sitk.ReadImage(scan), [finer] * 3), scan)
    job = {"command": "segment", "model": str(MODEL), "device": "cpu", "statistics": True}
    job |= {"inputs": [str(scan)], "output": str(folder / "labels.nii.gz")}
    command = [sys.executable, "-m", "dints", "worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        samples = []
        for number in range(runs):
            print(json.dumps({**job, "job": number}), file=worker.stdin, flush=True)
            for line in worker.stdout:
                event = json.loads(line)
                if event["event"] == "error":
                    raise RuntimeError(event["text"])
                if event["event"] == "finished":
                    break
            samples.append(sample(worker.pid))
        worker.stdin.close()
    return Growth.of(samples)


class Sampler(Reporter):
    """Looks at this process after each training step."""

    def __init__(self) -> None:
        self.samples: list[tuple[int, int]] = []

    def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
        if stage.startswith("train"):
            self.samples.append(sample("self"))


def training(steps: int, folder: Path) -> Growth:
    """Retrains a small network, with validations and checkpoints."""
    data = write_phantoms(folder / "data", cases=4, unlabelled=0, size=(24, 24, 20))
    model = load_model(MODEL)
    settings = [
        *(f"training.iterations={steps}", f"training.validate_every={max(1, steps // 8)}", "training.folds=2"),
        *(f"training.checkpoint_every={max(1, steps // 40)}", "training.filters=2", "training.batch_size=2"),
        *("sampling.patch=[16, 16, 16]", "inference.stride=null"),
    ]
    run = Run.create(folder / "run", data, Config.load("phantom").with_overrides(settings))
    keep_architecture(run, model.manifest.architecture, Reporter())
    sampler = Sampler()
    train(run, [0], torch.device("cpu"), sampler)
    return Growth.of(sampler.samples)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segmentations", type=int, default=500)
    parser.add_argument("--steps", type=int, default=2000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = {
            "segmentations in one worker": segmentations(arguments.segmentations, Path(folder, "segment")),
            "training steps": training(arguments.steps, Path(folder, "train")),
        }
    print(json.dumps({name: asdict(growth) for name, growth in measured.items()}, indent=1))


if __name__ == "__main__":
    main()
