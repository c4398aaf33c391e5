from __future__ import annotations

import io
import json

import pytest

from dints.events import JsonReporter, TerminalReporter


def test_events_are_ascii_json_one_a_line() -> None:
    stream = io.StringIO()
    reporter = JsonReporter(stream)
    reporter.progress("search", 1, 4, loss=0.5)
    reporter.progress("search", 2, 4, loss=0.25)
    reporter.message("Größe")
    reporter.warning("slow")
    reporter.result("model", path="m.zip", name="liver")
    assert stream.getvalue().isascii()
    first, second, message, warning, result = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert first == {
        "event": "progress",
        "stage": "search",
        "step": 1,
        "total": 4,
        "seconds_left": None,
        "metrics": {"loss": 0.5},
    }
    assert second["seconds_left"] >= 0
    assert message == {"event": "message", "text": "Größe"}
    assert warning["event"] == "warning"
    assert result == {"event": "result", "name": "model", "values": {"path": "m.zip", "name": "liver"}}


def test_stages_that_alternate_keep_their_own_time() -> None:
    stream = io.StringIO()
    reporter = JsonReporter(stream)
    for step in range(3):
        for fold in range(2):
            reporter.progress(f"train fold {fold}", step, 3)
    left = [json.loads(line)["seconds_left"] for line in stream.getvalue().splitlines()]
    assert left[:2] == [None, None]
    assert None not in left[2:]


class Watch:
    """Stands in for `time`."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    own = Watch()
    monkeypatch.setattr("dints.events.time", own)
    return own


def test_the_time_of_the_whole_run_follows_the_pace_of_its_stages(watch: Watch) -> None:
    stream = io.StringIO()
    reporter = JsonReporter(stream)
    reporter.expect({"search": 100.0, "train fold 0": 40.0, "train fold 1": 40.0, "evaluate fold 0": 10.0})
    steps = [("search", 0), ("search", 5), ("search", 10), ("train fold 0", 0), ("train fold 0", 5)]
    for stage, step in steps:
        reporter.progress(stage, step, 10)
        watch.now += 10
    whole = [json.loads(line)["run_seconds_left"] for line in stream.getvalue().splitlines()]
    assert whole[0] == 190  # as predicted
    assert whole[1] == 10 + 90  # the search is ten times as fast; the trainings are of another kind
    assert whole[2] == whole[3] == 90
    # Five steps of ten took 10 s in place of 20: the other fold is taken to be as fast.
    assert whole[4] == 10 + 20 + 10


def test_stages_that_were_not_predicted_leave_the_whole_as_it_is(watch: Watch) -> None:
    stream = io.StringIO()
    reporter = JsonReporter(stream)
    reporter.expect({"search": 100.0, "race": 50.0})
    for step in range(2):
        reporter.progress("race search_price_0", step, 2)
    assert [json.loads(line)["run_seconds_left"] for line in stream.getvalue().splitlines()] == [150, 150]


def test_without_a_prediction_nothing_is_said_of_the_whole() -> None:
    stream = io.StringIO()
    JsonReporter(stream).progress("segment", 1, 2)
    assert "run_seconds_left" not in json.loads(stream.getvalue())


def test_a_stage_that_begins_anew_does_not_count_the_time_before() -> None:
    stream = io.StringIO()
    reporter = JsonReporter(stream)
    for step in (0, 1, 2, 0):
        reporter.progress("segment", step, 2)
    assert json.loads(stream.getvalue().splitlines()[-1])["seconds_left"] is None


def test_without_a_terminal_progress_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = TerminalReporter()
    for step in range(1, 101):
        reporter.progress("train", step, 100, loss=1 / step)
    reporter.message("done")
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == "done\n"
    assert len(lines) == 2
    assert lines[-1] == "train: 100/100 loss=0.01"
