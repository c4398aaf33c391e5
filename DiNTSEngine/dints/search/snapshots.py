"""What a supernet holds of edges and operations at moments of its search: each of them proposes candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from dints.space.supernet import Supernet


@dataclass(frozen=True)
class Snapshot:
    """Probabilities after `step` steps: [L, E] of edges, [L, E, N] of operations; on the CPU."""

    step: int
    edges: Tensor
    operations: Tensor

    @staticmethod
    @torch.no_grad()
    def of(supernet: Supernet, step: int) -> Snapshot:
        """Of the present weights."""
        probabilities = supernet.edge_probability(), supernet.operation_probability()
        edges, operations = (values.detach().cpu().clone() for values in probabilities)
        return Snapshot(step, edges, operations)

    def to_state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return asdict(self)

    @staticmethod
    def from_state(state: Mapping[str, Any]) -> Snapshot:
        """From a checkpoint; LookupError or RuntimeError if it holds something else."""
        return Snapshot(state["step"], state["edges"].cpu(), state["operations"].cpu())


def moments(first: int, total: int, count: int) -> list[int]:
    """Numbers of steps after which an architecture that learns from step `first` to `total` is kept, too.

    A half, three quarters, seven eighths, ... of its learning: at first it changes most.
    """
    learning = total - first
    steps = (total - round(learning / 2**number) for number in range(1, count + 1))
    return sorted({step for step in steps if first < step < total})
