"""Runs commands in forks of one warm process, and kills them: starting Python would take longer than what is tested.

Reads a request a line, {"arguments": [...], "folder": ..., "kill": null or [operation, delay], "limit": null or bytes,
"deadly": ...}, where an operation is one that opens, renames, removes or makes something in the folder. Without a delay
the process kills itself right before that operation; with one, it is killed from outside so many seconds after it. The
limit is that of a file's size, as if the disk were full. If it is deadly, the system ends the process in the middle of
writing a file that becomes longer; like signal 9, nothing can catch it.

Answers a line: {"status": exit code or minus the signal, "operations": ..., "text": what the command wrote}.
"""

from __future__ import annotations

import importlib
import json
import mmap
import os
import resource
import signal
import struct
import sys
import time
from pathlib import Path
from typing import Any

from dints.cli import main
from dints.errors import EXIT_DONE, EXIT_FAILED, StorageError
from dints.events import JsonReporter
from dints.run import Run, run_lock

WARM = (  # what commands import, some of it late
    *(f"dints.commands.{name}_command" for name in ("search", "train", "models", "segment")),
    *("matplotlib.figure", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg"),
    "torch._dynamo",
)
OPERATIONS = {"open", "os.rename", "os.remove", "os.mkdir"}
POLL_SECONDS = 0.0005


class Counter:
    """A number that a process shares with its forks."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)

    @property
    def value(self) -> int:
        return struct.unpack("q", self._memory[:8])[0]

    @value.setter
    def value(self, value: int) -> None:
        self._memory[:8] = struct.pack("q", value)


def serve() -> None:
    for name in WARM:
        importlib.import_module(name)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    counter = Counter()
    at, delay = request["kill"] or (None, None)
    output, written = os.pipe()  # which no limit on files concerns
    process = os.fork()
    if process == 0:
        os.dup2(written, 1)
        os.dup2(written, 2)
        os._exit(run(request, counter, None if delay else at))
    os.close(written)
    status = wait(process, counter, at, delay) if delay else os.waitpid(process, 0)[1]
    with open(output) as file:
        text = file.read()
    return {"status": os.waitstatus_to_exitcode(status), "operations": counter.value, "text": text}


def wait(process: int, counter: Counter, at: int, delay: float) -> int:
    """Kills the process so long after an operation, unless it has ended before."""
    while counter.value < at:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return status
        time.sleep(POLL_SECONDS)
    time.sleep(delay)
    os.kill(process, signal.SIGKILL)
    return os.waitpid(process, 0)[1]


def run(request: dict[str, Any], counter: Counter, kill_at: int | None) -> int:
    """In the fork: the command."""
    folder = request["folder"]

    def count(event: str, arguments: tuple) -> None:
        if event in OPERATIONS and str(arguments[0]).startswith(folder):
            counter.value += 1
            if counter.value == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    if request["deadly"]:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it: then writing fails instead
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if request["limit"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["limit"], resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    arguments = request["arguments"]
    return preprocess(Path(arguments[1])) if arguments[0] == "preprocess" else main(arguments)


def preprocess(folder: Path) -> int:
    """What search and retraining begin with."""
    try:
        with run_lock(folder):
            Run(folder).cache(JsonReporter())
    except StorageError as error:
        print(error, flush=True)
        return EXIT_FAILED
    return EXIT_DONE


if __name__ == "__main__":
    serve()
