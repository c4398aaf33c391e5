"""The time that a run may take, and the prediction of what it will take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import FakeProcess, checked_and_predicting, questions, start
from .states import PLAN

WAITING = "being measured, a minute at most\u2026"


@pytest.fixture
def asking(panel: Any, processes: list[FakeProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel after a check, with fake processes that also predict; it is about to ask for the time."""
    monkeypatch.setattr(panel.search.memory, "want", lambda *arguments: None)
    panel.search.time._timer.setInterval(0)
    return checked_and_predicting(panel, processes, tmp_path)


def ask(host: Any, processes: list[FakeProcess], count: int = 1) -> FakeProcess:
    host.wait_until(lambda: len(questions(processes, "plan")) == count)
    return questions(processes, "plan")[-1]


def answer(process: FakeProcess) -> None:
    process.onEvent({"event": "result", "name": "plan", "values": PLAN})
    process.finish()


def test_the_time_of_each_stage_is_shown_before_the_start(
    asking: Any, host: Any, processes: list[FakeProcess], tmp_path: Path
) -> None:
    question = ask(host, processes)
    assert asking.ui.timeText.text == WAITING
    checked = str(tmp_path / "new" / "check.json")
    wanted = ["plan", "--data", str(tmp_path), "--check", checked, "--device", "auto", "--hours", "3"]
    assert question.arguments == wanted
    answer(question)
    sentence = "2.4 h in all: preprocessing 1 min, search 33 min, race 25 min, training 67 min, evaluation 15 min"
    assert asking.ui.timeText.text == sentence
    assert asking.ui.timeText.toolTip == "3.0 h are given.\nLeft out: flips."


def test_another_time_is_a_new_question_and_reaches_the_engine(
    asking: Any, host: Any, processes: list[FakeProcess]
) -> None:
    answer(ask(host, processes))
    host.choose(asking.ui.timeBox, "15 minutes")
    answer(ask(host, processes, 2))
    start(host, asking, asking.search)
    arguments = processes[-1].arguments
    assert (arguments[0], arguments[-2:]) == ("search", ["--hours", "0.25"])


def test_as_long_as_the_paper_takes_the_settings_of_the_check(
    asking: Any, host: Any, processes: list[FakeProcess], tmp_path: Path
) -> None:
    ask(host, processes)
    host.choose(asking.ui.timeBox, "like the paper")
    settings = ["--config", str(tmp_path / "new" / "config.yaml")]
    assert ask(host, processes, 2).arguments[-2:] == settings
    start(host, asking, asking.search)
    assert processes[-1].arguments[-2:] == settings


def test_what_the_user_changes_stays_in_a_run_that_fits_its_time(
    asking: Any, host: Any, processes: list[FakeProcess]
) -> None:
    ask(host, processes)
    asking.parameters.iterations = 77
    assert ask(host, processes, 2).arguments[-4:] == ["--hours", "3", "--set", "search.iterations=77"]


def test_an_architecture_of_the_zoo_is_planned_with(asking: Any, host: Any, processes: list[FakeProcess]) -> None:
    ask(host, processes)
    asking.parameters.zoo = "u-shape"
    assert ask(host, processes, 2).arguments[-4:] == ["--hours", "3", "--architecture", "u-shape"]


def test_why_there_is_no_plan_is_said(asking: Any, host: Any, processes: list[FakeProcess]) -> None:
    ask(host, processes).finish(2, "15 min leave 3 steps; give at least 2.0 h")
    assert asking.ui.timeText.text == "15 min leave 3 steps; give at least 2.0 h"


def test_the_footer_says_how_long_the_whole_run_takes(asking: Any, host: Any, processes: list[FakeProcess]) -> None:
    start(host, asking, asking.search)
    progress = {"event": "progress", "stage": "search", "step": 1, "total": 4, "metrics": {}}
    processes[-1].onEvent({**progress, "seconds_left": 90.0, "run_seconds_left": 9000.0})
    assert asking.ui.statusLabel.text == "search: 1 of 4, 2 min left (2.5 h of the whole run)"


def test_no_measuring_goes_on_beside_the_run(asking: Any, host: Any, processes: list[FakeProcess]) -> None:
    """Both would take twice as long as they do alone, and the run would be planned for a slower computer."""
    question = ask(host, processes)
    start(host, asking, asking.search)
    assert not question.isRunning
    asking.refresh()
    host.process_events()
    assert [process.arguments[0] for process in processes if process.isRunning] == ["search"]
    assert len(questions(processes, "plan")) == 1


def test_what_is_left_of_a_run_is_shown_before_its_training(
    panel: Any, host: Any, processes: list[FakeProcess], run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel.search.memory, "want", lambda *arguments: None)
    panel.search.time._timer.setInterval(0)
    panel.logic._makeProcess, panel.missing = FakeProcess, ""
    panel.parameters.runFolder = str(run_folder)
    host.process_events()
    panel.open(panel.search)
    assert not questions(processes, "plan")  # of a run that was made without, nobody waits for a measuring
    assert not host.is_shown(panel.ui.predictedTimeLabel)  # a word with nothing behind it
    (run_folder / "plan.json").write_text("{}")
    panel.refresh()
    question = ask(host, processes)
    assert question.arguments == ["plan", "--run", str(run_folder), "--device", "auto"]
    stages = {"train fold 1": 600.0, "evaluate fold 0": 60.0, "evaluate fold 1": 120.0}
    question.onEvent({"event": "result", "name": "plan", "values": {"seconds": 780.0, "stages": stages}})
    question.finish()
    panel.open(panel.search)
    assert host.is_shown(panel.ui.predictedTimeLabel)
    panel.open(panel.retrain)
    assert panel.ui.retrainTimeText.text == "Time: 13 min in all: training 10 min, evaluation 3 min"
    panel.ui.foldsTable.item(0, 0).setCheckState(0)
    host.process_events()
    assert panel.ui.retrainTimeText.text == "Time: 12 min in all: training 10 min, evaluation 2 min"
    start(host, panel, panel.retrain)
    assert not panel.ui.retrainTimeText.visible  # the footer tells it


@pytest.mark.parametrize(
    ("plan", "shown"),
    [
        ('{"hours": 0.25}', "15 minutes"),
        ('{"hours": 8.0}', "8 hours"),
        ('{"hours": null}', "like the paper"),
        ('{"hours": 0.5}', "30 min"),
        ('{"hours": -1}', "the run's own"),
        ("", "the run's own"),
    ],
)
def test_a_run_shows_the_time_that_it_was_given(faked: Any, host: Any, run_folder: Path, plan: str, shown: str) -> None:
    if plan:
        (run_folder / "plan.json").write_text(plan)
    faked.parameters.runFolder = str(run_folder)
    box = faked.ui.timeBox
    assert (box.currentText or box.placeholderText) == shown
    faked.parameters.notes = "a change of something else"
    host.process_events()
    assert (box.currentText or box.placeholderText) == shown
    assert not box.enabled
    faked.parameters.runFolder = ""
    assert (box.currentText, faked.parameters.time.value) == ("3 hours", "3")


def test_a_check_that_is_gone_is_to_be_made_again(
    asking: Any, host: Any, processes: list[FakeProcess], tmp_path: Path
) -> None:
    answer(ask(host, processes))
    (tmp_path / "new" / "check.json").unlink()
    asking.refresh()
    assert not host.is_shown(asking.ui.engineLabel)
    assert asking.ui.reasonLabel.text == "Check the data first."
    assert asking.ui.timeText.text == "known after the check"
    assert not asking.ui.startButton.enabled
