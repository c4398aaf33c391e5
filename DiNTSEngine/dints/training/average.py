"""The exponential average of a network's weights, which is steadier than the weights of any one step."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

# The average of few steps follows them closely: the decay rises as (1 + t) / (WARM_UP + t) to what was asked for.
WARM_UP = 10


class WeightAverage:
    """A copy of a network whose weights w' follow those that are trained: w' <- d w' + (1 - d) w after each step.

    Attributes:
        network: the copy; it takes no gradients.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Takes in the weights after one more step."""
        decay = min(self.decay, (1 + self.steps) / (WARM_UP + self.steps))
        for own, trained in zip(self.network.parameters(), network.parameters(), strict=True):
            own.lerp_(trained, 1 - decay)
        self.steps += 1

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"network": self.network.state_dict(), "steps": self.steps}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `state` gave; LookupError, TypeError or RuntimeError if it is something else."""
        weights: Mapping[str, Tensor] = state["network"]
        self.network.load_state_dict(weights)
        self.steps = int(state["steps"])
