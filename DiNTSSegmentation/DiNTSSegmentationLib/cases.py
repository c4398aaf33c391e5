"""What a run segments, one after the other, and files as such a case. Those of the scene are in `node_cases`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from DiNTSLib.terminology import SegmentStyle
from DiNTSSegmentationLib.edits import Contents


class State(Enum):
    """Of a case and of a run."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"  # its result was there already
    FAILED = "failed"
    CANCELLED = "cancelled"

    def label(self) -> str:
        return {
            "waiting": _("waiting"),
            "running": _("running"),
            "done": _("done"),
            "skipped": _("was there"),
            "failed": _("failed"),
            "cancelled": _("cancelled"),
        }[self.value]


@dataclass(frozen=True)
class Settings:
    """How every case of a run is segmented."""

    model: str  # path
    styles: dict[int, SegmentStyle]  # by value in the result
    device: str = "auto"
    options: dict[str, Any] = field(default_factory=dict)  # of `dints.inference.predictor.Predictor.predict`
    disagreement: bool = False
    statistics: bool = False


@dataclass(frozen=True)
class ResultNodes:
    """IDs of the nodes that a case made; "" where there is none."""

    segmentation: str = ""
    disagreement: str = ""
    statistics: str = ""


class SegmentationCase(ABC):
    """One image and what becomes of it.

    Attributes:
        detail: where the result is, or what went wrong.
        job: number of its job in the worker's queue.
        problem: why the job was given up; "" if it was not.
        values: of the result event, see `dints.service.worker`.
        results: what is in the scene; nothing of a case that is written to files.
        before: what the segmentation held before it got the result; None if it was empty, or there is none.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.state, self.detail = State.WAITING, ""
        self.job, self.problem = 0, ""
        self.values: dict[str, Any] = {}
        self.results = ResultNodes()
        self.before: Contents | None = None

    @abstractmethod
    def prepare(self, settings: Settings) -> dict[str, Any] | None:
        """The job for the worker; None if there is nothing to do."""

    def load(self) -> None:  # noqa: B027 (there may be nothing to read)
        """Reads the result of the job, in a thread."""

    @abstractmethod
    def finish(self, settings: Settings) -> None:
        """Takes over the result of the job, after `load`."""

    def check(self) -> None:  # noqa: B027 (there may be nothing that can go)
        """LookupError if something that the case needs was deleted."""

    def close(self) -> None:  # noqa: B027 (there may be none)
        """Removes temporary files."""


def segmentJob(settings: Settings, inputs: Sequence[str | Path], output: str | Path) -> dict[str, Any]:
    """What the worker is asked, see `dints.service.worker`."""
    return {
        "command": "segment",
        "model": settings.model,
        "inputs": [str(path) for path in inputs],
        "output": str(output),
        "disagreement": None,
        "statistics": settings.statistics,
        "device": settings.device,
        "options": settings.options,
    }


class FileCase(SegmentationCase):
    """Image files, one a channel, segmented into a file."""

    def __init__(self, title: str, inputs: Sequence[Path], output: Path) -> None:
        super().__init__(title)
        self.inputs, self.output = inputs, output

    def prepare(self, settings: Settings) -> dict[str, Any] | None:
        if self.output.exists():
            self.detail = str(self.output)
            return None
        self.output.parent.mkdir(parents=True, exist_ok=True)
        return segmentJob(settings, self.inputs, self.output)

    def finish(self, settings: Settings) -> None:
        self.detail = str(self.output)
