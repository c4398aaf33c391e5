"""Runs that are cancelled, or whose scene changes under them."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest

from .conftest import SECONDS

CANCEL_SECONDS = 1.0
NOTICE_SECONDS = 2.0


@pytest.fixture
def ct(whole_ct: Any) -> Any:
    return whole_ct


@pytest.fixture
def slow(open_panel: Any, install: Any, ct: Any, choose_model: Any) -> Any:
    """The panel with a CT and a model that takes its time."""
    install("body.zip", "slow.zip")
    panel = open_panel()
    choose_model(panel, "Slow")
    return panel


def is_group_alive(group: int) -> bool:
    """Whether any process of a process group still runs; one that waits to be reaped does not."""
    lines = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout.splitlines()
    return any(int(number) == group and not state.startswith("Z") for number, state in map(str.split, lines))


def test_cancelling_midway_ends_the_process_and_leaves_the_scene_alone(
    host: Any, slow: Any, choose_model: Any, apply: Any
) -> None:
    import slicer

    host.click(slow.ui.applyButton)
    host.wait_until(lambda: slow.ui.progressBar.value > 0, SECONDS)
    group = slow.logic.worker._child.pid
    started = time.monotonic()
    host.click(slow.ui.cancelButton)
    host.wait_until(lambda: not is_group_alive(group), SECONDS)
    assert time.monotonic() - started < CANCEL_SECONDS
    assert "cancelled" in slow.ui.statusLabel.text
    assert not slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    choose_model(slow, "Body")
    apply(slow)
    assert slow.ui.statusLabel.text == "example_ct: done."


@pytest.mark.parametrize(
    "event", ["scene close", "volume deletion", "segmentation deletion", "region deletion", "reload"]
)
def test_what_happens_to_the_scene_during_a_run_does_no_harm(host: Any, slow: Any, ct: Any, event: str) -> None:
    import slicer

    host.choose(slow.ui.qualityBox, "Quick: one network")
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    host.choose(slow.ui.segmentationSelector, "Mine")
    region = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Everything")
    region.SetSize([9999, 9999, 9999])
    host.choose(slow.ui.regionSelector, "Everything")
    host.click(slow.ui.applyButton)
    queue, worker = slow.logic.queue, slow.logic.worker
    run = queue.current
    host.wait_until(lambda: slow.ui.progressBar.value > 0, SECONDS)
    started = time.monotonic()
    if event == "scene close":
        slicer.mrmlScene.Clear(False)
    elif event == "volume deletion":
        slicer.mrmlScene.RemoveNode(ct)
    elif event == "segmentation deletion":
        slicer.mrmlScene.RemoveNode(segmentation)
    elif event == "region deletion":
        slicer.mrmlScene.RemoveNode(region)
    else:
        slow.onReload()
        rebuilt = slicer.modules.DiNTSSegmentationWidget
        assert rebuilt.panel.isBound == rebuilt.parent.isVisible()  # bound where it is in sight
    host.wait_until(lambda: run.isFinished and worker.queueLength == 0, SECONDS)
    assert time.monotonic() - started < NOTICE_SECONDS or event == "reload"  # which builds the panel anew
    assert queue.current is None
    assert run.error
    if event in ("scene close", "reload"):
        assert run.state.value == "cancelled"
    else:
        assert "deleted" in slow.ui.statusLabel.text
