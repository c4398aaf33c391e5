"""When Apply is possible, what the panel says when it is not, and what the panel keeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def test_why_apply_is_disabled_stands_beside_it(
    host: Any, open_panel: Any, install: Any, choose_model: Any, shared_data: Path
) -> None:
    import slicer

    panel = open_panel()
    assert not panel.ui.applyButton.enabled
    assert panel.ui.reasonLabel.text == "Import a model first."
    assert "No model is installed" in panel.ui.modelDescription.text
    install("body.zip", "pair.zip", "cut.zip")
    panel.exit()
    panel.enter()
    assert panel.ui.reasonLabel.text == "Choose a volume for “image”."
    ct = slicer.util.loadVolume(str(shared_data / "ct" / "example_ct.nii.gz"))
    host.wait_until(lambda: panel.ui.applyButton.enabled)
    assert panel.ui.reasonLabel.text == ""
    choose_model(panel, "cut.zip")
    host.wait_until(lambda: "damaged" in panel.ui.reasonLabel.text)
    assert "manifest.json cannot be read" in panel.ui.modelDescription.text
    choose_model(panel, "Pair")
    host.wait_until(lambda: panel.ui.reasonLabel.text == "Choose a volume for “T2”.")
    other = slicer.util.loadVolume(str(shared_data / "mr" / "example_mr.nii.gz"))
    host.choose(panel.panel.inputs.selectors[1], other.GetName())
    host.wait_until(lambda: "differ in size or place" in panel.ui.reasonLabel.text)
    assert not panel.ui.applyButton.enabled
    host.choose(panel.panel.inputs.selectors[1], ct.GetName())
    host.wait_until(lambda: panel.ui.applyButton.enabled)


@pytest.mark.shown  # else it looks at the scene when it is entered
def test_parameters_survive_saving_and_loading_the_scene(
    host: Any, open_panel: Any, install: Any, ct: Any, choose_model: Any, tmp_path: Path
) -> None:
    import slicer

    install("body.zip", "pair.zip")
    panel = open_panel()
    choose_model(panel, "Pair")
    host.choose(panel.panel.inputs.selectors[1], "example_ct")
    host.choose(panel.ui.qualityBox, "Quick: one network")
    host.click(panel.ui.advancedBox)
    host.choose(panel.panel.cleanup.boxes[0], "On")
    scene = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(scene))
    slicer.mrmlScene.Clear(False)
    host.process_events()
    assert panel.panel.models.chosen.name == "Body"
    slicer.util.loadScene(str(scene))
    host.process_events()
    assert panel.panel.models.chosen.name == "Pair"
    assert [volume.GetName() for volume in panel.panel.inputs.volumes] == ["example_ct", "example_ct"]
    assert panel.ui.qualityBox.currentText.startswith("Quick")
    assert dict(panel.panel.parameters.cleanup) == {"tumor": "on"}


def test_the_panel_says_what_must_be_installed(
    host: Any, open_panel: Any, install: Any, ct: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from DiNTSLib import dependencies

    install("body.zip")
    monkeypatch.setattr(dependencies, "missing", lambda: ["torch"])
    panel = open_panel()
    assert not panel.ui.applyButton.enabled
    assert panel.ui.reasonLabel.text == "torch must be installed first."
    assert host.is_shown(panel.ui.installButton)
    assert panel.ui.estimateLabel.text == ""


def test_a_region_that_is_moved_is_noticed(host: Any, panel: Any, ct: Any) -> None:
    import slicer

    region = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Region")
    region.SetSize([50, 50, 50])
    inside = [sum(pair) / 2 for pair in zip(*[iter(_bounds(ct))] * 2, strict=True)]
    region.SetCenter(inside)
    host.choose(panel.ui.regionSelector, "Region")
    host.wait_until(lambda: panel.ui.applyButton.enabled)
    region.SetCenter([9999, 0, 0])
    host.wait_until(lambda: "lies outside" in panel.ui.reasonLabel.text)
    assert not panel.ui.applyButton.enabled
    region.SetCenter(inside)
    host.wait_until(lambda: panel.ui.applyButton.enabled)
    assert panel.ui.reasonLabel.text == ""


def test_what_becomes_of_chosen_nodes_is_noticed(host: Any, panel: Any, ct: Any) -> None:
    """Something is drawn into the segmentation; the volume is moved away from its region and loses its voxels."""
    import slicer
    import vtk

    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    host.choose(panel.ui.segmentationSelector, "Mine")
    host.wait_until(lambda: panel.ui.applyButton.enabled)
    segmentation.GetSegmentation().AddEmptySegment("drawn", "drawn")
    host.wait_until(lambda: "edited by hand" in panel.ui.reasonLabel.text)
    segmentation.GetSegmentation().RemoveAllSegments()
    host.wait_until(lambda: panel.ui.applyButton.enabled)
    region = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Region")
    region.SetSize([50, 50, 50])
    region.SetCenter([sum(pair) / 2 for pair in zip(*[iter(_bounds(ct))] * 2, strict=True)])
    host.choose(panel.ui.regionSelector, "Region")
    away, matrix = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Away"), vtk.vtkMatrix4x4()
    ct.SetAndObserveTransformNodeID(away.GetID())
    host.wait_until(lambda: panel.ui.applyButton.enabled)
    matrix.SetElement(0, 3, 9999)
    away.SetMatrixTransformToParent(matrix)
    host.wait_until(lambda: "lies outside" in panel.ui.reasonLabel.text)
    ct.SetAndObserveTransformNodeID(None)
    host.wait_until(lambda: panel.ui.applyButton.enabled)
    ct.SetAndObserveImageData(None)
    host.wait_until(lambda: "has no voxels" in panel.ui.reasonLabel.text)


def _bounds(volume: Any) -> list[float]:
    bounds = [0.0] * 6
    volume.GetRASBounds(bounds)
    return bounds


def test_one_window_is_one_window(shared_worker: None) -> None:
    from DiNTSSegmentationLib.estimate_line import estimateText

    values = {"memory": 2**30, "seconds": None, "device": "cpu", "device_memory": None, "at_most": False}
    assert estimateText({**values, "windows": 1}) == "Needs up to 1.0 GiB; 1 window; on the CPU."
    assert estimateText({**values, "windows": 8}) == "Needs up to 1.0 GiB; 8 windows; on the CPU."


def test_the_time_of_a_model_that_looks_first_is_one_at_most(shared_worker: None) -> None:
    from DiNTSSegmentationLib.estimate_line import estimateText

    values = {"memory": 2**30, "windows": 8, "seconds": 60.0, "device": "cpu", "device_memory": None}
    assert "; about 1 min" in estimateText({**values, "at_most": False})
    assert "; at most 1 min" in estimateText({**values, "at_most": True})


ESTIMATE = {"memory": 2**30, "windows": 8, "seconds": 60.0, "device": "cpu", "device_memory": None, "at_most": False}


@pytest.fixture
def asked(panel: Any, ct: Any, monkeypatch: pytest.MonkeyPatch) -> list[Callable]:
    """What takes the answers to the panel's questions, in order; the panel waits for the first one."""
    takers: list[Callable] = []
    panel.panel.estimate._timer.setInterval(0)
    monkeypatch.setattr(panel.panel.logic.worker, "submit", lambda job, take, ended: takers.append(take))
    panel.panel.update()
    return takers


