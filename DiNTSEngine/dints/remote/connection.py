"""The near side of a warm worker on another computer: files are sent under numbers, jobs asked, results fetched."""

from __future__ import annotations

import itertools
import queue
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO

from dints.errors import EXIT_BAD_INPUT, InputError, RunError, StorageError, short
from dints.remote.frames import messages, save, send
from dints.remote.hosts import Host
from dints.remote.ssh import ConnectionLostError, UnreachableError, failure_of, start_there

WorkerEvent = dict[str, Any]

ALIVE_SECONDS = 15.0  # from one sign of life to the next
SILENCE_SECONDS = 90.0  # without an event, which a worker gives every second: then the line is taken for lost
CLOSE_SECONDS = 5.0
LOG_LINES = 50


class Connection:
    """One ssh process, and the worker behind it.

    Raises:
        RunError: the host cannot be reached (`ConnectionLostError`), or has no such engine.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self._process = start_there(host, [host.python, "-m", "dints", "worker", "--stream"])
        self._numbers = itertools.count(1)
        self._sending, self._closed = threading.Lock(), threading.Event()
        self._events: queue.SimpleQueue[WorkerEvent | None] = queue.SimpleQueue()
        self._targets: dict[str, Path] = {}  # where files that were asked for go
        self._unwritable: StorageError | None = None  # a file here, which no other try can mend
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self.version = ""  # of the engine there
        tasks = (self._read, self._read_log, self._stay)
        self._threads = [threading.Thread(target=task, daemon=True) for task in tasks]
        for thread in self._threads:
            thread.start()
        with ExitStack() as unless_ready:
            unless_ready.callback(self.close)
            while (event := self._next(ready=False))["event"] != "ready":
                pass
            self.version = str(event.get("version"))
            unless_ready.pop_all()

    def put(self, file: Path, suffix: str) -> str:
        """Sends a file; returns the number that it has there, with this suffix."""
        name = self.number(suffix)
        self._send({"put": name}, file)
        return name

    def number(self, suffix: str) -> str:
        """For a file that the worker is to write."""
        return f"{next(self._numbers)}{suffix}"

    def ask(self, job: dict[str, Any], on_event: Callable[[WorkerEvent], None]) -> None:
        """Waits until a job is done. InputError or RunError with the worker's text if it fails there."""
        number = next(self._numbers)
        self._send({**job, "job": number})
        while (event := self._next())["event"] != "finished":
            if event.get("job") != number or event["event"] == "heartbeat":
                continue
            if event["event"] == "error":
                if event["code"] == EXIT_BAD_INPUT:
                    raise InputError(event["text"])
                raise RunError(f"host {self.host.name}: {event['text']}")
            on_event(event)

    def get(self, name: str, path: Path) -> None:
        """Fetches a file."""
        self._targets[name] = path
        self._send({"get": name})
        while (event := self._next())["event"] != "file" or event["name"] != name:
            pass

    def drop(self, names: Sequence[str]) -> None:
        """Removes files there."""
        self._send({"drop": list(names)})

    def close(self) -> None:
        """Ends the worker there, and with it all that it was sent."""
        self._closed.set()
        with suppress(OSError):
            self._stream(self._process.stdin).close()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        for thread in self._threads:
            thread.join(CLOSE_SECONDS)
        for stream in (self._process.stdout, self._process.stderr):
            self._stream(stream).close()
        self._process.wait()

    @staticmethod
    def _stream(stream: Any) -> BinaryIO:
        assert stream is not None
        return stream  # type: ignore[no-any-return]

    def _send(self, message: dict[str, Any], file: Path | None = None) -> None:
        try:
            self._write(message, file)
        except (BrokenPipeError, ValueError):  # the second of a stream that is closed
            while True:  # to the end of what it said, where it stands why it listens no longer
                self._next()

    def _write(self, message: dict[str, Any], file: Path | None = None) -> None:
        with self._sending:
            send(self._stream(self._process.stdin), message, file)

    def _next(self, ready: bool = True) -> WorkerEvent:
        try:
            event = self._events.get(timeout=SILENCE_SECONDS)
        except queue.Empty:
            raise ConnectionLostError(f"host {self.host.name}: did not answer for {SILENCE_SECONDS:.0f} s") from None
        if event is None:
            self._events.put(None)  # for whoever asks again
        if event is None and self._unwritable is not None:
            raise self._unwritable
        if event is None:
            raise self._lost() if ready else self._not_begun()
        if event["event"] == "refused":
            raise RunError(f"host {self.host.name}: {event['text']}")
        if event["event"] == "ended":
            reason = short(self._log[-1]) if self._log else "without a word"
            raise RunError(
                f"host {self.host.name}: the worker there ended with code {event['code']} ({reason}); if memory ran "
                "out there, close other programs or work on smaller images"
            )
        return event

    def _lost(self) -> ConnectionLostError:
        reason = short(self._log[-1]) if self._log else "the line broke"
        return ConnectionLostError(f"host {self.host.name}: the connection was lost ({reason})")

    def _not_begun(self) -> UnreachableError:
        code = self._process.wait()
        self._threads[1].join(CLOSE_SECONDS)
        if code < 0:
            return self._lost()
        return failure_of(self.host, code, "\n".join(self._log))

    def _read(self) -> None:
        """Runs in a thread: nothing that the worker says has to wait in the pipe."""
        stream = self._stream(self._process.stdout)
        try:
            with suppress(EOFError, OSError, ValueError):  # the line broke: whoever waits for an event is told
                for message in messages(stream):
                    if "event" not in message:
                        continue
                    if message["event"] == "file":
                        save(stream, message["bytes"], self._targets.pop(message["name"]))
                    self._events.put(message)
        except StorageError as error:  # of a file here
            self._unwritable = error
        self._events.put(None)

    def _read_log(self) -> None:
        for line in self._stream(self._process.stderr):
            self._log.append(line.decode(errors="replace").strip())

    def _stay(self) -> None:
        """Signs of life: without any the far side ends, as after a broken line."""
        while not self._closed.wait(ALIVE_SECONDS):
            with suppress(OSError, ValueError):  # whoever waits for an event is told
                self._write({"alive": True})
