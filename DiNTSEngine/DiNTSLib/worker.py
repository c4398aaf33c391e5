"""The warm worker: one process of the engine that segments job after job and keeps the last model in memory."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

from slicer.i18n import tr as _

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
from DiNTSLib.jobs import REASONS, JobAtWork, Message, SubmittedJob, reason
from DiNTSLib.processes import TICK_SECONDS, Poller, engineCommand, engineEnvironment, waitUntil

QUIET_SECONDS = 4.0  # without a sign of life, which a worker gives every second; then the job is told
SILENCE_SECONDS = 60.0  # then the worker is ended: importing a library can hold it up for some
IDLE_SECONDS = 600.0  # without a job; then the memory of the model is given back


class EngineWorker:
    """Runs jobs one after the other in a process that is started at the first one.

    Jobs wait here, in the application: ending the process to cancel one does not lose the others.

    Args:
        command: what to run in place of the engine's worker.
    """

    def __init__(self, command: list[str] | None = None) -> None:
        self._command = command
        self._waiting: OrderedDict[int, SubmittedJob] = OrderedDict()
        self._current: JobAtWork | None = None
        self._child: Child | None = None
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

    def submit(
        self,
        job: Message | Callable[[], Message | None],
        onEvent: OnEvent,
        onFinished: OnFinished,
        load: Callable[[], None] | None = None,
    ) -> int:
        """Queues a job and returns its number.

        Args:
            job: what the engine is asked; or a function that says so when the job's turn comes, by then knowing what
                became of those before, or returns None if there is nothing to do.
            onEvent: called in the main thread with every event of the job.
            onFinished: called once in the main thread with the exit code and a sentence on what went wrong, "" if
                nothing did.
            load: reads the result in a thread when the engine has done it, before `onFinished`: a large one takes
                longer than a window may stand still.
        """
        self._lastNumber += 1
        prepare = job if callable(job) else lambda: job
        self._waiting[self._lastNumber] = SubmittedJob(self._lastNumber, prepare, onEvent, onFinished, load)
        self._poller.start()
        self._advance()
        return self._lastNumber

    def cancel(self, jobId: int) -> None:
        """Takes a waiting job from the queue; of a running one the process is ended within a second."""
        current = self._current
        if current is not None and current.job.number == jobId:
            if current.isSent and current.loading is None and self._child is not None:
                current.isCancelling = True
                self._child.stop()
            else:
                stopWriting(current.inputs)
                self._finish(EXIT_CANCELLED, _("Cancelled."))
        elif jobId in self._waiting:
            self._waiting.pop(jobId).onFinished(EXIT_CANCELLED, _("Cancelled."))

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
        return jobId in self._waiting or (self._current is not None and self._current.job.number == jobId)

    def _advance(self) -> None:
        """Begins with the next job that has something to do."""
        while self._current is None and self._waiting:
            _number, job = self._waiting.popitem(last=False)
            current = self._current = JobAtWork(job, {})
            message, exitCode, sentence = None, EXIT_DONE, ""
            try:
                message = job.prepare()
            except REASONS as error:
                exitCode, sentence = EXIT_FAILED, reason(error)
            if self._current is not current:
                continue  # it was cancelled while it was prepared
            if message is None:
                self._end(exitCode, sentence)
            else:
                current.message = {**message, "job": job.number}
                self._startProcess(current)

    def _startProcess(self, current: JobAtWork) -> None:
        try:
            if self._child is None:
                self._child = Child(self._command or [*engineCommand(), "worker"], engineEnvironment())
        except OSError as error:
            self._end(EXIT_FAILED, _("The worker cannot be started: {reason}").format(reason=error.strerror))
            return
        self._send(current, self._child)

    def _send(self, current: JobAtWork, child: Child) -> None:
        """Hands the current job to the process once its inputs are written."""
        if isWriting(current.inputs):
            return
        sentence = forget(current.inputs)
        if sentence:
            self._end(EXIT_FAILED, sentence)
            return
        current.isSent, self._lastSign = True, time.monotonic()
        child.send(json.dumps(current.message))  # if the process is gone, `_poll` finds that it ended

    def _poll(self) -> None:
        if self._child is not None:
            self._pollProcess(self._child)
        loading = self._current.loading if self._current else None
        if loading is not None and loading.done():
            self._onLoaded(loading)
        self._advance()
        if self._child is None and self._current is None:
            self._poller.stop()

    def _pollProcess(self, child: Child) -> None:
        exitCode = child.exitCode
        isBehind = self._takeLines(child)
        if self._child is not child:
            return
        current = self._current
        if exitCode is not None and not isBehind:
            self._onEnded(exitCode)
        elif current is None:
            if time.monotonic() > self._lastWork + IDLE_SECONDS:
                self.shutdown()
        elif not current.isSent:
            self._send(current, child)
        elif current.loading is None:
            self._checkSigns(current, child, time.monotonic() - self._lastSign)

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
        current = self._current
        if current is None or current.loading is not None:
            return
        _tellSilence(current, 0.0)
        if event.get("job") != current.job.number or event["event"] == "heartbeat":
            return
        if event["event"] == "finished":
            self._load(current)
            return
        current.job.onEvent(event)
        if event["event"] == "error":
            self._finish(event["code"], event["text"])

    def _load(self, current: JobAtWork) -> None:
        if current.job.load is None:
            self._finish(EXIT_DONE, "")
        else:
            current.loading = submit(current.job.load)

    def _onLoaded(self, loading: Future[None]) -> None:
        try:
            loading.result()
        except REASONS as error:
            self._finish(EXIT_FAILED, reason(error))
        else:
            self._finish(EXIT_DONE, "")

    def _checkSigns(self, current: JobAtWork, child: Child, silence: float) -> None:
        """Tells the job of a worker that does not answer, and in the end gives it up."""
        if silence > SILENCE_SECONDS and not current.isGivenUp:
            current.isGivenUp = True
            child.kill()
        elif silence > QUIET_SECONDS:
            _tellSilence(current, silence)

    def _onEnded(self, exitCode: int) -> None:
        """The process is gone: because a job was cancelled, or by itself."""
        log, current, self._child = self.log, self._current, None
        if current is None or current.loading is not None:
            return
        current.clearAway()
        if current.isCancelling:
            self._finish(EXIT_CANCELLED, _("Cancelled."))
        elif current.isGivenUp:
            text = _("The engine did not answer for {seconds:.0f} s and was ended; try again.")
            self._finish(EXIT_FAILED, text.format(seconds=SILENCE_SECONDS))
        else:
            self._finish(exitCode or EXIT_FAILED, endSentence(exitCode, log))

    def _finish(self, exitCode: int, sentence: str) -> None:
        """Ends the current job and goes on with the next."""
        try:
            self._end(exitCode, sentence)
        finally:
            self._advance()

    def _end(self, exitCode: int, sentence: str) -> None:
        current, self._current = self._current, None
        self._lastWork = time.monotonic()
        if current is not None:  # else the worker was shut down by what it told
            current.job.onFinished(exitCode, sentence)


def _tellSilence(current: JobAtWork, seconds: float) -> None:
    """The event "silence": the worker did not answer for some seconds; with 0 seconds it does so again."""
    if bool(seconds) != current.isSilent:
        current.isSilent = bool(seconds)
        current.job.onEvent({"event": "silence", "seconds": seconds})


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
