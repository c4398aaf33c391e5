"""Runs of one or more cases, one after the other, in the engine's worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import slicer
from slicer.i18n import tr as _

from dints.errors import InputError, RunError
from DiNTSLib.background import submit
from DiNTSLib.events import EXIT_CANCELLED
from DiNTSLib.processes import Poller
from DiNTSSegmentationLib.cases import SegmentationCase, Settings, State

WAIT_SECONDS = 0.01  # between two looks of a blocking call
FINAL_STATES = (State.DONE, State.FAILED, State.CANCELLED)

logger = logging.getLogger(__name__)


class SegmentationRun:
    """Cases with one set of settings.

    Attributes:
        state, error: how it ended. One case's error fails a run of one case; a batch goes on.
        stage, done, total, secondsLeft: of the case at work.
        silence: for how many seconds the engine has not answered; 0 while it does.
        log: (kind, sentence) of all that the engine said; kind is "message", "warning" or "error".
    """

    def __init__(
        self,
        title: str,
        cases: Sequence[SegmentationCase],
        settings: Settings,
        onProgress: Callable[[SegmentationRun], None] | None = None,
        onFinished: Callable[[SegmentationRun], None] | None = None,
    ) -> None:
        self.title, self.cases, self.settings = title, list(cases), settings
        self.onProgress, self.onFinished = onProgress, onFinished
        self.state, self.error = State.WAITING, ""
        self.stage, self.done, self.total = "", 0, 0
        self.secondsLeft: float | None = None
        self.silence = 0.0
        self.log: list[tuple[str, str]] = []

    @property
    def isFinished(self) -> bool:
        return self.state in FINAL_STATES

    @property
    def position(self) -> int:
        """Cases that are finished."""
        return sum(case.state not in (State.WAITING, State.RUNNING) for case in self.cases)

    @property
    def fraction(self) -> float:
        """How much is done, from 0 to 1."""
        current = self.done / self.total if self.total and self.state is State.RUNNING else 0.0
        return min(1.0, (self.position + current) / len(self.cases)) if self.cases else 1.0

    @property
    def results(self) -> Any:
        """The nodes of a run of one case: `DiNTSSegmentationLib.results.ResultNodes`."""
        return self.cases[0].results

    def wait(self) -> None:
        """Blocks until the run is over, processing events.

        Raises:
            RunError: it failed or was cancelled.
        """
        while not self.isFinished:
            slicer.app.processEvents()
            time.sleep(WAIT_SECONDS)
        if self.state is not State.DONE:
            raise RunError(self.error)


class RunQueue:
    """Runs one after the other; a run is finished before the next one's nodes are read.

    Args:
        worker: see `DiNTSLib.worker.EngineWorker`.
    """

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._runs: list[SegmentationRun] = []
        self._job: int | None = None
        self._values: dict[str, Any] = {}
        self._loading: tuple[SegmentationRun, SegmentationCase, Future] | None = None
        self._poller = Poller(self._pollLoading)

    @property
    def current(self) -> SegmentationRun | None:
        """The run at work."""
        return self._runs[0] if self._runs else None

    @property
    def waiting(self) -> int:
        """Runs behind it."""
        return max(0, len(self._runs) - 1)

    def add(self, run: SegmentationRun) -> None:
        """Starts a run, or puts it behind those that were added before."""
        self._runs.append(run)
        if len(self._runs) == 1:
            self._start()

    def cancel(self, run: SegmentationRun) -> None:
        """Ends a run; at work within a second, and the next one begins."""
        if run not in self._runs:
            return
        self._end(run, State.CANCELLED, _("Cancelled."))

    def cancelAll(self) -> None:
        """Ends all runs, the waiting ones first so that none of them begins."""
        for run in reversed(self._runs):
            self._end(run, State.CANCELLED, _("Cancelled."))

    def _start(self) -> None:
        run = self.current
        run.state = State.RUNNING
        self._nextCase(run)

    def _nextCase(self, run: SegmentationRun) -> None:
        """Gives the next case that needs work to the worker, or ends the run."""
        for case in run.cases:
            if case.state is State.WAITING and self._submit(run, case):
                return
        self._end(run, *_outcome(run))

    def _submit(self, run: SegmentationRun, case: SegmentationCase) -> bool:
        """Whether the case is at work now."""
        run.stage, run.done, run.total, run.secondsLeft, run.silence = "", 0, 0, None, 0.0
        self._values = {}
        try:
            job = case.prepare(run.settings)
        except (InputError, LookupError, ValueError, OSError) as error:
            _close(case, State.FAILED, str(error))
            run.log.append(("error", f"{case.title}: {error}"))
            return False
        if job is None:
            _close(case, State.SKIPPED, case.detail)
            return False
        case.state = State.RUNNING
        self._tell(run)
        self._job = self._worker.submit(
            job, lambda event: self._onEvent(run, event), lambda code, text: self._onFinished(run, case, code, text)
        )
        return True

    def _onEvent(self, run: SegmentationRun, event: dict[str, Any]) -> None:
        if run.isFinished:
            return
        kind = event["event"]
        if kind == "progress":
            run.stage, run.done, run.total = event["stage"], event["step"], event["total"]
            run.secondsLeft = event.get("seconds_left")
        elif kind == "result":
            self._values = event["values"]
        elif kind in ("message", "warning"):
            run.log.append((kind, event["text"]))
        elif kind == "silence":
            run.silence = event["seconds"]
        self._tell(run)

    def _onFinished(self, run: SegmentationRun, case: SegmentationCase, code: int, text: str) -> None:
        if run.isFinished:  # it was cancelled, and only now its process is gone, which may have written until now
            case.close()
            return
        self._job = None
        if code == 0:
            self._loading = run, case, submit(case.load)  # a large result takes longer than a window may stand still
            self._poller.start()
            return
        state = State.CANCELLED if code == EXIT_CANCELLED else State.FAILED
        _close(case, state, text)
        run.log.append(("error", f"{case.title}: {text}"))
        self._tell(run)
        self._nextCase(run)

    def _pollLoading(self) -> None:
        run, case, loading = self._loading
        if not loading.done():
            return
        self._stopLoading()
        self._take(run, case, loading)
        self._tell(run)
        self._nextCase(run)

    def _stopLoading(self) -> None:
        self._poller.stop()
        self._loading = None

    def _take(self, run: SegmentationRun, case: SegmentationCase, loading: Future) -> None:
        """Brings the result of a case into the scene."""
        try:
            loading.result()
            case.finish(run.settings, self._values)
        except (LookupError, ValueError, OSError, MemoryError) as error:
            logger.debug("%s: %s", case.title, error)  # no names of patients above this level
            _close(case, State.FAILED, str(error))
            run.log.append(("error", f"{case.title}: {error}"))
            return
        _close(case, State.DONE, case.detail)
        run.log.append(("message", _("{case}: done").format(case=case.title)))

    def _end(self, run: SegmentationRun, state: State, error: str) -> None:
        wasCurrent = run is self.current
        self._runs.remove(run)
        run.state, run.error = state, error
        for case in run.cases:
            if case.state in (State.WAITING, State.RUNNING):
                case.state, case.detail = State.CANCELLED, ""  # the one at work is closed when its process has ended
        if wasCurrent and self._job is not None:
            self._worker.cancel(self._job)
            self._job = None
        if wasCurrent and self._loading is not None:
            self._loading[1].close()
            self._stopLoading()
        self._tell(run)
        try:
            if run.onFinished:
                run.onFinished(run)
        finally:
            if wasCurrent and self._runs and self._runs[0].state is State.WAITING:
                self._start()

    @staticmethod
    def _tell(run: SegmentationRun) -> None:
        if run.onProgress:
            run.onProgress(run)


def _close(case: SegmentationCase, state: State, detail: str) -> None:
    case.state, case.detail = state, detail
    case.close()


def _outcome(run: SegmentationRun) -> tuple[State, str]:
    """State of a run whose cases are finished, and the sentence on what went wrong."""
    failed = [case for case in run.cases if case.state in (State.FAILED, State.CANCELLED)]
    if not failed:
        return State.DONE, ""
    if len(run.cases) == 1:
        return failed[0].state, failed[0].detail
    text = _("{failed} of {all} cases failed, the first with: {error}")
    return State.FAILED, text.format(failed=len(failed), all=len(run.cases), error=failed[0].detail)
