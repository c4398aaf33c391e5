"""A run of another computer, as it lies here: its data under numbers, its stages, and how far they are.

$DINTS_GUESTS, or ~/.dints/guests, which its owner alone can read:

files/<sha256>      what was sent, once for all runs; <sha256>.part: what is still on its way
busy                locked, a byte for each run, by connections that begin or end it; goes with the last run
runs/<identity>/    stages.json
                    data-<identity>/, run-<identity>/   names that nothing else has, so that they can be told again
                    events/<job>.jsonl                  what each job reported
                    states/<job>.json                   how it ended, or that it runs
                    errors.log
                    jobs.json               a scheduler's numbers of jobs, by stage
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dints.errors import EXIT_FAILED, EXIT_STOPPED, InputError, brief
from dints.files.storage import read_json, write_json

FOLDER_VARIABLE = "DINTS_GUESTS"
IDENTITY = re.compile(r"[0-9a-f]{16}")
OWNER_ALONE = 0o700
ATTENDANT = "dints.remote.runs.attendant"  # the module that does jobs
SAVE_SECONDS = 60  # in which a step is finished and saved, once a job is asked to end

QUEUED, RUNNING, DONE, FAILED, STOPPED = "queued", "running", "done", "failed", "stopped"


@dataclass(frozen=True)
class Stage:
    """One command of the engine.

    Attributes:
        command: its words after `dints`.
        tasks: what is added for each of several jobs that may run side by side; none is one job.
    """

    name: str
    command: tuple[str, ...]
    tasks: tuple[tuple[str, ...], ...] = ()

    @property
    def jobs(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(f"{self.name}-{number}" for number in range(len(self.tasks))) or (self.name,)

    def words(self, job: str) -> list[str]:
        """The command of one of its jobs."""
        return [*self.command, *(self.tasks[self.jobs.index(job)] if self.tasks else ())]

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"name": self.name, "command": list(self.command), "tasks": [list(task) for task in self.tasks]}

    @staticmethod
    def from_mapping(values: Mapping[str, Any]) -> Stage:
        """Of what `to_mapping` gives."""
        return Stage(str(values["name"]), tuple(values["command"]), tuple(map(tuple, values["tasks"])))


@dataclass(frozen=True)
class GuestState:
    """How far a run is: "queued", "running", "done", "failed" or "stopped", and the text and exit code of a failure."""

    state: str
    text: str = ""
    code: int = 0


STOPPED_STATE = GuestState(STOPPED, "was stopped; run it again to go on", EXIT_STOPPED)


def guests_folder() -> Path:
    """Of all runs that other computers sent."""
    return Path(os.environ.get(FOLDER_VARIABLE) or Path.home() / ".dints" / "guests")


class GuestRun:
    """The files of a run that another computer sent. InputError if the identity is none."""

    def __init__(self, identity: str) -> None:
        if not isinstance(identity, str) or not IDENTITY.fullmatch(identity):
            raise InputError(f"run {brief(identity)}: is none; an identity has 16 hexadecimal digits")
        self.identity = identity
        self.folder = guests_folder() / "runs" / identity
        self.stages_file = self.folder / "stages.json"
        self.jobs_file = self.folder / "jobs.json"
        self.data_folder = self.folder / f"data-{identity}"
        self.run_folder = self.folder / f"run-{identity}"
        self.events_folder = self.folder / "events"
        self.states_folder = self.folder / "states"
        self.errors_file = self.folder / "errors.log"

    def keep(self, stages: Sequence[Stage], scheduler: str, options: str, files: Iterable[str]) -> None:
        """What is to be done next, and by whom; ends of jobs of before are forgotten.

        Args:
            options: what the scheduler is told beside the jobs.
            files: checksums of what was sent for the run.
        """
        for folder in (self.folder, self.events_folder, self.states_folder):
            folder.mkdir(mode=OWNER_ALONE, parents=True, exist_ok=True)
        for stage in stages:
            for job in stage.jobs:
                self._state_file(job).unlink(missing_ok=True)
        self.jobs_file.unlink(missing_ok=True)
        told = [stage.to_mapping() for stage in stages]
        known = sorted(set(files) | set(self.files if self.stages_file.is_file() else ()))
        kept = {"stages": told, "scheduler": scheduler, "options": options, "files": known}
        write_json(self.stages_file, kept)

    def _kept(self, name: str) -> Any:
        if not self.stages_file.is_file():
            raise InputError(f"run {self.identity}: is not here; it was removed, or begun on another computer")
        return read_json(self.stages_file)[name]

    @property
    def scheduler(self) -> str:
        """Who runs the jobs, one of `dints.remote.hosts.SCHEDULERS`."""
        return str(self._kept("scheduler"))

    @property
    def options(self) -> str:
        """What the scheduler is told beside the jobs."""
        return str(self._kept("options"))

    @property
    def files(self) -> list[str]:
        """Checksums of what was sent for it."""
        return [str(name) for name in self._kept("files")]

    @property
    def stages(self) -> list[Stage]:
        """In the order in which they are done. InputError if the run is not here."""
        return [Stage.from_mapping(values) for values in self._kept("stages")]

    @property
    def jobs(self) -> list[str]:
        """Of all stages."""
        return [job for stage in self.stages for job in stage.jobs]

    def events_file(self, job: str) -> Path:
        """Lines of JSON that a job reported."""
        return self.events_folder / f"{job}.jsonl"

    def _state_file(self, job: str) -> Path:
        return self.states_folder / f"{job}.json"

    def tell(self, job: str, state: GuestState) -> None:
        """Keeps how a job is."""
        write_json(self._state_file(job), vars(state))

    def told(self, job: str) -> GuestState | None:
        """None of a job that did not begin."""
        path = self._state_file(job)
        return GuestState(**read_json(path)) if path.is_file() else None

    def state(self, alive: GuestState | None) -> GuestState:
        """Of the whole.

        Args:
            alive: what the launcher says of jobs that have not ended; None if none is left.
        """
        told = {job: self.told(job) for job in self.jobs}
        for ended in (FAILED, STOPPED):
            found = next((state for state in told.values() if state and state.state == ended), None)
            if found and alive is None:
                return found
        if all(state and state.state == DONE for state in told.values()):
            return GuestState(DONE)
        if alive is not None:
            return GuestState(RUNNING) if any(state and state.state == RUNNING for state in told.values()) else alive
        return GuestState(
            FAILED,
            "ended without a word, as if it was killed or the computer restarted; run it again to go on",
            EXIT_FAILED,
        )
