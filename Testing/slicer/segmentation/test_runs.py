"""Runs from Apply to their results, as a user meets them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import SECONDS
from .facts import has_grid_of, segments_of


def test_a_loaded_ct_is_segmented_with_one_click(
    host: Any, open_panel: Any, install: Any, whole_ct: Any, finish: Any
) -> None:
    install("body.zip")
    panel = open_panel()
    host.click(panel.ui.applyButton)
    assert host.is_shown(panel.ui.cancelButton)
    seen = []
    while panel.logic.queue.current is not None:
        host.process_events()
        seen.append(panel.ui.statusLabel.text)
        time.sleep(0.005)
    finish(panel)
    assert any("loading the model" in text for text in seen)
    assert any(" %" in text for text in seen)
    segmentation = panel.panel.parameters.segmentation
    assert segmentation.GetName() == "example_ct segmentation"
    assert list(segments_of(segmentation)) == ["liver", "kidney"]
    assert sum(segments_of(segmentation).values()) > 0
    assert has_grid_of(segmentation, whole_ct)
    assert panel.ui.statusLabel.text == "example_ct: done."
    assert not host.is_shown(panel.ui.cancelButton)


def test_a_hippocampus_is_segmented_with_three_clicks(
    host: Any, open_panel: Any, install: Any, ct: Any, hippocampus: Path, choose_model: Any, apply: Any
) -> None:
    import slicer

    install("body.zip", "hippocampus.zip")
    panel = open_panel()
    scan = next(iter(sorted((hippocampus / "imagesTr").glob("hippo*.nii.gz"))))
    volume = slicer.util.loadVolume(str(scan))
    choose_model(panel, "Hippocampus")
    host.choose(panel.panel.inputs.selectors[0], volume.GetName())
    apply(panel)
    segmentation = panel.panel.parameters.segmentation
    assert list(segments_of(segmentation)) == ["Anterior", "Posterior"]
    assert has_grid_of(segmentation, volume)


def test_results_lie_beside_the_volume_with_a_table_and_an_uncertainty_map(
    host: Any, panel: Any, ct: Any, apply: Any
) -> None:
    import qt
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Patient")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(ct), folder)
    host.click(panel.ui.disagreementBox)
    apply(panel)
    results = panel.panel.progress.shown.results
    nodes = [slicer.mrmlScene.GetNodeByID(identifier) for identifier in vars(results).values()]
    assert all(hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == folder for node in nodes)
    segmentation, uncertainty, table = nodes
    voxels = slicer.util.arrayFromVolume(uncertainty)
    assert voxels.shape == slicer.util.arrayFromVolume(ct).shape
    assert 0 <= voxels.min() < voxels.max() <= 100
    milliliters = np.prod(ct.GetSpacing()) / 1000
    assert [table.GetColumnName(column) for column in range(4)] == ["Segment", "Volume [ml]", "Surface [cm²]", "Mean"]
    for row, (name, count) in enumerate(segments_of(segmentation).items()):
        assert table.GetCellText(row, 0) == name
        assert float(table.GetCellText(row, 1)) == pytest.approx(count * milliliters, abs=0.01)
    assert panel.ui.segmentsView.segmentationNode() is segmentation
    assert panel.ui.statisticsView.mrmlTableNode() is table
    shown = panel.ui.statisticsView.model()
    headers = [shown.headerData(column, qt.Qt.Horizontal) for column in range(shown.columnCount())]
    assert headers == ["Segment", "Volume [ml]", "Surface [cm²]", "Mean"]
    assert [shown.index(row, 0).data() for row in range(shown.rowCount())] == ["liver", "kidney"]
    host.click(panel.ui.show3DButton)
    assert segmentation.GetSegmentation().ContainsRepresentation("Closed surface")


def test_several_runs_wait_for_their_turn(host: Any, open_panel: Any, install: Any, whole_ct: Any, finish: Any) -> None:
    import slicer

    install("body.zip")
    panel = open_panel()
    for _ in range(3):
        host.click(panel.ui.applyButton)
    assert panel.logic.queue.waiting == 2
    assert "2 waiting" in panel.ui.statusLabel.text
    finish(panel)
    made = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")]
    assert made == ["example_ct segmentation", "example_ct segmentation_1", "example_ct segmentation_2"]


def test_a_run_that_fails_says_why(
    host: Any, open_panel: Any, install: Any, ct: Any, apply: Any, choose_model: Any
) -> None:
    install("flipped.zip", "body.zip")
    panel = open_panel()
    choose_model(panel, "Flipped")
    apply(panel)
    assert "example_ct failed." in panel.ui.statusLabel.text
    assert "checksum" in panel.ui.statusLabel.text
    host.click(panel.ui.logBox)
    assert "checksum" in panel.ui.logText.plainText
    assert panel.panel.parameters.segmentation is None


def test_memory_and_time_are_predicted(host: Any, panel: Any, apply: Any) -> None:
    host.wait_until(lambda: "GiB" in panel.ui.estimateLabel.text, SECONDS)
    assert "windows" in panel.ui.estimateLabel.text
    apply(panel)
    host.wait_until(lambda: "about" in panel.ui.estimateLabel.text, SECONDS)


def test_a_run_that_ends_while_another_module_is_shown_becomes_the_output(host: Any, panel: Any, finish: Any) -> None:
    host.click(panel.ui.applyButton)
    panel.exit()
    finish(panel)
    panel.enter()
    assert panel.panel.parameters.segmentation.GetName() == "example_ct segmentation"
    assert panel.ui.segmentationSelector.currentNode() is panel.panel.parameters.segmentation


def test_a_scan_of_one_window_shows_progress(
    host: Any, panel: Any, ct: Any, finish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two networks: after the first, half is done. Until then the bar moves without a number."""
    import slicer

    small = slicer.util.addVolumeFromArray(np.arange(8**3, dtype=np.int16).reshape(8, 8, 8), name="Small")
    small.SetSpacing(6.0, 6.0, 6.0)  # the model's, so that it keeps its values
    host.choose(panel.panel.inputs.selectors[0], small.GetName())
    host.wait_until(lambda: panel.ui.applyButton.enabled)
    seen, bar, show = [], panel.ui.progressBar, panel.panel.progress.show

    def watch(run: Any) -> None:
        show(run)
        seen.append((bar.maximum, bar.value))

    monkeypatch.setattr(panel.panel.progress, "show", watch)
    host.click(panel.ui.applyButton)
    assert seen[-1][0] == 0
    finish(panel)
    assert panel.panel.progress.shown.total == 2
    assert (1000, 500) in seen


