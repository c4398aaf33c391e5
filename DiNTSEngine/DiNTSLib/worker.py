"""The warm worker: one process of the engine that segments job after job and keeps the last model in memory."""

from __future__ import annotations

import collections
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from dints.files.storage import remove_leftovers
from DiNTSLib.background import forget, isWriting, stopWriting, submit
from DiNTSLib.child import Child
from DiNTSLib.events import (
    EXIT_CANCELLED,
    EXIT_DONE,
    EXIT_FAILED,
    Event,
    OnEvent,
    OnFinished,
    endSentence,
    parseEvent,
)
from DiNTSLib.processes import TICK_SECONDS, Poller, engineCommand, engineEnvironment, waitUntil

QUIET_SECONDS = 4.0  # without a sign of life, which a worker gives every second; then the job is told
SILENCE_SECONDS = 60.0  # then the worker is ended: importing a library can hold it up for some
IDLE_SECONDS = 600.0  # without a job; then the memory of the model is given back


@dataclass(frozen=True)
class SubmittedJob:
    """What was submitted."""

    number: int
    message: dict[str, Any]
    onEvent: OnEvent
    onFinished: OnFinished

    @property
    def inputs(self) -> list[str]:
        """Files that must be there before the job begins."""
        return [str(path) for path in self.message.get("inputs", [])]

    def clearAway(self) -> None:
        """Removes what its process may have left half written."""
        if "output" in self.message:
            submit(remove_leftovers, Path(self.message["output"]).parent)


