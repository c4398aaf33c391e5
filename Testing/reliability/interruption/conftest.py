"""Commands that can be killed at a chosen moment, and the states of a run between its stages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SERVER = Path(__file__).parent / "forking.py"


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code (negative: killed by that signal), and its file operations."""

    status: int
    operations: int
    text: str  # what it wrote

    @property
    def events(self) -> list[dict]:
        return [json.loads(line) for line in self.text.splitlines() if line.startswith('{"event"')]

    def last_step(self, stage: str) -> int:
        """Of the progress that was reported; 0 if there was none."""
        steps = [event["step"] for event in self.events if event["event"] == "progress" and event["stage"] == stage]
        return steps[-1] if steps else 0


class Forks:
    """Runs commands in forks of one process; see `forking.py`."""

    def __init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(
        self,
        arguments: list[str],
        folder: Path,
        kill: tuple[int, float] | None = None,
        limit: int | None = None,
        deadly: bool = False,
    ) -> Outcome:
        """A command that works in `folder`; killed at an operation, or so many seconds after it.

        `limit` is the bytes that a file can have; if it is deadly, the process ends at the first byte beyond it.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        request = {"arguments": arguments, "folder": str(folder), "kill": kill, "limit": limit, "deadly": deadly}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return Outcome(**json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """One warm process for all tests."""
    server = Forks()
    yield server
    server.close()


@dataclass(frozen=True)
class Stage:
    """A stage of a run: what it starts from and what it leaves, and its command on a folder."""

    before: Path
    after: Path
    command: Callable[[Path], list[str]]
    operations: int


@pytest.fixture(scope="session")
def stages(
    forks: Forks, phantoms: Path, tiny_config_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Stage]:
    """A run through all stages that nothing interrupts."""
    from dints.config import Config
    from dints.run import Run

    folder = tmp_path_factory.mktemp("states")
    state = folder / "new"
    Run.create(state, phantoms, Config.load(tiny_config_file))
    commands: dict[str, Callable[[Path], list[str]]] = {
        "preprocessing": lambda run: ["preprocess", str(run)],
        "search": lambda run: ["search", "--run", str(run), "--events"],
        "retraining": lambda run: ["train", "--run", str(run), "--folds", "0", "--events"],
        "export": lambda run: ["models", "--events", "export", "--run", str(run)],
        "segmentation": lambda run: [
            *("segment", "--model", str(run / "model.zip"), "--input", str(phantoms / "imagesTr")),
            *("--output", str(run / "segmentations"), "--events"),
        ],
    }
    stages = {}
    for name, command in commands.items():
        before, state = state, folder / name
        shutil.copytree(before, state)
        outcome = forks.run(command(state), state)
        assert outcome.status == 0, outcome.text
        stages[name] = Stage(before, state, command, outcome.operations)
    return stages
