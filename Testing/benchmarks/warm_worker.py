"""What the warm worker adds to the engine's own time for the second segmentation with the same model.

    python Testing/benchmarks/warm_worker.py

A worker process gets the same job again and again; the first is not counted. The engine's own time is that of the same
work in this process with the model in memory: read the scan, segment it, write the labels. Both are processor seconds,
of the worker's process and of this one, in turns; the worker's wall time from sending the job to its last event is
written beside them with the wall time of the same work here. The result goes to results/warm_worker.json. Linux only.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import SimpleITK as sitk
import torch
from comparison import REPETITIONS
from comparisons.segmentation import config, scan
from machine import machine, process_seconds
from paths import RESULTS, SMALL_ARCHITECTURE

from dints.data.images import read_channels, write_image
from dints.files.storage import write_json
from dints.model.manifest import Fold, Manifest
from dints.model.model import Model, save_model
from dints.space.architecture import Architecture
from dints.space.network import build_network

RESULT = RESULTS / "warm_worker.json"
SIZE = (120, 120, 96)
ALLOWED_SECONDS = 0.5


def main() -> int:
    """0 if the worker adds at most what is allowed."""
    os.environ["OMP_NUM_THREADS"] = "1"  # of the worker
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        turns = measure(Path(folder))
    added = {kind: [turn["worker"][kind] - turn["engine"][kind] for turn in turns] for kind in ("processor", "wall")}
    result = {
        "allowed_seconds": ALLOWED_SECONDS,
        "added_seconds": {kind: statistics.median(values) for kind, values in added.items()},
        "highest_added_seconds": {kind: max(values) for kind, values in added.items()},
        "turns": turns,
        "machine": machine(),
    }
    write_json(RESULT, result)
    print(RESULT.read_text())
    return 0 if result["added_seconds"]["processor"] <= ALLOWED_SECONDS else 1


def measure(folder: Path) -> list[dict[str, dict[str, float]]]:
    """Turns of worker and engine on one scan with one model."""
    model, image = write_model(folder / "model.zip"), folder / "scan.nii.gz"
    sitk.WriteImage(scan(SIZE), image)

    def in_this_process() -> None:
        write_image(model.segment(read_channels([image]), device="cpu"), folder / "engine.nii.gz")

    with subprocess.Popen(
        [sys.executable, "-m", "dints", "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        job = {"command": "segment", "model": str(model.path), "inputs": [str(image)], "device": "cpu"}
        line = json.dumps({"job": 1, **job, "output": str(folder / "worker.nii.gz")}) + "\n"
        events_until("ready", worker)

        def by_the_worker() -> None:
            assert worker.stdin
            worker.stdin.write(line)
            worker.stdin.flush()
            events_until("finished", worker)

        sides: dict[str, tuple[Callable[[], None], int]] = {
            "worker": (by_the_worker, worker.pid),
            "engine": (in_this_process, os.getpid()),
        }
        for work, _ in sides.values():
            work()
        turns = [{side: measured(*of_side) for side, of_side in sides.items()} for _ in range(REPETITIONS)]
        assert worker.stdin
        worker.stdin.close()  # ends it
    assert (folder / "worker.nii.gz").read_bytes() == (folder / "engine.nii.gz").read_bytes()
    return turns


def measured(work: Callable[[], None], process: int) -> dict[str, float]:
    """Processor seconds of a process and wall seconds while `work` is done."""
    processor, wall = process_seconds(process), time.perf_counter()
    work()
    return {"processor": process_seconds(process) - processor, "wall": time.perf_counter() - wall}


def events_until(last: str, worker: subprocess.Popen) -> None:
    """Reads events; RuntimeError where the job failed or the worker ended."""
    assert worker.stdout
    for line in worker.stdout:
        event = json.loads(line)
        if event["event"] == last:
            return
        if event["event"] == "error":
            raise RuntimeError(event["text"])
    raise RuntimeError("the worker ended")


def write_model(path: Path) -> Model:
    torch.manual_seed(0)
    settings = config().with_overrides(["training.filters=8"])
    architecture = Architecture.load(SMALL_ARCHITECTURE)
    network = build_network(architecture, in_channels=1, classes=3, filters=settings.training.filters)
    return save_model(path, Manifest(settings, architecture, (Fold("", "", (0.9, 0.9)),)), [network.state_dict()])


if __name__ == "__main__":
    raise SystemExit(main())
