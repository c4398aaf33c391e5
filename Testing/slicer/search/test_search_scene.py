"""The panel while its scene, its module or its window goes, and what is kept with the scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import start, write_run


def test_closing_the_panel_ends_what_runs(checked: Any, host: Any, processes: list[Any]) -> None:
    start(host, checked, checked.search)
    checked.close()
    processes[-1].onEvent({"event": "message", "text": "too late"})
    assert not processes[-1].isRunning
    assert "too late" not in checked.ui.logEdit.toPlainText()


def test_a_run_goes_on_when_the_scene_is_closed(checked: Any, host: Any, processes: list[Any], tmp_path: Path) -> None:
    import slicer

    start(host, checked, checked.search)
    slicer.mrmlScene.Clear(False)
    assert checked.isBusy
    assert checked.parameters.runFolder == str(tmp_path / "new")
    processes[-1].finish()
    assert checked.ui.statusLabel.text == "Done."


def test_a_run_is_still_shown_when_the_scene_was_closed_while_another_module_was_shown(
    checked: Any, host: Any, processes: list[Any], tmp_path: Path
) -> None:
    import slicer
    from Testing.host.driving import panel_window

    start(host, checked, checked.search)
    slicer.modules.DiNTSSearchWidget.exit()
    panel_window("DiNTSSearch").hide()
    slicer.mrmlScene.Clear(False)
    processes[-1].finish()
    panel_window("DiNTSSearch").show()
    slicer.modules.DiNTSSearchWidget.enter()
    assert checked.parameters.runFolder == str(tmp_path / "new")
    assert checked.ui.statusLabel.text == "Done."


@pytest.mark.shown  # else it looks at the scene when it is entered
def test_choices_survive_saving_and_loading_the_scene(checked: Any, tmp_path: Path) -> None:
    import slicer

    checked.parameters.notes = "for adults"
    change_choices(checked)
    slicer.util.saveScene(str(tmp_path / "scene.mrml"))
    slicer.mrmlScene.Clear(False)
    assert checked.ui.runFolderEdit.currentPath == ""
    slicer.util.loadScene(str(tmp_path / "scene.mrml"))
    assert checked.ui.runFolderEdit.currentPath == str(tmp_path / "new")
    assert checked.ui.notesEdit.plainText == "for adults"
    assert_choices_are_there(checked)


def test_choices_survive_a_look_at_another_module(checked: Any) -> None:
    import slicer

    change_choices(checked)
    slicer.modules.DiNTSSearchWidget.exit()
    slicer.modules.DiNTSSearchWidget.enter()
    assert_choices_are_there(checked)


def change_choices(panel: Any) -> None:
    panel.parameters.iterations = 77
    panel.parameters.changes = {"training.filters": "4"}
    panel.parameters.labelChanges = {"1.name": "Liver, whole"}


def assert_choices_are_there(panel: Any) -> None:
    assert panel.ui.iterationsBox.value == 77
    assert panel.search.changes()["training.filters"] == "4"
    assert panel.export.labels()[1] == "Liver, whole"
    assert panel.data.isChecked()


@pytest.mark.shown
def test_reloading_the_module_ends_what_runs(checked: Any, host: Any, processes: list[Any]) -> None:
    import slicer

    start(host, checked, checked.search)
    slicer.modules.DiNTSSearchWidget.onReload()
    assert not processes[-1].isRunning
    reloaded = slicer.modules.DiNTSSearchWidget.panel
    assert reloaded is not checked
    assert reloaded.isBound


def test_a_run_goes_on_when_a_scene_is_imported_or_its_volume_deleted(
    checked: Any, host: Any, processes: list[Any], tmp_path: Path
) -> None:
    import numpy as np
    import slicer

    volume = slicer.util.addVolumeFromArray(np.zeros((4, 4, 4), np.int16), name="Other")
    slicer.util.saveScene(str(tmp_path / "other.mrb"))
    start(host, checked, checked.search)
    slicer.mrmlScene.RemoveNode(volume)
    slicer.mrmlScene.SetURL(str(tmp_path / "other.mrb"))
    slicer.util.loadScene(str(tmp_path / "other.mrb"), {"clear": False})
    assert checked.isBusy
    assert checked.ui.stopButton.enabled
    processes[-1].onEvent({"event": "progress", "stage": "search", "step": 30, "total": 60})
    assert checked.ui.statusLabel.text == "search: 30 of 60"
    processes[-1].finish()
    assert checked.ui.statusLabel.text == "Done."


@pytest.mark.shown
def test_the_results_of_one_run_do_not_change_another_scenes(
    checked: Any, host: Any, processes: list[Any], run_folder: Path, tmp_path: Path
) -> None:
    import slicer

    change_choices(checked)
    slicer.util.saveScene(str(tmp_path / "scene.mrml"))
    checked.parameters.runFolder = str(tmp_path / "second")
    start(host, checked, checked.data)
    slicer.util.loadScene(str(tmp_path / "scene.mrml"))
    processes[-1].finish()
    assert checked.ui.statusLabel.text == "Done."
    assert_choices_are_there(checked)


@pytest.mark.shown
def test_what_was_said_of_a_run_goes_with_its_scene(
    checked: Any, host: Any, processes: list[Any], run_folder: Path, tmp_path: Path
) -> None:
    import slicer

    checked.parameters.runFolder = str(run_folder)
    slicer.util.saveScene(str(tmp_path / "scene.mrml"))
    checked.parameters.runFolder = str(write_run(tmp_path / "other"))
    checked.ui.foldsTable.item(1, 0).setCheckState(0)
    start(host, checked, checked.retrain)
    processes[-1].finish(1, "the disk is full; make room and resume")
    slicer.util.loadScene(str(tmp_path / "scene.mrml"))
    checked.open(checked.retrain)
    assert checked.ui.runFolderEdit.currentPath == str(run_folder)
    assert not host.is_shown(checked.ui.reasonLabel)
    assert checked.retrain.folds == [0, 1]
