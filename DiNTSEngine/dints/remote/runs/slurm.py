"""Jobs of a guest run by SLURM: a stage is a job, or an array of jobs, that waits until the one before it succeeded.

All have one name, by which they are found and cancelled. Jobs write their ends themselves
(`dints.remote.runs.attendant`). What SLURM ended before they could, for time or memory, is told by `squeue`, which
forgets after some minutes, or by `sacct` where the cluster keeps accounts.
"""

from __future__ import annotations

import math
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from dints.errors import EXIT_FAILED, EXIT_STOPPED, RunError, StorageError, short
from dints.files.storage import read_json, write_json
from dints.remote.runs.guest import (
    ATTENDANT,
    DONE,
    FAILED,
    QUEUED,
    RUNNING,
    SAVE_SECONDS,
    STOPPED,
    GuestRun,
    GuestState,
    Stage,
)

NO_TASK = "N/A"  # what squeue says of a job that is none of an array
ARRAY_VARIABLE = "SLURM_ARRAY_TASK_ID"
END_SECONDS = 60  # in which SLURM kills what did not end
LOOK_SECONDS = 1.0  # from one look to the next, while jobs are ended
ANSWER_SECONDS = 10.0  # for which an answer of `squeue` counts: a cluster has many users, whose runs are followed
ENDED = (
    *("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL"),
    *("OUT_OF_MEMORY", "DEADLINE", "BOOT_FAIL", "PREEMPTED"),
)
WAITING = ("PENDING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT")
REASONS = {
    "TIMEOUT": "its limit of time ended, what was saved stays; `dints hosts add ... --sbatch` takes a longer --time",
    "OUT_OF_MEMORY": "its memory ran out; `dints hosts add ... --sbatch` takes more --mem",
    "CANCELLED": "was cancelled on the cluster; run it again to go on",
}


class UnansweredError(RunError):
    """A question to the scheduler failed, which says nothing of the jobs."""


class QueueRow(NamedTuple):
    """What SLURM says of a job."""

    number: str  # of all jobs of an array together
    task: str  # its number in the array
    state: str
    reason: str
    start: str  # when it started, or is expected to


