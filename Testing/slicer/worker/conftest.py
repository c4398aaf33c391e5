"""Workers, and jobs for them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
ENGINE = REPOSITORY / "DiNTSEngine"
START_SECONDS = 120.0  # of a worker on a busy machine: it imports PyTorch


class Recorder:
    """Takes what a job or process tells."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.endings: list[tuple[int, str]] = []

    def onFinished(self, exitCode: int, sentence: str) -> None:
        self.endings.append((exitCode, sentence))

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]

    def callbacks(self) -> tuple:
        return self.events.append, self.onFinished


@pytest.fixture
def record() -> type[Recorder]:
    return Recorder


@pytest.fixture
def volume(host: Any) -> Any:
    import slicer

    voxels = np.random.default_rng(0).normal(50, 20, (18, 20, 22)).astype(np.float32)
    return slicer.util.addVolumeFromArray(voxels, name="Scan")


def _worker() -> Iterator[Any]:
    from DiNTSLib.worker import EngineWorker

    worker = EngineWorker()
    yield worker
    worker.shutdown()


@pytest.fixture(scope="module")
def warm_worker(running_host: Any) -> Iterator[Any]:
    """For tests that leave it alive."""
    yield from _worker()


@pytest.fixture
def worker(host: Any) -> Iterator[Any]:
    """For tests that end it."""
    yield from _worker()


@pytest.fixture
def segment(volume: Any, tiny_model: Path, tmp_path: Path) -> dict[str, Any]:
    from DiNTSLib.scene import exportVolume

    exportVolume(volume, tmp_path / "scan.nrrd")
    return {
        "command": "segment",
        "model": str(tiny_model),
        "inputs": [str(tmp_path / "scan.nrrd")],
        "output": str(tmp_path / "labels.nrrd"),
        "disagreement": str(tmp_path / "doubt.nrrd"),
        "device": "cpu",
        "options": {},
    }


@pytest.fixture
def long_segment(segment: dict[str, Any]) -> dict[str, Any]:
    """A job that takes a minute: windows that overlap almost wholly, mirrored."""
    return segment | {"options": {"overlap": 0.9, "mirror": True}}


@pytest.fixture
def run() -> Callable[[Any, dict[str, Any]], Recorder]:
    """Function that gives a worker a job and waits for its end."""

    def run_it(worker: Any, job: dict[str, Any]) -> Recorder:
        recorder = Recorder()
        assert worker.waitForFinished(worker.submit(job, *recorder.callbacks()), START_SECONDS)
        return recorder

    return run_it


@pytest.fixture
def start(host: Any) -> Callable[[Any, dict[str, Any]], tuple[int, Recorder]]:
    """Function that gives a worker a job and waits until it computes; returns the job's number."""

    def start_it(worker: Any, job: dict[str, Any]) -> tuple[int, Recorder]:
        recorder = Recorder()
        number = worker.submit(job, *recorder.callbacks())
        host.wait_until(lambda: recorder.named("progress") or recorder.endings, START_SECONDS)
        assert not recorder.endings
        return number, recorder

    return start_it


@pytest.fixture
def process(host: Any) -> Callable[..., Recorder]:
    """Function that starts a command of the engine and waits for its end."""
    from DiNTSLib.processes import EngineProcess

    def run_it(arguments: list[str], **options: Any) -> Recorder:
        recorder = Recorder()
        process = EngineProcess(arguments, *recorder.callbacks(), **options)
        process.start()
        assert process.isRunning
        assert process.waitForFinished(START_SECONDS)
        assert not process.isRunning
        return recorder

    return run_it


@pytest.fixture
def application(running_host: Any) -> Iterator[Callable[[str], subprocess.Popen]]:
    """Function that runs a program in another application, whose standard input and output are pipes."""
    processes = ExitStack()

    def start_it(program: str) -> subprocess.Popen:
        preamble = f"""
            import sys
            sys.path[:0] = {[str(ENGINE), str(REPOSITORY)]!r}
            import Testing.host as host
            host.start()
        """
        program = textwrap.dedent(preamble) + textwrap.dedent(program)
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
        command = [sys.executable, "-c", program]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = processes.enter_context(subprocess.Popen(command, env=environment, text=True, **pipes))
        processes.callback(process.kill)
        return process

    with processes:
        yield start_it
