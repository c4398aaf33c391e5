"""The panel DiNTSSegmentation as a user meets it: clicks, keystrokes and what stands on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SECONDS = 60.0
CANCEL_SECONDS = 1.0
PAUSE_SECONDS = 0.1  # that the window may be kept from answering


def segments_of(segmentation: Any) -> dict[str, int]:
    """{name: voxels}"""
    import slicer

    found = segmentation.GetSegmentation()
    return {
        found.GetSegment(name).GetName(): int(
            (slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, name) > 0).sum()
        )
        for name in found.GetSegmentIDs()
    }


def has_grid_of(segmentation: Any, volume: Any) -> bool:
    """Whether the segmentation's reference geometry is the volume's grid."""
    import slicer
    import vtk

    image, matrix, expected = slicer.vtkOrientedImageData(), vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    text = segmentation.GetSegmentation().GetConversionParameter("Reference image geometry")
    slicer.vtkSegmentationConverter.DeserializeImageGeometry(text, image, False)
    image.GetImageToWorldMatrix(matrix)
    volume.GetIJKToRASMatrix(expected)
    arrays = [slicer.util.arrayFromVTKMatrix(entry) for entry in (matrix, expected)]
    return np.allclose(*arrays, atol=1e-4) and image.GetDimensions() == volume.GetImageData().GetDimensions()


def line_of(path_edit: Any) -> Any:
    """The line that the user types a path into."""
    import qt

    return path_edit.findChild(qt.QLineEdit)


def is_group_alive(group: int) -> bool:
    """Whether any process of a process group still runs; one that waits to be reaped does not."""
    lines = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout.splitlines()
    return any(int(number) == group and not state.startswith("Z") for number, state in map(str.split, lines))


def test_a_loaded_ct_is_segmented_with_one_click(
    host: Any, open_panel: Any, install: Any, ct: Any, finish: Any
) -> None:
    install("body.zip")
    panel = open_panel()
    host.click(panel.ui.applyButton)
    assert panel.ui.cancelButton.visible
    seen = []
    while panel.logic.queue.current is not None:
        host.process_events()
        seen.append(panel.ui.statusLabel.text)
        time.sleep(0.005)
    finish(panel)
    assert any("loading the model" in text for text in seen)
    assert any("window" in text for text in seen)
    segmentation = panel.panel.parameters.segmentation
    assert segmentation.GetName() == "example_ct segmentation"
    assert list(segments_of(segmentation)) == ["liver", "kidney"]
    assert sum(segments_of(segmentation).values()) > 0
    assert has_grid_of(segmentation, ct)
    assert panel.ui.statusLabel.text == "example_ct: done."
    assert not panel.ui.cancelButton.visible


def test_a_hippocampus_is_segmented_with_three_clicks(
    host: Any, open_panel: Any, install: Any, ct: Any, hippocampus: Path, choose_model: Any, finish: Any
) -> None:
    import slicer

    install("body.zip", "hippocampus.zip")
    panel = open_panel()
    scan = next(iter(sorted((hippocampus / "imagesTr").glob("hippo*.nii.gz"))))
    volume = slicer.util.loadVolume(str(scan))
    choose_model(panel, "Hippocampus")
    host.choose(panel.panel.inputs.selectors[0], volume.GetName())
    host.click(panel.ui.applyButton)
    finish(panel)
    segmentation = panel.panel.parameters.segmentation
    assert list(segments_of(segmentation)) == ["Anterior", "Posterior"]
    assert has_grid_of(segmentation, volume)


def test_results_lie_beside_the_volume_with_a_table_and_an_uncertainty_map(
    host: Any, open_panel: Any, install: Any, ct: Any, finish: Any
) -> None:
    import slicer

    install("body.zip")
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Patient")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(ct), folder)
    panel = open_panel()
    host.click(panel.ui.disagreementBox)
    host.click(panel.ui.applyButton)
    finish(panel)
    results = panel.panel.progress.run.results
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
    host.click(panel.ui.show3DButton)
    assert segmentation.GetSegmentation().ContainsRepresentation("Closed surface")


def test_cancelling_midway_ends_the_process_and_leaves_the_scene_alone(
    host: Any, open_panel: Any, install: Any, ct: Any, choose_model: Any, finish: Any
) -> None:
    import slicer

    install("body.zip", "slow.zip")
    panel = open_panel()
    choose_model(panel, "Slow")
    host.click(panel.ui.applyButton)
    host.wait_until(lambda: panel.ui.progressBar.value > 0, SECONDS)
    group = panel.logic.worker._child.pid
    started = time.monotonic()
    host.click(panel.ui.cancelButton)
    host.wait_until(lambda: not is_group_alive(group), SECONDS)
    assert time.monotonic() - started < CANCEL_SECONDS
    assert "cancelled" in panel.ui.statusLabel.text
    assert not slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    choose_model(panel, "Body")
    host.click(panel.ui.applyButton)
    finish(panel)
    assert panel.ui.statusLabel.text == "example_ct: done."


def test_several_runs_wait_for_their_turn(host: Any, open_panel: Any, install: Any, ct: Any, finish: Any) -> None:
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


def test_the_window_answers_while_a_run_is_under_way(
    host: Any, open_panel: Any, install: Any, ct: Any, finish: Any
) -> None:
    install("body.zip")
    panel = open_panel()
    pauses = []
    for _ in range(3):  # the shortest of three, because others may use this machine's processors
        with host.PauseMeter() as meter:
            host.click(panel.ui.applyButton)
            finish(panel)
        pauses.append(meter.longest)
    assert min(pauses) < PAUSE_SECONDS


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


def test_a_run_that_fails_says_why(
    host: Any, open_panel: Any, install: Any, ct: Any, finish: Any, choose_model: Any
) -> None:
    install("flipped.zip", "body.zip")
    panel = open_panel()
    choose_model(panel, "Flipped")
    host.click(panel.ui.applyButton)
    finish(panel)
    assert "example_ct failed." in panel.ui.statusLabel.text
    assert "checksum" in panel.ui.statusLabel.text
    host.click(panel.ui.logBox)
    assert "checksum" in panel.ui.logText.plainText
    assert panel.panel.parameters.segmentation is None


def test_models_are_found_by_any_of_their_words(host: Any, open_panel: Any, install: Any) -> None:
    install("body.zip", "hippocampus.zip", "pair.zip", "cut.zip")
    panel = open_panel()

    def shown() -> list[str]:
        tree = panel.ui.modelTree
        return [tree.topLevelItem(row).text(0) for row in range(tree.topLevelItemCount)]

    assert shown() == ["Body", "cut.zip", "Hippocampus", "Pair"]
    host.type_text(panel.ui.modelSearch, "mr")
    assert shown() == ["Hippocampus", "Pair"]
    host.type_text(panel.ui.modelSearch, "MR tumor")
    assert shown() == ["Pair"]


def test_a_model_is_dropped_on_the_panel_and_removed_again(
    host: Any, open_panel: Any, model_files: Path, models_folder: Path, ct: Any
) -> None:
    panel = open_panel()
    assert not host.drop_files(panel.panel.area, model_files / "cut.zip")
    assert host.drop_files(panel.panel.area, model_files / "body.zip")
    host.wait_until(lambda: panel.panel.models.process is None, SECONDS)
    assert panel.ui.modelMessage.text == "body.zip was imported."
    assert panel.panel.models.chosen.name == "Body"
    host.wait_until(lambda: panel.ui.applyButton.enabled)
    with host.answering("Cancel"):
        host.click(panel.ui.removeButton)
    assert (models_folder / "body.zip").exists()
    with host.answering("OK"):
        host.click(panel.ui.removeButton)
    assert not (models_folder / "body.zip").exists()
    assert panel.panel.models.chosen is None


def test_a_damaged_model_is_not_imported(host: Any, open_panel: Any, model_files: Path, models_folder: Path) -> None:
    panel = open_panel()
    assert host.drop_files(panel.panel.area, model_files / "flipped.zip")
    host.wait_until(lambda: panel.panel.models.process is None, SECONDS)
    assert "flipped.zip was not imported." in panel.ui.modelMessage.text
    assert "checksum" in panel.ui.modelMessage.text
    assert not list(models_folder.iterdir())


def test_a_segmentation_that_was_edited_is_not_replaced_silently(
    host: Any, open_panel: Any, install: Any, ct: Any, finish: Any
) -> None:
    import slicer

    install("body.zip")
    panel = open_panel()
    host.click(panel.ui.applyButton)
    finish(panel)
    first = panel.panel.parameters.segmentation
    assert not panel.ui.editedFrame.visible
    name = first.GetSegmentation().GetNthSegmentID(0)
    voxels = slicer.util.arrayFromSegmentBinaryLabelmap(first, name, ct)
    voxels[:2] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, first, name, ct)
    edited = segments_of(first)
    panel.exit()
    panel.enter()
    assert panel.ui.editedFrame.visible
    assert not panel.ui.applyButton.enabled
    assert "edited by hand" in panel.ui.reasonLabel.text
    host.click(panel.ui.newSegmentationButton)
    host.wait_until(lambda: panel.ui.applyButton.enabled)
    host.click(panel.ui.applyButton)
    finish(panel)
    assert segments_of(first) == edited
    assert panel.panel.parameters.segmentation is not first
    host.choose(panel.ui.segmentationSelector, first.GetName())
    host.wait_until(lambda: panel.ui.editedFrame.visible)
    host.click(panel.ui.replaceButton)
    host.click(panel.ui.applyButton)
    finish(panel)
    assert segments_of(first) != edited


def test_a_folder_is_segmented_into_a_folder_and_goes_on_where_it_was(
    host: Any, open_panel: Any, install: Any, shared_data: Path, tmp_path: Path, finish: Any
) -> None:
    install("body.zip")
    images, results = tmp_path / "images", tmp_path / "results"
    images.mkdir()
    for name in ("a", "b"):
        shutil.copy(shared_data / "ct" / "example_ct.nii.gz", images / f"{name}.nii.gz")
    (images / "c.nii.gz").write_bytes(b"no image")
    panel = open_panel()
    host.click(panel.ui.batchSection)
    assert not panel.ui.inputFolderEdit.visible
    host.choose(panel.ui.batchSourceBox, "All images of a folder")
    host.wait_until(lambda: panel.ui.batchReasonLabel.text == "Choose the folder of the images.")
    host.type_text(line_of(panel.ui.inputFolderEdit), str(images))
    host.wait_until(lambda: panel.ui.batchReasonLabel.text == "Choose a folder for the results.")
    host.type_text(line_of(panel.ui.outputFolderEdit), str(results))
    host.wait_until(lambda: panel.ui.batchButton.enabled)
    host.click(panel.ui.batchButton)
    finish(panel)

    def rows() -> list[list[str]]:
        tree = panel.ui.batchTree
        return [[tree.topLevelItem(row).text(column) for column in range(3)] for row in range(tree.topLevelItemCount)]

    assert [row[:2] for row in rows()] == [["a", "done"], ["b", "done"], ["c", "failed"]]
    assert "c.nii.gz" in rows()[2][2]
    assert "1 of 3 cases failed" in panel.ui.statusLabel.text
    kept = (results / "a.nii.gz").stat().st_mtime_ns
    (results / "b.nii.gz").unlink()
    shutil.copy(images / "a.nii.gz", images / "c.nii.gz")
    host.click(panel.ui.batchButton)
    finish(panel)
    assert [row[:2] for row in rows()] == [["a", "was there"], ["b", "done"], ["c", "done"]]
    assert (results / "a.nii.gz").stat().st_mtime_ns == kept


def test_all_volumes_of_the_scene_are_segmented(
    host: Any, open_panel: Any, install: Any, ct: Any, finish: Any, shared_data: Path
) -> None:
    import slicer

    install("body.zip")
    slicer.util.loadVolume(str(shared_data / "mr" / "example_mr.nii.gz"))
    panel = open_panel()
    host.click(panel.ui.batchSection)
    host.wait_until(lambda: panel.ui.batchButton.enabled)
    host.click(panel.ui.batchButton)
    finish(panel)
    made = {node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")}
    assert made == {"example_ct segmentation", "example_mr segmentation"}


def test_parameters_survive_saving_and_loading_the_scene(
    host: Any, open_panel: Any, install: Any, ct: Any, choose_model: Any, tmp_path: Path
) -> None:
    import slicer

    install("body.zip", "pair.zip")
    panel = open_panel()
    choose_model(panel, "Pair")
    host.choose(panel.panel.inputs.selectors[1], "example_ct")
    host.choose(panel.ui.qualityBox, "Quick: one network, little overlap")
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


@pytest.mark.parametrize("event", ["scene close", "volume deletion", "segmentation deletion", "reload"])
def test_what_happens_to_the_scene_during_a_run_does_no_harm(
    host: Any, open_panel: Any, install: Any, ct: Any, choose_model: Any, event: str
) -> None:
    import slicer

    install("body.zip", "slow.zip")
    panel = open_panel()
    choose_model(panel, "Slow")
    host.choose(panel.ui.qualityBox, "Quick: one network, little overlap")
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    host.choose(panel.ui.segmentationSelector, "Mine")
    host.click(panel.ui.applyButton)
    queue, worker = panel.logic.queue, panel.logic.worker
    run = queue.current
    host.wait_until(lambda: panel.ui.progressBar.value > 0, SECONDS)
    if event == "scene close":
        slicer.mrmlScene.Clear(False)
    elif event == "volume deletion":
        slicer.mrmlScene.RemoveNode(ct)
    elif event == "segmentation deletion":
        slicer.mrmlScene.RemoveNode(segmentation)
    else:
        panel.onReload()
    host.wait_until(lambda: run.isFinished and worker.queueLength == 0, SECONDS)
    assert queue.current is None
    assert run.error
    if event in ("scene close", "reload"):
        assert run.state.value == "cancelled"
    else:
        assert "deleted" in panel.ui.statusLabel.text


def test_the_panel_says_what_must_be_installed(
    host: Any, open_panel: Any, install: Any, ct: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from DiNTSLib import dependencies

    install("body.zip")
    monkeypatch.setattr(dependencies, "missing", lambda: ["torch"])
    panel = open_panel()
    assert not panel.ui.applyButton.enabled
    assert panel.ui.reasonLabel.text == "torch must be installed first."
    assert panel.ui.installButton.visible
    assert panel.ui.estimateLabel.text == ""


def test_memory_and_time_are_predicted(host: Any, open_panel: Any, install: Any, ct: Any, finish: Any) -> None:
    install("body.zip")
    panel = open_panel()
    host.wait_until(lambda: "GiB" in panel.ui.estimateLabel.text, SECONDS)
    assert "windows" in panel.ui.estimateLabel.text
    host.click(panel.ui.applyButton)
    finish(panel)
    host.wait_until(lambda: "about" in panel.ui.estimateLabel.text, SECONDS)


def test_importing_and_opening_the_module_needs_no_engine(host: Any, tmp_path: Path) -> None:
    """In a process of its own, where neither PyTorch nor PyYAML can be imported."""
    repository = Path(__file__).resolve().parents[3]
    script = (
        "import sys\n"
        "sys.modules['torch'] = sys.modules['yaml'] = None\n"
        f"sys.path[:0] = [{str(repository)!r}, {str(repository / 'DiNTSEngine')!r}]\n"
        "import Testing.host as host\n"
        "host.start()\n"
        "from DiNTSLib import dependencies\n"
        "dependencies.missing = lambda: ['torch', 'PyYAML']\n"
        "panel = host.open_module('DiNTSSegmentation', 400, 800)\n"
        "host.raise_errors()\n"
        "assert panel.ui.reasonLabel.text == 'torch, PyYAML must be installed first.', panel.ui.reasonLabel.text\n"
    )
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=repository, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_application_never_imports_pytorch(install: Any) -> None:
    """In a process of its own: tests of the engine import PyTorch into theirs."""
    install("body.zip")
    repository = Path(__file__).resolve().parents[3]
    script = (
        "import sys\n"
        f"sys.path[:0] = [{str(repository)!r}, {str(repository / 'DiNTSEngine')!r}]\n"
        "import Testing.host as host\n"
        "host.start()\n"
        "for name in ('DiNTSSegmentation', 'DiNTSSearch'):\n"
        "    host.open_module(name, 400, 800)\n"
        "host.raise_errors()\n"
        "assert 'torch' not in sys.modules\n"
    )
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=repository, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
