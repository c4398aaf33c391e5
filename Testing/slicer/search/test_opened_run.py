"""A run that is opened again: what the panel shows of it, its folds, its cases, and its model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import start, write_run
from .states import write_race


def test_a_run_is_opened_with_all_that_it_holds(faked: Any, host: Any, run_folder: Path) -> None:
    faked.parameters.runFolder = str(run_folder)
    titles = [section.button.text for section in faked.sections]
    assert titles == [
        "1. Data: 4 cases, ready",
        "2. Search: finished",
        "3. Retrain: 1 of 2 folds",
        "4. Model: 1 of 2 networks",
    ]
    assert faked.ui.foldsTable.item(0, 2).text() == "0.500"
    assert faked.ui.scoresTable.item(1, 0).text() == "case0"
    assert faked.export.whyNot() == ""
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
    assert "image.nrrd is no longer there" in faked.ui.reasonLabel.text


def test_every_metric_of_the_scores_is_in_a_tool_tip(faked: Any, run_folder: Path) -> None:
    scores = run_folder / "evaluation" / "scores.json"
    content = json.loads(scores.read_text())
    content["rows"] = [row | {"hd95": 2.0} for row in content["rows"]]
    scores.write_text(json.dumps(content))
    faked.parameters.runFolder = str(run_folder)
    table = faked.ui.scoresTable
    assert [table.horizontalHeaderItem(column).text() for column in range(3)] == ["Dice of case", "Fold", "liver"]
    assert [table.item(row, 2).text() for row in range(2)] == ["0.500", "0.500"]
    assert table.item(1, 2).toolTip() == "liver: Dice 0.500, NSD \u2013, hd95 2.000"


def test_damaged_scores_are_named_and_the_rest_of_the_run_is_shown(faked: Any, run_folder: Path) -> None:
    (run_folder / "evaluation" / "scores.json").write_text('{"format": 1, "rows": [{"case": "case0"}], "cases": {}}')
    faked.parameters.runFolder = str(run_folder)
    assert "scores.json: is damaged" in faked.run.problems[0]
    assert faked.ui.scoresTable.rowCount == 0
    assert faked.ui.foldsTable.item(0, 2).text() == "0.500"


def test_folds_are_dealt_to_the_gpus(faked: Any, host: Any, processes: list[Any], run_folder: Path) -> None:
    faked.parameters.runFolder = str(run_folder)
    faked.ui.retrainButton.collapsed = False
    faked.search.memory.values = {"search": 1, "retraining_full": 1, "device": "GPU", "available": 2, "gpus": 2}
    faked.refresh()
    host.choose(faked.ui.distributionBox, "One per GPU")
    start(host, faked, faked.retrain)
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
    start(host, faked, faked.retrain)
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
        start(host, faked, faked.export)
    assert processes == []
    with host.answering("Yes"):
        start(host, faked, faked.export)
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
    start(host, faked, faked.export)
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


def test_folds_of_another_run_are_checked_as_they_will_be_trained(
    faked: Any, host: Any, processes: list[Any], run_folder: Path, tmp_path: Path
) -> None:
    """The lines of both runs are the same, but for the mark that was taken away."""
    faked.parameters.runFolder = str(run_folder)
    faked.open(faked.retrain)
    faked.ui.foldsTable.item(1, 0).setCheckState(0)
    faked.parameters.runFolder = str(write_run(tmp_path / "other"))
    assert faked.retrain.folds == [0, 1]
    assert [faked.ui.foldsTable.item(fold, 0).checkState() for fold in range(2)] == [2, 2]


def test_a_run_without_a_race_is_not_shown_by_the_plot_of_one(faked: Any, run_folder: Path, tmp_path: Path) -> None:
    write_race(run_folder / "search" / "race")
    faked.parameters.runFolder = str(run_folder)
    assert faked.ui.searchChartBox.currentData == "race"
    faked.parameters.runFolder = str(write_run(tmp_path / "other"))
    assert faked.ui.searchChartBox.currentData == "loss"
