"""The warm worker: jobs come as JSON lines on standard input, events go as JSON lines to standard output.

A job is {"job": 7, "command": "segment", ...}; its fields are in `FIELDS`. Jobs run one after the other. The last model
stays in memory, so that the next job with it starts at once. Every event carries the job's number:

    ready                     once, with the process's number; `job` is null
    heartbeat                 every second, with the number of the running job or null
    model                     path, seconds, and `reused`: whether the model was in memory already
    progress message warning  as of any command (`dints.events`)
    result                    "segmentation" (path, disagreement, device, seconds, and statistics if asked for) or
                              "estimate" (windows, memory, seconds or null, device, device_memory)
    finished                  the job is done
    error                     text, code: the job failed or was no job; the worker goes on
"""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from dints import __version__
from dints.cli import failure
from dints.errors import InputError
from dints.events import JsonReporter
from dints.model.installed import find_model

if TYPE_CHECKING:
    from dints.inference.predictor import Predictor
    from dints.model.model import Model

HEARTBEAT_SECONDS = 1.0
FLIPS = 8  # of three axes: what mirroring multiplies the work by
FIELDS: dict[str, dict[str, tuple[type, ...]]] = {
    "segment": {
        "model": (str,),
        "inputs": (list,),  # one file a channel
        "output": (str,),
        "disagreement": (str, type(None)),  # file for the map of where the folds disagree
        "statistics": (bool, type(None)),  # whether the result carries volume, surface and mean of each label
        "device": (str, type(None)),
        "options": (dict, type(None)),  # keyword arguments of `Predictor.predict`; null means the model's own
    },
    "estimate": {
        "model": (str,),
        "size": (list,),  # voxels along R, A and S
        "spacing": (list,),  # mm
        "device": (str, type(None)),
        "options": (dict, type(None)),
    },
}


class JobReporter(JsonReporter):
    """Events of one job. Reporters of one stream share a lock: the heartbeat comes from another thread."""

    def __init__(self, stream: TextIO, lock: threading.Lock, job: Any) -> None:
        super().__init__(stream)
        self._lock, self.job = lock, job
        self.windows = 0  # of the volume that was segmented

    def emit(self, event: str, **fields: Any) -> None:
        with self._lock:
            super().emit(event, job=self.job, **fields)

    def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
        self.windows = total
        super().progress(stage, step, total, **metrics)


class Worker:
    """Runs jobs and keeps what the next one may need.

    Args:
        stream: where events go.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._lock = stream, threading.Lock()
        self._running: Any = None
        self._model: Model | None = None
        self._version: tuple[str, int] | None = None  # path and time of change of the model in memory
        self._rates: dict[tuple[Any, str], float] = {}  # seconds a window and network, by model and device
        self._commands: dict[str, Callable[[Mapping[str, Any], JobReporter], None]] = {
            "segment": self._segment,
            "estimate": self._estimate,
        }

    def serve(self, source: TextIO) -> None:
        """Runs the jobs of `source` until it ends or the parent process is gone; then the process exits at once."""
        parent = os.getppid()
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reporter(None).emit("ready", pid=os.getpid(), version=__version__)
        threading.Thread(target=_forward, args=(source, lines), daemon=True).start()
        threading.Thread(target=self._beat, args=(parent,), daemon=True).start()
        while True:
            self.run(lines.get())

    def run(self, line: str) -> None:
        """Runs the job of one line. Whatever is wrong with it becomes an event."""
        number = None
        try:
            job = parse_job(line)
            number = job.get("job")
            self._running = number
            reporter = self._reporter(number)
            self._commands[check_fields(job)](job, reporter)
            reporter.emit("finished")
        except Exception as error:  # the worker must survive every job
            text, code = failure(error)
            self._reporter(number).emit("error", text=text, code=code)
        finally:
            self._running = None

    def _reporter(self, job: Any) -> JobReporter:
        return JobReporter(self._stream, self._lock, job)

    def _beat(self, parent: int) -> None:
        while os.getppid() == parent:
            self._reporter(self._running).emit("heartbeat")
            time.sleep(HEARTBEAT_SECONDS)
        os._exit(0)

    def _segment(self, job: Mapping[str, Any], reporter: JobReporter) -> None:
        from dints.data.images import read_channels, write_image
        from dints.evaluation.statistics import label_statistics

        predictor = self._predictor(job, reporter)
        options, doubtful = _options(job), job.get("disagreement")
        started = time.monotonic()
        images = read_channels(_paths(job["inputs"]))
        prediction = predictor.predict(images, reporter, disagreement=bool(doubtful), **options)
        seconds = time.monotonic() - started
        write_image(prediction.labels, Path(job["output"]))
        if doubtful and prediction.disagreement is not None:
            write_image(prediction.disagreement, Path(doubtful))
        device = str(predictor.device)
        if reporter.windows:
            self._rates[self._version, device] = seconds / _passes(predictor, options, reporter.windows)
        values = {"path": job["output"], "disagreement": doubtful, "device": device, "seconds": seconds}
        if job.get("statistics"):
            names = {value: name for value, name in predictor.config.task.labels.items() if value}
            values["statistics"] = [asdict(row) for row in label_statistics(prediction.labels, images[0], names)]
        reporter.result("segmentation", **values)

    def _estimate(self, job: Mapping[str, Any], reporter: JobReporter) -> None:
        from dints.device import device_memory

        predictor = self._predictor(job, reporter)
        options = _options(job)
        options.pop("region", None)  # the estimate is that of the whole image
        size, spacing = _triple(job["size"], "size", int), _triple(job["spacing"], "spacing", float)
        estimate = predictor.estimate(size, spacing, **options)
        rate = self._rates.get((self._version, str(predictor.device)))
        reporter.result(
            "estimate",
            windows=estimate.windows,
            memory=estimate.memory,
            seconds=None if rate is None else rate * _passes(predictor, options, estimate.windows),
            device=str(predictor.device),
            device_memory=device_memory(predictor.device),
        )

    def _predictor(self, job: Mapping[str, Any], reporter: JobReporter) -> Predictor:
        """The inference of the job's model, which is read unless it is in memory and its file unchanged."""
        from dints.inference.fallback import release_memory
        from dints.model.model import load_model

        started = time.monotonic()
        path = find_model(job["model"])
        manifest = path / "manifest.json" if path.is_dir() else path
        version = (str(path.resolve()), manifest.stat().st_mtime_ns)
        reused = self._model is not None and version == self._version
        if not reused:
            self._model = self._version = None
            release_memory()
            model = load_model(path)
            len(model.networks)  # reads them
            self._model, self._version = model, version
        assert self._model is not None
        reporter.emit("model", path=str(path), reused=reused, seconds=time.monotonic() - started)
        return self._model.predictor(job.get("device") or "auto")


