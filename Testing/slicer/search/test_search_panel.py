"""The panel with fake processes: states, reasons, errors, the scene's life, data from the scene."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import MODULE, REPOSITORY, change_setting


@pytest.fixture
def checked(faked: Any, host: Any, processes: list[Any], tmp_path: Path) -> Any:
    """The panel after a check that derived the settings of the phantom."""
    faked.parameters.runFolder = str(tmp_path / "new")
    faked.parameters.dataFolder = str(tmp_path)
    host.click(faked.ui.checkButton)
    write_check(tmp_path / "new", [])
    processes[-1].finish()
    return faked


def write_check(folder: Path, problems: list[dict[str, str]]) -> None:
    from dints.config import Config
    from dints.storage import write_json

    facts = {"size": [24, 24, 20], "spacing": [1.0, 1.0, 1.4], "channels": [], "label_volumes": {"1": 1500.0}}
    write_json(folder / "check.json", {"cases": [{"name": "a", **facts}], "problems": problems})
    if not problems:
        Config.load("phantom").save(folder / "config.yaml")


def test_the_panel_opens_without_pytorch_and_says_what_to_do(host: Any, tmp_path: Path) -> None:
    program = (
        "import importlib.metadata as metadata, sys\n"
        "find = metadata.version\n"
        "def version(name):\n"
        "    if name in ('torch', 'PyYAML'): raise metadata.PackageNotFoundError(name)\n"
        "    return find(name)\n"
        "metadata.version = version\n"
        "sys.modules.update(torch=None, yaml=None)\n"
        "import Testing.host as host\n"
        "host.start()\n"
        f"panel = host.open_module({str(MODULE)!r}).panel\n"
        "assert 'torch' in panel.ui.engineLabel.text, panel.ui.engineLabel.text\n"
        "assert panel.ui.engineButton.visible\n"
        "assert not panel.ui.demoButton.enabled\n"
        "with host.answering(lambda dialog: dialog.close()) as titles: host.click(panel.ui.engineButton)\n"
        "assert titles == ['DiNTS: what is installed'], titles\n"
        "host.raise_errors()\n"
    )
    paths = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'DiNTSEngine'}", "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", program], env=paths, capture_output=True, text=True, check=False)
    assert "Error" not in done.stderr, done.stderr


def test_an_open_panel_has_not_imported_pytorch() -> None:
    program = (
        "import sys, Testing.host as host\n"
        "host.start()\n"
        f"host.open_module({str(MODULE)!r})\n"
        "print('torch' in sys.modules)\n"
    )
    paths = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'DiNTSEngine'}", "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", program], env=paths, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "False", done.stderr


def test_a_sentence_says_why_nothing_can_be_started(faked: Any) -> None:
    assert faked.ui.dataReasonLabel.text == "Choose a run folder, or try the demo data."
    assert faked.search.whyNot() == "Check the data first."
    assert faked.retrain.whyNot() == "Search an architecture first."
    assert faked.model.whyNot() == "Retrain at least one fold first."
    buttons = ("checkButton", "startSearchButton", "startRetrainButton", "exportButton", "reportButton")
    assert not any(getattr(faked.ui, name).enabled for name in buttons)


def test_a_check_brings_its_settings_into_the_panel(checked: Any) -> None:
    assert checked.ui.dataButton.text == "1. Data: 1 cases, ready"
    assert checked.ui.searchButton.text == "2. Search: ready"
    assert not checked.ui.searchButton.collapsed
    assert (checked.ui.iterationsBox.value, checked.ui.patchXBox.value) == (60, 32)
    assert checked.ui.budgetSlider.value == 0.5
    assert checked.ui.modelNameEdit.text == "Phantom"


def test_all_problems_of_the_data_are_listed(faked: Any, host: Any, processes: list[Any], tmp_path: Path) -> None:
    faked.parameters.runFolder, faked.parameters.dataFolder = str(tmp_path / "new"), str(tmp_path)
    host.click(faked.ui.checkButton)
    problem = {"reason": "cannot be read", "remedy": "copy it again", "severity": "error"}
    write_check(tmp_path / "new", [{"file": "x/a.nii.gz", **problem}, {"file": "x/labels.json", **problem}])
    processes[-1].finish(2, "x: 2 problems must be solved before training")
    texts = [faked.ui.casesTable.item(row, 1).text() for row in range(2)]
    assert all("cannot be read" in text for text in texts)
    assert faked.ui.casesTable.item(1, 0).toolTip() == "x/a.nii.gz: cannot be read; copy it again"
    assert faked.ui.dataButton.text == "1. Data: 2 errors"
    assert faked.ui.dataReasonLabel.text == "Solve 2 problems; point at a line to read what to do."
    assert not faked.ui.startSearchButton.enabled


def test_another_preset_needs_another_check(checked: Any, host: Any, processes: list[Any]) -> None:
    host.choose(checked.ui.presetBox, "hippocampus")
    assert checked.ui.searchReasonLabel.text == "Check the data again: choices changed."
    host.click(checked.ui.checkButton)
    assert processes[-1].arguments[-2:] == ["--config", "hippocampus"]


def test_changed_settings_reach_the_engine(checked: Any, host: Any, processes: list[Any], tmp_path: Path) -> None:
    host.type_text(checked.ui.iterationsBox, "50")
    host.type_text(checked.ui.patchZBox, "24")
    change_setting(host, checked, "training.filters", "4")
    host.click(checked.ui.startSearchButton)
    arguments = processes[-1].arguments
    assert arguments[:5] == ["search", "--run", str(tmp_path / "new"), "--device", "auto"]
    changes = [arguments[index + 1] for index, part in enumerate(arguments) if part == "--set"]
    assert changes == ["training.filters=4", "search.iterations=50", "sampling.patch=[32, 32, 24]"]


def test_a_setting_that_cannot_be_is_refused_with_the_reason(checked: Any, host: Any) -> None:
    change_setting(host, checked, "training.filters", "many")
    assert "training.filters must be a whole number" in checked.ui.searchReasonLabel.text
    assert dict(checked.parameters.changes) == {}
    host.type_text(checked.ui.patchXBox, "33")
    checked.search.error = ""
    checked.refresh()
    assert "patch" in checked.ui.searchReasonLabel.text
    assert not checked.ui.startSearchButton.enabled


def test_a_failure_is_shown_at_its_step(checked: Any, host: Any, processes: list[Any]) -> None:
    host.click(checked.ui.startSearchButton)
    processes[-1].onEvent({"event": "warning", "text": "the disk is nearly full"})
    processes[-1].finish(1, "the disk is full; make room and resume")
    assert checked.ui.searchReasonLabel.text == "the disk is full; make room and resume"
    assert checked.ui.statusLabel.text == "2. Search failed, see there."
    assert "nearly full" in checked.ui.logEdit.toPlainText()
    assert checked.ui.startSearchButton.enabled


def test_progress_shows_stage_values_and_time_left(checked: Any, host: Any, processes: list[Any]) -> None:
    host.click(checked.ui.startSearchButton)
    progress = {"event": "progress", "stage": "search", "step": 30, "total": 60, "metrics": {"loss": 0.5}}
    processes[-1].onEvent({**progress, "seconds_left": 600.0})
    assert checked.ui.statusLabel.text == "search: 30 of 60, 10 min left, loss 0.5"
    assert (checked.ui.progressBar.value, checked.ui.progressBar.maximum) == (30, 60)
    assert not checked.ui.startSearchButton.enabled


def test_closing_the_panel_ends_what_runs(checked: Any, host: Any, processes: list[Any]) -> None:
    host.click(checked.ui.startSearchButton)
    checked.close()
    processes[-1].onEvent({"event": "message", "text": "too late"})
    assert not processes[-1].isRunning
    assert "too late" not in checked.ui.logEdit.toPlainText()


def test_a_run_goes_on_when_the_scene_is_closed(checked: Any, host: Any, processes: list[Any], tmp_path: Path) -> None:
    import slicer

    host.click(checked.ui.startSearchButton)
    slicer.mrmlScene.Clear(False)
    assert checked.isBusy
    assert checked.parameters.runFolder == str(tmp_path / "new")
    processes[-1].finish()
    assert checked.ui.statusLabel.text == "Done."


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
    assert panel.model.labels()[1] == "Liver, whole"
    assert panel.data.isChecked()


def test_reloading_the_module_ends_what_runs(checked: Any, host: Any, processes: list[Any]) -> None:
    import slicer

    host.click(checked.ui.startSearchButton)
    slicer.modules.DiNTSSearchWidget.onReload()
    assert not processes[-1].isRunning
    assert slicer.modules.DiNTSSearchWidget.panel is not checked


def test_a_run_is_opened_with_all_that_it_holds(faked: Any, host: Any, run_folder: Path) -> None:
    faked.parameters.runFolder = str(run_folder)
    titles = [step.section.text for step in faked.steps]
    assert titles == [
        "1. Data: 4 cases, ready",
        "2. Search: finished",
        "3. Retrain: 1 of 2 folds",
        "4. Model: 1 of 2 networks",
    ]
    assert faked.ui.foldsTable.item(0, 2).text() == "0.500"
    assert faked.ui.scoresTable.item(1, 0).text() == "case0"
    assert faked.ui.exportButton.enabled
    assert not faked.ui.iterationsBox.enabled


def test_a_reopened_run_shows_its_settings(faked: Any, run_folder: Path) -> None:
    faked.parameters.preset = "hippocampus"
    faked.parameters.runFolder = str(run_folder)
    assert faked.ui.dataFolderEdit.currentPath == str(run_folder / "data")
    assert faked.ui.presetBox.currentText == "phantom"
    assert (faked.ui.iterationsBox.value, faked.ui.patchXBox.value, faked.ui.foldsBox.value) == (8, 16, 2)
    assert faked.ui.budgetSlider.value == faked.run.settings.search.memory_budget


def test_a_run_from_elsewhere_shows_no_preset(faked: Any, run_folder: Path) -> None:
    (run_folder / "choices.json").unlink()
    faked.parameters.preset = "hippocampus"
    faked.parameters.runFolder = str(run_folder)
    assert (faked.ui.presetBox.currentIndex, faked.ui.presetBox.placeholderText) == (-1, "the run's own")


def test_a_case_whose_files_are_gone_says_so(faked: Any, run_folder: Path) -> None:
    faked.parameters.runFolder = str(run_folder)
    faked.ui.retrainButton.collapsed = False
    faked.ui.scoresTable.cellDoubleClicked(1, 0)
    assert "image.nrrd is no longer there" in faked.ui.retrainReasonLabel.text


def test_folds_are_dealt_to_the_gpus(faked: Any, host: Any, processes: list[Any], run_folder: Path) -> None:
    faked.parameters.runFolder = str(run_folder)
    faked.ui.retrainButton.collapsed = False
    faked.search.memory.values = {"search": 1, "retraining_full": 1, "device": "GPU", "available": 2, "gpus": 2}
    host.choose(faked.ui.distributionBox, "One per GPU")
    host.click(faked.ui.startRetrainButton)
    assert [process.arguments[-3:] for process in processes] == [
        ["0", "--device", "cuda:0"],
        ["1", "--device", "cuda:1"],
    ]
    for process in list(processes):
        process.finish()
    assert processes[-1].arguments[0] == "evaluate"


def test_an_unchecked_fold_is_not_trained(faked: Any, host: Any, processes: list[Any], run_folder: Path) -> None:
    faked.parameters.runFolder = str(run_folder)
    faked.ui.retrainButton.collapsed = False
    faked.ui.foldsTable.item(0, 0).setCheckState(0)
    host.click(faked.ui.startRetrainButton)
    assert processes[-1].arguments[4] == "1"
    processes[-1].finish()


def test_a_model_of_the_same_name_is_replaced_only_when_told_so(
    faked: Any, host: Any, processes: list[Any], run_folder: Path
) -> None:
    faked.parameters.runFolder = str(run_folder)
    faked.ui.modelButton.collapsed = False
    path = faked.logic.modelPath("Phantom")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    with host.answering("No"):
        host.click(faked.ui.exportButton)
    assert processes == []
    with host.answering("Yes"):
        host.click(faked.ui.exportButton)
    assert str(path) in processes[-1].arguments


def test_colours_and_codes_of_labels_are_exported(
    faked: Any, host: Any, processes: list[Any], run_folder: Path
) -> None:
    from DiNTSLib.terminology import terminologyOf

    faked.parameters.runFolder = str(run_folder)
    faked.ui.modelButton.collapsed = False
    table = faked.ui.labelsTable
    with host.answering(choose_dark_blue):
        host.click(table.cellWidget(0, 2))
    host.choose(table.cellWidget(0, 3), "Spleen")
    assert table.cellWidget(1, 3).currentText == "Kidney"
    table.item(1, 1).setText("aorta")
    assert table.cellWidget(1, 3).currentText == "Aorta"
    host.click(faked.ui.exportButton)
    arguments = processes[-1].arguments
    assert all(text in arguments for text in ("1=liver", "2=aorta", "1=#102030"))
    assert f"1={terminologyOf('spleen')}" in arguments
    assert f"2={terminologyOf('aorta')}" in arguments


def choose_dark_blue(dialog: Any) -> None:
    from PySide6.QtGui import QColor
    from Testing.host.convert import unwrap

    unwrap(dialog).setCurrentColor(QColor("#102030"))
    dialog.accept()


def test_the_report_is_opened_when_it_is_written(
    faked: Any, host: Any, processes: list[Any], run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(faked, "openFile", opened.append)
    faked.parameters.runFolder = str(run_folder)
    faked.ui.modelButton.collapsed = False
    host.click(faked.ui.reportButton)
    processes[-1].onEvent({"event": "result", "name": "report", "values": {"path": "report.html"}})
    processes[-1].finish()
    assert opened == ["report.html"]


def test_predicted_memory_grows_with_the_budget(faked: Any, run_folder: Path) -> None:
    faked.search.memory.values = {
        "search": 3 * 2**30,
        "retraining_full": 20 * 2**30,
        "device": "GPU",
        "available": 12 * 2**30,
    }
    assert faked.search.memory.sentence(0.5) == "search 3.0 GiB, retraining about 10.0 GiB; GPU has 12.0 GiB"
    assert faked.search.memory.sentence(0.8).endswith("Choose a smaller patch or batch.")


def test_pairs_of_the_scene_become_a_data_set(faked: Any, host: Any, tmp_path: Path) -> None:
    import SimpleITK as sitk
    import slicer

    from dints.data.datalist import read_datalist

    add_pair(slicer, "CT 1", ["liver"])
    add_pair(slicer, "CT 2", ["spleen", "liver"])
    faked.parameters.dataFolder = str(tmp_path / "exported")
    host.click(faked.ui.pairsButton)
    for name in ("CT 1", "CT 2"):
        host.choose(faked.ui.imageSelector, name)
        host.choose(faked.ui.segmentationSelector, f"{name} segments")
        host.click(faked.ui.addPairButton)
    host.click(faked.ui.exportPairsButton)
    assert faked.isBusy
    host.wait_until(lambda: not faked.isBusy)
    assert faked.data.error == ""
    assert faked.ui.statusLabel.text == "2 cases were written."
    datalist = read_datalist(tmp_path / "exported")
    assert datalist.labels == {0: "background", 1: "liver", 2: "spleen"}
    assert [case.name for case in datalist.cases] == ["CT_1", "CT_2"]
    label = sitk.GetArrayFromImage(sitk.ReadImage(str(datalist.cases[1].label)))
    assert set(np.unique(label)) == {0, 1, 2}


def test_a_pair_whose_node_is_deleted_is_dropped(faked: Any, host: Any) -> None:
    import slicer

    volume = add_pair(slicer, "CT 1", ["liver"])
    faked.ui.imageSelector.setCurrentNode(volume)
    faked.ui.segmentationSelector.setCurrentNode(slicer.util.getNode("CT 1 segments"))
    host.click(faked.ui.pairsButton)
    host.click(faked.ui.addPairButton)
    assert faked.ui.pairsTable.rowCount == 1
    slicer.mrmlScene.RemoveNode(volume)
    faked.refresh()
    assert faked.ui.pairsTable.rowCount == 0


@pytest.fixture
def exporting(faked: Any, host: Any, tmp_path: Path) -> Any:
    """The panel just after it began to write two pairs."""
    import slicer

    faked.parameters.dataFolder = str(tmp_path / "exported")
    for name in ("CT 1", "CT 2"):
        volume = add_pair(slicer, name, ["liver"])
        faked.data.pairs.append((volume.GetID(), slicer.util.getNode(f"{name} segments").GetID()))
    faked.data.refreshPairs()
    host.click(faked.ui.pairsButton)
    host.click(faked.ui.exportPairsButton)
    return faked


def test_a_stopped_export_leaves_nothing(exporting: Any, host: Any, tmp_path: Path) -> None:
    host.wait_until(lambda: exporting.ui.progressBar.value == 1)
    host.click(exporting.ui.stopCheckButton)
    host.wait_until(lambda: not exporting.isBusy)
    assert exporting.ui.statusLabel.text == "Stopped."
    assert list((tmp_path / "exported").glob("*")) == []


def test_a_pair_that_is_deleted_while_it_is_written_says_so(exporting: Any, host: Any, tmp_path: Path) -> None:
    import slicer

    slicer.mrmlScene.RemoveNode(slicer.util.getNode("CT 2"))
    host.wait_until(lambda: not exporting.isBusy)
    assert "was deleted meanwhile" in exporting.ui.dataReasonLabel.text
    assert list((tmp_path / "exported").glob("*")) == []


def add_pair(slicer: Any, name: str, segments: list[str]) -> Any:
    """A volume and a segmentation with one cube for each name."""
    volume = slicer.util.addVolumeFromArray(np.zeros((8, 8, 8), np.int16), name=name)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{name} segments")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for number, segment in enumerate(segments):
        identifier = node.GetSegmentation().AddEmptySegment(segment, segment)
        cube = np.zeros((8, 8, 8), np.uint8)
        cube[2 * number : 2 * number + 2] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(cube, node, identifier, volume)
    return volume
