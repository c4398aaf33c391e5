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
