"""The engine is killed or crashes under a search: the panel says so, keeps the run, and can go on with it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import start

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
    for line in (panel.search.memory, panel.search.time):
        monkeypatch.setattr(line, "want", lambda *arguments: None)
    (run_folder / "search" / "architecture.json").unlink()
    panel.parameters.runFolder = str(run_folder)
    panel.refresh()
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
        assert panel.ui.startButton.enabled
        start(host, panel, panel.search)
        host.wait_until(lambda: not panel.isBusy, SECONDS_TO_SAY_SO)
        assert len(started) == attempts
        assert sentence in panel.ui.reasonLabel.text
        assert not panel.ui.searchButton.collapsed
        host.wait_until(lambda: files(run_folder) == before, SECONDS_TO_SAY_SO)


def test_stopping_leaves_no_process_and_no_temporary_file(
    host: Any, panel: Any, engine: Any, run_folder: Path, tree: Any
) -> None:
    before = files(run_folder)
    engine("signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)")
    start(host, panel, panel.search)
    host.wait_until(lambda: len(files(run_folder)) > len(before), SECONDS_TO_SAY_SO)
    assert tree.remember()
    host.click(panel.ui.stopButton)
    assert "Stop again to end at once" in panel.ui.statusLabel.text
    host.click(panel.ui.stopButton)
    host.wait_until(lambda: not panel.isBusy and not tree.survivors(), CANCEL_SECONDS)
    host.wait_until(lambda: files(run_folder) == before, SECONDS_TO_SAY_SO)


def test_an_engine_that_does_not_stop_by_itself_is_ended_after_a_while(
    host: Any, panel: Any, engine: Any, run_folder: Path, tree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import DiNTSLib.processes as module

    monkeypatch.setattr(module, "STOP_SECONDS", 0.5)
    engine("time.sleep(600)")
    start(host, panel, panel.search)
    host.wait_until(lambda: panel.ui.progressBar.maximum == 2, SECONDS_TO_SAY_SO)
    assert tree.remember()
    host.click(panel.ui.stopButton)
    host.wait_until(lambda: not panel.isBusy and not tree.survivors(), SECONDS_TO_SAY_SO)
    assert panel.ui.statusLabel.text.startswith("Stopped.")


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        ("os._exit(130)", "Stopped. It can be resumed, also after a restart.", ""),
        ("os.rename({found!r}, {done!r}); os._exit(0)", "Done.", "The architecture is found."),
        ("os.write(2, b'the disk is full'); os._exit(1)", "", "the disk is full"),
    ],
    ids=["saved", "it was done just then", "it could not save"],
)
def test_a_stopped_engine_may_save_and_what_goes_wrong_then_is_said(
    host: Any, panel: Any, engine: Any, run_folder: Path, answer: str, status: str, reason: str
) -> None:
    from dints.run_layout import RunLayout
    from dints.space.architecture import Architecture
    from dints.space.search_space import SearchSpace

    found, done = run_folder / "found.json", RunLayout(run_folder).architecture_file
    Architecture.random(SearchSpace(2, 2), 0).save(found)
    engine(f"assert sys.stdin.readline().strip() == 'stop'; {answer.format(found=str(found), done=str(done))}")
    start(host, panel, panel.search)
    host.wait_until(lambda: panel.ui.progressBar.maximum == 2, SECONDS_TO_SAY_SO)
    host.click(panel.ui.stopButton)
    host.wait_until(lambda: not panel.isBusy, SECONDS_TO_SAY_SO)
    assert panel.ui.statusLabel.text == status
    panel.open(panel.search)
    assert reason in panel.ui.reasonLabel.text