class EngineWorker:
    """Runs jobs one after the other in a process that is started at the first one.

    Jobs wait here, in the application: ending the process to cancel one does not lose the others.

    Args:
        command: what to run in place of the engine's worker.
    """

    def __init__(self, command: list[str] | None = None) -> None:
        self._command = command
        self._waiting: collections.deque[SubmittedJob] = collections.deque()
        self._current: SubmittedJob | None = None
        self._child: Child | None = None
        self._isSent = False  # the current job
        self._isCancelling = self._isSilent = self._isGivenUp = False
        self._lastNumber = 0
        self._lastSign = 0.0
        self._lastWork = 0.0
        self._poller = Poller(self._poll)

    @property
    def queueLength(self) -> int:
        """Jobs that are not finished, the running one included."""
        return len(self._waiting) + (self._current is not None)

    @property
    def isRunning(self) -> bool:
        """Whether there is a process, at work or warm."""
        return self._child is not None

    @property
    def log(self) -> list[str]:
        """The last lines that the process wrote to standard error."""
        return list(self._child.log) if self._child else []

    def submit(self, job: dict[str, Any], onEvent: OnEvent, onFinished: OnFinished) -> int:
        """Queues a job for the engine's worker (see `dints.service.worker`) and returns its number.

        Both functions are called in the main thread: `onEvent` with every event of the job, `onFinished` once with the
        exit code and a sentence on what went wrong, "" if nothing did.
        """
        self._lastNumber += 1
        self._waiting.append(SubmittedJob(self._lastNumber, {**job, "job": self._lastNumber}, onEvent, onFinished))
        self._poller.start()
        if self._current is None:
            self._advance()
        return self._lastNumber

    def cancel(self, jobId: int) -> None:
        """Takes a waiting job from the queue; of a running one the process is ended within a second."""
        if self._current is not None and self._current.number == jobId:
            if self._isSent:
                self._isCancelling = True
                self._child.stop()
            else:
                stopWriting(self._current.inputs)
                self._finish(EXIT_CANCELLED, _("Cancelled."))
            return
        for job in [job for job in self._waiting if job.number == jobId]:
            self._waiting.remove(job)
            stopWriting(job.inputs)
            job.onFinished(EXIT_CANCELLED, _("Cancelled."))

    def shutdown(self) -> None:
        """Ends the process and forgets all jobs without a call of their functions."""
        self._poller.stop()
        self._waiting.clear()
        self._current = None
        if self._child is not None:
            self._child.kill()
            self._child = None

    def waitForFinished(self, jobId: int, timeoutSeconds: float | None = None) -> bool:
        """Blocks until `onFinished` of a job was called, processing events; False if it takes longer."""
        return waitUntil(lambda: not self._isPending(jobId), self._poll, timeoutSeconds)

    def _isPending(self, jobId: int) -> bool:
        jobs = [*self._waiting, *([self._current] if self._current else [])]
        return any(job.number == jobId for job in jobs)

    def _advance(self) -> None:
        """Gives the next job to the process."""
        if not self._waiting:
            return
        self._current = self._waiting.popleft()
        self._isSent = self._isCancelling = self._isSilent = self._isGivenUp = False
        try:
            if self._child is None:
                self._child = Child(self._command or [*engineCommand(), "worker"], engineEnvironment())
        except OSError as error:
            self._finish(EXIT_FAILED, _("The worker cannot be started: {reason}").format(reason=error.strerror))
            return
        self._send()

    def _send(self) -> None:
        """Hands the current job to the process once its inputs are written."""
        job = self._current
        if isWriting(job.inputs):
            return
        sentence = forget(job.inputs)
        if sentence:
            self._finish(EXIT_FAILED, sentence)
            return
        self._isSent, self._lastSign = True, time.monotonic()
        self._child.send(json.dumps(job.message))  # if the process is gone, `_poll` finds that it ended

    def _poll(self) -> None:
        if self._child is None:
            return
        child, exitCode = self._child, self._child.exitCode
        isBehind = self._takeLines(child)
        if self._child is not child:
            return
        if exitCode is not None and not isBehind:
            self._onEnded(exitCode)
        elif self._current is not None and not self._isSent:
            self._send()
        elif self._current is not None:
            self._checkSigns(time.monotonic() - self._lastSign)
        elif time.monotonic() > self._lastWork + IDLE_SECONDS:
            self.shutdown()

    def _takeLines(self, child: Child) -> bool:
        """Whether there may be more than there was time for."""
        end = time.monotonic() + TICK_SECONDS
        for line in child.lines():
            event = parseEvent(line)
            if event is not None:
                self._take(event)
            if self._child is not child or time.monotonic() > end:
                return True
        return False

    def _take(self, event: Event) -> None:
        self._lastSign = time.monotonic()
        job = self._current
        if job is None:
            return
        self._tellSilence(0.0)
        if event.get("job") != job.number or event["event"] == "heartbeat":
            return
        if event["event"] == "finished":
            self._finish(EXIT_DONE, "")
            return
        job.onEvent(event)
        if event["event"] == "error":
            self._finish(event["code"], event["text"])

    def _checkSigns(self, silence: float) -> None:
        """Tells the job of a worker that does not answer, and in the end gives it up."""
        if silence > SILENCE_SECONDS and not self._isGivenUp:
            self._isGivenUp = True
            self._child.kill()
        elif silence > QUIET_SECONDS:
            self._tellSilence(silence)

    def _tellSilence(self, seconds: float) -> None:
        """The event "silence": the worker did not answer for some seconds; with 0 seconds it does so again."""
        if bool(seconds) != self._isSilent:
            self._isSilent = bool(seconds)
            self._current.onEvent({"event": "silence", "seconds": seconds})

    def _onEnded(self, exitCode: int) -> None:
        """The process is gone: because a job was cancelled, or by itself."""
        log, self._child = self.log, None
        if self._current is None:
            self._poller.stop()
            return
        self._current.clearAway()
        if self._isCancelling:
            self._finish(EXIT_CANCELLED, _("Cancelled."))
        elif self._isGivenUp:
            text = _("The engine did not answer for {seconds:.0f} s and was ended; try again.")
            self._finish(EXIT_FAILED, text.format(seconds=SILENCE_SECONDS))
        else:
            self._finish(exitCode or EXIT_FAILED, endSentence(exitCode, log))

    def _finish(self, exitCode: int, sentence: str) -> None:
        """Ends the current job and goes on with the next."""
        job, self._current = self._current, None
        self._lastWork = time.monotonic()
        try:
            job.onFinished(exitCode, sentence)
        finally:
            if self._current is None:
                self._advance()


_shared: list[EngineWorker] = []


def sharedWorker() -> EngineWorker:
    """The one worker of the application."""
    if not _shared:
        _shared.append(EngineWorker())
    return _shared[0]


def endSharedWorker() -> None:
    """For the reload or the end of a module that used it; the next use starts a new one."""
    if _shared:
        _shared.pop().shutdown()
