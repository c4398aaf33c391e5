"""Jobs of the warm worker (`dints.service.worker`) done on another computer: the same jobs, events and files as here.

Scans are read here and sent as voxels and geometry alone, under numbers: no name, no header and no path of theirs
travels, nor do the name and the notes of the model. Results come back and are written here. After a lost connection the
job is done again from its beginning.
"""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dints import __version__
from dints.data.images import read_channels, read_image, write_image
from dints.data.outputs import refuse_overlap
from dints.errors import InputError, RunError
from dints.events import Reporter
from dints.files.passing import passing_folder
from dints.files.storage import to_json
from dints.files.untrusted.archive import MOST_COMPRESSION, read_member
from dints.model.archive import read_manifest
from dints.model.installed import find_model
from dints.model.manifest import FILE_NAME
from dints.remote.connection import Connection, WorkerEvent
from dints.remote.hosts import Host
from dints.remote.ssh import ConnectionLostError, UnreachableError
from dints.service.jobs import input_paths, output_paths

COMMANDS = ("segment", "estimate")  # that can be done there
TRIES = 4
PAUSE_SECONDS = 2.0  # before the second try; twice as long before each further one
SUFFIX = ".mha"  # keeps every digit of the geometry
MODEL_SUFFIX = ".zip"
PREFIX = "dints-send"  # of folders here

TakeEvent = Callable[[WorkerEvent], None]


class RemoteWorker:
    """Keeps the connection and the model there for the next job. Use it as a context."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._connection: Connection | None = None
        self._model: tuple[tuple[str, int], str] | None = None  # path and time of change, and its number there

    def __enter__(self) -> RemoteWorker:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the worker there. The next job starts another."""
        connection, self._connection, self._model = self._connection, None, None
        if connection is not None:
            connection.close()

    def run(self, job: Mapping[str, Any], on_event: TakeEvent) -> None:
        """Does a job whose fields were checked, and names files of here.

        Raises:
            InputError, RunError: as here, or the host cannot be reached or has another engine.
        """
        if job["command"] not in COMMANDS:
            raise InputError(f"job: {job['command']} cannot be done on another computer; choose a device of this one")
        if self._connection is None:
            sent = "voxels and geometry of scans are sent there under numbers, and nothing stays"
            on_event({"event": "message", "text": f"Works on {self.host.name} ({self.host.address}): {sent}"})
        with passing_folder(PREFIX) as folder:
            files = self._scans(job, folder, on_event) if job["command"] == "segment" else []
            for number in range(1, TRIES + 1):
                try:
                    return self._attempt(job, files, folder, on_event)
                except ConnectionLostError as error:
                    self.close()
                    if number == TRIES:
                        raise UnreachableError(
                            f"{error}; {TRIES} tries failed, nothing was left there; check the network and "
                            f"`dints hosts check {self.host.name}`, then run the same again: what is done stays"
                        ) from error
                    on_event({"event": "warning", "text": f"{error}; trying again ({number + 1} of {TRIES})"})
                    time.sleep(PAUSE_SECONDS * 2 ** (number - 1))
                except RunError:  # the worker there may be gone
                    self.close()
                    raise

    def _scans(self, job: Mapping[str, Any], folder: Path, on_event: TakeEvent) -> list[Path]:
        """The channels as files of voxels and geometry alone."""
        refuse_overlap([(tuple(input_paths(job)), path) for path in output_paths(job)], [find_model(job["model"])])
        channels = read_channels(input_paths(job), lambda text: on_event({"event": "warning", "text": text}))
        files = [folder / f"{number}{SUFFIX}" for number in range(len(channels))]
        for image, file in zip(channels, files, strict=True):
            for key in image.GetMetaDataKeys():
                image.EraseMetaData(key)
            write_image(image, file)
        return files

    def _attempt(self, job: Mapping[str, Any], files: list[Path], folder: Path, on_event: TakeEvent) -> None:
        connection = self._connected()
        names = {self._sent_model(connection, find_model(job["model"]), folder): str(job["model"])}
        message = {**job, "model": next(iter(names))}
        if job["command"] == "segment":
            message["inputs"] = [connection.put(file, SUFFIX) for file in files]
            names |= dict(zip(message["inputs"], map(str, job["inputs"]), strict=False))
        results: dict[str, Path] = {}
        for field in ("output", "disagreement"):
            if job.get(field):
                message[field] = connection.number(SUFFIX)
                results[message[field]] = folder / message[field]
                names[message[field]] = str(job[field])
        held: list[WorkerEvent] = []  # what is only true once the results are here

        def take(event: WorkerEvent) -> None:
            event = _named(event, names)
            held.append(event) if event["event"] == "result" else on_event(event)

        try:
            connection.ask(message, take)
        except InputError as error:
            connection.drop([*message.get("inputs", []), *results])
            raise InputError(_replaced(str(error), names)) from error
        except UnreachableError:
            raise
        except RunError as error:
            raise RunError(_replaced(str(error), names)) from error
        for name, path in results.items():
            if name == message["output"] or held[-1]["values"].get("disagreement"):
                connection.get(name, path)
                write_image(read_image(path), names[name])
        connection.drop([*message.get("inputs", []), *results])
        for event in held:
            on_event(event)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._model = None
            connection = self._connection = Connection(self.host)
            if connection.version != __version__:
                remedy = f"`dints hosts check {self.host.name} --install` brings that of here"
                raise UnreachableError(
                    f"host {self.host.name}: has engine {connection.version}, not {__version__}; {remedy}"
                )
        return self._connection

    def _sent_model(self, connection: Connection, path: Path, folder: Path) -> str:
        """The number of the model there, to which it is sent once for a connection."""
        manifest = path / FILE_NAME if path.is_dir() else path
        version = (str(path.resolve()), manifest.stat().st_mtime_ns)
        if self._model is None or self._model[0] != version:
            if self._model is not None:
                connection.drop([self._model[1]])
            self._model = version, connection.put(_packed(path, folder), MODEL_SUFFIX)
        return self._model[1]


def hand_on(reporter: Reporter) -> TakeEvent:
    """A function that tells a reporter what a worker's events say of the work; results are the caller's own."""

    def tell(event: WorkerEvent) -> None:
        if event["event"] == "progress":
            reporter.progress(event["stage"], event["step"], event["total"], **event["metrics"])
        elif event["event"] in ("message", "warning"):
            getattr(reporter, event["event"])(event["text"])

    return tell


def _packed(model: Path, folder: Path) -> Path:
    """What is computed with, as one file: a model's name may be that of its data's folder, and so a patient's."""
    file, manifest = folder / "model.zip", read_manifest(model)
    task = replace(manifest.config.task, name="model", description="")
    nameless = replace(manifest, config=replace(manifest.config, task=task), notes="")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(FILE_NAME, to_json(nameless.to_mapping()))
        for fold in manifest.folds:
            size = (model / fold.file).stat().st_size if model.is_dir() else model.stat().st_size * MOST_COMPRESSION
            archive.writestr(fold.file, read_member(model, fold.file, size))
    return file


def _named(event: WorkerEvent, names: Mapping[str, str]) -> WorkerEvent:
    """An event with the files of here in place of numbers."""
    named: dict[str, Any] = {
        key: _replaced(value, names) if isinstance(value, str) else value for key, value in event.items()
    }
    values = named.get("values")
    return named | {"values": _named(values, names)} if isinstance(values, dict) else named


def _replaced(text: str, names: Mapping[str, str]) -> str:
    pattern = "|".join(rf"(?<![\w./]){re.escape(name)}\b" for name in names)
    return re.sub(pattern, lambda match: names[match[0]], text)
