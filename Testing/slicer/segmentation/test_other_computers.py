"""The logic with a device of another computer: "@NAME" of `dints hosts`, behind a real OpenSSH server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from Testing.engine.remote.conftest import reachable, server, there  # noqa: F401  # fixtures

from dints.errors import RunError


def labels_of(run: Any, volume: Any) -> list[np.ndarray]:
    """The mask of each segment, on the volume's grid."""
    import slicer

    node = slicer.mrmlScene.GetNodeByID(run.results.segmentation)
    names = node.GetSegmentation().GetSegmentIDs()
    return [slicer.util.arrayFromSegmentBinaryLabelmap(node, name, volume) for name in names]


@pytest.fixture
def fresh_worker(own_worker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker process that finds the ssh of the test, and ends with it."""
    monkeypatch.setattr("slicer.util.startupEnvironment", lambda: dict(os.environ))


def test_another_computer_gives_the_segments_of_this_one(
    there: Any,  # noqa: F811
    fresh_worker: None,
    logic: Any,
    ct: Any,
    model_files: Path,
) -> None:
    model = model_files / "body.zip"
    here = labels_of(logic.segment(ct, model=model, device="cpu"), ct)
    found = labels_of(logic.segment(ct, model=model, device="@there"), ct)
    assert len(here) == len(found)
    assert all(np.array_equal(one, two) for one, two in zip(here, found, strict=True))


def test_an_unknown_computer_is_told_with_the_remedy(logic: Any, ct: Any, model_files: Path) -> None:
    with pytest.raises(RunError, match="add it with `dints hosts add nowhere"):
        logic.segment(ct, model=model_files / "body.zip", device="@nowhere")


def test_the_panel_segments_on_the_computer_that_is_chosen(
    there: Any,  # noqa: F811
    fresh_worker: None,
    panel: Any,
    host: Any,
    apply: Any,
) -> None:
    panel.panel.devices.show("auto")
    host.choose(panel.ui.deviceBox, "there")
    note = panel.ui.deviceNote
    assert "sent to there, without names and headers; nothing stays there" in note.text
    host.wait_until(lambda: "is being asked" not in note.text, 60.0)
    assert panel.ui.deviceBox.currentText.startswith("there: ")
    apply(panel)
    assert panel.panel.parameters.segmentation is not None
    assert "there" not in panel.ui.reasonLabel.text


def test_a_computer_that_cannot_be_reached_is_told_before_apply(
    reachable: Any,  # noqa: F811
    fresh_worker: None,
    panel: Any,
    host: Any,
) -> None:
    from dints.remote.hosts import Host, keep_host

    keep_host(Host("far", "me@nowhere.invalid"))
    panel.panel.devices.show("auto")
    host.choose(panel.ui.deviceBox, "far")
    host.wait_until(lambda: not panel.ui.applyButton.enabled, 60.0)
    assert "no computer of that name was found" in panel.ui.reasonLabel.text
    host.choose(panel.ui.deviceBox, "CPU")
    assert panel.ui.applyButton.enabled
