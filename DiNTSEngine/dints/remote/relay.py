"""A worker that looks like the one of here (`dints.service.worker`) and has another computer do its jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

from dints.errors import InputError
from dints.remote.hosts import Host
from dints.remote.worker import COMMANDS, RemoteWorker
from dints.service.jobs import FIELDS
from dints.service.worker import JobReporter, Worker


class Relay(Worker):
    """Takes the jobs that a program of here asks, and gives it the events of there.

    Args:
        stream: where events go.
    """

    def __init__(self, stream: TextIO, host: Host) -> None:
        super().__init__(stream)
        self._remote = RemoteWorker(host)
        self._commands = dict.fromkeys(FIELDS, self._there)

    def _there(self, job: Mapping[str, Any], reporter: JobReporter) -> None:
        if job["command"] not in COMMANDS:
            raise InputError(f"job: {job['command']} cannot be done on another computer; choose a device of this one")
        self._remote.run(job, lambda event: reporter.emit(**{k: v for k, v in event.items() if k != "job"}))

    def close(self) -> None:
        """Ends the worker there; its files go with it."""
        self._remote.close()
