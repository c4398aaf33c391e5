"""The inference time of each operation on each edge, measured on this computer, for a budget in seconds.

Ours, not the paper's, whose budget is memory (Eq. 8 to 10). The time of a window adds up in the same way, from what
each edge takes, and what stems and head take in any network.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dints.config import Config
from dints.device import autocast
from dints.geometry import Size
from dints.space.architecture import Architecture
from dints.space.cells import Cell, Node
from dints.space.network import Design, build_network
from dints.space.operations import OPERATIONS
from dints.space.search_space import SearchSpace
from dints.zoo.shapes import u_shape

REPEATS = 3  # after a first time that does not count; their median is taken

Timer = Callable[[Callable[[], object]], float]
"""Seconds of a piece of work."""


@dataclass(frozen=True)
class InferenceTimes:
    """Seconds of one window: `edges` [E, N], of an edge with each operation, and `fixed`, of all that is no edge."""

    edges: Tensor
    fixed: float

    def of(self, architecture: Architecture) -> float:
        """Of a network, as the sum of its parts."""
        chosen = self.edges.numpy()[np.arange(len(self.edges)), architecture.operations]
        return self.fixed + float(chosen[architecture.edges].sum())


@dataclass(frozen=True)
class WindowTimer:
    """Measures how long one window takes on a device.

    Attributes:
        filters: of the retrained network, at full resolution.
        patch: of a window, in voxels.
        timer: measures; by default the clock.
    """

    filters: int
    in_channels: int
    classes: int
    patch: Size
    device: torch.device
    timer: Timer | None = None

    @classmethod
    def of(cls, config: Config, device: torch.device) -> WindowTimer:
        """Of windows through networks as they will be retrained."""
        task = config.task
        return cls(config.training.filters, len(task.channels), len(task.labels), config.sampling.patch, device)

    def whole(self, design: Design[Any]) -> float:
        """Seconds of a network, with the design's own filters if it has some."""
        with self._undisturbed():
            network = build_network(design, self.in_channels, self.classes, self.filters)
            network = network.to(self.device).eval()
            images = torch.randn(1, self.in_channels, *self.patch, device=self.device)
            return self._seconds(partial(network, images))

    def parts(self, space: SearchSpace) -> InferenceTimes:
        """Each operation at each level once, each change of level, and a whole U shape.

        What that takes beyond its edges is fixed.
        """
        edges = torch.zeros(space.edges, len(OPERATIONS))
        with self._undisturbed():
            operations = [
                [self._cell(space, (level, level), [name]) for name in OPERATIONS] for level in range(space.levels)
            ]
            for edge, ends in enumerate(zip(space.sources.tolist(), space.targets.tolist(), strict=True)):
                change = 0.0 if ends[0] == ends[1] else self._cell(space, ends, [])
                edges[edge] = torch.tensor(operations[ends[1]]) + change
        shape = u_shape(space)
        return InferenceTimes(edges, max(0.0, self.whole(shape) - InferenceTimes(edges, 0.0).of(shape)))

    def _cell(self, space: SearchSpace, ends: tuple[int, int], operations: Sequence[str]) -> float:
        """Of an edge's operations; of its change of level alone where there are none."""
        source, target = ends
        cell = Cell(space, self.filters, source, target, operations).to(self.device).eval()
        size = [side // shrink for side, shrink in zip(self.patch, space.shrink(source), strict=True)]
        features = torch.randn(1, space.width(source, self.filters), *size, device=self.device)

        def work() -> None:
            node = Node(features)
            if operations:
                list(cell(node))
            else:
                cell.change(node)

        return self._seconds(work)

    def _seconds(self, work: Callable[[], object]) -> float:
        def in_precision() -> None:
            with autocast(self.device):
                work()

        return self.timer(in_precision) if self.timer else clocked(in_precision, self.device)

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Without gradients, and without random numbers of the run."""
        gpus = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=gpus), torch.inference_mode():
            yield


def clocked(work: Callable[[], object], device: torch.device) -> float:
    """Median seconds of some repetitions after the first."""
    times = []
    for _ in range(REPEATS + 1):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])
