"""Correct and learn, with a process in place of the engine that does what the test says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .facts import segments_of
from .fake_engine import TELLTALE, FakeProcess
from .test_batch import line_of


def test_the_buttons_say_what_is_missing(host: Any, panel: Any, ct: Any, tmp_path: Path) -> None:
    import slicer

    host.click(panel.ui.learnSection)
    buttons = (panel.ui.correctButton, panel.ui.addButton, panel.ui.improveButton, panel.ui.rankButton)
    assert [button.enabled for button in buttons] == [False] * 4
    assert panel.ui.learnLabel.text == "Choose the segmentation that was corrected."
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    segmentation.GetSegmentation().AddEmptySegment("kidney", "kidney")
    panel.panel.parameters.segmentation = segmentation
    host.wait_until(lambda: panel.ui.correctButton.enabled)
    assert panel.ui.learnLabel.text == "Choose a folder for the data set."
    (tmp_path / "dataset.json").write_text("[]")
    host.type_text(line_of(panel.ui.dataSetEdit), str(tmp_path))
    host.wait_until(lambda: "dataset.json cannot be read" in panel.ui.learnLabel.text)
    assert not panel.ui.addButton.enabled


def test_correct_opens_the_segmentation_and_its_scan_in_segment_editor(
    host: Any, window: Any, corrected: Any, ct: Any
) -> None:
    import slicer

    segmentation = corrected.panel.parameters.segmentation
    segmentation.CreateDefaultDisplayNodes()
    segmentation.GetDisplayNode().SetVisibility(False)  # as while another scan was open
    host.click(corrected.ui.correctButton)
    assert segmentation.GetDisplayNode().GetVisibility()
    assert slicer.util.selectedModule() == "SegmentEditor"
    editor = slicer.modules.SegmentEditorWidget.editor
    assert editor.segmentationNode() is segmentation
    assert editor.sourceVolumeNode() is ct


def test_a_correction_is_added_by_the_names_of_its_segments_and_without_the_patients(
    host: Any, corrected: Any, ct: Any, processes: list[FakeProcess]
) -> None:
    import SimpleITK as sitk
    import slicer

    host.click(corrected.ui.addButton)
    host.wait_until(lambda: len(processes) == 1)
    process = processes[0]
    assert process.arguments[0] == "add"
    assert not any(TELLTALE in argument for argument in process.arguments)
    image, labels = Path(process["--image"]), Path(process["--labels"])
    assert TELLTALE.encode() not in image.read_bytes() + labels.read_bytes()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(image))), slicer.util.arrayFromVolume(ct))
    label = sitk.ReadImage(str(labels))
    names = {label.GetMetaData(f"Segment{n}_LabelValue"): label.GetMetaData(f"Segment{n}_Name") for n in (0, 1)}
    assert names == {"2": "kidney", "3": "new finding"}  # "kidney" is 2 of the model, whose labels end there
    expected = np.zeros(sitk.GetArrayFromImage(label).shape)
    expected[3:5, 3:5, 3:5], expected[6:8, 6:8, 6:8] = 2, 3
    np.testing.assert_array_equal(sitk.GetArrayFromImage(label), expected)
    assert not corrected.ui.addButton.enabled
    process.finish("case", {"case": "0001", "held_out": False, "replaced": False, "training": 1, "held": 0})
    assert corrected.ui.learnLabel.text == "Case 0001 is added, to learn from."
    host.wait_until(lambda: not image.parent.exists())
    assert corrected.ui.addButton.enabled


def test_a_correction_that_cannot_be_added_stays_in_the_scene(
    host: Any, corrected: Any, processes: list[FakeProcess]
) -> None:
    before = segments_of(corrected.panel.parameters.segmentation)
    host.click(corrected.ui.addButton)
    host.wait_until(lambda: len(processes) == 1)
    processes[0].finish(code=2, sentence="The disk is full; free some space.")
    assert corrected.ui.learnLabel.text == "Adding a case failed. The disk is full; free some space."
    assert segments_of(corrected.panel.parameters.segmentation) == before
    assert corrected.ui.addButton.enabled


IMPROVED = {"verdict": "better", "sentence": "kidney: better (Dice +0.02).", "labels": [], "cases": [], "version": 2}


def improve(host: Any, panel: Any, processes: list[FakeProcess], tmp_path: Path) -> FakeProcess:
    folder = tmp_path / "corrections"
    folder.mkdir(exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps({"training": [{}] * 3, "validation": [{}]}))
    panel.panel.update()
    assert panel.ui.learnLabel.text == "3 cases to learn from, 1 held out to compare versions."
    host.click(panel.ui.improveButton)
    host.wait_until(lambda: len(processes) == 1)
    return processes[0]


def test_improving_shows_its_progress_and_can_be_cancelled(
    host: Any, corrected: Any, processes: list[FakeProcess], tmp_path: Path
) -> None:
    process = improve(host, corrected, processes, tmp_path)
    assert process.arguments[:3] == ["improve", "--model", corrected.panel.models.chosen.path]
    assert process["--data"] == str(tmp_path / "corrections")
    process.progress(30, 120)
    assert corrected.ui.statusLabel.text == "Improving Body, train fold 0, 25 %, 2 min left"
    assert host.is_shown(corrected.ui.progressBar)
    assert not corrected.ui.improveButton.enabled
    host.click(corrected.ui.cancelButton)
    assert corrected.ui.learnLabel.text == "Improving Body: cancelled."
    assert not host.is_shown(corrected.ui.useButton)
    assert corrected.ui.improveButton.enabled


def test_a_segmentation_goes_on_beside_an_improvement(
    host: Any, corrected: Any, processes: list[FakeProcess], tmp_path: Path, apply: Any
) -> None:
    process = improve(host, corrected, processes, tmp_path)
    process.progress(30, 120)
    corrected.panel.parameters.segmentation = None
    host.wait_until(lambda: corrected.ui.applyButton.enabled)
    apply(corrected)
    assert corrected.ui.statusLabel.text == f"{TELLTALE}: done."
    assert host.is_shown(corrected.ui.cancelButton)  # of the improvement
    process.progress(60, 120)
    assert "Improving Body, train fold 0, 50 %" in corrected.ui.statusLabel.text
    process.finish("improvement", {**IMPROVED, "path": None, "forgetting": None})


@pytest.mark.parametrize("path", [None, "new.zip"])
def test_only_a_version_that_is_not_worse_is_offered(
    host: Any, corrected: Any, processes: list[FakeProcess], tmp_path: Path, path: str | None
) -> None:
    process = improve(host, corrected, processes, tmp_path)
    forgetting = {"sentence": "What was learnt before is kept."}
    process.finish("improvement", {**IMPROVED, "path": path, "forgetting": forgetting})
    assert corrected.ui.learnLabel.text == "kidney: better (Dice +0.02). What was learnt before is kept."
    assert host.is_shown(corrected.ui.useButton) == (path is not None)


@pytest.mark.parametrize("way", ["double click", "Return"])
def test_scans_are_ranked_and_opened_with_their_proposals(
    host: Any, corrected: Any, processes: list[FakeProcess], tmp_path: Path, shared_data: Path, way: str
) -> None:
    import slicer

    scans = tmp_path / "scans"
    scans.mkdir()
    shutil.copy(shared_data / "ct" / "example_ct_crop.nii.gz", scans / "a.nii.gz")
    write_proposal(scans / "a.nii.gz", tmp_path / "a.nii.gz")
    host.type_text(line_of(corrected.ui.scansEdit), str(scans))
    host.wait_until(lambda: corrected.ui.rankButton.enabled)
    host.click(corrected.ui.rankButton)
    host.wait_until(lambda: len(processes) == 1)
    process = processes[0]
    assert (process.arguments[0], process["--output"]) == ("rank", str(tmp_path / "scans proposals"))
    unsure = {"case": "a", "images": [str(scans / "a.nii.gz")], "proposal": str(tmp_path / "a.nii.gz")}
    unsure |= {"disagreement": 0.08, "predicted_dice": 0.834, "error": 0.03}
    sure = {**unsure, "case": "b", "disagreement": 0.01, "predicted_dice": None, "error": None}
    for row in (sure, unsure):
        process.onEvent({"event": "result", "name": "ranked", "values": row})
    process.finish("ranking", {"path": "ranking.csv", "error": 0.03, "cases": [unsure, sure]})
    tree = corrected.ui.rankTree
    texts = [[tree.topLevelItem(row).text(column) for column in range(3)] for row in range(tree.topLevelItemCount)]
    assert texts == [["a", "0.080", "0.83 ± 0.03"], ["b", "0.010", ""]]
    before = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    open_first(host, tree, way)
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == len(before) + 1
    assert [volume.GetName() for volume in corrected.panel.inputs.volumes] == ["a"]
    assert segments_of(corrected.panel.parameters.segmentation) == {"liver": 0, "kidney": 1}


def write_proposal(scan: Path, path: Path) -> None:
    """One voxel of the second label."""
    import SimpleITK as sitk

    image = sitk.ReadImage(str(scan))
    proposal = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    proposal.CopyInformation(image)
    proposal[5, 5, 5] = 2
    sitk.WriteImage(proposal, str(path))


def open_first(host: Any, tree: Any, way: str) -> None:
    """With real events of mouse or keyboard."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from Testing.host.driving import reachable

    if way == "double click":
        host.double_click_cell(tree, 0, 1)
    else:
        tree.setCurrentItem(tree.topLevelItem(0))
        QTest.keyClick(reachable(tree), Qt.Key.Key_Return)
    host.process_events()


