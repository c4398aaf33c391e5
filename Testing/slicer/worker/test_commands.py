"""Commands of the engine as processes: their events, their end, and how they are cancelled."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

CANCEL_SECONDS = 1.0


def test_a_command_tells_events_and_its_end(process: Any) -> None:
    recorder = process(["doctor"])
    assert recorder.endings == [(0, "")]
    assert recorder.named("result")[0]["name"] == "doctor"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(["check", "/nowhere"], "/nowhere"), (["segment"], "--model"), (["fly"], "invalid choice")],
)
def test_a_command_that_fails_says_why(process: Any, arguments: list[str], text: str) -> None:
    ((code, sentence),) = process(arguments).endings
    assert code == 2
    assert text in sentence


def test_a_program_that_is_not_there_is_said(process: Any) -> None:
    recorder = process(["doctor"], command=["/nowhere/PythonSlicer"])
    assert recorder.endings == [(1, "/nowhere/PythonSlicer cannot be started: No such file or directory")]


def test_cancelling_a_command_that_ignores_the_request_ends_its_grandchildren(
    host: Any, record: Any, tree: Any
) -> None:
    from DiNTSLib.processes import EngineProcess

    stubborn = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('{}', flush=True); "
    child = stubborn + "time.sleep(60)"
    parent = f"import subprocess, sys; {stubborn} subprocess.run([sys.executable, '-c', {child!r}])"
    recorder = record()
    process = EngineProcess([], *recorder.callbacks(), command=[sys.executable, "-c", parent])
    process.start()
    host.wait_until(lambda: len(tree.pids()) == 2, 30)
    tree.remember()
    started = time.monotonic()
    process.cancel()
    assert process.waitForFinished(5)
    assert time.monotonic() - started < CANCEL_SECONDS
    assert recorder.endings == [(130, "Cancelled.")]
    assert not tree.survivors()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="/proc lists open files on Linux only")
def test_commands_that_ended_leave_no_open_files(host: Any, process: Any) -> None:
    def count() -> int:
        host.wait_until(lambda: True)
        host.process_events()
        return len(list(Path("/proc/self/fd").iterdir()))

    process([], command=["true"])
    before = count()
    for _number in range(3):
        process([], command=["true"])
    assert count() == before
