"""The engine is killed, hangs, crashes or talks nonsense: the panel says so, keeps the scene, and can try again."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import SECONDS
from .facts import segments_of

SECONDS_TO_SAY_SO = 5.0
CANCEL_SECONDS = 1.0
SETTLING_SECONDS = 1.0  # in which the panel could start something again
SLICERS_OWN = ".slicer-cache"
SIZE, SPACING = 96, 3.5  # voxels an axis, and mm: some thousand windows for the model "Slow"
ENGINE = """
import json, os, signal, sys, time
for line in sys.stdin:
    job = json.loads(line)
    def tell(event, **fields):
        os.write(1, json.dumps({"event": event, "job": job["job"], **fields}).encode() + b"\\n")
    if job["command"] == "segment":
        tell("progress", stage="segment", step=1, total=2)
        BODY
    tell("finished")
"""
FAILURES = {  # what an engine does after its first window, and what is said then
    "killed by the system": ("os.kill(os.getpid(), 9)", "was ended by the system (code -9), probably because memory"),
    "crashed": ("os.write(2, b'no such kernel\\n'); os.abort()", "ended unexpectedly (code -6): no such kernel"),
    "garbage, then the end": ("os.write(1, bytes(range(256)) * 99); os.write(2, b'\\xff\\xfe\\n'); os._exit(3)", "3)"),
    "out of memory": ("tell('error', code=1, text='memory ran out; close other programs')", "memory ran out; close"),
    "ended without a word": ("os._exit(0)", "ended unexpectedly (code 0)"),
}
HUNG = {
    "silent": "time.sleep(600)",
    "garbage without end": "while True: os.write(1, bytes(range(256)) * 16); os.write(2, 'Ä\\n'.encode('utf-16'))",
    "deaf": "signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)",
}


@pytest.fixture
def scan(host: Any) -> Any:
    """A volume that takes the slow model half a minute."""
    import slicer

    voxels = np.random.default_rng(0).normal(0, 100, (SIZE,) * 3).astype(np.int16)
    volume = slicer.util.addVolumeFromArray(voxels, name="Scan")
    volume.SetSpacing((SPACING,) * 3)
    return volume


@pytest.fixture
def drawn(scan: Any) -> Any:
    """What somebody drew, and chose as the place of the result."""
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Drawn")
    node.SetReferenceImageGeometryParameterFromVolumeNode(scan)
    name = node.GetSegmentation().AddEmptySegment("liver", "liver")
    voxels = np.zeros((SIZE,) * 3, np.uint8)
    voxels[:4] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, node, name, scan)
    return node


@pytest.fixture
def slow(
    host: Any, own_worker: None, open_panel: Any, install: Any, scan: Any, drawn: Any, choose_model: Any
) -> Iterator[Any]:
    """The panel with the scan and a model that takes its time."""
    install("body.zip", "slow.zip")
    panel = open_panel()
    choose_model(panel, "Slow")
    yield panel
    host.wait_until(lambda: panel.logic.worker.queueLength == 0, SECONDS)


@pytest.fixture
def replace_engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Function that replaces the engine by a program."""

    def replace(body: str) -> None:
        import DiNTSLib.worker as module

        monkeypatch.setattr(module, "engineCommand", lambda: [sys.executable, "-c", ENGINE.replace("BODY", body)])

    return replace


def facts_of_the_scene(drawn: Any) -> tuple[list[str], dict[str, int]]:
    """All nodes with data, and the voxels of what somebody drew."""
    import slicer

    kinds = ("vtkMRMLDisplayableNode", "vtkMRMLTableNode")
    return sorted(node.GetID() for kind in kinds for node in slicer.util.getNodesByClass(kind)), segments_of(drawn)


@pytest.mark.parametrize(("body", "sentence"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_is_said_and_changes_nothing(
    host: Any, slow: Any, drawn: Any, replace_engine: Any, body: str, sentence: str
) -> None:
    before = facts_of_the_scene(drawn)
    replace_engine(body)
    for _attempt in range(2):  # the second is the one that is offered
        assert slow.ui.applyButton.enabled
        host.click(slow.ui.applyButton)
        host.wait_until(lambda: "failed" in slow.ui.statusLabel.text, SECONDS_TO_SAY_SO)
        assert sentence in slow.ui.statusLabel.text
        assert facts_of_the_scene(drawn) == before


@pytest.mark.parametrize("body", HUNG.values(), ids=HUNG.keys())
def test_an_engine_that_hangs_is_said_and_can_be_cancelled(
    host: Any, slow: Any, drawn: Any, replace_engine: Any, tree: Any, body: str
) -> None:
    before = facts_of_the_scene(drawn)
    replace_engine(body)
    host.click(slow.ui.applyButton)
    host.wait_until(lambda: "50 %" in slow.ui.statusLabel.text, SECONDS)
    assert tree.remember()
    host.wait_until(lambda: "has not answered" in slow.ui.statusLabel.text, SECONDS_TO_SAY_SO)
    assert "cancel and try again" in slow.ui.statusLabel.text
    host.click(slow.ui.cancelButton)
    host.wait_until(lambda: "cancelled" in slow.ui.statusLabel.text and not tree.survivors(), CANCEL_SECONDS)
    assert facts_of_the_scene(drawn) == before
    assert slow.ui.applyButton.enabled


def test_after_a_failure_the_real_engine_segments(
    host: Any, slow: Any, drawn: Any, choose_model: Any, apply: Any, tree: Any
) -> None:
    before = facts_of_the_scene(drawn)
    for number, said in ((signal.SIGKILL, "ended by the system"), (signal.SIGSTOP, "has not answered")):
        host.click(slow.ui.applyButton)
        host.wait_until(lambda: slow.ui.progressBar.value > 0, SECONDS)
        os.kill(max(tree.remember()), number)
        host.wait_until(lambda said=said: said in slow.ui.statusLabel.text, SECONDS_TO_SAY_SO)
    host.click(slow.ui.cancelButton)
    host.wait_until(lambda: not tree.survivors(), CANCEL_SECONDS)
    assert facts_of_the_scene(drawn) == before
    choose_model(slow, "Body")
    apply(slow)
    assert slow.ui.statusLabel.text == "Scan: done."


def temporary_files() -> list[Path]:
    """All that is for the moment only, but for locks."""
    import slicer

    from dints.files.lock import FILE_NAME

    folder = Path(slicer.app.temporaryPath)
    return [path for path in folder.rglob("*") if path.is_file() and path.name not in (FILE_NAME, SLICERS_OWN)]


def test_cancel_leaves_no_process_and_no_temporary_file(host: Any, slow: Any, tree: Any) -> None:
    from DiNTSLib import background

    assert (tree.pids(), temporary_files()) == (set(), [])
    host.click(slow.ui.applyButton)
    host.wait_until(lambda: slow.ui.progressBar.value > 0, SECONDS)
    assert len(tree.pids()) >= 2  # PythonSlicer and the engine's Python
    assert [path.name for path in temporary_files()] == ["0.nrrd"]
    host.click(slow.ui.cancelButton)
    host.wait_until(lambda: not tree.pids(), CANCEL_SECONDS)
    host.wait_until(lambda: slow.logic.worker.queueLength == 0, CANCEL_SECONDS)
    background.submit(int).result(SECONDS)  # what is deleted in the background is gone
    settled = time.monotonic() + SETTLING_SECONDS
    host.wait_until(lambda: time.monotonic() > settled, SECONDS)
    assert (tree.pids(), temporary_files()) == (set(), [])
