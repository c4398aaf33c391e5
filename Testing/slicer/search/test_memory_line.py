"""The predicted memory: asked when settings changed, and in sight for as long as they hold, also through a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import FakeProcess, checked_and_predicting, questions, start
from .states import DEVICE, PLAN, PREDICTION

SENTENCE = f"search 3.0 GiB, retraining about 15.0 GiB; {DEVICE} has 12.0 GiB. Choose a smaller patch or batch."
LONG = 100_000  # milliseconds
WAITING = "being predicted\u2026"


@pytest.fixture
def asking(panel: Any, processes: list[FakeProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel after a check, with fake processes that also predict; it is about to ask for the memory."""
    monkeypatch.setattr(panel.search.time, "want", lambda *arguments: None)
    panel.search.memory._timer.setInterval(0)
    return checked_and_predicting(panel, processes, tmp_path)


def ask(host: Any, processes: list[FakeProcess], count: int = 1) -> FakeProcess:
    host.wait_until(lambda: len(questions(processes, "memory")) == count)
    return questions(processes, "memory")[-1]


def answer(process: FakeProcess) -> None:
    values = {**PREDICTION, "device": DEVICE}
    process.onEvent({"event": "result", "name": "memory", "values": values})
    process.finish()


def begin_run(panel: Any, host: Any, folder: Path) -> None:
    """Starts the search; the engine makes the folder a run with its settings."""
    from dints.config import Config
    from dints.files.storage import write_json

    overrides = [f"{key}={text}" for key, text in panel.search.changes().items()]
    start(host, panel, panel.search)
    Config.load(folder / "config.yaml").with_overrides(overrides).save(folder / "config.yaml")
    write_json(folder / "run.json", {"format": 1, "data": str(folder), "held_out": []})
    panel.refresh()


def test_the_prediction_is_shown_when_it_has_come(asking: Any, host: Any, processes: list[FakeProcess]) -> None:
    question = ask(host, processes)
    assert asking.ui.memoryText.text == WAITING
    answer(question)
    assert asking.ui.memoryText.text == SENTENCE


def test_a_prediction_stays_while_the_search_runs(
    asking: Any, host: Any, processes: list[FakeProcess], tmp_path: Path
) -> None:
    answer(ask(host, processes))
    asking.parameters.iterations = 77
    answer(ask(host, processes, 2))
    begin_run(asking, host, tmp_path / "new")
    assert asking.ui.memoryText.text == SENTENCE
    processes[-1].finish(130, "Cancelled.")
    assert asking.ui.memoryText.text == SENTENCE
    assert len(questions(processes, "memory")) == 2


def test_a_prediction_that_comes_while_the_search_runs_is_shown(
    asking: Any, host: Any, processes: list[FakeProcess], tmp_path: Path
) -> None:
    question = ask(host, processes)
    begin_run(asking, host, tmp_path / "new")
    assert asking.ui.memoryText.text == WAITING
    answer(question)
    assert asking.ui.memoryText.text == SENTENCE


def test_a_search_that_is_started_at_once_gets_its_prediction(
    asking: Any, host: Any, processes: list[FakeProcess], tmp_path: Path
) -> None:
    asking.search.memory._timer.setInterval(LONG)
    begin_run(asking, host, tmp_path / "new")
    assert questions(processes, "memory") == []
    asking.search.memory._timer.setInterval(0)
    answer(ask(host, processes))
    assert asking.ui.memoryText.text == SENTENCE


def test_the_budget_is_no_new_question(asking: Any, host: Any, processes: list[FakeProcess]) -> None:
    answer(ask(host, processes))
    asking.parameters.memoryBudget = 0.1
    host.process_events()
    assert "retraining about 3.0 GiB" in asking.ui.memoryText.text
    assert len(questions(processes, "memory")) == 1


def test_another_device_is_a_new_question(asking: Any, host: Any, processes: list[FakeProcess]) -> None:
    answer(ask(host, processes))
    host.choose(asking.ui.deviceBox, "CPU")
    assert "cpu" in ask(host, processes, 2).arguments
    assert asking.ui.memoryText.text == WAITING


def test_why_there_is_no_prediction_is_said(asking: Any, host: Any, processes: list[FakeProcess]) -> None:
    ask(host, processes).finish(1, "memory ran out; close other programs")
    assert asking.ui.memoryText.text == "memory ran out; close other programs"


def test_a_run_that_fits_its_time_is_said_to_need_what_it_was_planned_with(
    asking: Any, host: Any, processes: list[FakeProcess], tmp_path: Path
) -> None:
    """The paper's settings, which are not taken then, would not fit."""
    answer(ask(host, processes))
    planning = asking.search.time
    planning.wantAnswer("a plan", lambda **calls: None)
    asking.refresh()
    assert asking.ui.memoryText.text == WAITING
    planning.values = {**PLAN, "memory": {"search": 2**30, "train": 3 * 2**30}}
    asking.refresh()
    assert asking.ui.memoryText.text == f"search 1.0 GiB, retraining about 3.0 GiB; {DEVICE} has 12.0 GiB"
    assert asking.ui.memoryText.styleSheet == ""
    planning.values = {**PLAN, "memory": {"train": 13 * 2**30}}  # nothing is searched
    asking.refresh()
    needed = f"retraining about 13.0 GiB; {DEVICE} has 12.0 GiB. Choose a smaller patch or batch."
    assert asking.ui.memoryText.text == needed
    assert asking.ui.memoryText.styleSheet != ""
    begin_run(asking, host, tmp_path / "new")
    assert asking.ui.memoryText.text == SENTENCE  # of the settings that it was begun with
