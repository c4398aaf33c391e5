"""Who runs the jobs of a guest run: this computer itself, or its scheduler."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from dints.errors import RunError
from dints.files.lock import lock_owner
from dints.files.storage import is_running
from dints.remote.hosts import SCHEDULERS
from dints.remote.runs.guest import ATTENDANT, RUNNING, SAVE_SECONDS, GuestRun, GuestState
from dints.remote.runs.slurm import SlurmLauncher

START_SECONDS = 30.0


class Launcher(Protocol):
    """Starts, watches and ends the jobs of a guest run."""

    def start(self, guest: GuestRun) -> None:
        """Begins all stages; RunError if that is not possible."""

    def alive(self, guest: GuestRun) -> GuestState | None:
        """RUNNING or QUEUED while jobs have not ended; None if nothing of them is left."""

    def stop(self, guest: GuestRun) -> None:
        """Ends all jobs; when it returns, nothing of them runs."""


class ProcessLauncher:
    """A process of this computer that outlives the connection, `dints.remote.runs.attendant`."""

    def start(self, guest: GuestRun) -> None:
        """Errors as in `Launcher`."""
        command = [sys.executable, "-m", ATTENDANT, guest.identity]
        with guest.errors_file.open("ab") as errors:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while guest.told(guest.jobs[0]) is None:
            if process.poll() is not None or time.monotonic() > end:
                raise RunError(f"run {guest.identity}: did not start; {guest.errors_file} there tells why")
            time.sleep(0.02)

    def alive(self, guest: GuestRun) -> GuestState | None:
        """Whether the lock of its folder is held."""
        return None if lock_owner(guest.folder) is None else GuestState(RUNNING)

    def stop(self, guest: GuestRun) -> None:
        """The command under way saves its step, unless that takes too long."""
        for kill, sign, seconds in (
            (os.kill, signal.SIGTERM, SAVE_SECONDS),
            (os.killpg, signal.SIGKILL, START_SECONDS),  # with its command, which is of its group
        ):
            if (owner := lock_owner(guest.folder)) is None:
                return
            if not _attends(owner, guest) and self.alive(guest):
                raise RunError(
                    f"run {guest.identity}: another computer, which shares this folder, works on it; give its address "
                    "to `dints hosts add`, such as that of one of several login nodes"
                )
            with suppress(ProcessLookupError):  # it has just ended
                kill(owner, sign)
            end = time.monotonic() + seconds
            while (self.alive(guest) or _is_leaving(owner, guest)) and time.monotonic() < end:
                time.sleep(0.05)


def _attends(process: int, guest: GuestRun) -> bool:
    """Whether a process of this computer works on a run, as far as it tells: its number may be another's here."""
    try:
        return guest.identity.encode() in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return not Path("/proc/self").exists()


def _is_leaving(process: int, guest: GuestRun) -> bool:
    """Whether it has let go of the folder and not ended yet."""
    return is_running(process) and _attends(process, guest)


LAUNCHERS: dict[str, Launcher] = dict(zip(SCHEDULERS, (ProcessLauncher(), SlurmLauncher()), strict=True))


def launcher_of(guest: GuestRun) -> Launcher:
    """By what the run was begun with."""
    return LAUNCHERS[guest.scheduler]
