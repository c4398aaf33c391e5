"""What reading and augmenting the data costs a training step, within 4 GiB of memory.

    python Testing/benchmarks/data_loading.py [--data HIPPOCAMPUS] [--scratch FOLDER]

HIPPOCAMPUS is the decathlon's task 4. The other data set is made in the scratch folder: 50 CT volumes of
512 x 512 x 300 voxels, 20 GB in the cache, deleted in the end. Each is measured in a process of its own, whose address
space is limited to 4 GiB: five runs, in each of which steps on one constant batch are compared with steps on batches
from the loader. The files are evicted from the system's page cache before each run, so that every patch is read from
the disk.

Besides wall time, processor time is measured: of the step on a constant batch, and of the thread that loads. Their
ratio does not depend on what else the machine does, and bounds what loading can cost where no processor is idle. Linux
only.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from machine import machine
from paths import HERE, HIPPOCAMPUS, RESULTS, SMALL_ARCHITECTURE

from dints.config import Config
from dints.data.cache import Cache, build_cache
from dints.data.cases import Case
from dints.data.datalist import read_datalist
from dints.data.sampling import Batch, prefetch
from dints.device import half_type
from dints.events import Reporter
from dints.files.storage import write_json
from dints.space.architecture import Architecture
from dints.space.network import build_network
from dints.training.losses import segmentation_loss
from dints.training.retrain import FoldTrainer

RESULT = RESULTS / "data_loading.json"
MEMORY = 4 * 2**30  # bytes
VOLUMES, SIZE = 50, (512, 512, 300)
RUNS = 5
STEPS = {"hippocampus": 10, "ct": 2}  # a run
ALLOWED = 0.05  # of a step


def main() -> int:
    """Measures both data sets; 0 if loading stays within what is allowed."""
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        scratch = Path(folder)
        measured = {}
        for name in STEPS:
            data_set(name, arguments.data, scratch)  # here, for the memory that preprocessing takes
            command = [sys.executable, __file__, "--data", str(arguments.data), "--scratch", folder, "--measure", name]
            measured[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    within = all(figures["loading_share"] <= ALLOWED for figures in measured.values())
    result = {
        "memory_limit_gib": MEMORY / 2**30,
        "allowed_share": ALLOWED,
        "within_allowed": within,
        "data": measured,
        "precision": str(half_type(torch.device("cpu")) or torch.float32).removeprefix("torch."),
        "machine": machine(),
    }
    write_json(RESULT, result)
    print(json.dumps(result, indent=1))
    return 0 if within else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HIPPOCAMPUS, help="folder of the task")
    parser.add_argument("--scratch", type=Path, help="folder on the disk to read from; 20 GB are needed for a while")
    parser.add_argument("--measure", choices=STEPS, help=argparse.SUPPRESS)
    return parser.parse_args()


def data_set(name: str, hippocampus: Path, scratch: Path) -> tuple[Config, Cache]:
    """Configuration and preprocessed cases; made if they are not there yet."""
    config = Config.load(HERE / "hippocampus_quick.yaml")
    if name == "hippocampus":
        cases = [case for case in read_datalist(hippocampus, config.task).cases if case.label]
        return config, build_cache(cases, config.preprocessing, (0, 1, 2), scratch / name, Reporter())
    overrides = ["task.modality=CT", "preprocessing.intensity=window", "sampling.patch=[96, 96, 96]"]
    config = config.with_overrides([*overrides, "training.batch_size=2"])
    scan = synthetic_scan(scratch)
    first = build_cache([scan], config.preprocessing, (0, 1, 2), scratch / name, Reporter()).case(scan.name)
    copies = {f"ct{number}": scratch / name / f"copy{number}" for number in range(VOLUMES)}
    for folder in copies.values():
        if not folder.exists():
            shutil.copytree(first.folder, folder)
    return config, Cache({copy: replace(first, name=copy, folder=folder) for copy, folder in copies.items()})


def synthetic_scan(folder: Path) -> Case:
    """Tissue with noise, an organ and a tumour in it; the files are written if they are not there yet."""
    case = Case("ct", (folder / "ct.nrrd",), folder / "label.nrrd")
    if case.label and case.label.is_file():
        return case
    noise = np.random.default_rng(0).normal(50, 60, SIZE[:2]).astype(np.int16)
    voxels = np.stack([np.roll(noise, 7 * row, axis=0) + row // 4 for row in range(SIZE[2])])
    labels = np.zeros(voxels.shape, np.uint8)
    labels[60:240, 150:350, 120:300] = 1
    labels[100:130, 200:240, 200:240] = 2
    for path, array in ((case.images[0], voxels), (folder / "label.nrrd", labels)):
        sitk.WriteImage(sitk.GetImageFromArray(array), path)
    return case


class Measured:
    """Steps of a network on batches, and the processor time of making those."""

    def __init__(self, config: Config, cache: Cache, folder: Path) -> None:
        settings = config.training
        architecture = Architecture.load(SMALL_ARCHITECTURE)
        build = partial(
            build_network, architecture, len(config.task.channels), len(config.task.labels), settings.filters
        )
        names = list(cache.cases)
        device = torch.device("cpu")
        self.trainer = FoldTrainer(config, build, cache, (names, names[:1]), 0, folder, device, Reporter())
        self.loading_seconds = 0.0

    def batch(self, step: int) -> Batch:
        """What the trainer would work on in a step."""
        started = time.thread_time()
        batch = self.trainer.batches(step)
        self.loading_seconds += time.thread_time() - started
        return batch

    def steps(self, batches: Iterator[Batch], count: int) -> float:
        """Wall seconds a step."""
        started = time.perf_counter()
        for images, labels in itertools.islice(batches, count):
            self.trainer.optimizer_step(images, lambda logits, labels=labels: segmentation_loss(logits, labels))
        return (time.perf_counter() - started) / count


def measure(name: str, hippocampus: Path, scratch: Path) -> dict[str, object]:
    """The figures of one data set, in this process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    config, cache = data_set(name, hippocampus, scratch)
    measured, count = Measured(config, cache, scratch / "fold"), STEPS[name]
    constant = measured.batch(0)
    measured.steps(itertools.repeat(constant), 2)  # what is set up at first use is no part of it
    rows = []
    for run in range(RUNS):
        evict(cache)
        processor = time.process_time()
        constant_seconds = measured.steps(itertools.repeat(constant), count)
        step_seconds = (time.process_time() - processor) / count
        with closing(prefetch(measured.batch, run * count)) as batches:
            next(batches)
            measured.loading_seconds, read = 0.0, bytes_read()
            loader_seconds = measured.steps(batches, count)
        rows.append(
            {
                "constant_seconds": constant_seconds,
                "loader_seconds": loader_seconds,
                "wall_share": loader_seconds / constant_seconds - 1,
                "step_processor_seconds": step_seconds,
                "loading_processor_seconds": measured.loading_seconds / count,
                "loading_share": measured.loading_seconds / count / step_seconds,
                "mebibytes_read": (bytes_read() - read) / count / 2**20,
            }
        )
    medians = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    return {
        "cases": len(cache.cases),
        "batch": list(constant[0].shape),
        "steps_a_run": count,
        **rounded(medians),
        "peak_memory_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 3),
        "runs": [rounded(row) for row in rows],
    }


def rounded(row: dict[str, float]) -> dict[str, float]:
    return {key: round(value, 4) for key, value in row.items()}


def evict(cache: Cache) -> None:
    """Drops the cache's files from the system's page cache."""
    for path in itertools.chain.from_iterable(case.folder.glob("*.npy") for case in cache.cases.values()):
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def bytes_read() -> int:
    """From the disk, by this process."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("read_bytes:")).split()[1])


if __name__ == "__main__":
    given = parse_arguments()
    if given.measure is None:
        raise SystemExit(main())
    print(json.dumps(measure(given.measure, given.data, given.scratch)))
