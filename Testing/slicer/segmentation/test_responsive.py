"""The window while runs are under way, and while their large results come into the scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from .conftest import SECONDS

PAUSE_SECONDS = 0.1  # that the window may be kept from answering
ATTEMPTS = 3  # of which one must stay below: other programs of a busy machine hold up this one, too
LARGE = (400, 400, 400)  # voxels


def test_the_window_answers_while_a_run_is_under_way(host: Any, panel: Any, apply: Any) -> None:
    pauses = []
    for _attempt in range(ATTEMPTS):
        with host.PauseMeter() as meter:
            apply(panel)
        pauses.append(meter.longest)
        panel.logic.worker.shutdown()  # so that each attempt starts one
    assert min(pauses) < PAUSE_SECONDS


@pytest.fixture(scope="module")
def large_result(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Files of labels that fill the volume, and of an uncertainty map."""
    folder = tmp_path_factory.mktemp("large")
    voxels = np.ones(LARGE, np.uint8)
    voxels[100:300] = 2
    sitk.WriteImage(sitk.GetImageFromArray(voxels), folder / "labels.nrrd")
    sitk.WriteImage(sitk.GetImageFromArray(voxels.astype(np.float32)), folder / "disagreement.nrrd")
    return folder / "labels.nrrd", folder / "disagreement.nrrd"


def test_a_large_result_does_not_hold_up_the_window(host: Any, shared_worker: None, large_result: Any) -> None:
    import slicer
    from DiNTSSegmentationLib.cases import Settings
    from DiNTSSegmentationLib.results import readResults, showDisagreement, showSegmentation

    from DiNTSLib.background import submit
    from DiNTSLib.terminology import segmentStyles

    volume = slicer.util.addVolumeFromArray(np.zeros(LARGE, np.int16))
    settings = Settings("model.zip", segmentStyles({1: "liver", 2: "spleen"}))
    pauses = []
    for _attempt in range(ATTEMPTS):
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
        with host.PauseMeter() as meter:
            reading = submit(readResults, *large_result)
            host.wait_until(reading.done, SECONDS)
            showSegmentation(reading.result(), segmentation, settings, volume)
            showDisagreement(reading.result(), segmentation, volume)
            host.process_events()
        pauses.append(meter.longest)
        assert segmentation.GetSegmentation().GetNumberOfSegments() == 2
    assert min(pauses) < PAUSE_SECONDS
