"""Memory that a search and a retraining will need, before either is started."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from dints.config import Config
from dints.cost.complexity import measure, summary
from dints.space.architecture import Architecture
from dints.space.operations import OPERATIONS
from dints.space.search_space import SearchSpace
from dints.space.supernet import build_supernet

MEASURED_LAYERS = (1, 2)  # all layers of either network hold the same, so two counts give any number of layers


@dataclass(frozen=True)
class MemoryPrediction:
    """Bytes that a training step keeps for its backward pass; `dints.cost.complexity.measure` says what is counted."""

    search: int  # the supernet, whatever the budget: sigma steers the result, not the search itself
    retraining_full: int  # a network with every edge on

    def retraining(self, budget: float) -> float:
        """Of a searched network: sigma of Eq. 10 is its share of the network with every edge on."""
        return budget * self.retraining_full


def predict_memory(config: Config) -> MemoryPrediction:
    """Counts both networks for the batches of a configuration; takes some seconds."""
    channels, classes, patch = len(config.task.channels), len(config.task.labels), config.sampling.patch
    spaces = [replace(config.search.space, layers=layers) for layers in MEASURED_LAYERS]
    shape = (config.search.batch_size, channels, *patch)

    def search(space: SearchSpace) -> int:
        with torch.device("meta"):
            supernet = build_supernet(space, channels, classes, config.search.filters)
        return measure(supernet, shape).training_memory

    def retraining(space: SearchSpace) -> int:
        training = config.training
        return summary(
            _every_edge(space), patch, training.filters, channels, classes, training.batch_size
        ).training_memory

    layers = config.search.layers
    return MemoryPrediction(
        _at_layers([search(space) for space in spaces], layers),
        _at_layers([retraining(space) for space in spaces], layers),
    )


def _every_edge(space: SearchSpace) -> Architecture:
    """All edges on, the operations taken in turn."""
    shape = (space.layers, space.edges)
    operations = np.arange(space.edges * space.layers).reshape(shape) % len(OPERATIONS)
    return Architecture(space, np.ones(shape, dtype=bool), operations)


def _at_layers(measured: list[int], layers: int) -> int:
    """The straight line through both counts."""
    first, second = measured
    return first + (second - first) * (layers - MEASURED_LAYERS[0])
