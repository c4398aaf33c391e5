"""Memory that a search and a retraining will need, before either is started."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from dints.config import Config
from dints.cost.complexity import Summary, measure, summary
from dints.cost.weights import ARCHITECTURE_COPIES, search_copies, training_copies
from dints.space.architecture import Architecture
from dints.space.network import Design
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

    copies = search_copies(config.search)

    def search(space: SearchSpace) -> int:
        with torch.device("meta"):
            supernet = build_supernet(space, channels, classes, config.search.filters)
        of_architecture = sum(parameter.nbytes for parameter in supernet.architecture_parameters())
        return measure(supernet, shape, copies).training_memory + (ARCHITECTURE_COPIES - copies) * of_architecture

    def retraining(space: SearchSpace) -> int:
        return retraining_cost(every_edge(space), config).training_memory

    layers = config.search.layers
    return MemoryPrediction(
        _at_layers([search(space) for space in spaces], layers),
        _at_layers([retraining(space) for space in spaces], layers),
    )


def retraining_cost(design: Design[nn.Module], config: Config) -> Summary:
    """Cost of a network with the settings by which it is retrained; those of `summary` are taken from them."""
    task, training = config.task, config.training
    return summary(
        design,
        config.sampling.patch,
        training.filters,
        len(task.channels),
        len(task.labels),
        training.batch_size,
        training_copies(training),
        training.deep_supervision,
    )


def every_edge(space: SearchSpace) -> Architecture:
    """All edges on, the operations taken in turn."""
    shape = (space.layers, space.edges)
    operations = np.arange(space.edges * space.layers).reshape(shape) % len(OPERATIONS)
    return Architecture(space, np.ones(shape, dtype=bool), operations)


def _at_layers(measured: list[int], layers: int) -> int:
    """The straight line through both counts."""
    first, second = measured
    return first + (second - first) * (layers - MEASURED_LAYERS[0])
