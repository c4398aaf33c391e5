"""Batches: a folder, and all volumes of the scene."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any


def line_of(path_edit: Any) -> Any:
    """The line that the user types a path into."""
    import qt

    return path_edit.findChild(qt.QLineEdit)


def rows(panel: Any) -> list[list[str]]:
    """Of the table: case, state, detail."""
    tree = panel.ui.batchTree
    return [[tree.topLevelItem(row).text(column) for column in range(3)] for row in range(tree.topLevelItemCount)]


def test_a_folder_is_segmented_into_a_folder_and_goes_on_where_it_was(
    host: Any, open_panel: Any, install: Any, shared_data: Path, tmp_path: Path, finish: Any
) -> None:
    install("body.zip")
    images, results = tmp_path / "images", tmp_path / "results"
    images.mkdir()
    for name in ("a", "b"):
        shutil.copy(shared_data / "ct" / "example_ct_crop.nii.gz", images / f"{name}.nii.gz")
    (images / "c.nii.gz").write_bytes(b"no image")
    panel = open_panel()
    host.click(panel.ui.batchSection)
    assert not host.is_shown(panel.ui.inputFolderEdit)
    host.choose(panel.ui.batchSourceBox, "A folder's images")
    host.wait_until(lambda: panel.ui.batchReasonLabel.text == "Choose the folder of the images.")
    host.type_text(line_of(panel.ui.inputFolderEdit), str(images))
    host.wait_until(lambda: panel.ui.batchReasonLabel.text == "Choose a folder for the results.")
    host.type_text(line_of(panel.ui.outputFolderEdit), str(results))
    host.wait_until(lambda: panel.ui.batchButton.enabled)
    host.click(panel.ui.batchButton)
    finish(panel)
    assert [row[:2] for row in rows(panel)] == [["a", "done"], ["b", "done"], ["c", "failed"]]
    assert "c.nii.gz" in rows(panel)[2][2]
    assert "1 of 3 cases failed" in panel.ui.statusLabel.text
    kept = (results / "a.nii.gz").stat().st_mtime_ns
    (results / "b.nii.gz").unlink()
    shutil.copy(images / "a.nii.gz", images / "c.nii.gz")
    host.click(panel.ui.batchButton)
    finish(panel)
    assert [row[:2] for row in rows(panel)] == [["a", "was there"], ["b", "done"], ["c", "done"]]
    assert (results / "a.nii.gz").stat().st_mtime_ns == kept


def test_why_a_batch_cannot_begin_stands_beside_its_button_until_something_changes(
    host: Any, open_panel: Any, install: Any, shared_data: Path, tmp_path: Path, finish: Any
) -> None:
    """It stood beside Apply, and the next update took it away, whatever that was for."""
    install("body.zip")
    images = tmp_path / "images"
    images.mkdir()
    panel = open_panel()
    host.click(panel.ui.batchSection)
    host.choose(panel.ui.batchSourceBox, "A folder's images")
    host.wait_until(lambda: panel.ui.batchReasonLabel.text == "Choose the folder of the images.")
    host.type_text(line_of(panel.ui.inputFolderEdit), str(images))
    host.type_text(line_of(panel.ui.outputFolderEdit), str(tmp_path / "results"))
    host.wait_until(lambda: panel.ui.batchButton.enabled)
    above = panel.ui.reasonLabel.text
    host.click(panel.ui.batchButton)
    for _time in range(2):
        assert f"{images}: holds no images" in panel.ui.batchReasonLabel.text
        assert panel.ui.reasonLabel.text == above
        panel.panel.update()
    host.type_text(line_of(panel.ui.outputFolderEdit), str(tmp_path / "other results"))
    host.wait_until(lambda: not panel.ui.batchReasonLabel.text)
    host.click(panel.ui.batchButton)
    assert panel.ui.batchReasonLabel.text
    shutil.copy(shared_data / "ct" / "example_ct_crop.nii.gz", images / "a.nii.gz")
    host.click(panel.ui.batchButton)  # is not disabled: the folder may have changed
    finish(panel)
    assert [row[:2] for row in rows(panel)] == [["a", "done"]]
    assert not panel.ui.batchReasonLabel.text


def test_all_volumes_of_the_scene_are_segmented_once(
    host: Any, ct: Any, shared_data: Path, panel: Any, finish: Any
) -> None:
    import slicer

    host.click(panel.ui.batchSection)
    host.wait_until(lambda: panel.ui.batchButton.enabled)
    host.click(panel.ui.batchButton)
    finish(panel)
    slicer.util.loadVolume(str(shared_data / "mr" / "example_mr.nii.gz"))
    host.click(panel.ui.batchButton)
    finish(panel)
    assert rows(panel) == [
        ["example_ct", "was there", "example_ct segmentation"],
        ["example_mr", "done", "example_mr segmentation"],
    ]
    made = {node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")}
    assert made == {"example_ct segmentation", "example_mr segmentation"}