@pytest.mark.parametrize("deleted", ["segmentation", "statistics", "disagreement"])
def test_a_result_that_is_deleted_is_no_longer_offered(host: Any, panel: Any, apply: Any, deleted: str) -> None:
    import slicer

    host.click(panel.ui.disagreementBox)
    apply(panel)
    apply(panel)
    assert host.is_shown(panel.ui.undoButton)
    assert "uncertainty" in panel.ui.resultsLabel.text
    slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetNodeByID(getattr(panel.panel.progress.shown.results, deleted)))
    host.process_events()
    if deleted == "segmentation":
        assert not host.is_shown(panel.ui.undoButton)
        assert not host.is_shown(panel.ui.segmentsView)
        assert panel.ui.resultsLabel.text == "The last result was deleted."
    else:
        assert host.is_shown(panel.ui.undoButton)
        assert host.is_shown(panel.ui.statisticsView) == (deleted != "statistics")
        assert ("uncertainty" in panel.ui.resultsLabel.text) == (deleted != "disagreement")


def test_a_closed_scene_offers_no_result(host: Any, panel: Any, apply: Any) -> None:
    import slicer

    apply(panel)
    slicer.mrmlScene.Clear(False)
    host.process_events()
    assert not host.is_shown(panel.ui.segmentsView)
    assert panel.ui.segmentsView.segmentationNode() is None
