"""The continuous relaxation of the whole search space, trained by the search (3.3)."""

from __future__ import annotations

import torch
from torch import nn

from dints.space.network import Network
from dints.space.operations import OPERATIONS
from dints.space.relaxation import edge_weights
from dints.space.search_space import SearchSpace

# Mean and standard deviation of the architecture weights at the start (4.1).
OPERATION_LOGIT_MEAN, EDGE_LOGIT_MEAN, LOGIT_DEVIATION = 1.0, 0.0, 0.01


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

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images [B, C, X, Y, Z] to logits [B, classes, X, Y, Z]."""
        return self.run(images, edge_weights(self.edge_probability())[:, :, None] * self.operation_probability())

    def edge_probability(self) -> torch.Tensor:
        """p_e of each edge [L, E] (3.3.1)."""
        return torch.sigmoid(self.edge_logits)

    def operation_probability(self) -> torch.Tensor:
        """Probability of each operation on each edge [L, E, N] (3.2)."""
        return torch.softmax(self.operation_logits, dim=-1)

    def architecture_parameters(self) -> list[nn.Parameter]:
        """What Adam updates in the search."""
        return [self.edge_logits, self.operation_logits]

    def weight_parameters(self) -> list[nn.Parameter]:
        """What SGD updates in the search: all but the architecture."""
        architecture = {id(parameter) for parameter in self.architecture_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in architecture]


def build_supernet(space: SearchSpace, in_channels: int, classes: int, filters: int = 16) -> Supernet:
    """The supernet of a search space: images [B, in_channels, X, Y, Z] to logits [B, classes, X, Y, Z].

    `filters` is the width at full resolution (4.1: 16 for the search); it doubles with each level.
    """
    return Supernet(space, in_channels, classes, filters)
