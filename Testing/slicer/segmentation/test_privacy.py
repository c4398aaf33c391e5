"""No name or path of a patient in the application's log above the level of debugging."""

from __future__ import annotations

import logging
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TELLTALE = "Doe^Jane"


@pytest.fixture
def patient(host: Any, tmp_path: Path) -> Any:
    """A volume whose node, file and folder are named after a patient."""
    import slicer

    folder = tmp_path / TELLTALE
    folder.mkdir()
    voxels = np.random.default_rng(0).normal(0, 100, (40, 40, 40)).astype(np.int16)
    volume = slicer.util.addVolumeFromArray(voxels, name=TELLTALE)
    volume.SetSpacing(3, 3, 3)
    slicer.util.saveNode(volume, str(folder / f"{TELLTALE}.nrrd"))
    slicer.mrmlScene.RemoveNode(volume)
    return slicer.util.loadVolume(str(folder / f"{TELLTALE}.nrrd"))


def with_two_more_scans(folder: Path) -> Path:
    """The folder of the patient's scan, with a copy of it and one that is damaged."""
    shutil.copy(folder / f"{TELLTALE}.nrrd", folder / f"{TELLTALE} 2.nrrd")
    (folder / f"{TELLTALE} 3.nrrd").write_bytes(b"no image")
    return folder


def test_neither_results_nor_failures_are_logged_by_name(
    host: Any,
    own_worker: None,
    patient: Any,
    open_panel: Any,
    install: Any,
    apply: Any,
    finish: Any,
    tree: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture,
) -> None:
    import slicer

    caplog.set_level(logging.DEBUG)
    install("body.zip")
    panel = open_panel()
    apply(panel)
    assert panel.ui.statusLabel.text == f"{TELLTALE}: done."
    engine = max(tree.pids())
    os.kill(engine, signal.SIGSTOP)  # a warm engine could be done before it is killed
    host.click(panel.ui.applyButton)
    os.kill(engine, signal.SIGKILL)
    finish(panel)
    assert f"{TELLTALE} failed." in panel.ui.statusLabel.text
    host.click(panel.ui.applyButton)
    slicer.mrmlScene.RemoveNode(patient)
    finish(panel)
    assert "was deleted" in panel.ui.statusLabel.text
    folder = with_two_more_scans(tmp_path / TELLTALE)
    run = panel.logic.segmentFolder(folder, folder / "results", model="body.zip", onFinished=lambda run: None)
    finish(panel)
    assert sorted(case.state.value for case in run.cases) == ["done", "done", "failed"]
    said = [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG]
    assert not [text for text in (*said, *capfd.readouterr()) if TELLTALE in text]
    assert not [line for line in panel.logic.worker.log if TELLTALE in line]
