"""What a new user sees, and the button that does all of it on a sample scan."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from .facts import segments_of


@pytest.fixture
def shipped(models_folder: Path, model_files: Path) -> None:
    """A model in place of the one that comes with the engine, beside one of the user's."""
    from dints.model import folder

    folder.SHIPPED_FOLDER.mkdir()
    (folder.SHIPPED_FOLDER / "hippocampus-mr.zip").symlink_to(model_files / "hippocampus.zip")
    (models_folder / "body.zip").symlink_to(model_files / "body.zip")


@pytest.fixture
def cache(host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the application's cache."""
    import SampleData

    folder = tmp_path / "cache"
    folder.mkdir()

    def find(self: Any, uri: str, name: str, checksum: str) -> str:
        self.reportHook(0, 1, 1)
        if not (folder / name).is_file():
            raise ValueError(f"Failed to download {uri}")
        return str(folder / name)

    monkeypatch.setattr(SampleData.SampleDataLogic, "downloadFileIntoCache", find)
    return folder


def test_an_empty_panel_says_what_to_do(host: Any, open_panel: Any, shipped: None) -> None:
    import slicer

    panel = open_panel()
    assert host.is_shown(panel.ui.welcomeFrame)
    assert panel.ui.welcomeLabel.text.count(". ") + 1 == 2
    assert panel.ui.tryButton.enabled
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "scan")
    host.wait_until(lambda: not host.is_shown(panel.ui.welcomeFrame))
    slicer.mrmlScene.RemoveNode(volume)
    host.wait_until(lambda: host.is_shown(panel.ui.welcomeFrame))


def test_one_click_segments_the_sample_scan(
    host: Any, open_panel: Any, shipped: None, hippocampus: Path, cache: Path, finish: Any
) -> None:
    from DiNTSLib import sample_data

    scan = sorted((hippocampus / "imagesTr").glob("hippocampus_*.nii.gz"))[0]
    with tarfile.open(cache / sample_data.HIPPOCAMPUS_FILE, "w") as tar:
        tar.add(scan, sample_data.HIPPOCAMPUS_MEMBER)
    panel = open_panel()
    assert panel.panel.models.chosen.name == "Body"
    host.click(panel.ui.tryButton)
    assert not host.is_shown(panel.ui.welcomeFrame)
    assert panel.panel.models.chosen.file == "hippocampus-mr.zip"
    assert panel.panel.inputs.volumes[0].GetName() == sample_data.HIPPOCAMPUS_NAME
    finish(panel)
    assert list(segments_of(panel.panel.parameters.segmentation)) == ["Anterior", "Posterior"]
    assert not panel.ui.resultsSection.collapsed


def test_a_sample_scan_that_does_not_come_is_said(host: Any, open_panel: Any, shipped: None, cache: Path) -> None:
    panel = open_panel()
    host.click(panel.ui.tryButton)
    panel.panel.update()  # as an answer of the engine has it, or what happens in the scene
    assert "cannot be loaded: Failed to download https://" in panel.ui.reasonLabel.text
    assert host.is_shown(panel.ui.welcomeFrame)
    assert panel.ui.tryButton.enabled
    assert os.listdir(cache) == []


def test_a_sample_scan_that_comes_while_another_module_is_shown_is_loaded_and_nothing_else(
    host: Any, open_panel: Any, shipped: None, hippocampus: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer
    from DiNTSSegmentationLib import welcome

    panel = open_panel()

    def load() -> Any:
        panel.exit()  # the application goes on while the scan is downloaded
        return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Sample")

    monkeypatch.setattr(welcome, "loadHippocampus", load)
    host.click(panel.ui.tryButton)
    assert panel.logic.queue.current is None
    assert slicer.util.getNode("Sample")
    panel.enter()
    assert panel.panel.inputs.volumes[0].GetName() == "Sample"


def test_without_its_model_the_sample_cannot_be_tried(open_panel: Any, install: Any) -> None:
    install("body.zip")
    assert not open_panel().ui.tryButton.enabled
