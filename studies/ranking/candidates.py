"""The architectures of the study: what was searched, U shapes drawn by hand, and random ones, all at full resolution.

Each gets as many filters as the same memory of training allows, so that sparse and wide competes with dense and thin.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from dints import Architecture, SearchSpace
from dints.config import Config
from dints.cost.complexity import Summary, summary
from dints.space.operations import OPERATIONS

SEARCHED = Path(__file__).parents[1] / "hippocampus" / "architectures"
SPACE = SearchSpace(layers=6, levels=4, finest=1)
LAYERS_OF_U = (0, 1, 2, 3, 2, 1, 0)  # level of the deepest node after each layer, the stems' first
RANDOM = [(0.15, "any"), (0.15, "conv"), (0.25, "any"), (0.25, "conv"), (0.4, "any"), (0.4, "conv"), (0.6, "any")]


@dataclass(frozen=True)
class Candidate:
    """An architecture with the filters that the memory allows, and what it then costs."""

    name: str
    architecture: Architecture
    filters: int
    cost: Summary


def candidates(config: Config, memory: int) -> list[Candidate]:
    """All candidates that fit into `memory` (bytes) with at least two filters."""
    found = []
    for name, architecture in architectures():
        fitting = widest(architecture, config, memory)
        if fitting is not None:
            found.append(Candidate(name, architecture, *fitting))
    return found


def widest(architecture: Architecture, config: Config, memory: int) -> tuple[int, Summary] | None:
    """The largest number of filters whose training fits into `memory`, and its cost; None if two do not."""
    best = None
    channels, classes = len(config.task.channels), len(config.task.labels)
    for filters in range(2, 65):
        cost = summary(architecture, config.sampling.patch, filters, channels, classes, config.training.batch_size)
        if cost.training_memory > memory:
            return best
        best = filters, cost
    return best


def architectures() -> Iterator[tuple[str, Architecture]]:
    """(name, architecture) of every candidate."""
    for path in sorted(SEARCHED.glob("topology_0.?_seed?.json")):
        yield f"searched {path.stem}", Architecture.load(path).at(finest=1)
    yield "U, conv", u_shape("conv_3x3x3", "skip")
    yield "U, conv, conv across", u_shape("conv_3x3x3", "conv_3x3x3")
    yield "U, P3D", u_shape("p3d_3x3x1", "skip")
    yield "U, conv, of three levels", u_shape("conv_3x3x3", "skip", deepest=2)
    yield "U, conv, of two levels", u_shape("conv_3x3x3", "skip", deepest=1)
    yield "finest level alone, conv", u_shape("conv_3x3x3", "conv_3x3x3", deepest=0)
    for seed, (density, kind) in enumerate(RANDOM * 2):
        architecture = Architecture.random(SPACE, 100 + seed, density)
        if kind == "conv":
            operations = np.full_like(architecture.operations, OPERATIONS.index("conv_3x3x3"))
            architecture = replace(architecture, operations=operations)
        yield f"random {seed}, density {density}, {kind}", architecture


def u_shape(operation: str, across: str, deepest: int = 3) -> Architecture:
    """A path down to a level and up again, with `operation` on it, and `across` on the levels that it has passed."""
    path = [min(level, deepest) for level in LAYERS_OF_U]
    index = {ends: edge for edge, ends in enumerate(zip(SPACE.sources.tolist(), SPACE.targets.tolist(), strict=True))}
    edges = np.zeros((SPACE.layers, SPACE.edges), dtype=bool)
    operations = np.zeros(edges.shape, dtype=np.int64)
    active = {path[0]}
    for layer, (source, target) in enumerate(pairwise(path)):
        kept = sorted(active) if target >= source else [level for level in sorted(active) if level < source]
        for level in kept:
            edges[layer, index[level, level]] = True
            operations[layer, index[level, level]] = OPERATIONS.index(across)
        edges[layer, index[source, target]] = True
        operations[layer, index[source, target]] = OPERATIONS.index(operation)
        active = set(kept) | {target}
    return Architecture(SPACE, edges, operations)


def describe(found: Sequence[Candidate]) -> str:
    """One JSON line a candidate."""
    return "\n".join(
        json.dumps({"name": c.name, "filters": c.filters, "edges": int(c.architecture.edges.sum()), **vars(c.cost)})
        for c in found
    )
