"""How long work tells the outside how far it is: nothing, a progress bar, or JSON lines."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

Remark = Callable[[str], None]  # is told, in a sentence with the path, what was taken for granted of a file
SECONDS_A_MINUTE, SECONDS_AN_HOUR, SECONDS_A_DAY = 60, 3600, 86400
Course = Callable[[float], float]  # which share of a stage's seconds has passed after a share of its steps


class Reporter:
    """Receives progress and says nothing; also the interface of the other reporters.

    Engine functions take a `reporter` and call it from the thread that called them.
    """

    def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
        """`step` of `total` of a stage ("check", "search", ...) is done; `metrics` are the newest values."""

    def expect(self, stages: Mapping[str, float], courses: Mapping[str, Course], /) -> None:
        """What is still to be done of a run, and the seconds that each stage is predicted to take, in their order.

        Args:
            courses: of the stages whose steps do not all take the same time.
        """

    def message(self, text: str) -> None:
        """A sentence for the user."""

    def warning(self, text: str) -> None:
        """A sentence for the user on something that was not as expected, and what was done about it."""

    def result(self, name: str, /, **values: Any) -> None:
        """A finished result, e.g. `result("architecture", path="...", gap=0)`. Values must be JSON."""


class Named(Reporter):
    """Passes on to another reporter, progress under one name: of work that is a part of a larger one.

    What is expected stays out: that is predicted for the whole.
    """

    def __init__(self, reporter: Reporter, stage: str) -> None:
        self._reporter, self._stage = reporter, stage

    def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
        self._reporter.progress(self._stage, step, total, **metrics)

    def message(self, text: str) -> None:
        self._reporter.message(text)

    def warning(self, text: str) -> None:
        self._reporter.warning(text)

    def result(self, name: str, /, **values: Any) -> None:
        self._reporter.result(name, **values)


class Summed(Named):
    """Passes the progress of several works on as that of all of them together.

    Args:
        done: steps of each work before, by its name.
        total: steps of all works.
    """

    def __init__(self, reporter: Reporter, stage: str, done: Mapping[str, int], total: int) -> None:
        super().__init__(reporter, stage)
        self._done, self._total = dict(done), total

    def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
        self._done[stage] = step
        super().progress(stage, sum(self._done.values()), self._total, **metrics)


class _Clock:
    """Seconds left of each stage, from the mean time of the steps that this process did itself.

    Stages of one kind may alternate: folds are trained side by side.
    """

    def __init__(self) -> None:
        # First step, when it was reported, last step, whether that was the end.
        self._stages: dict[str, tuple[int, float, int, bool]] = {}
        self._expected: dict[str, float] = {}  # seconds of each stage of the run, from its first step here
        self._courses: dict[str, Course] = {}
        self._left: dict[str, float] = {}  # of those that were heard of, or that are over
        self._pace: dict[str, float] = {}  # how much longer than predicted it takes, by the first word of a stage

    def expect(self, stages: Mapping[str, float], courses: Mapping[str, Course]) -> None:
        """Begins with a new prediction."""
        self._expected, self._courses, self._left, self._pace = dict(stages), dict(courses), {}, {}

    def run_seconds_left(self, stage: str, step: int, total: int, left: float | None) -> float | None:
        """Of all stages, with the pace at which those of the same kind went so far; None without a prediction.

        Args:
            left: what `seconds_left` said of this stage.
        """
        if not self._expected:
            return None
        if stage in self._expected and self._left.get(stage) != 0:  # what is over may be looked at again, as a cache is
            self._left |= dict.fromkeys(self._over_before(stage), 0.0)
            at_start = 1 - self._passed(stage, self._stages[stage][0], total)
            predicted = self._expected[stage] * (1 - self._passed(stage, step, total)) / (at_start or 1.0)
            self._left[stage] = predicted if left is None else left
            if left and predicted:
                self._pace[_kind(stage)] = left / predicted
        paces = {name: self._pace.get(_kind(name), 1.0) for name in self._expected}
        return sum(self._left.get(name, seconds * paces[name]) for name, seconds in self._expected.items())

    def seconds_left(self, stage: str, step: int, total: int) -> float | None:
        now = time.monotonic()
        first_step, started, last_step, ended = self._stages.get(stage, (step, now, step, False))
        if step < last_step or (ended and step < total):  # the stage began anew
            first_step, started = step, now
        self._stages[stage] = first_step, started, step, step >= total
        passed = self._passed(stage, step, total)
        done = passed - self._passed(stage, first_step, total)
        return (now - started) / done * (1 - passed) if done > 0 else None

    def _passed(self, stage: str, step: int, total: int) -> float:
        """Which share of the seconds of a whole stage has passed."""
        share = step / total if total else 1.0
        return self._courses[stage](share) if stage in self._courses else share

    def _over_before(self, stage: str) -> list[str]:
        """Stages of the kinds that come before that of a stage."""
        kinds = list(dict.fromkeys(map(_kind, self._expected)))
        over = kinds[: kinds.index(_kind(stage))]
        return [name for name in self._expected if _kind(name) in over]


def _kind(stage: str) -> str:
    """The first word: folds are of one kind."""
    return stage.partition(" ")[0]


class JsonReporter(Reporter):
    """One ASCII JSON object a line, flushed at once: what a parent process reads from a pipe.

    Every line has "event": "progress" | "message" | "warning" | "result" | "error".
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._clock = _Clock()

    def emit(self, event: str, **fields: Any) -> None:
        """Writes one line."""
        print(json.dumps({"event": event, **fields}), file=self._stream, flush=True)

    def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
        left = self._clock.seconds_left(stage, step, total)
        whole = self._clock.run_seconds_left(stage, step, total, left)
        more = {} if whole is None else {"run_seconds_left": whole}
        self.emit("progress", stage=stage, step=step, total=total, seconds_left=left, metrics=metrics, **more)

    def expect(self, stages: Mapping[str, float], courses: Mapping[str, Course], /) -> None:
        self._clock.expect(stages, courses)

    def message(self, text: str) -> None:
        self.emit("message", text=text)

    def warning(self, text: str) -> None:
        self.emit("warning", text=text)

    def result(self, name: str, /, **values: Any) -> None:
        self.emit("result", name=name, values=values)


