"""The far side of runs: takes data and stages from another computer, starts them, tells how they are, gives results.

Messages (`dints.remote.frames`), each with one answer but `put`; {"event": "refused", "text", "code", "again"} is one
for all, "again" where another try may do better:

    missing [sha256, ...]               bytes that are here of the files that are not here whole
    put sha256, at, bytes               what follows belongs there in that file, and completes it
    begin identity, files, ...          links files into the run's folder and starts its stages
    look identity, at                   state, new events, jobs that are done, and sizes and times of the run's files
    get identity, path                  that file of the run, or {"event": "gone"}
    stop identity                       ends all jobs
    remove identity, files              ends all jobs, and removes the run, and of its files, or of those that were sent
                                        for one that was not begun, what no other run needs

What is sent stays for a day when the line breaks: the next connection goes on with it. Without a word for some time,
as after a laptop was closed, this process ends; jobs go on.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from dints import __version__
from dints.errors import InputError, RunError, brief, failure
from dints.files.storage import FORGOTTEN_SECONDS, atomic_path, checksum, writing
from dints.remote.frames import messages, save, send
from dints.remote.keeper import SILENCE_SECONDS, SILENCE_VARIABLE
from dints.remote.runs.guest import (
    DONE,
    FAILED,
    OWNER_ALONE,
    QUEUED,
    STOPPED_STATE,
    GuestRun,
    GuestState,
    Stage,
    guests_folder,
)
from dints.remote.runs.launcher import launcher_of
from dints.remote.runs.names import below
from dints.remote.runs.slurm import UnansweredError

CACHE = "cache"  # of a run: what its own computer alone needs
MOST_LINES = 2000  # of events in one answer

Answer = dict[str, Any]


class BusyError(RunError):
    """What another connection does at the same time is in the way."""


class Depot:
    """Serves one connection.

    Args:
        source, sink: where messages come from, and go to.
    """

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source, self._sink = source, sink
        self._files, self._busy = guests_folder() / "files", guests_folder() / "busy"
        self._answers: dict[str, Callable[[Mapping[str, Any]], Answer | None]] = {
            name: getattr(self, f"_{name}") for name in ("missing", "put", "begin", "look", "get", "stop", "remove")
        }

    def serve(self) -> None:
        """Until the stream ends."""
        os.umask(0o077)
        with writing(self._files):
            self._files.mkdir(mode=OWNER_ALONE, parents=True, exist_ok=True)
            self._busy.touch()
        self._remove_forgotten()
        self._sink.write(b"\n")  # ends the line in which a shell may have greeted
        send(self._sink, {"event": "ready", "version": __version__})
        for message in messages(self._source, self._hear):
            try:
                answer = next((act(message) for name, act in self._answers.items() if name in message), None)
            except EOFError:  # the line broke within a file
                return
            except (InputError, RunError) as error:
                text, code = failure(error)
                answer = {"event": "refused", "text": text, "code": code, "again": isinstance(error, BusyError)}
                if "put" in message:  # what follows is none of the next message
                    send(self._sink, answer)
                    return
            if answer is not None:
                send(self._sink, answer)

    def _hear(self) -> None:
        signal.alarm(round(float(os.environ.get(SILENCE_VARIABLE, SILENCE_SECONDS))))

    def _missing(self, message: Mapping[str, Any]) -> Answer:
        there = {}
        for name in map(_digest, message["missing"]):
            part = self._part(name)
            try:
                os.utime(self._files / name)  # not forgotten
            except FileNotFoundError:
                there[name] = part.stat().st_size if part.is_file() else 0
        return {"event": "missing", "files": there}

    def _part(self, name: str) -> Path:
        return self._files / f"{name}.part"

    def _put(self, message: Mapping[str, Any]) -> None:
        name = _digest(message["put"])
        part = self._part(name)
        with _alone(part, message["at"]) as file:
            save(self._source, message["bytes"], part, self._hear, append=True)
            if checksum(part) != name:
                part.unlink()
                raise RunError(
                    f"file {name}: arrived damaged, or changed while it was sent; run the same command again"
                )
            with writing(part):
                os.fsync(file.fileno())
                os.replace(part, self._files / name)

    def _remove_forgotten(self) -> None:
        """Removes what was sent, and belongs to no run: it was never begun."""
        for path in self._files.iterdir():
            with suppress(FileNotFoundError):
                status = path.stat()
                if status.st_nlink == 1 and time.time() - status.st_mtime > FORGOTTEN_SECONDS:
                    path.unlink()

    def _begin(self, message: Mapping[str, Any]) -> Answer:
        guest = GuestRun(message["begin"])
        with self._alone_with(guest), writing(guest.folder):
            return self._begun(guest, message)

    def _begun(self, guest: GuestRun, message: Mapping[str, Any]) -> Answer:
        stages = [Stage.from_mapping(values) for values in message["stages"]]
        begun = {"event": "begun", "folder": str(guest.folder.resolve())}
        if guest.stages_file.is_file() and launcher_of(guest).alive(guest):
            same = [stage.name for stage in guest.stages] == [stage.name for stage in stages]
            if same and set(message["files"].values()) <= set(guest.files):  # the same is asked again
                return begun | {"under_way": guest.stages != stages}
            raise InputError(f"run {guest.identity}: is under way already; follow it, or stop it first")
        files = message["files"]
        if missing := [name for name in files.values() if not (self._files / _digest(name)).exists()]:
            raise RunError(f"file {missing[0]}: was removed meanwhile; run the same command again, which sends it")
        guest.keep(stages, message["scheduler"], message["options"], files.values())
        for path, name in files.items():
            self._link(name, below(guest.folder, path))
        launcher_of(guest).start(guest)
        return begun

    def _link(self, name: str, path: Path) -> None:
        with atomic_path(path) as temporary:
            try:
                os.link(self._files / name, temporary)
            except OSError:  # not every file system has links
                shutil.copyfile(self._files / name, temporary)

    def _look(self, message: Mapping[str, Any]) -> Answer:
        guest, at = GuestRun(message["look"]), dict(message["at"])
        state = _state(guest)  # before the events: none is later than the end
        events: list[Any] = []
        for job in guest.jobs:
            lines, at[job] = _lines(guest.events_file(job), at.get(job, 0), MOST_LINES - len(events))
            events += lines
        more = len(events) >= MOST_LINES
        done = [job for job in guest.jobs if (told := guest.told(job)) and told.state == DONE]
        looked = {"event": "looked", **vars(state), "events": events, "at": at, "more": more}
        return looked | {"done": done, "files": _listing(guest)}

    def _get(self, message: Mapping[str, Any]) -> Answer | None:
        path = below(GuestRun(message["get"]).run_folder, message["path"])
        try:
            send(self._sink, {"event": "file"}, path, heard=self._hear)
        except FileNotFoundError:
            return {"event": "gone"}
        return None

    def _stop(self, message: Mapping[str, Any]) -> Answer:
        guest = GuestRun(message["stop"])
        with self._alone_with(guest):
            launcher_of(guest).stop(guest)
            for job in guest.jobs:
                told = guest.told(job)
                if told is None or told.state not in (DONE, FAILED):  # what was stopped is so on purpose now
                    guest.tell(job, STOPPED_STATE)
        return {"event": "stopped", "state": guest.state(None).state}

    def _remove(self, message: Mapping[str, Any]) -> Answer:
        guest = GuestRun(message["remove"])
        with self._alone_with(guest), writing(guest.folder):
            names = set(map(_digest, message["files"]))
            if guest.stages_file.is_file():
                launcher_of(guest).stop(guest)
                names |= set(guest.files)
            if guest.folder.exists():
                shutil.rmtree(guest.folder)
            for path in (path for name in names for path in (self._files / name, self._part(name))):
                if path.is_file() and path.stat().st_nlink == 1:  # no other run has it
                    path.unlink()
            if not any(self._files.iterdir()) and not list(guest.folder.parent.glob("*")):
                self._busy.unlink()  # nobody begins or ends another run: it would be here
        return {"event": "removed"}

    @contextmanager
    def _alone_with(self, guest: GuestRun) -> Iterator[None]:
        """Other connections neither begin nor end the run meanwhile: one whose line broke may still be at it.

        BusyError if one does.
        """
        import fcntl  # which Windows has not, where nothing is kept for others

        with self._busy.open("ab") as file:
            try:  # a byte for each run: nothing is written, as nothing may be removed from a full disk otherwise
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int(guest.identity, 16) % 2**62)
                mine = os.path.samestat(os.fstat(file.fileno()), self._busy.stat())
            except OSError:
                mine = False
            if not mine:
                raise BusyError(f"run {guest.identity}: another connection begins or ends it")
            yield


def _state(guest: GuestRun) -> GuestState:
    """Of a whole run. Its jobs go on where the scheduler does not answer for a while, as when it is started anew."""
    try:
        alive = launcher_of(guest).alive(guest)
    except UnansweredError as error:
        alive = GuestState(QUEUED, str(error))
    return guest.state(alive)


def _digest(name: Any) -> str:
    if not isinstance(name, str) or len(name) != 64 or set(name) - set("0123456789abcdef"):
        raise InputError(f"file {brief(name)}: must be named by its SHA-256")
    return name


@contextmanager
def _alone(part: Path, size: int) -> Iterator[BinaryIO]:
    """The open file of a part, which must be of this size; other connections are kept from it.

    BusyError if another has it, or has changed it meanwhile.
    """
    import fcntl  # which Windows has not, where nothing is kept for others

    with writing(part):
        file = part.open("ab")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = part.stat()
            mine = os.path.samestat(os.fstat(file.fileno()), status) and status.st_size == size
        except OSError:
            mine = False
        if not mine:
            raise BusyError(f"file {part.stem}: another connection writes it; run the same command again")
        yield file


def _lines(path: Path, start: int, most: int) -> tuple[list[Any], int]:
    """Whole lines of JSON from a byte on, and where the next one begins."""
    found: list[Any] = []
    if not path.is_file():
        return found, start
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if len(found) >= most or not line.endswith(b"\n"):
                break
            start += len(line)
            with suppress(ValueError):  # cut short as the job was killed, and written on by the next
                found.append(json.loads(line))
    return found, start


def _listing(guest: GuestRun) -> dict[str, tuple[int, int]]:
    """Size and time of change (ns) of the run's files."""
    found = {}
    for folder, folders, files in os.walk(guest.run_folder):
        inner = Path(folder).relative_to(guest.run_folder)
        folders[:] = [name for name in folders if not name.startswith(".") and (inner / name).as_posix() != CACHE]
        for path in (Path(folder, name) for name in files if not name.startswith(".")):
            with suppress(FileNotFoundError):  # the run goes on
                status = path.stat()
                found[(inner / path.name).as_posix()] = (status.st_size, status.st_mtime_ns)
    return found
