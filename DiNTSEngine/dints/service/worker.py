"""The warm worker: jobs come as JSON lines on standard input, events go as JSON lines to standard output.

What a job is stands in `dints.service.jobs`. Jobs run one after the other. The last model stays in memory, so that the
next job with it starts at once. Every event carries the job's number:

    ready                     once, with the process's number; `job` is null
    heartbeat                 every second, with the number of the running job or null
    model                     path, seconds, and `reused`: whether the model was in memory already
    progress message warning  as of any command (`dints.events`)
    result                    "segmentation" (path, disagreement, device, seconds, computed and all windows,
                              bound_holds as in `Prediction`, and statistics if asked for) or
                              "estimate" (windows, memory, seconds that networks take with them, by what they took in
                              all jobs so far, or null, device, device_memory, and at_most: whether a first look may
                              need less)
    finished                  the job is done
    error                     text, code: the job failed or was no job; the worker goes on
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from dints import __version__
from dints.errors import failure
from dints.events import JsonReporter
from dints.model.installed import find_model
from dints.service.jobs import (
    check_fields,
    input_paths,
    job_number,
    options_of,
    output_paths,
    parse_job,
    read_lines,
    triple,
)
from dints.service.parent import end

if TYPE_CHECKING:
    from dints.inference.predictor import Predictor
    from dints.model.model import Model

HEARTBEAT_SECONDS = 1.0


class JobReporter(JsonReporter):
    """Events of one job. Reporters of one stream share a lock: the heartbeat comes from another thread."""

    def __init__(self, stream: TextIO, lock: threading.Lock, job: Any) -> None:
        super().__init__(stream)
        self._lock, self.job = lock, job

    def emit(self, event: str, **fields: Any) -> None:
        with self._lock:
            super().emit(event, job=self.job, **fields)


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
        # By model and device, of all jobs so far: passes of windows through networks, and the seconds that they took.
        self._measured: dict[tuple[Any, str], tuple[int, float]] = {}
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
            number = self._running = job_number(job)
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
        try:
            while os.getppid() == parent:
                with suppress(MemoryError):  # the job may get along with less
                    self._reporter(self._running).emit("heartbeat")
                time.sleep(HEARTBEAT_SECONDS)
        finally:
            end()

    def _segment(self, job: Mapping[str, Any], reporter: JobReporter) -> None:
        from dints.data.images import read_channels, write_image
        from dints.data.outputs import refuse_overlap
        from dints.metrics.statistics import label_statistics

        predictor = self._predictor(job, reporter)
        refuse_overlap([(tuple(input_paths(job)), path) for path in output_paths(job)], [find_model(job["model"])])
        options, doubtful = options_of(job), job.get("disagreement")
        started = time.monotonic()
        images = read_channels(input_paths(job), reporter.warning)
        prediction = predictor.predict(images, reporter, disagreement=bool(doubtful), confidence=True, **options)
        seconds = time.monotonic() - started
        write_image(prediction.labels, Path(job["output"]))
        if doubtful and prediction.disagreement is not None:
            write_image(prediction.disagreement, Path(doubtful))
        device = str(predictor.device)
        passes, took = self._measured.get((self._version, device), (0, 0.0))
        self._measured[self._version, device] = passes + prediction.passes, took + prediction.seconds
        values = {"path": job["output"], "disagreement": doubtful, "device": device, "seconds": seconds}
        values |= {"computed": prediction.computed, "windows": prediction.windows}
        values["bound_holds"] = prediction.bound_holds
        if self._model is not None:
            values["assessment"] = self._model.assessment(prediction.confidence)
        if job.get("statistics"):
            names = {value: name for value, name in predictor.config.task.labels.items() if value}
            values["statistics"] = [asdict(row) for row in label_statistics(prediction.labels, images[0], names)]
        reporter.result("segmentation", **values)

    def _estimate(self, job: Mapping[str, Any], reporter: JobReporter) -> None:
        from dints.device import device_memory

        predictor = self._predictor(job, reporter)
        options = options_of(job)
        options.pop("region", None)  # the estimate is that of the whole image, and of all of its windows
        exhaustive = options.pop("exhaustive", False) or predictor.bound is None
        size, spacing = triple(job, "size", int), triple(job, "spacing", float)
        estimate = predictor.estimate(size, spacing, **options)
        passes, took = self._measured.get((self._version, str(predictor.device)), (0, 0.0))
        reporter.result(
            "estimate",
            windows=estimate.windows,
            memory=estimate.memory,
            seconds=took / passes * _passes(predictor, options, estimate.windows) if passes else None,
            at_most=not exhaustive,
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


def _forward(source: TextIO, lines: queue.SimpleQueue[str]) -> None:
    """Hands lines on; the end of the input ends the process, whatever it is doing: nobody waits for it any more."""
    try:
        for line in read_lines(source):
            lines.put(line)
    finally:
        end()


def _passes(predictor: Predictor, options: Mapping[str, Any], windows: int) -> int:
    """How often a window goes through a network, as progress counts it."""
    networks = len(options.get("folds") or predictor.networks)
    mirrored = options.get("mirror", predictor.config.inference.mirror)
    return windows * networks * predictor.flips(mirrored)
