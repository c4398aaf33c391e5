"""Cases whose labels may be wrong: listed below the scores, and opened at the place that differs most."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from .conftest import start
from .states import suspect

PLACE = (-4.0, -5.0, 6.0)  # mm, RAS


@pytest.fixture
def views(host: Any) -> None:
    """Those of slices, as the scene knows them."""
    import slicer

    for name in ("Red", "Green", "Yellow"):
        view = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceNode", name)
        view.SetLayoutName(name)


@pytest.fixture
def opened(faked: Any, host: Any, run_folder: Path) -> Any:
    """The panel at the scores of a run with a case, its prediction, and a suspicion."""
    import numpy as np
    import SimpleITK as sitk

    from dints.files.storage import read_json, write_json

    image = sitk.GetImageFromArray(np.zeros((12, 12, 12), np.float32))
    label = sitk.GetImageFromArray(np.ones((12, 12, 12), np.uint8))
    sitk.WriteImage(image, str(run_folder / "image.nrrd"))
    sitk.WriteImage(label, str(run_folder / "label.nrrd"))
    (run_folder / "evaluation" / "predictions").mkdir()
    sitk.WriteImage(label, str(run_folder / "evaluation" / "predictions" / "case0.nii.gz"))
    suspect(run_folder, 2)
    file = run_folder / "evaluation" / "suspects.json"
    suspects = read_json(file)["suspects"]
    suspects[0] |= {"case": "case0", "world": list(PLACE)}
    write_json(file, {"suspects": suspects})
    faked.parameters.runFolder = str(run_folder)
    faked.open(faked.retrain)
    host.process_events()
    return faked


def rows_of(panel: Any) -> list[list[str]]:
    table = panel.ui.suspectsTable
    return [[table.item(row, column).text() for column in range(4)] for row in range(table.rowCount)]


def is_shown_at_the_place() -> bool:
    """Whether the pair is there and all slice views are centred where it differs most."""
    import slicer

    names = {node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")}
    views = slicer.util.getNodesByClass("vtkMRMLSliceNode")
    centres = [[view.GetSliceToRAS().GetElement(axis, 3) for axis in range(3)] for view in views]
    return names == {"case0 reference", "case0 prediction"} and centres == [pytest.approx(PLACE)] * len(views)


def test_suspects_are_listed_with_what_is_usual_and_the_reason(opened: Any, host: Any) -> None:
    assert rows_of(opened)[0] == ["case0", "labels exchanged", "left kidney", "0.12 / 0.91"]
    assert opened.ui.suspectsTable.item(1, 0).toolTip() == "case 1: labels exchanged"
    assert opened.ui.suspectsLabel.text == "Labels that may be wrong: 2"
    assert host.is_shown(opened.ui.openSuspectButton)
    assert not host.is_shown(opened.ui.suspectsButton)


@pytest.mark.parametrize("way", ["double click", "Return", "button"])
def test_a_suspect_opens_as_a_pair_where_it_differs_most(views: None, opened: Any, host: Any, way: str) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from Testing.host.driving import reachable

    if way == "double click":
        host.double_click_cell(opened.ui.suspectsTable, 0, 1)
    elif way == "Return":
        QTest.keyClick(reachable(opened.ui.suspectsTable), Qt.Key.Key_Return)
    else:
        host.click(opened.ui.openSuspectButton)
    host.process_events()
    assert opened.retrain.error == ""
    assert is_shown_at_the_place()


@pytest.mark.parametrize("deleted", [None, "vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode"])
def test_a_suspect_that_is_opened_twice_is_loaded_once(
    views: None, opened: Any, host: Any, deleted: str | None
) -> None:
    """And what was deleted since then is loaded again."""
    import slicer

    def nodes() -> list[str]:
        kinds = ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode")
        return [kind for kind in kinds for _node in slicer.util.getNodesByClass(kind)]

    host.click(opened.ui.openSuspectButton)
    before = nodes()
    for segmentation in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        segmentation.GetDisplayNode().SetVisibility(False)
    if deleted:
        slicer.mrmlScene.RemoveNode(slicer.util.getNodesByClass(deleted)[0])
    host.click(opened.ui.openSuspectButton)
    assert opened.retrain.error == ""
    assert nodes() == before
    assert len(before) == 3
    assert is_shown_at_the_place()
    (volume,) = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    for segmentation in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        assert segmentation.GetDisplayNode().GetVisibility()
        assert segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole()) is volume


def test_a_suspect_whose_prediction_was_made_anew_is_loaded_again(opened: Any, host: Any, run_folder: Path) -> None:
    import slicer

    host.click(opened.ui.openSuspectButton)
    os.utime(run_folder / "evaluation" / "predictions" / "case0.nii.gz", ns=(0, 0))
    host.click(opened.ui.openSuspectButton)
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == 1
    names = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")]
    assert len(names) == 3
    assert names.count("case0 reference") == 1


def test_what_was_suspected_in_other_scores_is_looked_for_again(
    opened: Any, host: Any, run_folder: Path, processes: list[Any]
) -> None:
    scores, found = (run_folder / "evaluation" / name for name in ("scores.json", "suspects.json"))
    os.utime(found, ns=(0, scores.stat().st_mtime_ns - 1))
    opened.refresh()
    assert not host.is_shown(opened.ui.suspectsTable)
    host.click(opened.ui.suspectsButton)
    assert processes[-1].arguments == ["suspects", "--run", str(run_folder)]
    suspect(run_folder, 0)
    processes[-1].finish()
    assert opened.ui.suspectsLabel.text == "No case differs more from its prediction than is usual for its size."
    assert not host.is_shown(opened.ui.suspectsTable)


def test_predictions_that_are_gone_are_said_with_the_remedy(
    opened: Any, host: Any, run_folder: Path, processes: list[Any]
) -> None:
    (run_folder / "evaluation" / "suspects.json").unlink()
    opened.refresh()
    host.click(opened.ui.suspectsButton)
    processes[-1].finish(2, "a.nii.gz: is not there; `dints evaluate --run RUN` makes it again")
    assert opened.ui.reasonLabel.text.endswith("here, Start training evaluates what is trained")
    assert opened.ui.suspectsButton.enabled


def test_after_a_training_the_suspects_are_named(opened: Any, host: Any, processes: list[Any]) -> None:
    start(host, opened, opened.retrain)
    for _stage in ("train", "evaluate"):
        processes[-1].finish()
    assert processes[-1].arguments[0] == "suspects"
    processes[-1].onEvent({"event": "result", "name": "suspects", "values": {"suspects": [{}] * 3}})
    processes[-1].finish()
    assert opened.ui.statusLabel.text == "The labels of 3 cases may be wrong: see step 3."


@pytest.mark.parametrize(("device", "stages"), [("auto", 2), ("@lab", 1)])  # it cross-validates there, too
def test_a_training_is_done_also_where_suspects_cannot_be_looked_for(
    opened: Any,
    host: Any,
    processes: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    run_folder: Path,
    device: str,
    stages: int,
) -> None:
    monkeypatch.setattr(opened.retrain, "devices", lambda: [device])
    (run_folder / "evaluation" / "suspects.json").unlink()
    start(host, opened, opened.retrain)
    for _stage in range(stages):
        processes[-1].finish()
    assert processes[-1].arguments[0] == "suspects"
    processes[-1].finish(1, "case0.nii.gz: is not there; make it again")
    assert opened.retrain.error == ""
    assert opened.current is opened.export
    assert "could not be looked for" in opened.ui.statusLabel.text
    assert "case0.nii.gz: is not there" in opened.ui.logEdit.toPlainText()
    opened.open(opened.retrain)
    assert host.is_shown(opened.ui.suspectsButton)


def test_a_training_that_fails_looks_for_no_suspects(opened: Any, host: Any, processes: list[Any]) -> None:
    start(host, opened, opened.retrain)
    processes[-1].finish(1, "No memory.")
    assert processes[-1].arguments[0] == "train"
    assert opened.retrain.error == "No memory."


def test_a_case_of_which_a_part_cannot_be_read_is_not_opened_by_half(opened: Any, host: Any, run_folder: Path) -> None:
    import slicer

    (run_folder / "evaluation" / "predictions" / "case0.nii.gz").write_bytes(b"damaged")
    host.click(opened.ui.openSuspectButton)
    assert "case0.nii.gz" in opened.retrain.error
    for kind in ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode"):
        assert not slicer.util.getNodesByClass(kind)


def test_a_case_is_seen_also_where_plots_had_the_views(opened: Any, host: Any) -> None:
    import slicer

    layout = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLayoutNode")
    layout.SetViewArrangement(layout.SlicerLayoutConventionalView)
    for _click in range(2):
        assert opened.plots.showInViews()
    host.click(opened.ui.openSuspectButton)
    assert opened.retrain.error == ""
    assert layout.GetViewArrangement() == layout.SlicerLayoutConventionalView
