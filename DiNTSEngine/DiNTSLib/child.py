"""A child process that talks in lines, and its end with all of its descendants.

Knows neither Qt nor MRML. Lines are read by threads and handed out by `lines()` to whoever asks, from the main thread.
QProcess would do without the threads, but it cannot start a process in a group of its own, by which all are ended.
"""

from __future__ import annotations

import atexit
import collections
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO

from slicer.i18n import tr as _

from dints.service.parent import OWN_GROUP_VARIABLE

GRACE_SECONDS = 0.5  # between asking a process to stop and ending it; with all else a cancellation stays below a second
LOG_LINES = 200  # of standard error that are kept
LONGEST_LOG_LINE = 1000  # characters; a longer line is taken in pieces
LONGEST_LINE = 2**20  # of standard output; an event with the statistics of 200 labels has some 40,000 characters
WAITING_LINES = 1000  # of standard output; when nobody takes them the process has to wait
LINGER_SECONDS = 1.0  # to wait for the last lines of a process that ended: a grandchild may hold the pipes open
IS_WINDOWS = os.name == "nt"
NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # of Windows: else a console opens

_running: set[Child] = set()


class Child:
    """Runs `command` in a process group of its own.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.log: collections.deque[str] = collections.deque(maxlen=LOG_LINES)
        self._lines: queue.Queue[str] = queue.Queue(WAITING_LINES)
        self._ended = 0.0
        self._process = subprocess.Popen(
            command,
            env={**environment, OWN_GROUP_VARIABLE: "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=not IS_WINDOWS,  # so that the group's number is the launcher's
            creationflags=NO_WINDOW,
        )
        self._input = _pipe(self._process.stdin)
        self._readers = [
            threading.Thread(target=_read, args=arguments, daemon=True)
            for arguments in (
                (_pipe(self._process.stdout), LONGEST_LINE, self._lines.put),
                (_pipe(self._process.stderr), LONGEST_LOG_LINE, self.log.append),
            )
        ]
        for reader in self._readers:
            reader.start()
        _running.add(self)

    @property
    def pid(self) -> int:
        """Of the launcher, which is also its process group."""
        return self._process.pid

    @property
    def exitCode(self) -> int | None:
        """None until the process ended and all of its lines are there; what it left running is ended then."""
        code = self._process.poll()
        if code is None:
            return None
        if not self._ended:
            self._ended = time.monotonic()
            self.kill()
        if any(reader.is_alive() for reader in self._readers) and time.monotonic() < self._ended + LINGER_SECONDS:
            return None
        _running.discard(self)
        self.closeInput()
        return code

    def lines(self) -> Iterator[str]:
        """The lines of standard output that have come and were not handed out yet."""
        while not self._lines.empty():
            yield self._lines.get()

    def send(self, line: str) -> bool:
        """Writes a line to standard input; False if the process is gone."""
        try:
            self._input.write(line + "\n")
            self._input.flush()
        except (OSError, ValueError):  # the second one says that the input was closed
            return False
        return True

    def closeInput(self) -> None:
        """A worker takes the end of its input as the request to exit."""
        try:
            self._input.close()
        except OSError:
            return  # it is gone already

    def stop(self) -> None:
        """Ends the process and its descendants within a second: first asks, so that it can remove temporary files."""
        if IS_WINDOWS:
            self.kill()
            return
        self._signal(signal.SIGINT)
        timer = threading.Timer(GRACE_SECONDS, self.kill)
        timer.daemon = True
        timer.start()

    def kill(self) -> None:
        """Ends the process and its descendants at once."""
        _running.discard(self)
        if not IS_WINDOWS:
            self._signal(signal.SIGKILL)
        elif self._process.poll() is None:
            command = ["taskkill", "/F", "/T", "/PID", str(self.pid)]
            nowhere = subprocess.DEVNULL
            subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, creationflags=NO_WINDOW)
        threading.Thread(target=self._reap, daemon=True).start()

    def _reap(self) -> None:
        """Leaves no zombie and no open file, also when nobody asks for the exit code any more."""
        self._process.wait()
        self.closeInput()

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return  # all of the group is gone already; macOS says so with the second one


def _pipe(stream: IO[str] | None) -> IO[str]:
    """One of a process that was started with pipes: then there are all three."""
    if stream is None:
        raise RuntimeError(_("the process was started without a pipe"))
    return stream


def _read(stream: IO[str], longest: int, take: Callable[[str], None]) -> None:
    with stream:  # or a file stays open for as long as somebody holds the child
        while line := stream.readline(longest):
            take(line.rstrip("\r\n"))


def killAll() -> None:
    """Ends every child that still runs; for the end of the application."""
    for child in list(_running):
        child.kill()


atexit.register(killAll)
