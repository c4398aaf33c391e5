"""The panel with fake processes: states, reasons, settings and errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import change_setting, start, write_check, write_run


def test_a_sentence_says_why_nothing_can_be_started(faked: Any) -> None:
    assert faked.ui.reasonLabel.text == "Choose a run folder, or try it on generated scans."
    assert faked.search.whyNot() == "Check the data first."
    assert faked.retrain.whyNot() == "Search an architecture first."
    assert faked.export.whyNot() == "Retrain at least one fold first."
    for section in faked.sections:
        faked.open(section)
        assert faked.ui.reasonLabel.text == section.whyNot()
        assert not faked.ui.startButton.enabled
    assert not faked.ui.reportButton.enabled


def test_an_empty_panel_says_what_to_do_and_tries_it(
    faked: Any, host: Any, processes: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from DiNTSSearchLib import data_section

    folder = tmp_path / "demo"
    monkeypatch.setattr(data_section, "tryFolder", lambda: folder)
    assert faked.ui.welcomeLabel.text.count(". ") == 1
    host.click(faked.ui.tryButton)
    assert processes[-1].arguments == ["demo", "--run", str(folder), "--data-only"]
    processes[-1].onEvent({"event": "result", "name": "data", "values": {"path": str(folder / "phantoms")}})
    processes[-1].finish()
    assert processes[-1].arguments[:2] == ["check", str(folder / "phantoms")]
    assert not host.is_shown(faked.ui.welcomeFrame)
    write_check(folder, [])
    processes[-1].finish()
    assert processes[-1].arguments[:3] == ["search", "--run", str(folder)]
    assert faked.current is faked.search


def test_a_try_that_was_made_before_is_opened_again(
    faked: Any, host: Any, processes: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from DiNTSSearchLib import data_section

    monkeypatch.setattr(data_section, "tryFolder", lambda: write_run(tmp_path / "demo"))
    host.click(faked.ui.tryButton)
    assert processes == []
    assert faked.ui.searchButton.text == "2. Search: finished"


def test_a_check_brings_its_settings_into_the_panel(checked: Any) -> None:
    assert checked.ui.dataButton.text == "1. Data: 1 case, ready"
    assert checked.ui.searchButton.text == "2. Search: ready"
    assert not checked.ui.searchButton.collapsed
    assert (checked.ui.iterationsBox.value, checked.ui.patchXBox.value) == (60, 32)
    assert checked.ui.budgetSlider.value == 0.5
    assert checked.ui.modelNameEdit.text == "Phantom"


def test_all_problems_of_the_data_are_listed(faked: Any, host: Any, processes: list[Any], tmp_path: Path) -> None:
    faked.parameters.runFolder, faked.parameters.dataFolder = str(tmp_path / "new"), str(tmp_path)
    start(host, faked, faked.data)
    problem = {"reason": "cannot be read", "remedy": "copy it again", "severity": "error"}
    write_check(
        tmp_path / "new", [{"file": "x/a.nii.gz", "case": "a", **problem}, {"file": "x/labels.json", **problem}]
    )
    processes[-1].finish(2, "x: 2 problems must be solved before training")
    texts = [faked.ui.casesTable.item(row, 1).text() for row in range(2)]
    assert all("cannot be read" in text for text in texts)
    assert faked.ui.casesTable.item(1, 0).toolTip() == "x/a.nii.gz: cannot be read; copy it again"
    assert faked.ui.dataButton.text == "1. Data: 2 errors"
    assert faked.ui.reasonLabel.text == "Solve 2 problems; point at a line to read what to do."
    assert faked.search.whyNot() == "Check the data first."


def test_another_preset_needs_another_check(checked: Any, host: Any, processes: list[Any]) -> None:
    host.choose(checked.ui.presetBox, "hippocampus")
    assert checked.ui.reasonLabel.text == "Check the data again: choices changed."
    start(host, checked, checked.data)
    assert processes[-1].arguments[-2:] == ["--config", "hippocampus"]


def test_changed_settings_reach_the_engine(checked: Any, host: Any, processes: list[Any], tmp_path: Path) -> None:
    host.type_text(checked.ui.iterationsBox, "50")
    host.type_text(checked.ui.patchZBox, "24")
    change_setting(host, checked, "training.filters", "4")
    start(host, checked, checked.search)
    arguments = processes[-1].arguments
    assert arguments[:5] == ["search", "--run", str(tmp_path / "new"), "--device", "auto"]
    changes = [arguments[index + 1] for index, part in enumerate(arguments) if part == "--set"]
    assert changes == ["training.filters=4", "search.iterations=50", "sampling.patch=[32, 32, 24]"]


def test_a_setting_that_cannot_be_is_refused_with_the_reason(checked: Any, host: Any) -> None:
    change_setting(host, checked, "training.filters", "many")
    assert "training.filters must be a whole number" in checked.ui.reasonLabel.text
    assert dict(checked.parameters.changes) == {}
    host.type_text(checked.ui.patchXBox, "33")
    checked.search.error = ""
    checked.refresh()
    assert "patch" in checked.ui.reasonLabel.text
    assert not checked.ui.startButton.enabled


def test_a_failure_is_shown_at_its_step(checked: Any, host: Any, processes: list[Any]) -> None:
    start(host, checked, checked.search)
    processes[-1].onEvent({"event": "warning", "text": "the disk is nearly full"})
    processes[-1].finish(1, "the disk is full; make room and resume")
    assert checked.ui.reasonLabel.text == "the disk is full; make room and resume"
    assert checked.current is checked.search
    assert "nearly full" in checked.ui.logEdit.toPlainText()
    assert checked.ui.startButton.enabled


def test_stopping_says_so_until_the_engine_has_ended(checked: Any, host: Any, processes: list[Any]) -> None:
    start(host, checked, checked.search)
    host.click(checked.ui.stopButton)
    assert processes[-1].isStopping
    assert processes[-1].isRunning
    processes[-1].onEvent({"event": "progress", "stage": "search", "step": 30, "total": 60})
    assert "is finished and saved" in checked.ui.statusLabel.text
    assert checked.ui.progressBar.value == 30
    processes[-1].finish(130, "Cancelled.")
    assert checked.ui.statusLabel.text == "Stopped. It can be resumed, also after a restart."


def test_stopping_a_training_leaves_the_cross_validation_out(
    faked: Any, host: Any, processes: list[Any], run_folder: Path
) -> None:
    faked.parameters.runFolder = str(run_folder)
    start(host, faked, faked.retrain)
    host.click(faked.ui.stopButton)
    processes[-1].finish()  # its last step was just done
    assert not faked.isBusy
    assert [process.arguments[0] for process in processes] == ["train"]
    assert faked.ui.statusLabel.text.startswith("Stopped.")


def test_progress_shows_stage_values_and_time_left(checked: Any, host: Any, processes: list[Any]) -> None:
    start(host, checked, checked.search)
    progress = {"event": "progress", "stage": "search", "step": 30, "total": 60, "metrics": {"loss": 0.5}}
    processes[-1].onEvent({**progress, "seconds_left": 600.0})
    assert checked.ui.statusLabel.text == "search: 30 of 60, 10 min left, loss 0.5"
    assert (checked.ui.progressBar.value, checked.ui.progressBar.maximum) == (30, 60)
    assert not checked.ui.startButton.enabled


def test_the_architecture_is_drawn_while_a_search_runs_and_after_it(faked: Any, run_folder: Path) -> None:
    from DiNTSSearchLib.search_section import ARCHITECTURE_WIDTH

    from dints.space.architecture import Architecture
    from dints.space.search_space import SearchSpace
    from dints.zoo.unet_design import UNetDesign

    def shown() -> Any:
        faked.search.showArchitecture()
        pixmap = faked.ui.architectureLabel.pixmap
        assert pixmap.width() == ARCHITECTURE_WIDTH
        return pixmap.toImage()

    final, current = (run_folder / "search" / f"{name}.json" for name in ("architecture", "current"))
    final.rename(current)
    faked.parameters.runFolder = str(run_folder)
    searching = shown()
    Architecture.random(SearchSpace(2, 2), 1).save(final)
    searched = shown()
    final.unlink()
    UNetDesign(levels=3).save(final)
    given = shown()
    assert searching != searched
    assert searched.height() != given.height()


def test_own_data_after_a_try_are_not_planned_as_the_generated_scans_were(
    faked: Any, host: Any, processes: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its preset and its time were not what the user chose."""
    from DiNTSSearchLib import data_section

    folder = tmp_path / "demo"
    monkeypatch.setattr(data_section, "tryFolder", lambda: folder)
    host.click(faked.ui.tryButton)
    processes[-1].onEvent({"event": "result", "name": "data", "values": {"path": str(folder / "phantoms")}})
    processes[-1].finish()
    write_check(folder, [])
    processes[-1].finish()
    processes[-1].finish(130, "Cancelled.")
    faked.parameters.runFolder = str(tmp_path / "own")
    assert (faked.parameters.preset, faked.parameters.time.value) == ("", "3")
    assert faked.parameters.dataFolder == ""
    faked.parameters.preset = "hippocampus"
    faked.parameters.runFolder = str(tmp_path / "another")
    assert faked.parameters.preset == "hippocampus"
