"""The inference time of each operation on each edge, measured on this computer, for a budget in seconds.

Ours, not the paper's, whose budget is memory (Eq. 8 to 10). The time of a window adds up in the same way, from what
each edge takes, and what stems and head take in any network.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from dints.device import autocast
from dints.geometry import Size
from dints.space.architecture import Architecture
from dints.space.cells import Cell, Node
from dints.space.network import build_network
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


def inference_times(
    space: SearchSpace,
    filters: int,
    in_channels: int,
    classes: int,
    patch: Size,
    device: torch.device,
    timer: Timer | None = None,
) -> InferenceTimes:
    """Times each operation at each level once, each change of level, and a whole U shape.

    What that takes beyond its edges is fixed.

    Args:
        filters: of the retrained network, at full resolution.
        patch: of a window, in voxels.
        timer: measures; by default the clock.
    """
    measure = timer or partial(clocked, device=device)
    edges = torch.zeros(space.edges, len(OPERATIONS))
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.inference_mode():
        operations = [
            [_cell_seconds(space, filters, patch, (level, level), [name], device, measure) for name in OPERATIONS]
            for level in range(space.levels)
        ]
        for edge, ends in enumerate(zip(space.sources.tolist(), space.targets.tolist(), strict=True)):
            change = 0.0 if ends[0] == ends[1] else _cell_seconds(space, filters, patch, ends, [], device, measure)
            edges[edge] = torch.tensor(operations[ends[1]]) + change
    shape = u_shape(space)
    whole = window_seconds(shape, filters, in_channels, classes, patch, device, timer)
    return InferenceTimes(edges, max(0.0, whole - InferenceTimes(edges, 0.0).of(shape)))


def window_seconds(
    architecture: Architecture,
    filters: int,
    in_channels: int,
    classes: int,
    patch: Size,
    device: torch.device,
    timer: Timer | None = None,
) -> float:
    """Of one window through a whole network, measured; arguments as of `inference_times`."""
    measure = timer or partial(clocked, device=device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.inference_mode():
        network = build_network(architecture, in_channels, classes, filters).to(device).eval()
        return measure(partial(_run, network, torch.randn(1, in_channels, *patch, device=device), device))


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


def _cell_seconds(
    space: SearchSpace,
    filters: int,
    patch: Size,
    ends: tuple[int, int],
    operations: Sequence[str],
    device: torch.device,
    measure: Timer,
) -> float:
    """Of an edge's operations; of its change of level alone where there are none."""
    source, target = ends
    cell = Cell(space, filters, source, target, operations).to(device).eval()
    size = [side // shrink for side, shrink in zip(patch, space.shrink(source), strict=True)]
    features = torch.randn(1, space.width(source, filters), *size, device=device)

    def work() -> None:
        with autocast(device):
            node = Node(features)
            if operations:
                list(cell(node))
            else:
                cell.change(node)

    return measure(work)


def _run(network: nn.Module, images: Tensor, device: torch.device) -> None:
    with autocast(device):
        network(images)
