"""The warm worker (`dints.service.worker`) for jobs of here and of other computers: their device is "@NAME"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from dints.remote.hosts import Host, find_host
from dints.service.worker import JobReporter, Worker

if TYPE_CHECKING:
    from dints.remote.worker import RemoteWorker

MARK = "@"  # before the name of a host, in place of a device


class Relay(Worker):
    """Takes jobs, and gives the same events wherever they are done. One other computer at a time is kept warm.

    Args:
        stream: where events go.
        host: where all jobs are done; None leaves it to their device.
    """

    def __init__(self, stream: TextIO, host: Host | None = None) -> None:
        super().__init__(stream)
        self._host = host
        self._remote: RemoteWorker | None = None
        self._here = self._commands
        self._commands = dict.fromkeys(self._here, self._anywhere)

    def close(self) -> None:
        """Ends the worker on the other computer; its files go with it."""
        remote, self._remote = self._remote, None
        if remote is not None:
            remote.close()

    def _anywhere(self, job: Mapping[str, Any], reporter: JobReporter) -> None:
        device = job.get("device") or ""
        named = device.startswith(MARK)
        if self._host is None and not named:
            self._here[job["command"]](job, reporter)
            return
        remote = self._reached(self._host or find_host(device.removeprefix(MARK)))
        there = {**job, "device": None} if named else job
        remote.run(there, lambda event: reporter.emit(**{k: v for k, v in event.items() if k != "job"}))

    def _reached(self, host: Host) -> RemoteWorker:
        from dints.remote.worker import RemoteWorker

        if self._remote is None or self._remote.host != host:
            self.close()
            self._remote = RemoteWorker(host)
        return self._remote
