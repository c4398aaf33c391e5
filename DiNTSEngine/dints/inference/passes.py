"""The progress of several sweeps over a case, told as one."""

from __future__ import annotations

from dints.events import Reporter
from dints.inference.sliding_window import Progress


class Passes:
    """Adds up passes of windows through networks, after `done` of them."""

    def __init__(self, reporter: Reporter, stage: str, done: int) -> None:
        self._reporter, self._stage = reporter, stage
        self._sweeps = [(done, done)]
        self._told = (0, 0)

    def sweep(self, expected: int) -> Progress:
        """Of a further sweep, which takes so many passes or fewer."""
        self._sweeps.append((0, expected))
        number = len(self._sweeps) - 1

        def tell(done: int, total: int) -> None:
            self._sweeps[number] = done, total
            self.tell()

        return tell

    def tell(self) -> None:
        self._tell(*map(sum, zip(*self._sweeps, strict=True)))

    def finish(self) -> None:
        """Says that all is done, unless it was said: of a constant case, which takes no pass, as one of one."""
        done = max(1, sum(done for done, _ in self._sweeps))
        if self._told != (done, done):
            self._tell(done, done)

    def _tell(self, done: int, total: int) -> None:
        self._told = done, total
        if total:
            self._reporter.progress(self._stage, done, total)
