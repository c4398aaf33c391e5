"""Killing a search or a retraining and running the same command again ends in the same bits."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

COMMAND = [sys.executable, "-m", "dints"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def run_until(arguments: list[str], stage: str, step: int) -> int:
    """Starts a command and kills it with signal 9 once a stage has done a step; returns that step."""
    process = subprocess.Popen([*COMMAND, *arguments, "--events"], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "progress" and event["stage"] == stage and event["step"] >= step:
            break
    process.send_signal(signal.SIGKILL)
    process.stdout.read()
    assert process.wait() == -signal.SIGKILL
    return step


def run(arguments: list[str]) -> None:
    subprocess.run([*COMMAND, *arguments, "--events"], check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)


def assert_same_bits(first: Path, second: Path) -> None:
    """Both checkpoints hold the same values, to the last bit."""
    states = [torch.load(path, weights_only=True) for path in (first, second)]
    leaves = [list(flattened(state)) for state in states]
    assert len(leaves[0]) > 10
    for (name, value), (other_name, other) in zip(*leaves, strict=True):
        assert name == other_name
        assert torch.equal(value, other) if isinstance(value, torch.Tensor) else value == other, name


def flattened(state: object, name: str = ""):
    if isinstance(state, dict):
        for key, value in state.items():
            yield from flattened(value, f"{name}/{key}")
    elif isinstance(state, list | tuple):
        for index, value in enumerate(state):
            yield from flattened(value, f"{name}/{index}")
    else:
        yield name, state


@pytest.fixture(scope="module")
def uninterrupted(phantoms: Path, tiny_config_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose search and first fold were never interrupted."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run(["search", "--run", str(folder), "--data", str(phantoms), "--config", str(tiny_config_file)])
    run(["train", "--run", str(folder), "--folds", "0"])
    return folder


@pytest.mark.parametrize("step", [1, 4, 7])
def test_a_killed_search_resumes_to_the_same_bits(
    step: int, uninterrupted: Path, phantoms: Path, tiny_config_file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    command = ["search", "--run", str(folder), "--data", str(phantoms), "--config", str(tiny_config_file)]
    run_until(command, "search", step)
    run(command)
    assert_same_bits(uninterrupted / "search" / "checkpoint.pt", folder / "search" / "checkpoint.pt")
    for name in ("architecture.json", "log.jsonl", "summary.json"):
        assert (folder / "search" / name).read_bytes() == (uninterrupted / "search" / name).read_bytes()


@pytest.mark.parametrize("step", [1, 3, 5])
def test_a_killed_retraining_resumes_to_the_same_bits(step: int, uninterrupted: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(uninterrupted, folder, ignore=shutil.ignore_patterns("train"))
    command = ["train", "--run", str(folder), "--folds", "0"]
    run_until(command, "train fold 0", step)
    run(command)
    for name in ("last.pt", "best.pt"):
        assert_same_bits(uninterrupted / "train" / "fold0" / name, folder / "train" / "fold0" / name)
    log = Path("train", "fold0", "log.jsonl")
    assert (folder / log).read_bytes() == (uninterrupted / log).read_bytes()