class TerminalReporter(Reporter):
    """Sentences on standard output; progress on standard error: a bar on a terminal with tqdm, else lines."""

    LINE_INTERVAL_SECONDS = 10.0

    def __init__(self) -> None:
        try:
            from tqdm import tqdm
        except ImportError:
            tqdm = None
        self._tqdm = tqdm
        self._bars: dict[str, Any] = {}  # of each stage under way
        self._clock = _Clock()
        self._last_line = float("-inf")
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be text

    def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
        shown = {key: f"{value:.4g}" for key, value in metrics.items()}
        if self._tqdm is None or not sys.stderr.isatty():
            self._line(stage, step, total, shown)
            return
        bar = self._bars.get(stage)
        if bar is None:
            bar = self._tqdm(total=total, desc=stage, initial=step, file=sys.stderr, dynamic_ncols=True)
            self._bars[stage] = bar
        bar.total = total
        whole = self._clock.run_seconds_left(stage, step, total, self._clock.seconds_left(stage, step, total))
        bar.set_postfix(shown | ({} if whole is None else {"run_left": duration(whole)}), refresh=False)
        bar.update(step - bar.n)
        if step >= total:
            self._close(stage)

    def expect(self, stages: Mapping[str, float], courses: Mapping[str, Course], /) -> None:
        self._clock.expect(stages, courses)

    def message(self, text: str) -> None:
        self._close(*self._bars)
        print(text, flush=True)

    def warning(self, text: str) -> None:
        self._close(*self._bars)
        print(f"warning: {text}", file=sys.stderr, flush=True)

    def _line(self, stage: str, step: int, total: int, shown: dict[str, str]) -> None:
        left = self._clock.seconds_left(stage, step, total)
        whole = self._clock.run_seconds_left(stage, step, total, left)
        if step < total and time.monotonic() - self._last_line < self.LINE_INTERVAL_SECONDS:
            return
        self._last_line = time.monotonic()
        values = " ".join(f"{key}={value}" for key, value in shown.items())
        remaining = f", {duration(left)} left" if left is not None and step < total else ""
        remaining += f" ({duration(whole)} of the whole run)" if whole is not None else ""
        print(f"{stage}: {step}/{total}{remaining} {values}".rstrip(), file=sys.stderr, flush=True)

    def _close(self, *stages: str) -> None:
        for stage in stages:
            if stage in self._bars:
                self._bars.pop(stage).close()


def duration(seconds: float, rounded: Callable[[float], int] = round) -> str:
    """A time as precise as it is worth: "40 s", "25 min", "3.5 h", "12 days".

    Args:
        rounded: to a whole number of what is shown; `math.ceil` of a time that must suffice.
    """
    if seconds < 2 * SECONDS_A_MINUTE:
        return f"{rounded(seconds)} s"
    if seconds < 2 * SECONDS_AN_HOUR:
        return f"{rounded(seconds / SECONDS_A_MINUTE)} min"
    if seconds < 2 * SECONDS_A_DAY:
        return f"{rounded(10 * seconds / SECONDS_AN_HOUR) / 10:.1f} h"
    return f"{rounded(seconds / SECONDS_A_DAY)} days"


def gibibytes(count: float) -> str:
    """Bytes as people read them: "15.7 GiB", "38.0 MiB"."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 / 10 else f"{count / 2**20:.1f} MiB"
