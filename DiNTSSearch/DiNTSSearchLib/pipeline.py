"""Commands of the engine in stages; those of one stage run at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from slicer.i18n import tr as _

from dints.files.storage import remove_leftovers
from DiNTSLib.background import submit
from DiNTSLib.events import EXIT_CANCELLED, Event, OnEvent, OnFinished

WAIT_SECONDS = 0.05  # of a blocking call for one process before it looks at the others

Command = TypeVar("Command")
Results = dict[str, dict[str, Any]]  # values of "result" events by name


class EngineError(RuntimeError):
    """A command of the engine failed or was cancelled; the message is the sentence that it gave."""


class Process(Protocol):
    """What runs one command, as `DiNTSLib.processes.EngineProcess` does."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def cancel(self) -> None: ...

    def waitForFinished(self, timeoutSeconds: float | None = None) -> bool: ...


MakeProcess = Callable[[Command, OnEvent, OnFinished], Process]


class Pipeline:
    """Runs the stages one after the other; ends with the first command that fails.

    Args:
        stages: commands of the engine; the next stage starts when all of one are done.
        afterwards: one that follows them. If it fails that is a warning: what came before is done.
        makeProcess: `DiNTSLib.processes.EngineProcess`, or what takes something else than commands in the same way.
        onEvent: called with every event of every command.
        onFinished: called once with the exit code and a sentence on what went wrong, "" if nothing did.
    """

    def __init__(
        self,
        stages: Sequence[Sequence[Command]],
        makeProcess: MakeProcess[Command],
        onEvent: OnEvent,
        onFinished: OnFinished,
        afterwards: Command | None = None,
    ) -> None:
        self.results: Results = {}  # of the last event of each name
        self.exitCode: int | None = None
        self.sentence = ""
        self._stages = list(stages)
        self._afterwards = afterwards
        self._isAfterwards = False
        self._makeProcess = makeProcess
        self._onEvent, self._onFinished = onEvent, onFinished
        self._processes: list[Process] = []
        self._pending = 0
        self._failure = (0, "")

    def __getitem__(self, name: str) -> dict[str, Any]:
        """The result of that name, for scripts: `logic.report(run)["report"]`."""
        return self.results[name]

    @property
    def isRunning(self) -> bool:
        return self.exitCode is None

    def start(self) -> None:
        """Starts the first stage."""
        self._advance()

    def stop(self) -> None:
        """Lets the commands under way finish and save what they can lose; the stages after them are left out."""
        if self._stages:
            self._stages.clear()
            self._failure = (EXIT_CANCELLED, _("Cancelled."))
        self._afterwards = None
        for process in self._processes:
            process.stop()

    def cancel(self) -> None:
        """Ends all processes within a second; `onFinished` is called then."""
        self._stages.clear()
        self._afterwards = None
        for process in self._processes:
            process.cancel()

    def waitForFinished(self) -> None:
        """Blocks, but lets the application process events."""
        while self.isRunning:
            for process in list(self._processes):
                process.waitForFinished(WAIT_SECONDS)

    def _advance(self) -> None:
        if self._stages:
            commands = self._stages.pop(0)
        elif self._afterwards is not None:
            commands, self._afterwards, self._isAfterwards = [self._afterwards], None, True
        else:
            self._finish(*self._failure)
            return
        self._processes = [self._makeProcess(command, self._take, self._ended) for command in commands]
        self._pending = len(commands)
        for process in self._processes:
            process.start()

    def _take(self, event: Event) -> None:
        if event["event"] == "result":
            self.results[event["name"]] = event["values"]
        self._onEvent(event)

    def _ended(self, exitCode: int, sentence: str) -> None:
        if exitCode and self._isAfterwards and exitCode != EXIT_CANCELLED:
            self._onEvent({"event": "warning", "text": sentence})
        elif exitCode and not self._failure[0]:
            self._failure = (exitCode, sentence)
            self.cancel()
        self._pending -= 1
        if not self._pending:
            self._advance()

    def _finish(self, exitCode: int, sentence: str) -> None:
        self.exitCode, self.sentence = exitCode, sentence
        self._onFinished(exitCode, sentence)


def finishedOrRunning(
    stages: Sequence[Sequence[Command]],
    makeProcess: MakeProcess[Command],
    onEvent: OnEvent | None,
    onFinished: OnFinished | None,
    folder: str | Path | None = None,
    afterwards: Command | None = None,
) -> Pipeline:
    """Runs the stages: to their end, unless there is `onFinished` to say that they have ended."""

    def finish(exitCode: int, sentence: str) -> None:
        if exitCode and folder is not None:
            _clearAway(Path(folder))
        if onFinished is not None:
            onFinished(exitCode, sentence)

    job = Pipeline(stages, makeProcess, onEvent or (lambda event: None), finish, afterwards)
    job.start()
    if onFinished is None:
        job.waitForFinished()
        if job.exitCode:
            raise EngineError(job.sentence)
    return job


def _clearAway(folder: Path) -> None:
    """Removes, in the background, what ended processes left half written."""
    submit(remove_leftovers, folder, True)