class SlurmLauncher:
    """The scheduler of a cluster.

    Args:
        patience: seconds for which an answer of the scheduler counts.
    """

    def __init__(self, patience: float = ANSWER_SECONDS) -> None:
        self._patience = patience
        self._answers: dict[str, tuple[float, object, list[QueueRow]]] = {}  # by identity: when, on which jobs

    def start(self, guest: GuestRun) -> None:
        """Errors as in `Launcher`; then nothing is left of what was begun."""
        numbers: dict[str, str] = {}
        before: list[str] = []
        for stage in guest.stages:
            try:
                numbers[stage.name] = _submit(guest, stage, before)
            except RunError:
                with suppress(RunError):  # the reason is the first one
                    _call("scancel", "--me", f"--name={_name(guest)}")
                raise
            write_json(guest.jobs_file, numbers)
            before = [f"--dependency=afterok:{numbers[stage.name]}", "--kill-on-invalid-dep=yes"]

    def alive(self, guest: GuestRun) -> GuestState | None:
        """As in `Launcher`; what a job is queued for is the text. Tells the ends of jobs that could not do it.

        UnansweredError if SLURM does not answer.
        """
        numbers = _numbers(guest)
        when, asked, rows = self._answers.get(guest.identity, (-math.inf, None, []))
        if asked != numbers or time.monotonic() > when + self._patience:
            rows = list(_queue(guest))
            self._answers[guest.identity] = time.monotonic(), numbers, rows
        running = [row for row in rows if row.state not in ENDED]
        _tell_ends(guest, numbers, rows)
        if not running:
            return None
        queued = [row for row in running if row.state in WAITING]
        if len(queued) < len(running):
            return GuestState(RUNNING)
        first = min(queued, key=lambda row: int(row.number))
        expected = "" if first.start == "N/A" else f", expected to start at {first.start.replace('T', ' ')}"
        return GuestState(QUEUED, f"SLURM's queue: {first.reason}{expected}")

    def stop(self, guest: GuestRun) -> None:
        """As in `Launcher`: a job under way saves its step, unless that takes too long."""
        for job in guest.jobs:  # first, so that whoever looks does not take them for cancelled by others
            with suppress(StorageError):  # a disk that is full: they are ended all the more
                if not _has_told(guest, job):
                    guest.tell(job, GuestState(STOPPED, "was stopped; run it again to go on", EXIT_STOPPED))
        self._answers.pop(guest.identity, None)
        mine = ("--me", f"--name={_name(guest)}")
        _call("scancel", *mine, "--state=PENDING")
        _call("scancel", *mine, "--batch", "--signal=TERM")
        if not self._ended(guest, SAVE_SECONDS):
            _call("scancel", *mine)
            if not self._ended(guest, END_SECONDS):
                raise RunError(f"run {guest.identity}: SLURM has not ended its jobs yet; `squeue` there tells more")

    def _ended(self, guest: GuestRun, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while any(row.state not in ENDED for row in _queue(guest)):
            if time.monotonic() > end:
                return False
            time.sleep(LOOK_SECONDS)
        return True


def _name(guest: GuestRun) -> str:
    return f"dints-{guest.identity}"


def _submit(guest: GuestRun, stage: Stage, before: Sequence[str]) -> str:
    """The number of the job, or of the array of jobs. The user's options come first: the engine's own stay."""
    tasks = [f"--array=0-{len(stage.tasks) - 1}"] if stage.tasks else []
    job = f'{stage.name}-"${ARRAY_VARIABLE}"' if stage.tasks else stage.name
    own = {"job-name": _name(guest), "output": guest.errors_file, "open-mode": "append", "chdir": guest.folder}
    options = [*shlex.split(guest.options), *(f"--{name}={value}" for name, value in own.items())]
    script = f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -m {ATTENDANT} {guest.identity} {job}\n"
    warning = f"--signal=B:TERM@{SAVE_SECONDS}"  # before the limit of time
    answer = _call("sbatch", "--parsable", *options, warning, *tasks, *before, given=script)
    return answer.strip().rpartition("\n")[2].partition(";")[0]


def _queue(guest: GuestRun) -> Iterator[QueueRow]:
    """All jobs that SLURM has not forgotten yet."""
    form = "--format=%F|%K|%T|%r|%S"
    answer = _call("squeue", "--me", f"--name={_name(guest)}", "--array", "--states=all", "--noheader", form)
    return (QueueRow(*line.split("|")) for line in answer.splitlines())


def _numbers(guest: GuestRun) -> dict[str, str]:
    """Of the jobs of each stage that were handed in."""
    return dict(read_json(guest.jobs_file)) if guest.jobs_file.is_file() else {}


def _tell_ends(guest: GuestRun, numbers: Mapping[str, str], rows: Sequence[QueueRow]) -> None:
    """Of jobs that are over without having told so themselves."""
    known = {(row.number, row.task): row for row in rows}
    for stage in guest.stages:
        if stage.name not in numbers:  # another connection is about to start it
            continue
        for task, job in enumerate(stage.jobs):
            number, index = numbers[stage.name], str(task) if stage.tasks else NO_TASK
            row = known.get((number, index))
            if (row and row.state not in ENDED) or _has_told(guest, job):
                continue
            row = row or QueueRow(number, index, _account(f"{number}_{index}" if stage.tasks else number), "", "")
            guest.tell(job, _end(row))


def _has_told(guest: GuestRun, job: str) -> bool:
    told = guest.told(job)
    return told is not None and told.state != RUNNING


def _end(row: QueueRow) -> GuestState:
    """What it means for a job that it ended and did not tell how."""
    if row.state == "COMPLETED":  # the disk that both share shows files late
        return GuestState(DONE)
    if row.reason == "DependencyNeverSatisfied":
        return GuestState(STOPPED, "did not begin, as one before it failed; run it again to go on", EXIT_STOPPED)
    text = REASONS.get(row.state, f"ended without a word (SLURM: {row.state or 'no account'}); run it again to go on")
    return GuestState(FAILED, text, EXIT_FAILED)


def _account(number: str) -> str:
    """The state of a job that `squeue` has forgotten; nothing where the cluster keeps no accounts."""
    try:
        answer = _call("sacct", "--allocations", "--noheader", "--parsable2", "--format=State", f"--jobs={number}")
    except RunError:
        return ""
    return answer.partition("\n")[0].partition(" ")[0]


def _call(*command: str, given: str = "") -> str:
    """What a program of SLURM's prints. RunError with what it says if it fails."""
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    except OSError as error:
        raise RunError(f"{command[0]}: cannot be started ({error.strerror}); is it a login node?") from error
    if done.returncode:
        reason = short(done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}")
        if command[0] == "squeue":
            raise UnansweredError(f"SLURM does not answer ({reason}); if that lasts, ask the administrator")
        remedy = (
            "correct --sbatch of `dints hosts add`, or ask" if command[0] == "sbatch" else "try again later, or ask"
        )
        raise RunError(f"{command[0]}: {reason}; {remedy} the administrator")
    return done.stdout
