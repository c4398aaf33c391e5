"""Runs of one or more cases, one after the other, in the engine's worker."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from dints.errors import RunError
from DiNTSLib.events import EXIT_CANCELLED, EXIT_FAILED, Event
from DiNTSLib.jobs import REASONS, reason
from DiNTSLib.worker import EngineWorker
from DiNTSSegmentationLib.cases import ResultNodes, SegmentationCase, Settings, State

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
    def results(self) -> ResultNodes:
        """The nodes of a run of one case."""
        return self.cases[0].results

    def tell(self) -> None:
        """Says that something changed."""
        if self.onProgress:
            self.onProgress(self)

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


class RunQueue(VTKObservationMixin):
    """The runs of one logic. Their cases wait in the worker's queue, and are read from the scene in their turn.

    A case is given up when a node that it needs is deleted.

    Args:
        worker: of which the runs may be started with other logics, too.
    """

    def __init__(self, worker: EngineWorker) -> None:
        super().__init__()
        self._worker = worker
        self._runs: list[SegmentationRun] = []

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
        if not self._runs:
            self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeRemovedEvent, self._onNodeRemoved)
        self._runs.append(run)
        for case in run.cases:
            if run.isFinished:  # somebody cancelled it when it told that its first case began
                return
            case.job = self._worker.submit(
                functools.partial(self._prepare, run, case),
                functools.partial(self._onEvent, run, case),
                functools.partial(self._onFinished, run, case),
                case.load,
            )

    def cancel(self, run: SegmentationRun) -> None:
        """Ends a run; at work within a second, and the next one begins."""
        if run in self._runs:
            self._end(run, State.CANCELLED, _("Cancelled."))

    def cancelAll(self) -> None:
        """Ends all runs, the waiting ones first so that none of them begins."""
        for run in reversed(self._runs):
            self._end(run, State.CANCELLED, _("Cancelled."))

    def _onNodeRemoved(self, caller: slicer.vtkMRMLScene, event: str) -> None:
        qt.QTimer.singleShot(0, self._giveUp)  # others may be removed together with it

    def _giveUp(self) -> None:
        for case in [case for run in self._runs for case in run.cases if case.state is State.RUNNING]:
            try:
                case.check()
            except LookupError as error:
                case.problem = str(error)
                self._worker.cancel(case.job)

    def _prepare(self, run: SegmentationRun, case: SegmentationCase) -> dict[str, Any] | None:
        run.state = State.RUNNING
        run.stage, run.done, run.total, run.secondsLeft, run.silence = "", 0, 0, None, 0.0
        job = case.prepare(run.settings)
        case.state = State.RUNNING if job else State.SKIPPED
        run.tell()
        return job

    def _onEvent(self, run: SegmentationRun, case: SegmentationCase, event: Event) -> None:
        if run.isFinished:
            return
        kind = event["event"]
        if kind == "progress":
            run.stage, run.done, run.total = event["stage"], event["step"], event["total"]
            run.secondsLeft = event.get("seconds_left")
        elif kind == "result":
            case.values = event["values"]
        elif kind in ("message", "warning"):
            run.log.append((kind, event["text"]))
        elif kind == "silence":
            run.silence = event["seconds"]
        run.tell()

    def _onFinished(self, run: SegmentationRun, case: SegmentationCase, code: int, text: str) -> None:
        """Brings the result into the scene. A run that was cancelled only now has no process that writes."""
        if not run.isFinished:
            self._take(run, case, code, text)
        case.close()
        if not run.isFinished:
            run.tell()
            if run.position == len(run.cases):
                self._end(run, *_outcome(run))

    def _take(self, run: SegmentationRun, case: SegmentationCase, code: int, text: str) -> None:
        if case.state is State.SKIPPED:
            return
        if case.problem:
            code, text = EXIT_FAILED, case.problem
        try:
            if not code:
                case.finish(run.settings)
        except REASONS as error:
            logger.debug("%s: %s", case.title, error)  # no names of patients above this level
            code, text = EXIT_FAILED, reason(error)
        if code:
            case.state, case.detail = State.CANCELLED if code == EXIT_CANCELLED else State.FAILED, text
            run.log.append(("error", f"{case.title}: {text}"))
        else:
            case.state = State.DONE
            run.log.append(("message", _("{case}: done").format(case=case.title)))

    def _end(self, run: SegmentationRun, state: State, error: str) -> None:
        self._runs.remove(run)
        if not self._runs:
            self.removeObservers()
        run.state, run.error = state, error
        unfinished = [case for case in run.cases if case.state in (State.WAITING, State.RUNNING)]
        for case in unfinished:
            case.state, case.detail = State.CANCELLED, ""
        run.tell()
        try:
            if run.onFinished:
                run.onFinished(run)
        finally:
            for case in reversed(unfinished):  # the waiting ones first, so that none of them begins
                self._worker.cancel(case.job)


def _outcome(run: SegmentationRun) -> tuple[State, str]:
    """State of a run whose cases are finished, and the sentence on what went wrong."""
    failed = [case for case in run.cases if case.state in (State.FAILED, State.CANCELLED)]
    if not failed:
        return State.DONE, ""
    if len(run.cases) == 1:
        return failed[0].state, failed[0].detail
    text = _("{failed} of {all} cases failed, the first with: {error}")
    return State.FAILED, text.format(failed=len(failed), all=len(run.cases), error=failed[0].detail)
