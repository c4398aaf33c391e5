"""One run trained by a single process, and a launcher of two processes that train the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dints.cli import main
from dints.config import Config
from dints.device import PRECISION_VARIABLE

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
HANG_SECONDS = 600.0

Launch = Callable[..., str]


@pytest.fixture(scope="session")
def torchrun() -> Launch:
    """Runs two processes to their end, which must be a good one; returns what they wrote to standard output."""

    def launch(*arguments: str) -> str:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", PRECISION_VARIABLE: "full"}
        command = [*TORCHRUN, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=HANG_SECONDS)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return launch


@pytest.fixture(scope="session")
def odd_batches(tiny_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration file with batches of three patches: of two processes, one has two of them."""
    path = tmp_path_factory.mktemp("config") / "odd.yaml"
    tiny_config.with_overrides(["search.batch_size=3", "training.batch_size=3"]).save(path)
    return path


@pytest.fixture(scope="session")
def alone(phantoms: Path, odd_batches: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose search and first fold were done by this process."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PRECISION_VARIABLE, "full")
        assert main(["search", "--run", str(folder), "--data", str(phantoms), "--config", str(odd_batches)]) == 0
        assert main(["train", "--run", str(folder), "--folds", "0"]) == 0
    return folder