def predicted(host: Any, panel: Any, takers: list[Callable]) -> str:
    """What the panel says when the last question was answered."""
    timers = panel.panel._timer, panel.panel.estimate._timer
    host.wait_until(lambda: takers and not any(timer.active for timer in timers))
    takers[-1]({"event": "result", "values": dict(ESTIMATE)})
    return panel.ui.estimateLabel.text


def test_what_was_predicted_for_other_choices_goes_before_the_answer_comes(
    host: Any, panel: Any, asked: list[Callable]
) -> None:
    assert predicted(host, panel, asked) == "Needs up to 1.0 GiB; 8 windows; about 1 min; on the CPU."
    count = len(asked)
    panel.panel.update()
    host.wait_until(lambda: len(asked) > count)
    assert "8 windows" in panel.ui.estimateLabel.text  # the same question
    count = len(asked)
    host.choose(panel.ui.qualityBox, "Best: all, mirrored")
    host.wait_until(lambda: len(asked) > count)
    assert panel.ui.estimateLabel.text == ""


def test_a_region_takes_at_most_what_the_whole_volume_takes(
    host: Any, panel: Any, ct: Any, asked: list[Callable]
) -> None:
    import slicer

    region = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Region")
    region.SetSize([50, 50, 50])
    region.SetCenter([sum(pair) / 2 for pair in zip(*[iter(_bounds(ct))] * 2, strict=True)])
    host.choose(panel.ui.regionSelector, "Region")
    host.wait_until(lambda: panel.panel.parameters.region is region)
    asked.clear()
    panel.panel.update()
    assert predicted(host, panel, asked) == "Needs up to 1.0 GiB; 8 windows; at most 1 min; on the CPU."


def test_all_frames_take_as_long_as_each_of_them_together(host: Any, panel: Any, asked: list[Callable]) -> None:
    from .test_sequences import beating_heart

    _browser, proxy = beating_heart(frames=5)
    host.choose(panel.panel.inputs.selectors[0], proxy.GetName())
    panel.panel.parameters.allFrames = True
    asked.clear()
    panel.panel.update()
    assert predicted(host, panel, asked) == "Needs up to 1.0 GiB; 40 windows; about 5 min; on the CPU."


def test_channels_under_different_transforms_are_in_different_places(host: Any) -> None:
    import numpy as np
    import slicer
    import vtk
    from DiNTSSegmentationLib.region import sameGrid

    volumes = [slicer.util.addVolumeFromArray(np.zeros((4, 4, 4))) for _channel in range(2)]
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    assert sameGrid(volumes)
    volumes[1].SetAndObserveTransformNodeID(transform.GetID())
    assert sameGrid(volumes)  # it moves nothing
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 2.0)
    transform.SetMatrixTransformToParent(matrix)
    assert not sameGrid(volumes)
    volumes[0].SetAndObserveTransformNodeID(transform.GetID())
    assert sameGrid(volumes)


def test_a_scan_is_chosen_though_the_views_show_what_cannot_be_segmented(host: Any, open_panel: Any) -> None:
    import slicer

    slicer.util.addVolumeFromArray(np.zeros((8, 8, 8), np.int16), name="Scan")
    colours = np.zeros((2, 8, 8, 3), np.uint8)
    photograph = slicer.util.addVolumeFromArray(colours, nodeClassName="vtkMRMLVectorVolumeNode")
    slicer.app.applicationLogic().GetSelectionNode().SetActiveVolumeID(photograph.GetID())
    assert open_panel().panel.inputs.volumes[0].GetName() == "Scan"
