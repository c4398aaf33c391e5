"""Segmentations that somebody worked on: not replaced silently, and brought back in one step."""

from __future__ import annotations

from typing import Any

import pytest

from .facts import segments_of


@pytest.fixture
def edited(panel: Any, ct: Any, apply: Any) -> Any:
    """The panel with a result that was edited by hand."""
    import slicer

    apply(panel)
    segmentation = panel.panel.parameters.segmentation
    assert not panel.ui.editedFrame.visible
    name = segmentation.GetSegmentation().GetNthSegmentID(0)
    voxels = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, name, ct)
    voxels[:2] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, segmentation, name, ct)
    panel.exit()
    panel.enter()
    return panel


def test_an_edited_segmentation_is_not_replaced_silently(host: Any, edited: Any, apply: Any) -> None:
    segmentation = edited.panel.parameters.segmentation
    work = segments_of(segmentation)
    assert edited.ui.editedFrame.visible
    assert not edited.ui.applyButton.enabled
    assert "edited by hand" in edited.ui.reasonLabel.text
    host.click(edited.ui.newSegmentationButton)
    host.wait_until(lambda: edited.ui.applyButton.enabled)
    apply(edited)
    assert segments_of(segmentation) == work
    assert edited.panel.parameters.segmentation is not segmentation


def test_a_replaced_segmentation_comes_back_in_one_step(host: Any, edited: Any, apply: Any) -> None:
    segmentation = edited.panel.parameters.segmentation
    work = segments_of(segmentation)
    assert not edited.ui.undoButton.visible
    host.click(edited.ui.replaceButton)
    apply(edited)
    assert segments_of(segmentation) != work
    host.click(edited.ui.undoButton)
    assert segments_of(segmentation) == work
    assert segmentation.GetSegmentation().GetNumberOfSegments() == len(work)
    assert not edited.ui.undoButton.visible
    assert edited.ui.editedFrame.visible
    assert "as it was before" in edited.ui.resultsLabel.text


def test_a_result_that_another_one_replaced_comes_back_whole(host: Any, panel: Any, apply: Any) -> None:
    """Its segments share one image, which VTK would take apart when it removes them."""
    apply(panel)
    segmentation = panel.panel.parameters.segmentation
    first = segments_of(segmentation)
    host.choose(panel.ui.qualityBox, "Quick: one network, little overlap")
    apply(panel)
    assert panel.panel.parameters.segmentation is segmentation
    assert segments_of(segmentation) != first
    host.click(panel.ui.undoButton)
    assert segments_of(segmentation) == first
    assert not panel.ui.editedFrame.visible
