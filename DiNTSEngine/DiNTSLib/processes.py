"""Running commands of the engine: `PythonSlicer -m dints COMMAND --events`, with its events in the main thread."""

from __future__ import annotations

import functools
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from dints.errors import EXIT_STOPPED
from dints.service.parent import STOP
from DiNTSLib.child import Child, killAll
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

POLL_MILLISECONDS = 50  # well below what is noticed as a delay
TICK_SECONDS = 0.02  # of one turn of reading events: the window stays responsive however fast they come
STOP_SECONDS = 60.0  # that a step may take on a processor, and saving it
WAIT_SECONDS = 0.01  # between two looks of a blocking call
LAUNCHER = "PythonSlicer"
ENGINE_FOLDER = Path(__file__).resolve().parents[1]


def engineCommand() -> list[str]:
    """Start of the command line of the engine: `PythonSlicer -m dints`."""
    own = os.path.join(slicer.app.slicerHome, "bin")  # before PATH, which may lead to another Slicer
    python = shutil.which(LAUNCHER, path=own) or shutil.which(LAUNCHER) or os.path.join(own, LAUNCHER)
    return [python, "-u", "-m", "dints"]


def engineEnvironment() -> dict[str, str]:
    """Of the application's start, so that PythonSlicer can set its own, with the engine on PYTHONPATH."""
    environment = dict(slicer.util.startupEnvironment())
    environment |= {name: value for name, value in os.environ.items() if name.startswith("DINTS_")}
    paths = [str(ENGINE_FOLDER), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    environment["PYTHONUTF8"] = "1"  # file names in arguments and messages, whatever the locale
    return environment


@functools.cache
def _endWithApplication() -> None:
    slicer.app.connect("aboutToQuit()", killAll)


class Poller:
    """Calls a function from the main thread's event loop, again and again, while it is active, and holds it only then:
    a connection of Slicer's lives as long as the timer, out of sight of Python's garbage collector."""

    def __init__(self, poll: Callable[[], None]) -> None:
        self._poll = poll
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MILLISECONDS)
        self._isConnected = False
        _endWithApplication()

    def start(self) -> None:
        if not self._isConnected:
            self._isConnected = self._timer.connect("timeout()", self._poll)
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()
        qt.QTimer.singleShot(0, self._release)  # not at once: this may be the timer's own call

    def _release(self) -> None:
        if self._isConnected and not self._timer.active:
            self._timer.disconnect("timeout()", self._poll)
            self._isConnected = False


def waitUntil(condition: Callable[[], bool], poll: Callable[[], None], timeoutSeconds: float | None = None) -> bool:
    """Blocks, but lets the application process events, until `condition()` holds; False after `timeoutSeconds`."""
    end = None if timeoutSeconds is None else time.monotonic() + timeoutSeconds
    while not condition():
        if end is not None and time.monotonic() > end:
            return False
        slicer.app.processEvents()
        poll()
        time.sleep(WAIT_SECONDS)
    return True


class EngineProcess:
    """One command of the engine.

    Args:
        arguments: of the command line, for example ["search", "--run", folder].
        onEvent: called in the main thread with each event, see `dints.events.JsonReporter`.
        onFinished: called once in the main thread with the exit code and a sentence on what went wrong, "" if nothing
            did. A cancelled process has the code `EXIT_CANCELLED`.
        command: what to run in place of the engine; `arguments` are put behind it.
    """

    def __init__(
        self, arguments: list[str], onEvent: OnEvent, onFinished: OnFinished, command: list[str] | None = None
    ) -> None:
        self.arguments = [str(argument) for argument in arguments]
        self._onEvent, self._onFinished = onEvent, onFinished
        self._command = command
        self._child: Child | None = None
        self._sentence = ""
        self._isCancelled = False
        self._isRunning = False
        self._deadline: float | None = None  # when a process that was asked to stop is ended
        self._poller = Poller(self._poll)

    @property
    def isRunning(self) -> bool:
        """From `start` until just before `onFinished` is called."""
        return self._isRunning

    @property
    def isCancelled(self) -> bool:
        return self._isCancelled

    @property
    def log(self) -> list[str]:
        """The last lines that the process wrote to standard error."""
        return list(self._child.log) if self._child else []

    def start(self) -> None:
        """Starts the process; that it cannot be started is told through `onFinished`."""
        command = (self._command or engineCommand()) + [*self.arguments[:1], "--events", *self.arguments[1:]]
        self._isRunning = True
        try:
            self._child = Child(command, engineEnvironment())
        except OSError as error:
            self._sentence = _("{program} cannot be started: {reason}").format(
                program=command[0], reason=error.strerror
            )
        self._poller.start()

    def stop(self) -> None:
        """Asks the process to finish and save the step under way. One that takes longer than `STOP_SECONDS` is ended.

        `onFinished` is called then, with `EXIT_CANCELLED` unless the work was done, or something else went wrong.
        """
        if self._isRunning and self._child and self._deadline is None:
            self._deadline = time.monotonic() + STOP_SECONDS
            self._child.send(STOP)

    def cancel(self) -> None:
        """Ends the process with all of its descendants within a second; `onFinished` is called then."""
        if self._isRunning and self._child:
            self._isCancelled = True
            self._child.stop()

    def shutdown(self) -> None:
        """Ends the process at once and forgets it: neither function is called any more."""
        self._poller.stop()
        self._isRunning = False
        if self._child:
            self._child.kill()

    def waitForFinished(self, timeoutSeconds: float | None = None) -> bool:
        """Blocks until `onFinished` was called, processing the application's events; False if it takes longer."""
        return waitUntil(lambda: not self._isRunning, self._poll, timeoutSeconds)

    def _poll(self) -> None:
        if not self._isRunning:
            return
        if self._deadline is not None and time.monotonic() > self._deadline and not self._isCancelled:
            self.cancel()
        exitCode = self._child.exitCode if self._child else EXIT_FAILED
        end = time.monotonic() + TICK_SECONDS
        for line in self._child.lines() if self._child else ():
            self._take(parseEvent(line))
            if time.monotonic() > end:
                return
        if exitCode is not None:
            self._finish(exitCode)

    def _take(self, event: Event | None) -> None:
        if event is None:
            return
        if event["event"] == "error":
            self._sentence = str(event.get("text", ""))
        self._onEvent(event)

    def _finish(self, exitCode: int) -> None:
        self._poller.stop()
        self._isRunning = False
        if self._isCancelled or (self._deadline is not None and exitCode == EXIT_STOPPED):
            self._onFinished(EXIT_CANCELLED, _("Cancelled."))
        elif exitCode == EXIT_DONE:
            self._onFinished(EXIT_DONE, "")
        else:
            self._onFinished(exitCode, self._sentence or endSentence(exitCode, self.log))
