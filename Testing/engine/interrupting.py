"""Works that are ended in the middle."""

from __future__ import annotations

from dints.events import Reporter


class InterruptedWorkError(Exception):
    """What ends a work in the middle."""


class StopAt(Reporter):
    """Interrupts after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
        if step == self.step:
            raise InterruptedWorkError
