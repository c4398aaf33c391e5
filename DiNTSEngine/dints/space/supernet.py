"""The continuous relaxation of the whole search space, trained by the search (3.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from dints.layers.checkpointing import checkpointed, checkpointed_sum, separate_graph
from dints.space.cells import Cell, Node, Operation, Up
from dints.space.network import Network
from dints.space.operations import OPERATIONS
from dints.space.relaxation import edge_weights
from dints.space.search_space import SearchSpace

# Mean and standard deviation of the architecture weights at the start (4.1).
OPERATION_LOGIT_MEAN, EDGE_LOGIT_MEAN, LOGIT_DEVIATION = 1.0, 0.0, 0.01


class CheckpointedUp(Up):
    """Computes a second time, for the backward pass, what is enlarged: it has twice the size of the output."""

    def enlarged(self, features: Tensor) -> Tensor:
        return checkpointed(super().enlarged, [features], self.convolution.parameters())


class CheckpointedCell(Cell):
    """A cell that computes a second time what takes little time: enlargements, and the lines of P3D operations."""

    up = CheckpointedUp

    def forward(self, node: Node, weights: Sequence[Tensor] | None = None) -> Iterator[Tensor]:
        """As of a cell; operations of several convolutions come as their sum."""
        assert weights is not None
        node = self.change(node)
        ends, features, factors = [], [], []
        for operation, weight in zip(self.operations.values(), weights, strict=True):
            if isinstance(operation, Operation) and len(operation.convolutions) > 1:
                ends.append((operation.convolutions[-1], operation.norm))
                features.append(operation.convolutions[:-1](node.activated))
                factors.append(weight)
            else:
                yield operation(node, weight)
        if ends:
            yield checkpointed_sum(ends, features, factors)


class Supernet(Network):
    """All operations on all edges of all layers, weighted by their probabilities.

    Equation 1 sums over 2**E - 1 patterns. As their probabilities factorise over the edges, the sum equals the E edges
    weighted by p_e / Z (`dints.space.relaxation.edge_weights`).
    """

    def __init__(self, space: SearchSpace, in_channels: int, classes: int, filters: int) -> None:
        edges = len(space.sources)
        super().__init__(space, [[OPERATIONS] * edges] * space.layers, in_channels, classes, filters)
        self.edge_logits = nn.Parameter(EDGE_LOGIT_MEAN + LOGIT_DEVIATION * torch.randn(space.layers, edges))
        self.operation_logits = nn.Parameter(
            OPERATION_LOGIT_MEAN + LOGIT_DEVIATION * torch.randn(space.layers, edges, len(OPERATIONS))
        )

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, C, X, Y, Z] to logits [B, classes, X, Y, Z]."""
        return self.run(images, edge_weights(self.edge_probability())[:, :, None] * self.operation_probability())

    def _cell(self, source: int, target: int, operations: Sequence[str]) -> Cell:
        """The finest level holds most of the features: its cells keep fewer of them."""
        kind = CheckpointedCell if target == 0 else Cell
        return kind(self.space, self.filters, source, target, operations)

    def _run_layer(self, layer: int, nodes: dict[int, Node], weights: Tensor | None) -> dict[int, Node]:
        """Each layer has a graph of its own, whose memory is free as soon as the backward pass has left the layer."""
        assert weights is not None

        def run(weights: Tensor, *features: Tensor) -> list[Tensor]:
            after = super(Supernet, self)._run_layer(layer, _nodes(features), weights)
            return [node.features for node in after.values()]

        features = [node.features for node in nodes.values()]
        return _nodes(separate_graph(run, [weights, *features], self.layers[layer].parameters()))

    def edge_probability(self) -> Tensor:
        """p_e of each edge [L, E] (3.3.2)."""
        return torch.sigmoid(self.edge_logits)

    def operation_probability(self) -> Tensor:
        """Probability of each operation on each edge [L, E, N], alpha of 3.3.1."""
        return torch.softmax(self.operation_logits, dim=-1)

    def architecture_parameters(self) -> list[nn.Parameter]:
        """What Adam updates in the search."""
        return [self.edge_logits, self.operation_logits]

    def weight_parameters(self) -> list[nn.Parameter]:
        """What SGD updates in the search: all but the architecture."""
        architecture = {id(parameter) for parameter in self.architecture_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in architecture]


def _nodes(features: Sequence[Tensor]) -> dict[int, Node]:
    """Nodes by level; a supernet has all of them, finest first."""
    return {level: Node(own) for level, own in enumerate(features)}


def build_supernet(space: SearchSpace, in_channels: int, classes: int, filters: int = 16) -> Supernet:
    """The supernet of a search space: images [B, in_channels, X, Y, Z] to logits [B, classes, X, Y, Z].

    `filters` is the width at full resolution (4.1: 16 for the search); it doubles with each level.
    """
    return Supernet(space, in_channels, classes, filters)
