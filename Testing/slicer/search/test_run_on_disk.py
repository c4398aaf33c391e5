"""What the panel reads of a run's folder: how far it is, logs of any length, and files that cannot be read."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LONG = 30_000  # rows: several times what one turn reads
TURN_SECONDS = 0.1
WHOLE_SECONDS = 20.0  # on a busy machine
NOT_READABLE = {  # files of a run, what they hold then, and a part of what is said
    "newer settings": ("config.yaml", "format: 9\nsearch: {depth: 3}\n", "config.yaml"),
    "settings that are no YAML": ("config.yaml", "search: [", "is not valid YAML"),
    "a check that was cut short": ("check.json", '{"cases": [', "is not valid JSON"),
    "choices of another kind": ("choices.json", "[1, 2]", "choices.json: does not hold"),
    "scores that were cut short": ("evaluation/scores.json", '{"rows"', "is not valid JSON"),
}


@pytest.fixture
def opened(host: Any, run_folder: Path) -> Any:
    from DiNTSSearchLib.opened_run import OpenedRun

    run = OpenedRun(run_folder)
    assert run.readLogs()
    return run


def write_log(path: Path, validations: dict[int, float], rows: int = LONG) -> None:
    """A log of a fold; {step: mean Dice of the validation after it}."""
    lines = []
    for step in range(rows):
        lines.append({"step": step, "loss": 1.0, "learning_rate": 0.1, "micro_batch": 2})
        if step in validations:
            lines.append({"step": step, "dice": [validations[step]], "mean_dice": validations[step]})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_run_tells_how_far_it_is(opened: Any, run_folder: Path) -> None:
    assert (opened.isRun, opened.search.finished, opened.search.step) == (True, True, 8)
    assert (opened.folds[0].finished, opened.folds[0].best_dice) == (True, 0.5)
    assert not opened.folds[1].started
    assert opened.trainedFolds == [0]
    (run_folder / "search" / "architecture.json").unlink()
    opened.readLogs()
    assert (opened.search.finished, opened.search.started, opened.search.step) == (False, True, 8)


@pytest.mark.parametrize("exists", [True, False])
def test_an_empty_folder_is_no_run(host: Any, tmp_path: Path, exists: bool) -> None:
    from DiNTSSearchLib.opened_run import OpenedRun

    run = OpenedRun(tmp_path if exists else "")
    assert (run.isRun, run.settings, run.check, run.scores, run.folds) == (False, None, None, None, [])
    assert not run.search.started
    assert run.problems == []


def test_a_fold_that_was_interrupted_after_a_validation_is_not_trained(faked: Any, run_folder: Path) -> None:
    write_log(run_folder / "train" / "fold0" / "log.jsonl", {1: 0.5}, rows=3)
    faked.parameters.runFolder = str(run_folder)
    assert faked.ui.foldsTable.item(0, 1).text() == "3 of 4"
    assert faked.ui.foldsTable.item(0, 2).text() == "0.500"
    assert faked.export.whyNot() == "Retrain at least one fold first."


@pytest.mark.parametrize("best", [0, LONG // 2, LONG - 1])
def test_the_dice_of_the_best_network_is_shown_wherever_it_is_in_a_long_log(
    faked: Any, host: Any, run_folder: Path, best: int
) -> None:
    validations = {step: 0.3 for step in (0, LONG // 2, LONG - 1)} | {best: 0.7}
    write_log(run_folder / "train" / "fold1" / "log.jsonl", validations)
    faked.parameters.runFolder = str(run_folder)
    table, shown = faked.ui.foldsTable, set()

    def is_read() -> bool:
        shown.add(table.item(1, 2).text())
        return table.item(1, 1).text() != "is read\u2026"

    host.wait_until(is_read, WHOLE_SECONDS)
    assert shown <= {"", "0.700"}  # never that of another network
    assert table.item(1, 2).text() == "0.700"


def test_long_logs_are_read_in_turns(
    faked: Any, host: Any, run_folder: Path, stays_responsive: Callable[[Callable[[], None]], None]
) -> None:
    for fold in range(2):
        write_log(run_folder / "train" / f"fold{fold}" / "log.jsonl", {})

    def reading() -> None:
        faked.parameters.runFolder = ""
        host.process_events()
        faked.parameters.runFolder = str(run_folder)
        host.wait_until(lambda: None not in faked.run.folds, WHOLE_SECONDS)

    stays_responsive(reading)
    started = time.monotonic()
    faked.run.readLogs()
    assert time.monotonic() - started < TURN_SECONDS


@pytest.mark.parametrize(("name", "content", "sentence"), NOT_READABLE.values(), ids=NOT_READABLE.keys())
def test_a_file_that_cannot_be_read_is_named_and_nothing_else_fails(
    faked: Any, host: Any, run_folder: Path, name: str, content: str, sentence: str
) -> None:
    (run_folder / name).write_text(content)
    faked.parameters.runFolder = str(run_folder)
    assert sentence in faked.ui.engineLabel.text
    assert host.is_shown(faked.ui.engineLabel)
    assert not host.is_shown(faked.ui.engineButton)
    assert faked.ui.searchButton.text == "2. Search: finished"
    host.raise_errors()


def test_a_run_whose_settings_cannot_be_read_is_not_gone_on_with(faked: Any, run_folder: Path) -> None:
    (run_folder / "config.yaml").write_text("search: [")
    faked.parameters.runFolder = str(run_folder)
    assert "is not valid YAML" in faked.search.whyNot()
    assert faked.search.whyNot() == faked.retrain.whyNot() == faked.export.whyNot()


def test_folds_that_were_unchecked_are_checked_in_another_run(faked: Any, run_folder: Path, tmp_path: Path) -> None:
    faked.parameters.runFolder = str(run_folder)
    faked.ui.foldsTable.item(0, 0).setCheckState(0)
    assert faked.retrain.folds == [1]
    faked.parameters.runFolder = str(tmp_path / "another")
    faked.parameters.runFolder = str(run_folder)
    assert faked.retrain.folds == [0, 1]
