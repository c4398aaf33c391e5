"""Segmentations that somebody worked on: not replaced silently, and brought back in one step."""

from __future__ import annotations

from typing import Any

import pytest

from .facts import hidden_segments_of, segments_of


@pytest.fixture
def edited(host: Any, panel: Any, ct: Any, apply: Any) -> Any:
    """The panel with a result that was edited by hand."""
    apply(panel)
    assert not host.is_shown(panel.ui.editedFrame)
    edit(panel, ct)
    panel.exit()
    panel.enter()
    return panel


def edit(panel: Any, ct: Any) -> None:
    """As a painting effect of Segment Editor does."""
    import slicer

    segmentation = panel.panel.parameters.segmentation
    name = segmentation.GetSegmentation().GetNthSegmentID(0)
    voxels = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, name, ct)
    voxels[:2] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, segmentation, name, ct)


def test_an_edited_segmentation_is_not_replaced_silently(host: Any, edited: Any, apply: Any) -> None:
    segmentation = edited.panel.parameters.segmentation
    work = segments_of(segmentation)
    assert host.is_shown(edited.ui.editedFrame)
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
    assert not host.is_shown(edited.ui.undoButton)
    host.click(edited.ui.replaceButton)
    apply(edited)
    assert segments_of(segmentation) != work
    assert hidden_segments_of(segmentation) == []
    host.click(edited.ui.undoButton)
    assert segments_of(segmentation) == work
    assert hidden_segments_of(segmentation) == []
    assert segmentation.GetSegmentation().GetNumberOfSegments() == len(work)
    assert not host.is_shown(edited.ui.undoButton)
    assert host.is_shown(edited.ui.editedFrame)
    assert "as it was before" in edited.ui.resultsLabel.text


def test_undo_asks_before_it_loses_what_was_drawn_since(host: Any, panel: Any, ct: Any, apply: Any) -> None:
    apply(panel)
    segmentation = panel.panel.parameters.segmentation
    first = segments_of(segmentation)
    apply(panel)
    edit(panel, ct)
    drawn = segments_of(segmentation)
    with host.answering("Cancel"):
        host.click(panel.ui.undoButton)
    assert segments_of(segmentation) == drawn
    assert host.is_shown(panel.ui.undoButton)
    with host.answering("OK"):
        host.click(panel.ui.undoButton)
    assert segments_of(segmentation) == first
    assert not host.is_shown(panel.ui.undoButton)


def test_a_result_that_another_one_replaced_comes_back_whole(host: Any, panel: Any, apply: Any) -> None:
    """Its segments share one image, which VTK would take apart when it removes them."""
    apply(panel)
    segmentation = panel.panel.parameters.segmentation
    first = segments_of(segmentation)
    host.choose(panel.ui.qualityBox, "Quick: one network")
    apply(panel)
    assert panel.panel.parameters.segmentation is segmentation
    assert segments_of(segmentation) != first
    host.click(panel.ui.undoButton)
    assert segments_of(segmentation) == first
    assert not host.is_shown(panel.ui.editedFrame)


def test_a_second_result_shows_all_its_segments_and_undo_hides_what_was_hidden(
    host: Any, open_panel: Any, install: Any, ct: Any, choose_model: Any, apply: Any
) -> None:
    """Other segments than before: those of another model, in a segmentation that already has some."""
    install("body.zip", "hippocampus.zip")
    ct.SetSpacing(1.0, 1.0, 1.0)  # a small scan: the second model's grid is fine
    panel = open_panel()
    choose_model(panel, "Body")
    apply(panel)
    segmentation = panel.panel.parameters.segmentation
    first = segmentation.GetSegmentation().GetNthSegmentID(0)
    segmentation.GetDisplayNode().SetSegmentVisibility(first, False)
    choose_model(panel, "Hippocampus")
    apply(panel)
    assert list(segments_of(segmentation)) == ["Anterior", "Posterior"]
    assert hidden_segments_of(segmentation) == []
    host.click(panel.ui.undoButton)
    assert list(segments_of(segmentation)) == ["liver", "kidney"]
    assert hidden_segments_of(segmentation) == ["liver"]


def test_what_was_drawn_and_given_up_is_replaced_by_segments_that_are_all_shown(
    host: Any, panel: Any, ct: Any, apply: Any
) -> None:
    import slicer

    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.GetSegmentation().AddEmptySegment("drawn", "drawn")
    host.choose(panel.ui.segmentationSelector, "Mine")
    host.wait_until(lambda: host.is_shown(panel.ui.replaceButton))
    host.click(panel.ui.replaceButton)
    apply(panel)
    assert list(segments_of(segmentation)) == ["liver", "kidney"]
    assert hidden_segments_of(segmentation) == []


def test_a_segment_that_was_hidden_stays_so_when_it_is_made_anew(host: Any, panel: Any, apply: Any) -> None:
    apply(panel)
    segmentation = panel.panel.parameters.segmentation
    kidney = segmentation.GetSegmentation().GetSegmentIdBySegmentName("kidney")
    segmentation.GetDisplayNode().SetSegmentVisibility(kidney, False)
    apply(panel)
    assert panel.panel.parameters.segmentation is segmentation
    assert hidden_segments_of(segmentation) == ["kidney"]
