"""The progress of several sweeps over a case, told as one."""

from __future__ import annotations

from dints.events import Reporter
from dints.inference.sliding_window import Progress


class Passes:
    """Adds up passes of windows through networks, after `done` of them."""

    def __init__(self, reporter: Reporter, stage: str, done: int) -> None:
        self._reporter, self._stage = reporter, stage
        self._sweeps = [(done, done)]

    def sweep(self, expected: int) -> Progress:
        """Of a further sweep, which takes so many passes or fewer."""
        self._sweeps.append((0, expected))
        number = len(self._sweeps) - 1

        def tell(done: int, total: int) -> None:
            self._sweeps[number] = done, total
            self.tell()

        return tell

    def tell(self) -> None:
        done, total = map(sum, zip(*self._sweeps, strict=True))
        self._reporter.progress(self._stage, done, total)
