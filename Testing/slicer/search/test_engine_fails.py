"""The engine is killed or crashes under a search: the panel says so, keeps the run, and can go on with it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SECONDS_TO_SAY_SO = 5.0
CANCEL_SECONDS = 1.0
ENGINE = """
import json, os, pathlib, signal, sys, time
from dints.files.storage import temporary_path
os.write(1, json.dumps({"event": "progress", "stage": "search", "step": 1, "total": 2}).encode() + b"\\n")
temporary_path(pathlib.Path(sys.argv[4]) / "search" / "checkpoint.pt").write_bytes(b"half")
"""
FAILURES = {  # what an engine does after its first step, and what is said then
    "killed by the system": ("os.kill(os.getpid(), 9)", "was ended by the system (code -9), probably because memory"),
    "crashed": ("os.write(2, b'no such kernel\\n'); os.abort()", "ended unexpectedly (code -6): no such kernel"),
    "garbage, then the end": ("os.write(1, bytes(range(256)) * 99); os.write(2, b'\\xff\\n'); os._exit(3)", "code 3)"),
}


@pytest.fixture
def engine(host: Any, panel: Any, run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Function that replaces the engine by a program; the panel has a run on which the search can go on.

    It returns a list to which each start adds the program.
    """
    import DiNTSLib.processes as module

    panel.missing = ""
    monkeypatch.setattr(panel.search.memory, "want", lambda *arguments: None)
    (run_folder / "search" / "architecture.json").unlink()
    panel.parameters.runFolder = str(run_folder)
    panel.refresh()
    host.click(panel.ui.searchButton)
    monkeypatch.setattr(platform, "node", lambda: "here")

    def replace(body: str) -> list[str]:
        program, started = f"import platform; platform.node = lambda: 'here'\n{ENGINE}\n{body}", []

        def command() -> list[str]:
            started.append(program)
            return [sys.executable, "-c", program]

        monkeypatch.setattr(module, "engineCommand", command)
        return started

    return replace


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("body", "sentence"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_is_said_and_the_run_is_as_it_was(
    host: Any, panel: Any, engine: Any, run_folder: Path, body: str, sentence: str
) -> None:
    before = files(run_folder)
    started = engine(body)
    for attempts in (1, 2):  # the second is the one that is offered
        assert panel.ui.startSearchButton.enabled
        host.click(panel.ui.startSearchButton)
        host.wait_until(lambda: not panel.isBusy, SECONDS_TO_SAY_SO)
        assert len(started) == attempts
        assert sentence in panel.ui.searchReasonLabel.text
        assert panel.ui.statusLabel.text == "2. Search failed, see there."
        host.wait_until(lambda: files(run_folder) == before, SECONDS_TO_SAY_SO)


def test_stopping_leaves_no_process_and_no_temporary_file(
    host: Any, panel: Any, engine: Any, run_folder: Path, tree: Any
) -> None:
    before = files(run_folder)
    engine("signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)")
    host.click(panel.ui.startSearchButton)
    host.wait_until(lambda: len(files(run_folder)) > len(before), SECONDS_TO_SAY_SO)
    assert tree.remember()
    host.click(panel.ui.stopSearchButton)
    host.wait_until(lambda: not panel.isBusy and not tree.survivors(), CANCEL_SECONDS)
    host.wait_until(lambda: files(run_folder) == before, SECONDS_TO_SAY_SO)
