"""Continuous relaxation of the topology (3.3.2): from a probability of every edge to those of every pattern."""

from __future__ import annotations

import torch
from torch import Tensor

# Stands in for Z where every edge of a layer is off for certain; its inverse square is still finite in float32.
SMALLEST_NORMALIZER = 1e-18


def pattern_probabilities(edge_probability: Tensor) -> Tensor:
    """Eq. 2: eta [L, M] from the edge probabilities p [L, E], in the order of `SearchSpace.patterns`.

    Each product over edges is built up from products of neighbours, without a division, so it has finite gradients
    where p is 0 or 1. Each row sums to 1; one whose edges are all off is all 0.
    """
    product = _every_product(torch.stack([1 - edge_probability, edge_probability], dim=-1))  # off, on
    product = product[..., 1:]  # the first is the empty pattern
    return product / product.sum(-1, keepdim=True).clamp_min(SMALLEST_NORMALIZER)


def _every_product(factors: Tensor) -> Tensor:
    """[..., K^E] of [..., E, K]: the product of one of the K factors of each E, in counting order, the first highest.

    Neighbours are multiplied for all pairs at once: few operations, as it is their number that takes the time.
    """
    edges = factors.shape[-2]
    if edges == 1:
        return factors.squeeze(-2)
    if edges % 2:
        return _outer(_every_product(factors[..., :-1, :]), factors[..., -1, :])
    return _every_product(_outer(*factors.unflatten(-2, (edges // 2, 2)).unbind(-2)))


def _outer(one: Tensor, other: Tensor) -> Tensor:
    """[..., N * K] of [..., N] and [..., K]: every product, those with the first of `one` first."""
    return (one.unsqueeze(-1) * other.unsqueeze(-2)).flatten(-2)


def edge_weights(edge_probability: Tensor) -> Tensor:
    """The weight of every edge in Eq. 1, [L, E] from p [L, E]: the sum of eta over the patterns that hold the edge.

    Eq. 2 factorises over edges, so that sum is p / Z exactly, with Z = 1 - prod(1 - p).
    """
    return edge_probability / _normalizer(edge_probability)


def _normalizer(edge_probability: Tensor) -> Tensor:
    """Z [L, 1], the probability that some edge is on, edge by edge, as 1 - prod(1 - p) cancels for small p."""
    some = torch.zeros_like(edge_probability[..., 0])
    for p in edge_probability.unbind(-1):
        some = some + (1 - some) * p
    return some.clamp_min(SMALLEST_NORMALIZER).unsqueeze(-1)
