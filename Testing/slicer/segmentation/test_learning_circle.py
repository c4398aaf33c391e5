"""The whole circle with the engine: a result, corrections, a data set, a new version, its use, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import SECONDS
from .facts import segments_of

CASES, SIZE, SPACING = 5, 24, 6.0  # scans, of which one is held out; voxels a side; mm
QUICK = [
    *("--set", "training.iterations=6", "--set", "training.folds=2", "--set", "training.batch_size=2"),
    *("--set", "training.validate_every=3", "--set", "training.warmup=1"),
]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Improving takes a few steps only."""
    from DiNTSSegmentationLib import background_command

    process = background_command.EngineProcess
    monkeypatch.setattr(
        background_command,
        "EngineProcess",
        lambda arguments, *others: process([*arguments, *(QUICK if arguments[0] == "improve" else [])], *others),
    )


def add_scan(number: int) -> Any:
    """A bright ball in noise, whose place differs from scan to scan."""
    import slicer

    random = np.random.default_rng(number)
    voxels = random.normal(-100, 20, (SIZE,) * 3).astype(np.int16)
    voxels[ball(number)] += 200
    volume = slicer.util.addVolumeFromArray(voxels, name=f"Scan {number}")
    volume.SetSpacing(*[SPACING] * 3)
    return volume


def ball(number: int) -> np.ndarray:
    places = np.indices((SIZE,) * 3) - np.reshape([10, 10 + number % 4, 12], (3, 1, 1, 1))
    return (places**2).sum(axis=0) < 25


def end(host: Any, panel: Any) -> str:
    """Waits until the section's command is over; what it said."""
    host.wait_until(lambda: panel.panel.learn.task is None, 3 * SECONDS)
    return panel.ui.learnLabel.text


def test_a_model_learns_from_corrections_and_its_versions_change_by_clicks(
    host: Any, open_panel: Any, install: Any, models_folder: Path, tmp_path: Path, apply: Any, quick: None
) -> None:
    import slicer

    install("body.zip")
    before = (models_folder / "body.zip").read_bytes()
    panel = open_panel()
    host.click(panel.ui.learnSection)
    panel.ui.dataSetEdit.currentPath = str(tmp_path / "Überprüft & O'Brien 数")  # QTest types Latin letters only
    for number in range(CASES):
        volume = add_scan(number)
        host.choose(panel.panel.inputs.selectors[0], volume.GetName())
        panel.panel.parameters.segmentation = None
        host.wait_until(lambda: panel.ui.applyButton.enabled)
        apply(panel)
        segmentation = panel.panel.parameters.segmentation
        for name in segmentation.GetSegmentation().GetSegmentIDs():
            drawn = ball(number) if segmentation.GetSegmentation().GetSegment(name).GetName() == "liver" else False
            voxels = np.full((SIZE,) * 3, drawn, np.uint8)
            slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, segmentation, name, volume)
        host.wait_until(lambda: panel.ui.addButton.enabled)
        host.click(panel.ui.addButton)
        assert f"Case {number + 1:04} is added" in end(host, panel)
        assert segments_of(segmentation) == {"liver": int(ball(number).sum()), "kidney": 0}
    host.click(panel.ui.improveButton)
    assert "not told apart" in end(host, panel)  # of one case that is held out nothing else can be said
    host.click(panel.ui.useButton)
    assert end(host, panel) == "“Body, version 2” is in use."
    assert panel.panel.models.chosen.version == 2
    assert "learned from" in panel.panel.models.chosen.toHtml()
    assert (models_folder / "body.zip").read_bytes() == before
    host.wait_until(lambda: host.is_shown(panel.ui.backButton))
    host.click(panel.ui.backButton)
    assert end(host, panel) == "“Body” is in use."
    assert panel.panel.models.chosen.version == 1