def parse_job(line: str) -> dict[str, Any]:
    """The object of a line; InputError if it is none."""
    try:
        job = json.loads(line)
    except ValueError as error:
        raise InputError(f"job: is not valid JSON ({error}); send one object a line") from error
    if not isinstance(job, dict):
        raise InputError(f"job: is {type(job).__name__}, not an object; send one object a line")
    return job


def check_fields(job: Mapping[str, Any]) -> str:
    """The job's command; InputError if it is unknown, or a field is unknown, missing or of the wrong type."""
    command = job.get("command")
    if not isinstance(command, str) or command not in FIELDS:
        raise InputError(f"job: command {command!r} is unknown; use {' or '.join(FIELDS)}")
    fields = FIELDS[command]
    unknown = sorted(set(job) - set(fields) - {"job", "command"})
    if unknown:
        raise InputError(f"job: field {unknown[0]!r} is unknown; {command} takes {', '.join(fields)}")
    for name, types in fields.items():
        if not isinstance(job.get(name), types):
            raise InputError(f"job: {name} is {job.get(name)!r}; {command} needs a {types[0].__name__}")
    return command


def _forward(source: TextIO, lines: queue.SimpleQueue[str]) -> None:
    """Hands lines on; the end of the input ends the process, whatever it is doing: nobody waits for it any more."""
    for line in source:
        if line.strip():
            lines.put(line)
    os._exit(0)


def _options(job: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in (job.get("options") or {}).items() if value is not None}


def _paths(values: list[Any]) -> list[Path]:
    if not values or not all(isinstance(value, str) for value in values):
        raise InputError(f"job: inputs is {values!r}; give the path of one file a channel")
    return [Path(value) for value in values]


def _passes(predictor: Predictor, options: Mapping[str, Any], windows: int) -> int:
    """How often a window goes through a network."""
    networks = len(options.get("folds") or predictor.networks)
    mirrored = options.get("mirror", predictor.config.inference.mirror)
    return windows * networks * (FLIPS if mirrored else 1)


def _triple(values: list[Any], name: str, kind: Callable[[Any], Any]) -> tuple[Any, Any, Any]:
    """Three positive numbers."""
    try:
        x, y, z = (kind(value) for value in values)
    except (TypeError, ValueError):
        raise InputError(f"job: {name} is {values!r}; give three numbers, along R, A and S") from None
    if min(x, y, z) <= 0:
        raise InputError(f"job: {name} is {values!r}; give positive numbers")
    return x, y, z
