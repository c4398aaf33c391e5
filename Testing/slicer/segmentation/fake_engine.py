"""A process in place of the engine, and a correction for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TELLTALE = "Mustermann"


class FakeProcess:
    """A command of the engine; keeps what its files held when it was started."""

    started: list[FakeProcess]

    def __init__(self, arguments: list[str], onEvent: Callable, onFinished: Callable) -> None:
        self.arguments, self.onEvent, self.onFinished = arguments, onEvent, onFinished
        self.isForgotten = False

    def __getitem__(self, option: str) -> str:
        return self.arguments[self.arguments.index(option) + 1]

    def start(self) -> None:
        self.started.append(self)

    def progress(self, step: int, total: int) -> None:
        self.onEvent({"event": "progress", "stage": "train fold 0", "step": step, "total": total, "seconds_left": 90.0})

    def finish(self, name: str = "", values: Any = None, code: int = 0, sentence: str = "") -> None:
        if name:
            self.onEvent({"event": "result", "name": name, "values": values})
        self.onFinished(code, sentence)

    def cancel(self) -> None:
        self.onFinished(130, "Cancelled.")

    def shutdown(self) -> None:
        self.isForgotten = True


def paint(segmentation: Any, name: str, volume: Any, place: int) -> None:
    """Adds a cube of two voxels a side at a place of the diagonal, by what the effects of Segment Editor use."""
    import slicer

    voxels = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, name, volume)
    voxels[(slice(place, place + 2),) * 3] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, segmentation, name, volume)
