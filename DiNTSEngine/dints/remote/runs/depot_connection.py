"""The near side of a depot (`dints.remote.runs.depot`): one question after the other through one ssh process."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO

from dints import __version__
from dints.errors import EXIT_BAD_INPUT, InputError, RunError
from dints.files.storage import atomic_path
from dints.remote.frames import messages, save, send
from dints.remote.hosts import Host
from dints.remote.ssh import ConnectionLostError, UnreachableError, failure_of, start_there

CLOSE_SECONDS = 5.0


class DepotConnection:
    """A connection to the depot of a host. Use it as a context.

    Raises:
        ConnectionLostError: the line broke, or could not be made; another try may do better.
        UnreachableError: the host cannot be used, or has another engine.
        InputError, RunError: the depot refused what it was asked.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self._process = start_there(host, [host.python, "-m", "dints", "worker", "--depot"])
        self._messages = messages(self._output)
        with ExitStack() as unless_ready:
            unless_ready.callback(self.close)
            version = str(self._answer()["version"])
            if version != __version__:
                remedy = f"`dints hosts check {host.name} --install` brings that of here"
                raise UnreachableError(f"host {host.name}: has engine {version}, not {__version__}; {remedy}")
            unless_ready.pop_all()

    def __enter__(self) -> DepotConnection:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def _output(self) -> BinaryIO:
        assert self._process.stdout is not None
        return self._process.stdout  # type: ignore[return-value]

    def ask(self, **message: Any) -> dict[str, Any]:
        """Sends a message and waits for its answer."""
        self._send(message)
        return self._answer()

    def put(self, file: Path, digest: str, start: int) -> None:
        """Sends the rest of a file, from the byte `start` on; a refusal comes with the next answer."""
        self._send({"put": digest, "at": start}, file, start)

    def get(self, identity: str, path: str, target: Path, mend: Callable[[Path], None]) -> bool:
        """Fetches a file of a run, if it is still there; `mend` may change it before it is in its place."""
        answer = self.ask(get=identity, path=path)
        if answer["event"] == "gone":
            return False
        count = answer["bytes"]
        with atomic_path(target) as temporary:
            try:
                save(self._output, count, temporary)
            except EOFError as error:
                raise self._lost() from error
            mend(temporary)
        return True

    def close(self) -> None:
        """Ends the depot there; what it started goes on."""
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _send(self, message: dict[str, Any], file: Path | None = None, start: int = 0) -> None:
        assert self._process.stdin is not None
        try:
            send(self._process.stdin, message, file, start)  # type: ignore[arg-type]
        except BrokenPipeError as error:
            self._answer()  # which may be why it no longer listens
            raise self._lost() from error

    def _answer(self) -> dict[str, Any]:
        event = next((message for message in self._messages if "event" in message), None)
        if event is None:
            raise self._lost()
        if event["event"] == "refused" and event["again"]:
            raise ConnectionLostError(f"host {self.host.name}: {event['text']}")
        if event["event"] == "refused":
            raise (InputError if event["code"] == EXIT_BAD_INPUT else RunError)(
                f"host {self.host.name}: {event['text']}"
            )
        return event

    def _lost(self) -> UnreachableError:
        """Why there is no answer."""
        assert self._process.stderr is not None
        with suppress(subprocess.TimeoutExpired):  # it is about to end, and says why
            self._process.wait(CLOSE_SECONDS)
        self._process.kill()
        said = self._process.stderr.read().decode(errors="replace")
        code = self._process.wait()
        if code < 0:
            return ConnectionLostError(f"host {self.host.name}: the connection was lost")
        return failure_of(self.host, code, said)
