"""The losses of the architecture search: entropy, topology and memory (3.4, 3.5) and their sum (3.6).

Shapes: L layers, E edges a layer, M patterns, N operations, A = 2^D - 1 node activations. Every function is finite,
with finite gradients, for probabilities from 0 to 1 inclusive.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from dints.space.relaxation import pattern_probabilities
from dints.space.search_space import SearchSpace

# Added to what a logarithm is taken of. Far below any probability that matters, far above where float32 ends.
SMALLEST_PROBABILITY = 1e-12


def operation_entropy(p: Tensor) -> Tensor:
    """Eq. 5, first line: L_alpha, the mean of -p log p over p [L, E, N]."""
    return -(p * _log(p)).mean()


def pattern_entropy(eta: Tensor) -> Tensor:
    """Eq. 5, second line: L_eta, the mean of -eta log eta over eta [L, M]."""
    return -(eta * _log(eta)).mean()


def activation_probabilities(space: SearchSpace, eta: Tensor) -> tuple[Tensor, Tensor]:
    """Eq. 6: p_in and p_out, each [L - 1, A], of the nodes between a layer and the next one, from eta [L, M].

    p_in(a): the layer before ends in exactly the nodes of a. p_out(a): the layer after reads exactly those.
    """
    ends, reads, _ = _sums(space, eta)
    activations = len(space.activations)
    return ends[:-1, :activations], reads[1:, :activations]


def topology_loss(space: SearchSpace, eta: Tensor) -> Tensor:
    """Eq. 7: L_tp, the cross-entropy between p_in and p_out of Eq. 6, summed over activations and layers 1..L-1."""
    ends, reads, _ = _sums(space, eta)
    return _cross_entropy(ends, reads)


def _cross_entropy(ends: Tensor, reads: Tensor) -> Tensor:
    return -(ends[:-1] * _log(reads[1:])).sum()


def expected_memory(edge_weight: Tensor, operation_probability: Tensor, costs: Tensor) -> Tensor:
    """Eq. 8: M_e, in the unit of `costs` [E, N], from p_e / Z [L, E] and alpha [L, E, N].

    p_e / Z is the sum of eta over the patterns that hold an edge.
    """
    return (edge_weight * (operation_probability * costs).sum(-1)).sum()


def full_memory(operation_probability: Tensor, costs: Tensor) -> Tensor:
    """Eq. 9: M_a, the memory with every edge on and each cell at its present expected cost.

    Read literally, Eq. 9 adds up all operations of all patterns, and sigma = 1 could never be reached; the paper's
    authors compute this instead.
    """
    return (operation_probability * costs).sum()


def memory_loss(expected: Tensor, full: Tensor, budget: float | Tensor) -> Tensor:
    """Eq. 10: L_m = |M_e / M_a - sigma|."""
    return (expected / full - budget).abs()


@dataclass(frozen=True)
class ArchitectureLoss:
    """The terms of Eq. 11's parenthesis, scalar tensors, and their weighted sum."""

    operation_entropy: Tensor  # L_alpha
    pattern_entropy: Tensor  # L_eta
    topology: Tensor  # L_tp, not yet multiplied by lambda
    memory: Tensor  # L_m
    memory_fraction: Tensor  # M_e / M_a, what L_m holds against sigma
    weighted_sum: Tensor

    def values(self) -> dict[str, float]:
        """Every term as a number, for logging."""
        return {name: float(value.detach()) for name, value in vars(self).items()}


def architecture_loss(
    space: SearchSpace,
    edge_probability: Tensor,
    operation_probability: Tensor,
    costs: Tensor,
    budget: float,
    topology_weight: float,
    target: float | None = None,
) -> ArchitectureLoss:
    """The parenthesis of Eq. 11: L_alpha + L_eta + lambda L_tp + L_m, from p [L, E] and alpha [L, E, N].

    `budget` is sigma and `topology_weight` lambda; a `target` in the unit of the costs takes the place of sigma.
    With lambda = 0 the topology term is still computed for the log.
    The caller adds the segmentation loss and the factor t / t_all.
    """
    eta = pattern_probabilities(edge_probability)
    ends, reads, edge_weight = _sums(space, eta)  # once for two terms: small operations are what takes the time
    expected = expected_memory(edge_weight, operation_probability, costs)
    full = full_memory(operation_probability, costs)
    alpha_entropy, eta_entropy = operation_entropy(operation_probability), pattern_entropy(eta)
    topology, memory = _cross_entropy(ends, reads), _budget_loss(expected, full, budget, target)
    weighted_sum = alpha_entropy + eta_entropy + topology_weight * topology + memory
    return ArchitectureLoss(alpha_entropy, eta_entropy, topology, memory, expected / full, weighted_sum)


def _budget_loss(expected: Tensor, full: Tensor, budget: float, target: float | None) -> Tensor:
    """Eq. 10, or the distance from a target in the unit of the costs, as a share of what is full at present.

    That share must not fall by what is full becoming dearer: no gradient flows there.
    """
    if target is None:
        return memory_loss(expected, full, budget)
    return memory_loss(expected, full.detach(), target / full.detach())


def _log(p: Tensor) -> Tensor:
    """log(p + smallest): that of p where p matters, and finite with its gradient, which flows everywhere, where not."""
    return (p + SMALLEST_PROBABILITY).log()


def _sums(space: SearchSpace, eta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sums of eta [L, M] over patterns: two of [L, 2 A], for what they end in and what they read; [L, E] for each edge.

    Of the first two, the second half is what the patterns of all other activations sum up to. As every pattern has one
    activation that is 1 - p; unlike 1 - p it keeps its digits near 0.
    """
    activations = len(space.activations)
    sums = eta @ _membership(space, eta.dtype, eta.device)
    ends, reads, edges = sums.split((2 * activations, 2 * activations, space.edges), dim=-1)
    return ends, reads, edges


@lru_cache(maxsize=16)
def _membership(space: SearchSpace, dtype: torch.dtype, device: torch.device) -> Tensor:
    """[M, 4 A + E] what each pattern counts for in `_sums`: 1, or 0."""
    one_hot = np.eye(len(space.activations))
    ends, reads = one_hot[space.outputs_of_pattern], one_hot[space.inputs_of_pattern]
    table = np.hstack((ends, 1 - ends, reads, 1 - reads, space.patterns))
    with torch.inference_mode(False):  # kept for training, whoever asks first
        return torch.from_numpy(table).to(device, dtype)
