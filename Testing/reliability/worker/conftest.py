"""The worker as a process, with whatever a test does to it before it begins."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from dints.service.parent import OWN_GROUP_VARIABLE

PREAMBLE = """
import os, sys, threading, time
from dints.cli import main
"""


class EngineProcess:
    """A command of the engine in a group of its own, as panels start it."""

    def __init__(self, process: subprocess.Popen, errors: Path) -> None:
        self.process, self._errors = process, errors

    def send(self, *lines: dict[str, Any] | bytes) -> None:
        """Jobs, or what is none."""
        for line in lines:
            self.process.stdin.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
        self.process.stdin.flush()

    def lines(self) -> Iterator[bytes]:
        """Of standard output, as they come."""
        yield from self.process.stdout

    def events_until(self, name: str) -> list[dict[str, Any]]:
        """All events up to the first of this name; fails if a line is none."""
        events = []
        for line in self.process.stdout:
            events.append(json.loads(line.decode("ascii")))
            if events[-1]["event"] == name:
                return events
        raise AssertionError(f"it ended after {events}: {self.log}")

    @property
    def log(self) -> str:
        """What came to standard error."""
        return self._errors.read_text(encoding="utf-8", errors="replace")


@contextmanager
def launcher(folder: Path) -> Iterator[Callable[..., EngineProcess]]:
    """Function that runs a program which calls `main`; it begins with what is in `before`. The last errors are kept."""
    processes = ExitStack()

    def launch(arguments: list[str], before: str = "") -> EngineProcess:
        program = PREAMBLE + textwrap.dedent(before) + f"\nsys.exit(main({arguments!r}))\n"
        errors = folder / "errors.txt"
        with open(errors, "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, OWN_GROUP_VARIABLE: "1"},
                start_new_session=True,
            )
        processes.enter_context(process)
        processes.callback(_kill_group, process.pid)
        return EngineProcess(process, errors)

    with processes:
        yield launch


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., EngineProcess]]:
    """Function that runs the engine for one test."""
    with launcher(tmp_path) as launch_it:
        yield launch_it


@pytest.fixture(scope="session")
def warm_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """For tests that leave it alive."""
    with launcher(tmp_path_factory.mktemp("worker")) as launch_it:
        worker = launch_it(["worker"])
        worker.events_until("ready")
        yield worker


@pytest.fixture
def segment(model_file: Path, scan_file: Path, tmp_path: Path) -> dict[str, Any]:
    """A job that is done in a moment."""
    return {
        "job": 1,
        "command": "segment",
        "model": str(model_file),
        "inputs": [str(scan_file)],
        "output": str(tmp_path / "labels.nrrd"),
        "device": "cpu",
    }


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
