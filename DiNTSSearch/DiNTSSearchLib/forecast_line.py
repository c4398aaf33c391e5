"""What the engine predicts for settings, in a process of its own: asked when they changed, kept while they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import qt

from DiNTSLib.events import OnFinished
from DiNTSSearchLib.pipeline import Pipeline

DELAY_MILLISECONDS = 800  # after the last change of a setting


class Ask(Protocol):
    """Starts the job of the engine that answers."""

    def __call__(self, *, onFinished: OnFinished) -> Pipeline: ...


class ForecastLine:
    """One question at a time; the answer stays for as long as it holds, also through a run.

    Args:
        name: of the engine's result.
        onChanged: called when an answer has come.
    """

    def __init__(self, name: str, onChanged: Callable[[], None]) -> None:
        self._name, self._onChanged = name, onChanged
        self._known: object = None  # what the answer that is there or to come depends on
        self._asking: Ask | None = None
        self._job: Pipeline | None = None
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MILLISECONDS)
        self._timer.connect("timeout()", self._ask)
        self.values: dict[str, Any] = {}
        self.error = ""

    @property
    def isExpected(self) -> bool:
        """Whether there is an answer, or one to come."""
        return self._known is not None

    @property
    def isComing(self) -> bool:
        """Whether there is none yet, but one to come."""
        return self.isExpected and not self.values and not self.error

    def wantAnswer(self, known: object, ask: Ask) -> None:
        """Asks soon, unless the answer is there or under way; `known` is all that it depends on."""
        if known != self._known:
            self.stop()
            self._known, self._asking = known, ask
            self._timer.start()

    def stop(self) -> None:
        """Ends what is under way and forgets what was predicted."""
        self._known = None
        self.values, self.error = {}, ""
        self._timer.stop()
        if self._job is not None and self._job.isRunning:
            self._job.cancel()
        self._job = None

    def _ask(self) -> None:
        assert self._asking is not None

        def finished(exitCode: int, sentence: str) -> None:
            if self._job is job:  # and not one that was stopped
                self.values, self.error = job.results.get(self._name, {}), sentence
                self._onChanged()

        job = self._asking(onFinished=finished)
        self._job = job
