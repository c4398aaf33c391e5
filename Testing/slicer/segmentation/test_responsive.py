"""The window while runs are under way, and while their large results come into the scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from .conftest import SECONDS

LARGE = (400, 400, 400)  # voxels
LARGE_SCAN = (300, 300, 300)  # voxels; the engine reads and writes it as well
LARGE_FRAME, FRAMES = (200, 200, 200), 3


@pytest.fixture
def ct(whole_ct: Any) -> Any:
    return whole_ct


def test_the_window_answers_while_a_run_is_under_way(panel: Any, apply: Any, stays_responsive: Any) -> None:
    def work() -> None:
        panel.logic.worker.shutdown()  # so that the start of one is measured, too
        apply(panel)
        assert panel.ui.statusLabel.text == "example_ct: done."

    stays_responsive(work)


@pytest.fixture(scope="module")
def large_result(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Files of labels that fill the volume, and of an uncertainty map."""
    folder = tmp_path_factory.mktemp("large")
    voxels = np.ones(LARGE, np.uint8)
    voxels[100:300] = 2
    sitk.WriteImage(sitk.GetImageFromArray(voxels), folder / "labels.nrrd")
    sitk.WriteImage(sitk.GetImageFromArray(voxels.astype(np.float32)), folder / "disagreement.nrrd")
    return folder / "labels.nrrd", folder / "disagreement.nrrd"


def test_a_large_result_does_not_hold_up_the_window(
    host: Any, shared_worker: None, large_result: Any, stays_responsive: Any
) -> None:
    import slicer
    from DiNTSSegmentationLib.cases import Settings
    from DiNTSSegmentationLib.results import readResults, showDisagreement, showSegmentation

    from DiNTSLib.background import submit
    from DiNTSLib.terminology import segmentStyles

    volume = slicer.util.addVolumeFromArray(np.zeros(LARGE, np.int16))
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    settings = Settings("model.zip", segmentStyles({1: "liver", 2: "spleen"}))

    def work() -> None:
        reading = submit(readResults, *large_result)
        host.wait_until(reading.done, SECONDS)
        showSegmentation(reading.result(), segmentation, settings, volume)
        showDisagreement(reading.result(), segmentation, volume)
        host.process_events()

    stays_responsive(work)
    stays_responsive(work)  # the result is replaced
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 2


def test_a_large_volume_does_not_hold_up_the_window_from_apply_to_its_result(
    host: Any, open_panel: Any, install: Any, apply: Any, stays_responsive: Any
) -> None:
    import slicer

    install("body.zip")
    voxels = np.random.default_rng(0).integers(-1000, 1000, LARGE_SCAN, dtype=np.int16)
    volume = slicer.util.addVolumeFromArray(voxels, name="Large")
    volume.SetSpacing(0.4, 0.4, 0.4)
    panel = open_panel()
    host.wait_until(lambda: panel.ui.applyButton.enabled)
    host.click(panel.ui.disagreementBox)

    def work() -> None:
        apply(panel)
        assert panel.ui.statusLabel.text == "Large: done."

    stays_responsive(work)
    stays_responsive(work)  # the result is replaced


def test_a_run_of_large_frames_does_not_hold_up_the_window(
    host: Any, shared_worker: None, models_folder: Path, install: Any, stays_responsive: Any
) -> None:
    """Slicer copies the frame that is shown, with all its voxels, whenever a sequence says that it changed."""
    import slicer
    from DiNTSSegmentationLib.logic import DiNTSSegmentationLogic

    install("body.zip")
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "Beat")
    for frame in range(FRAMES):
        voxels = np.random.default_rng(frame).integers(-1000, 1000, LARGE_FRAME, dtype=np.int16)
        volume = slicer.util.addVolumeFromArray(voxels)
        volume.SetSpacing(0.6, 0.6, 0.6)
        sequence.SetDataNodeAtValue(volume, str(frame))
        slicer.mrmlScene.RemoveNode(volume)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    logic, shown = DiNTSSegmentationLogic(), browser.GetProxyNode(sequence)
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")

    def work() -> None:
        ended: list[Any] = []
        logic.segment(shown, segmentation, model="body.zip", allFrames=True, device="cpu", onFinished=ended.append)
        host.wait_until(lambda: ended, SECONDS)
        assert ended[0].state.value == "done"

    stays_responsive(work)
    stays_responsive(work)  # the result is replaced
