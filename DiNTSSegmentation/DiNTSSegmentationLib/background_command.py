"""A command of the engine that works in the background, with its progress, its results and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from slicer.i18n import tr as _

from dints.errors import RunError
from DiNTSLib.durations import duration
from DiNTSLib.events import EXIT_CANCELLED, EXIT_FAILED, Event
from DiNTSLib.jobs import reason
from DiNTSLib.processes import EngineProcess, Poller, waitUntil
from DiNTSLib.temporary import TemporaryFolder

CommandCallback = Callable[["BackgroundCommand"], None]


class BackgroundCommand:
    """One command.

    Attributes:
        title: what it does, for the line of the progress.
        log: (kind, sentence) of all that the engine said; kind is "message", "warning" or "error".
        results: values of "result" events by name, the last of each.
        error: why it failed; "" if it did not.

    Args:
        arguments: of the command line, see `DiNTSLib.processes.EngineProcess`.
        inputs: what writes the files that the command reads, in threads.
        folder: of these files; deleted in the end.
        onProgress, onFinished: called in the main thread with the task.
    """

    def __init__(
        self,
        title: str,
        arguments: Sequence[str],
        onProgress: CommandCallback | None = None,
        onFinished: CommandCallback | None = None,
        inputs: Sequence[Future[None]] = (),
        folder: TemporaryFolder | None = None,
    ) -> None:
        self.title = title
        self.log: list[tuple[str, str]] = []
        self.results: dict[str, dict[str, Any]] = {}
        self.error = ""
        self.isFinished = self.isCancelled = False
        self._stage, self._step, self._total = "", 0, 0
        self._secondsLeft: float | None = None
        self._onProgress, self._onFinished = onProgress, onFinished
        self._process = EngineProcess(list(arguments), self._take, self._end)
        self._inputs = Poller(self._startProcess)
        self._writing, self._folder = list(inputs), folder

    @property
    def isDone(self) -> bool:
        """Whether it ended well."""
        return self.isFinished and not self.isCancelled and not self.error

    @property
    def fraction(self) -> float:
        """Of the stage at work, from 0 to 1."""
        return min(1.0, self._step / self._total) if self._total else 0.0

    @property
    def status(self) -> str:
        """What it does now, or how it ended."""
        if self.isCancelled:
            return _("{task}: cancelled.").format(task=self.title)
        if self.error:
            return _("{task} failed. {error}").format(task=self.title, error=self.error)
        if self.isFinished:
            return _("{task}: done.").format(task=self.title)
        parts = [self.title]
        if self._total:
            parts += [self._stage, _("{percent} %").format(percent=100 * self._step // self._total)]
        if self._secondsLeft is not None:
            parts.append(_("{time} left").format(time=duration(self._secondsLeft)))
        return ", ".join(parts)

    def start(self) -> None:
        """The process follows when its inputs are written."""
        self._inputs.start()

    def cancel(self) -> None:
        """Ends the command within a second."""
        self.isCancelled = True
        self._process.cancel()

    def shutdown(self) -> None:
        """Ends the command and tells nobody: who asked for it is gone."""
        self._onProgress = self._onFinished = None
        self._inputs.stop()
        self._process.shutdown()
        self._clearAway()

    def wait(self) -> None:
        """Blocks until the command is over, processing events.

        Raises:
            RunError: it failed or was cancelled.
        """
        waitUntil(lambda: self.isFinished, lambda: None)
        if self.error or self.isCancelled:
            raise RunError(self.error or self.status)

    def _startProcess(self) -> None:
        if not all(writing.done() for writing in self._writing):
            return
        self._inputs.stop()
        error = next(filter(None, (writing.exception() for writing in self._writing)), None)
        if self.isCancelled:
            self._end(EXIT_CANCELLED, "")
        elif error is not None:
            self._end(EXIT_FAILED, reason(error))
        else:
            self._process.start()

    def _take(self, event: Event) -> None:
        kind = event["event"]
        if kind == "progress":
            self._stage, self._step, self._total = event["stage"], event["step"], event["total"]
            self._secondsLeft = event.get("seconds_left")
        elif kind == "result":
            self.results[event["name"]] = event["values"]
        elif kind in ("message", "warning"):
            self.log.append((kind, event["text"]))
        if self._onProgress:
            self._onProgress(self)

    def _end(self, code: int, sentence: str) -> None:
        self.isFinished, self.isCancelled = True, code == EXIT_CANCELLED
        self.error = "" if self.isCancelled else sentence
        if self.error:
            self.log.append(("error", f"{self.title}: {self.error}"))
        self._clearAway()
        if self._onProgress:
            self._onProgress(self)
        if self._onFinished:
            self._onFinished(self)

    def _clearAway(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
