from __future__ import annotations

import io
import json

import pytest

from dints.events import JsonReporter, Reporter, Summed, TerminalReporter


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
    reporter.expect({"search": 100.0, "train fold 0": 40.0, "train fold 1": 40.0, "evaluate fold 0": 10.0}, {})
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
    reporter.expect({"search": 100.0, "race": 50.0}, {})
    for step in range(2):
        reporter.progress("race search_price_0", step, 2)
    assert [json.loads(line)["run_seconds_left"] for line in stream.getvalue().splitlines()] == [150, 150]


def whole_run(watch: Watch, reporter: JsonReporter, stream: io.StringIO, steps: list[tuple[str, int]]) -> list[float]:
    """What is said to be left of the whole; each step of ten takes 10 s."""
    for stage, step in steps:
        reporter.progress(stage, step, 10)
        watch.now += 10
    return [json.loads(line)["run_seconds_left"] for line in stream.getvalue().splitlines()]


def test_a_fold_that_was_begun_before_says_nothing_of_the_others_but_its_pace(watch: Watch) -> None:
    stream = io.StringIO()
    reporter = JsonReporter(stream)
    reporter.expect({"train fold 0": 20.0, "train fold 1": 100.0}, {})  # 8 of 10 steps of the first are done
    whole = whole_run(watch, reporter, stream, [("train fold 0", 8), ("train fold 0", 9), ("train fold 0", 10)])
    assert whole == pytest.approx([120, 110, 100])


def test_stages_are_over_when_later_ones_begin(watch: Watch) -> None:
    """A race of fewer candidates than were predicted ends early, and what comes after it is what is left."""
    stream = io.StringIO()
    reporter = JsonReporter(stream)
    reporter.expect({"search": 100.0, "race": 100.0, "race of neighbours": 50.0, "train fold 0": 100.0}, {})
    whole = whole_run(watch, reporter, stream, [("search", 10), ("race", 1), ("race", 2), ("train fold 0", 1)])
    assert whole == pytest.approx([250, 250, 80 + 0.9 * 50 + 100, 100])  # the race takes 0.9 of what was predicted


def test_folds_side_by_side_do_not_end_one_another(watch: Watch) -> None:
    stream = io.StringIO()
    reporter = JsonReporter(stream)
    reporter.expect({"train fold 0": 100.0, "train fold 1": 100.0}, {})
    whole = whole_run(watch, reporter, stream, [("train fold 1", 1), ("train fold 0", 1)])
    assert whole == pytest.approx([200, 200])


def test_what_is_over_is_not_left_again_when_it_is_looked_at_again(watch: Watch) -> None:
    """The cache is opened by the search and by the training."""
    stream = io.StringIO()
    reporter = JsonReporter(stream)
    reporter.expect({"preprocess": 60.0, "train fold 0": 100.0}, {})
    whole = whole_run(watch, reporter, stream, [("preprocess", 0), ("preprocess", 10), ("preprocess", 0)])
    assert whole == [160, 100, 100]


def test_steps_that_take_longer_at_the_end_are_known_from_the_start(watch: Watch) -> None:
    """A search that learns the architecture in its second half takes three times as long there."""
    stream = io.StringIO()
    reporter = JsonReporter(stream)
    reporter.expect({"search": 200.0}, {"search": lambda share: (share + 2 * max(0.0, share - 0.5)) / 2})
    left = []
    for step in (0, 1, 5, 6, 10):
        watch.now = 10.0 * step if step <= 5 else 50 + 30.0 * (step - 5)
        reporter.progress("search", step, 10)
        left.append(json.loads(stream.getvalue().splitlines()[-1]))
    assert [event["seconds_left"] for event in left] == [None, *map(pytest.approx, (190, 150, 120, 0))]
    assert [event["run_seconds_left"] for event in left] == pytest.approx([200, 190, 150, 120, 0])


def test_several_works_are_told_as_one() -> None:
    told = []

    class Listening(Reporter):
        def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
            told.append((stage, step, total, metrics))

    reporter = Summed(Listening(), "race", {"a": 3, "b": 0}, 20)
    reporter.progress("b", 1, 10, loss=0.5)
    reporter.progress("a", 4, 10)
    assert told == [("race", 4, 20, {"loss": 0.5}), ("race", 5, 20, {})]


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


def test_a_larger_work_after_a_smaller_one_begins_anew_too(watch: Watch) -> None:
    """Of a scan of one window, and an hour to read the next one, which has many."""
    stream = io.StringIO()
    reporter = JsonReporter(stream)
    for now, step, total in [(0, 1, 1), (3600, 4, 12), (3610, 8, 12)]:
        watch.now = now
        reporter.progress("segment", step, total)
    left = [json.loads(line)["seconds_left"] for line in stream.getvalue().splitlines()]
    assert left == [None, None, pytest.approx(10)]


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


def test_what_is_left_is_told_in_words(watch: Watch, capsys: pytest.CaptureFixture[str]) -> None:
    reporter = TerminalReporter()
    reporter.expect({"search": 7200.0, "train fold 0": 90000.0}, {})
    for step in (0, 1):
        reporter.progress("search", step, 10)
        watch.now += 720
    assert capsys.readouterr().err.splitlines()[-1] == "search: 1/10, 108 min left (26.8 h of the whole run)"


def test_a_terminal_has_one_bar_a_stage_though_its_total_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tqdm")
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stderr", terminal)
    reporter = TerminalReporter()
    for step, total in [(0, 8), (2, 8), (3, 6), (5, 12), (12, 12)]:
        reporter.progress("segment", step, total)
    bars = terminal.getvalue().splitlines()
    assert terminal.getvalue().count("\n") == 1
    assert "12/12" in bars[-1]
