"""kill -9 at random moments: nothing corrupt is left, little is lost, and resuming ends in the same bytes.

Four moments a stage; `DINTS_KILLS=20 pytest Testing/reliability/interruption/test_kill.py` takes twenty. Half of them
are in the middle of writing a file, at a random byte; the others before a file is opened or renamed, and at any time.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dints.config import Config
from dints.data.images import read_image
from dints.errors import EXIT_FAILED
from dints.files.lock import FILE_NAME as LOCK
from dints.files.storage import read_json
from dints.run_layout import read_log
from dints.training.checkpoint import load_checkpoint

from .conftest import Forks, Outcome, Stage

MOMENTS = int(os.environ.get("DINTS_KILLS", "4"))
LONGEST_DELAY = 0.05  # seconds
SEED = 20211
PLAN = "plan.json"
STAGES = ("preprocessing", "search", "retraining", "export", "segmentation")
CPU = torch.device("cpu")
READERS = {
    ".pt": lambda path: load_checkpoint(path, CPU),
    ".npy": np.load,
    ".json": read_json,
    ".jsonl": read_log,
    ".yaml": Config.load,
    ".gz": read_image,
    ".svg": ElementTree.parse,
    ".png": lambda path: path.read_bytes().index(b"IEND"),
    ".zip": lambda path: zipfile.ZipFile(path).testzip(),
}


def kill_of(stage: Stage, name: str, number: int) -> dict[str, Any]:
    """When and how to kill a stage, as arguments of `Forks.run`."""
    chance = random.Random(f"{SEED} {name} {number}")
    if number % 2:
        path = chance.choice(sorted(new_files(stage)))
        return {"limit": int(chance.random() * (stage.after / path).stat().st_size), "deadly": True}
    delay = chance.uniform(0, LONGEST_DELAY) if number % 4 else 0.0
    return {"kill": (chance.randint(1, stage.operations), delay)}


def new_files(stage: Stage) -> set[Path]:
    return content(stage.after).keys() - content(stage.before).keys()


def content(folder: Path) -> dict[Path, object]:
    """What is in all files but the lock, which names a process, and the plan, whose times are measured."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in (LOCK, PLAN))
    return {path.relative_to(folder): tensors(path) if path.suffix == ".pt" else path.read_bytes() for path in files}


def tensors(checkpoint: Path) -> list[tuple[str, object]]:
    """All values with their bits: PyTorch writes the same ones in different ways."""
    return list(flattened(load_checkpoint(checkpoint, CPU)))


def flattened(state: object, name: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(state, torch.Tensor):
        yield name, (state.dtype, tuple(state.shape), state.numpy().tobytes())
    elif isinstance(state, dict):
        for key, value in state.items():
            yield from flattened(value, f"{name}/{key}")
    elif isinstance(state, list):
        for index, value in enumerate(state):
            yield from flattened(value, f"{name}/{index}")
    else:
        yield name, state


@pytest.mark.parametrize("number", range(MOMENTS))
@pytest.mark.parametrize("name", STAGES)
def test_a_killed_stage_resumes_to_the_same_bits(
    name: str, number: int, forks: Forks, stages: dict[str, Stage], tiny_config: Config, tmp_path: Path
) -> None:
    stage, folder = stages[name], tmp_path / "run"
    shutil.copytree(stage.before, folder)
    kill = kill_of(stage, name, number)
    print(f"{name}: {kill} of {stage.operations} operations")
    killed = forks.run(stage.command(folder), folder, **kill)
    # zlib gives up before it is killed; with a delay the command may have ended.
    assert killed.status in (-signal.SIGKILL, -signal.SIGXFSZ, EXIT_FAILED) or kill["kill"][1]
    for path in folder.rglob("[!.]*.*"):
        READERS[path.suffix](path)
    assert_little_is_lost(name, killed, folder, tiny_config)
    kept = finished_work(folder)
    resumed = forks.run(stage.command(folder), folder)
    assert resumed.status == 0, resumed.text
    assert kept <= finished_work(folder)  # not done again
    assert content(folder) == content(stage.after)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_that_a_full_disk_ended_goes_on_when_there_is_space(
    name: str, forks: Forks, stages: dict[str, Stage], tmp_path: Path
) -> None:
    stage, folder = stages[name], tmp_path / "run"
    shutil.copytree(stage.before, folder)
    largest = max((stage.after / path).stat().st_size for path in new_files(stage))
    failed = forks.run(stage.command(folder), folder, limit=largest - 1)
    assert failed.status == 1
    assert "free disk space or choose another folder" in failed.text
    for path in folder.rglob("[!.]*.*"):
        READERS[path.suffix](path)
    assert not list(folder.rglob("*.tmp*"))
    assert forks.run(stage.command(folder), folder).status == 0
    assert content(folder) == content(stage.after)


def assert_little_is_lost(name: str, killed: Outcome, folder: Path, config: Config) -> None:
    """At most a checkpoint interval, or a case, of what was reported as done; what was not may be there as well."""
    if name == "search":
        lost = killed.last_step("search") - step_of(folder / "search" / "checkpoint.pt")
        assert lost < config.search.checkpoint_every
    elif name == "retraining":
        lost = killed.last_step("train fold 0") - step_of(folder / "train" / "fold0" / "last.pt")
        assert lost < config.training.checkpoint_every
    elif name == "preprocessing":
        assert len(list(folder.rglob("case.json"))) >= killed.last_step("preprocess")
    elif name == "segmentation":
        assert len(list(folder.glob("segmentations/*.nii.gz"))) >= killed.last_step("cases")


def step_of(checkpoint: Path) -> int:
    return load_checkpoint(checkpoint, CPU)["step"] if checkpoint.is_file() else 0


def finished_work(folder: Path) -> set[tuple[Path, int]]:
    """Cached and segmented cases, as the files that they are: one that is written again is another file."""
    cached = (path for case in folder.rglob("case.json") for path in case.parent.iterdir())
    return {(path, path.stat().st_ino) for path in (*cached, *folder.glob("segmentations/[!.]*"))}
