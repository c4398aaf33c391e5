"""The far side of runs: takes data and stages from another computer, starts them, tells how they are, gives results.

Messages (`dints.remote.frames`), each with one answer but `put`; {"event": "refused", "text", "code"} is one for all:

    missing [sha256, ...]               bytes that are here of the files that are not here whole
    put sha256, at, bytes               what follows belongs there in that file; the last piece completes it
    begin identity, files, ...          links files into the run's folder and starts its stages
    look identity, at                   state, new events, and sizes and times of the run's files
    get identity, path                  that file of the run
    stop identity                       ends all jobs
    remove identity                     ends all jobs, and removes the run and what no other run needs

What is sent stays when the line breaks: the next connection goes on with it. Without a word for some time, as after a
laptop was closed, this process ends; jobs go on.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from dints import __version__
from dints.errors import EXIT_STOPPED, InputError, RunError, brief, failure
from dints.files.storage import checksum, temporary_path, writing
from dints.remote.frames import messages, save, send
from dints.remote.keeper import SILENCE_SECONDS, SILENCE_VARIABLE
from dints.remote.runs.guest import (
    DONE,
    FAILED,
    OWNER_ALONE,
    STOPPED,
    GuestRun,
    GuestState,
    Stage,
    guests_folder,
)
from dints.remote.runs.launcher import launcher_of

NOT_SENT = ("cache", ".lock")  # of a run: what its own computer alone needs
MOST_LINES = 2000  # of events in one answer

Answer = dict[str, Any]


class Depot:
    """Serves one connection.

    Args:
        source, sink: where messages come from, and go to.
    """

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source, self._sink = source, sink
        self._files = guests_folder() / "files"
        self._answers: dict[str, Callable[[Mapping[str, Any]], Answer | None]] = {
            name: getattr(self, f"_{name}") for name in ("missing", "put", "begin", "look", "get", "stop", "remove")
        }

    def serve(self) -> None:
        """Until the stream ends."""
        os.umask(0o077)
        with writing(self._files):
            self._files.mkdir(mode=OWNER_ALONE, parents=True, exist_ok=True)
        send(self._sink, {"event": "ready", "version": __version__})
        for message in messages(self._source, self._hear):
            try:
                answer = next((act(message) for name, act in self._answers.items() if name in message), None)
            except (InputError, RunError) as error:
                text, code = failure(error)
                answer = {"event": "refused", "text": text, "code": code}
                if "put" in message:  # what follows is none of the next message
                    send(self._sink, answer)
                    return
            if answer is not None:
                send(self._sink, answer)

    def _hear(self) -> None:
        signal.alarm(round(float(os.environ.get(SILENCE_VARIABLE, SILENCE_SECONDS))))

    def _missing(self, message: Mapping[str, Any]) -> Answer:
        there = {
            name: self._size(name) for name in map(_digest, message["missing"]) if not (self._files / name).exists()
        }
        return {"event": "missing", "files": there}

    def _size(self, name: str) -> int:
        part = self._part(name)
        return part.stat().st_size if part.is_file() else 0

    def _part(self, name: str) -> Path:
        return self._files / f"{name}.part"

    def _put(self, message: Mapping[str, Any]) -> None:
        name, part = _digest(message["put"]), self._part(message["put"])
        if self._size(name) != message["at"]:
            part.unlink(missing_ok=True)
            if message["at"]:
                raise RunError(f"file {name}: another connection writes it; run the same command again")
        save(self._source, message["bytes"], part, self._hear, append=True)
        if checksum(part) != name:
            part.unlink()
            raise RunError(f"file {name}: arrived damaged, or changed while it was sent; run the same command again")
        with writing(part):
            os.replace(part, self._files / name)

    def _begin(self, message: Mapping[str, Any]) -> Answer:
        guest = GuestRun(message["begin"])
        stages = [Stage.from_mapping(values) for values in message["stages"]]
        begun = {"event": "begun", "folder": str(guest.folder.resolve())}
        if guest.stages_file.is_file() and launcher_of(guest).alive(guest):
            if [stage.name for stage in guest.stages] == [stage.name for stage in stages]:  # the same is asked again
                return begun
            raise InputError(f"run {guest.identity}: is under way already; follow it, or stop it first")
        files = message["files"]
        guest.keep(stages, message["scheduler"], message["options"], files.values())
        for path, name in files.items():
            self._link(_digest(name), _below(guest.folder, path))
        launcher_of(guest).start(guest)
        return begun

    def _link(self, name: str, path: Path) -> None:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = temporary_path(path)
            temporary.unlink(missing_ok=True)
            os.link(self._files / name, temporary)
            os.replace(temporary, path)
            temporary.unlink(missing_ok=True)  # where both were one file already

    def _look(self, message: Mapping[str, Any]) -> Answer:
        guest, at = GuestRun(message["look"]), dict(message["at"])
        state = guest.state(launcher_of(guest).alive(guest))  # before the events: none is later than the end
        events: list[Any] = []
        for job in guest.jobs:
            lines, at[job] = _lines(guest.events_file(job), at.get(job, 0), MOST_LINES - len(events))
            events += lines
        more = len(events) >= MOST_LINES
        return {"event": "looked", **vars(state), "events": events, "at": at, "more": more, "files": _listing(guest)}

    def _get(self, message: Mapping[str, Any]) -> None:
        path = _below(GuestRun(message["get"]).run_folder, message["path"])
        try:
            send(self._sink, {"event": "file"}, path)
        except OSError as error:
            raise InputError(f"{message['path']}: is not there ({error.strerror})") from error

    def _stop(self, message: Mapping[str, Any]) -> Answer:
        guest = GuestRun(message["stop"])
        launcher_of(guest).stop(guest)
        for job in guest.jobs:
            told = guest.told(job)
            if told is None or told.state not in (DONE, FAILED, STOPPED):
                guest.tell(job, GuestState(STOPPED, "was stopped; run it again to go on", EXIT_STOPPED))
        return {"event": "stopped"}

    def _remove(self, message: Mapping[str, Any]) -> Answer:
        guest = GuestRun(message["remove"])
        if guest.stages_file.is_file():
            launcher_of(guest).stop(guest)
            sent = [self._files / name for name in guest.files]
            with writing(guest.folder):
                shutil.rmtree(guest.folder)
                for path in sent:
                    if path.is_file() and path.stat().st_nlink == 1:  # no other run has it
                        path.unlink()
        return {"event": "removed"}


def _digest(name: Any) -> str:
    if not isinstance(name, str) or len(name) != 64 or set(name) - set("0123456789abcdef"):
        raise InputError(f"file {brief(name)}: must be named by its SHA-256")
    return name


def _below(folder: Path, path: Any) -> Path:
    parts = PurePosixPath(path).parts if isinstance(path, str) else ()
    if not parts or any(part in ("..", "/") for part in parts):
        raise InputError(f"{brief(path)}: is no path within the run")
    return folder.joinpath(*parts)


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
            found.append(json.loads(line))
    return found, start


def _listing(guest: GuestRun) -> dict[str, tuple[int, int]]:
    """Size and time of change (ns) of the run's files."""
    found = {}
    for path in guest.run_folder.rglob("*"):
        relative = path.relative_to(guest.run_folder)
        if relative.parts[0] not in NOT_SENT and not path.name.startswith(".") and path.is_file():
            status = path.stat()
            found[relative.as_posix()] = (status.st_size, status.st_mtime_ns)
    return found
