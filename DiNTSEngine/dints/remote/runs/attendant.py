"""Does the stages of a guest run, one after the other, whoever is connected: `python -m dints.remote.runs.attendant`.

It holds the lock of the run's folder while it works. SIGTERM lets the command under way save its step and end; if the
attendant itself is killed, the command, which is of its process group, ends with it (`dints.service.parent`).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from dints.config import Config
from dints.errors import EXIT_DONE, EXIT_FAILED, EXIT_STOPPED, InputError, short
from dints.files.lock import locked
from dints.remote.runs.guest import DONE, FAILED, RUNNING, STOPPED, STOPPED_STATE, GuestRun, GuestState, Stage
from dints.remote.runs.torchrun import torchrun
from dints.service.parent import OWN_GROUP_VARIABLE, STOP

LOCK_SECONDS = 10.0  # in which those who only look whether it is held let go of it
LAST_BYTES = 2**16  # of the events, in which the error is
SLURM_VARIABLE = "SLURM_JOB_ID"  # set in its jobs
CLUSTER_STOPPED = GuestState(
    STOPPED,
    "the cluster ended it, as before its limit of time (`dints hosts add ... --sbatch` takes a longer --time) or for "
    "another job; what was saved stays: run it again to go on",
    EXIT_STOPPED,
)


def main(arguments: Sequence[str]) -> int:
    """Of the run with this identity: all stages, or the job that is named. 0 if all went well."""
    guest = GuestRun(arguments[0])
    attendant = Attendant(guest)
    with ExitStack() as stack:
        if not arguments[1:]:  # jobs of a scheduler run side by side
            _lock(guest, stack)
        return next((code for code in map(attendant.attend, arguments[1:] or guest.jobs) if code), EXIT_DONE)


def _lock(guest: GuestRun, stack: ExitStack) -> None:
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            stack.enter_context(locked(guest.folder))
        except InputError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


class Attendant:
    """Does jobs of a run until it is asked to stop."""

    def __init__(self, guest: GuestRun) -> None:
        self.guest = guest
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = False
        self._together: list[str] = []
        signal.signal(signal.SIGTERM, self._stop)

    def attend(self, job: str) -> int:
        """Does one job, and keeps how it ended; its exit code."""
        guest = self.guest
        if self._stopping:
            guest.tell(job, STOPPED_STATE)
            return EXIT_STOPPED
        stage = next(stage for stage in guest.stages if job in stage.jobs)
        if _is_superfluous(guest, stage, job):
            guest.tell(job, GuestState(DONE))
            return EXIT_DONE
        guest.tell(job, GuestState(RUNNING))
        self._together = torchrun(stage.command[0])
        command = [*(self._together or [sys.executable, "-m"]), "dints", *stage.words(job), "--events"]
        environment = os.environ if self._together else {**os.environ, OWN_GROUP_VARIABLE: "1"}
        with guest.events_file(job).open("ab") as events, guest.errors_file.open("ab") as errors:
            begin = events.tell(), errors.tell()  # before them is what earlier tries said
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=events,
                stderr=errors,
                cwd=guest.folder,
                env=environment,
            )
            if self._stopping:
                self._stop()
            with self._process:  # closes its input when it has ended
                code = self._process.wait()
        guest.tell(job, self._stopped(job) if code and self._stopping else _ended(guest, job, code, begin))
        return code

    def _stopped(self, job: str) -> GuestState:
        """Who stopped it on purpose told so before; a cluster has its own reasons."""
        told = self.guest.told(job)
        if told is None or told.state != RUNNING:
            return told or STOPPED_STATE
        return CLUSTER_STOPPED if SLURM_VARIABLE in os.environ else STOPPED_STATE

    def _stop(self, *signal_and_frame: object) -> None:
        """What SIGTERM does: the command under way is asked to end, and none follows."""
        self._stopping = True
        if self._process is not None and self._together:  # the last checkpoint is kept
            self._process.terminate()
        elif self._process is not None and self._process.stdin is not None:
            with suppress(OSError, ValueError):  # it ended already, or its input is closed
                self._process.stdin.write(f"{STOP}\n".encode())
                self._process.stdin.flush()


def _is_superfluous(guest: GuestRun, stage: Stage, job: str) -> bool:
    """Whether a job is for a fold that the run turned out not to have: they are submitted before it is known."""
    config = guest.run_folder / "config.yaml"
    if not stage.tasks or not config.is_file():
        return False
    return int(stage.words(job)[-1]) >= Config.load(config).training.folds


def _ended(guest: GuestRun, job: str, code: int, begin: tuple[int, int]) -> GuestState:
    if code == EXIT_DONE:
        return GuestState(DONE)
    if code == EXIT_STOPPED:
        return STOPPED_STATE
    said = _last_error(guest.events_file(job), begin[0]) or _last_line(guest.errors_file, begin[1])
    if code < 0:
        ended = f"was ended by signal {-code}, as where memory runs out; run it again to go on"
        return GuestState(FAILED, f"{ended} ({said})" if said else ended, EXIT_FAILED)
    return GuestState(FAILED, said or f"ended with code {code}", code)


def _last_error(events: Path, begin: int) -> str:
    for line in reversed(_tail(events, begin)):
        with suppress(ValueError):
            event: Any = json.loads(line)
            if isinstance(event, dict) and event.get("event") == "error":
                return str(event.get("text"))
    return ""


def _last_line(path: Path, begin: int) -> str:
    lines = [line for line in _tail(path, begin) if line.strip()]
    return short(lines[-1]) if lines else ""


def _tail(path: Path, begin: int) -> list[str]:
    with path.open("rb") as file:
        file.seek(max(begin, path.stat().st_size - LAST_BYTES))
        return file.read().decode(errors="replace").splitlines()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