def test_a_scan_in_which_nothing_was_found_is_ranked_with_that(corrected: Any) -> None:
    row = {"case": "empty", "disagreement": None, "predicted_dice": None, "error": 0.03, "proposal": "empty.nii.gz"}
    corrected.panel.learn.ranking.show([row])
    item = corrected.ui.rankTree.topLevelItem(0)
    assert [item.text(column) for column in range(3)] == ["empty", "nothing found", ""]


def test_a_result_and_its_line_of_a_batch_say_how_good_it_will_be(host: Any, panel: Any, apply: Any) -> None:
    host.wait_until(lambda: panel.ui.applyButton.enabled)
    apply(panel)
    assert "Dice" not in panel.ui.resultsLabel.text  # the model was not calibrated
    run = panel.panel.progress.shown
    run.cases[0].values["assessment"] = {"disagreement": 0.1, "predicted_dice": 0.834, "error": 0.031}
    panel.panel.results.show(run)
    panel.panel.batch.show(run)
    assert "; predicted Dice 0.83 ± 0.03" in panel.ui.resultsLabel.text
    assert panel.ui.batchTree.topLevelItem(0).text(2).endswith("; predicted Dice 0.83 ± 0.03")


def test_a_result_says_whether_what_was_left_out_was_measured_with_its_windows(
    host: Any, panel: Any, apply: Any
) -> None:
    host.wait_until(lambda: panel.ui.applyButton.enabled)
    apply(panel)
    run = panel.panel.progress.shown
    assert run.cases[0].values["bound_holds"]
    for holds in (True, False):
        run.cases[0].values |= {"computed": 5, "windows": 8, "bound_holds": holds}
        panel.panel.results.show(run)
        assert "; 5 of 8 windows were computed" in panel.ui.resultsLabel.text
        assert panel.ui.resultsLabel.text.endswith("“Best” computes all") is not holds
