"""Windows on their way through networks: how many, and how long they take; of several sweeps over a case, as one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch

from dints.events import Reporter

MILLISECONDS = 1000  # of a second, as events of a GPU count


@dataclass
class PassCounter:
    """Passes of one sweep: a pass is one window through one network in one flip.

    Also in a scan of one window `tell` hears, with the passes done and their total, of more than none and all.
    """

    tell: Callable[[int, int], None] | None = None
    total: int = 0
    done: int = 0
    _seconds: float = 0.0
    _events: list[tuple[torch.cuda.Event, torch.cuda.Event]] = field(default_factory=list)  # read once all is done

    def add(self, windows: int) -> None:
        self.done += windows
        if self.tell:
            self.tell(self.done, self.total)

    def spare(self, windows: int) -> None:
        self.total -= windows
        self.add(0)

    @contextlib.contextmanager
    def timed(self, device: torch.device) -> Iterator[None]:
        """Counts the seconds of passes; a GPU is not waited for."""
        if device.type == "cuda":
            begun, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begun.record(torch.cuda.current_stream(device))
            yield
            ended.record(torch.cuda.current_stream(device))
            self._events.append((begun, ended))
        else:
            started = time.perf_counter()
            yield
            self._seconds += time.perf_counter() - started

    @property
    def seconds(self) -> float:
        """That the passes took, without what is before, between and behind them. Waits for a GPU."""
        for _, ended in self._events[-1:]:
            ended.synchronize()
        return self._seconds + sum(float(begun.elapsed_time(ended)) for begun, ended in self._events) / MILLISECONDS


class Passes:
    """Those of all sweeps over a case, told as progress of a stage."""

    def __init__(self, reporter: Reporter, stage: str) -> None:
        self._reporter, self._stage = reporter, stage
        self._sweeps: list[PassCounter] = []
        self._told = (0, 0)

    def sweep(self, expected: int) -> PassCounter:
        """Of a further sweep, which takes so many passes or fewer."""
        self._sweeps.append(PassCounter(lambda done, total: self._tell(), expected))
        return self._sweeps[-1]

    @property
    def done(self) -> int:
        return sum(sweep.done for sweep in self._sweeps)

    @property
    def seconds(self) -> float:
        return sum(sweep.seconds for sweep in self._sweeps)

    def finish(self) -> None:
        """Says that all is done, unless it was said: of a constant case, which takes no pass, as one of one."""
        done = max(1, self.done)
        if self._told != (done, done):
            self._reporter.progress(self._stage, done, done)

    def _tell(self) -> None:
        self._told = self.done, sum(sweep.total for sweep in self._sweeps)
        if self._told[1]:
            self._reporter.progress(self._stage, *self._told)
