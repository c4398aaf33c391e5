"""Frames of a sequence, segmented into a sequence of segmentations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .facts import hidden_segments_of, labels_on, node


def beating_heart(frames: int) -> tuple[Any, Any]:
    """A sequence's browser, and the volume that shows its first frame."""
    import slicer

    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "Beat")
    for frame in range(frames):
        voxels = np.random.default_rng(frame).normal(50, 60, (16, 18, 20))
        volume = slicer.util.addVolumeFromArray(voxels, name="frame")
        volume.SetSpacing(8, 8, 8)
        sequence.SetDataNodeAtValue(volume, str(frame))
        slicer.mrmlScene.RemoveNode(volume)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "Browser")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    return browser, browser.GetProxyNode(sequence)


def test_only_the_frame_that_is_shown_changes_the_scene(logic: Any, model_files: Path) -> None:
    """Slicer copies and draws the whole segmentation each time that it changes, while the window stands still."""
    import slicer

    browser, proxy = beating_heart(frames=5)
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    changes = []

    def change(caller: Any, event: str) -> None:
        changes.append(run_so_far[-1].position if run_so_far else 0)

    run_so_far: list[Any] = []
    segmentation.AddObserver("ModifiedEvent", change)
    segmentation.AddObserver(slicer.vtkSegmentation.SegmentAdded, change)
    browser.SetSelectedItemNumber(1)
    arguments = {"model": model_files / "body.zip", "allFrames": True, "device": "cpu"}
    logic.segment(proxy, segmentation, **arguments, onProgress=run_so_far.append)
    assert set(changes) == {0, 1, 4}  # it became a part of the browser; the shown frame; the last one


def test_every_frame_of_a_sequence_is_segmented(logic: Any, model_files: Path) -> None:
    import slicer

    browser, proxy = beating_heart(frames=3)
    run = logic.segment(proxy, model=model_files / "body.zip", allFrames=True, device="cpu")
    assert [case.state.value for case in run.cases] == ["done"] * 3
    segmentation = node(run.results.segmentation)
    made = browser.GetSequenceNode(segmentation)
    assert made.GetNumberOfDataNodes() == 3
    assert browser.GetProxyNode(made) is segmentation
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == [segmentation]
    frames = [made.GetNthDataNode(frame).GetSegmentation().GetSegmentIDs() for frame in range(3)]
    assert frames[0] == frames[1] == frames[2]
    counts = []
    for frame in range(3):
        browser.SetSelectedItemNumber(frame)
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
        counts.append(int(labels_on(segmentation, proxy).sum()))
        assert hidden_segments_of(segmentation) == []
    assert len(set(counts)) == 3


def test_a_frame_that_the_browser_does_not_show_leaves_what_is_shown(logic: Any, model_files: Path) -> None:
    """Its segments are let go of before Slicer replaces them, and it does not where synchronization is off."""
    browser, proxy = beating_heart(frames=2)
    arguments = {"model": model_files / "body.zip", "allFrames": True, "device": "cpu"}
    segmentation = node(logic.segment(proxy, **arguments).results.segmentation)
    browser.SetPlayback(browser.GetSequenceNode(segmentation), False)
    display = segmentation.GetDisplayNode()
    first = segmentation.GetSegmentation().GetNthSegment(0).GetName()
    display.SetSegmentVisibility(segmentation.GetSegmentation().GetNthSegmentID(0), False)
    before = labels_on(segmentation, proxy)
    assert before.any()
    logic.segment(proxy, segmentation, **arguments, overwrite=True)
    assert (labels_on(segmentation, proxy) == before).all()
    assert hidden_segments_of(segmentation) == [first]


def test_channels_with_other_frames_are_segmented_as_the_browser_shows_them(host: Any) -> None:
    """The frames of all sequences were taken by their numbers, so that channels of other times came together."""
    import slicer
    from DiNTSSegmentationLib.node_cases import Target
    from DiNTSSegmentationLib.sequences import frameCases

    browser, proxy = beating_heart(frames=4)
    sparse = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "Every second one")
    for frame in (1, 3):
        volume = slicer.util.addVolumeFromArray(np.full((16, 18, 20), frame, np.int16), name="frame")
        sparse.SetDataNodeAtValue(volume, str(frame))
        slicer.mrmlScene.RemoveNode(volume)
    browser.AddSynchronizedSequenceNode(sparse)
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    cases = frameCases([proxy, browser.GetProxyNode(sparse)], "", Target(None, "Result"))
    shown = [int(slicer.util.arrayFromVolume(case.volumes()[1])[0, 0, 0]) for case in cases]
    assert shown == [1, 1, 1, 3]
    sparse.RemoveAllDataNodes()
    with pytest.raises(LookupError, match="“Every second one” has no frame at 0"):
        cases[0].volumes()
