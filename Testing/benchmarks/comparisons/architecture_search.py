"""Decoding and the losses of the architecture, for the paper's search space: 12 layers, 4 levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from comparison import OURS, Comparison, Work
from reference import reference_search_space
from torch import Tensor, nn

from dints.cost.operations import operation_costs
from dints.search.decode import decode
from dints.search.losses import architecture_loss
from dints.space.relaxation import pattern_probabilities
from dints.space.search_space import SearchSpace

SPACE = SearchSpace(layers=12, levels=4)
FILTERS, PATCH = 16, (96, 96, 96)
SIGMA, LAMBDA = 0.2, 0.001  # of the memory and the topology loss
OFFSET = 1e-5  # that the reference adds to probabilities before their logarithm
COST_TOLERANCE = 1e-3  # of a path; the reference's offsets change costs in the fifth digit
LOSS_TOLERANCE = 1e-2  # relative; the reference's offsets again


def reference_space() -> nn.Module:
    """The reference's space with scattered probabilities, as in the middle of a search."""
    torch.manual_seed(0)
    space = reference_search_space(SPACE, FILTERS)
    nn.init.normal_(space.log_alpha_a)
    nn.init.normal_(space.log_alpha_c)
    return space


def prepare_decode(side: str, device: torch.device) -> Work:
    theirs = reference_space()
    edges, operations = theirs.log_alpha_a.detach(), theirs.log_alpha_c.detach()
    if side == OURS:
        return lambda: decode(SPACE, edges.sigmoid(), operations.softmax(-1)).edges
    return lambda: theirs.decode()[1]


def same_path_cost(ours: np.ndarray, theirs: np.ndarray) -> str:
    eta = pattern_probabilities(reference_space().log_alpha_a.detach().double().sigmoid()).numpy()
    costs = []
    for edges in (ours, theirs):
        patterns = [int((SPACE.patterns == layer).all(1).argmax()) for layer in edges.astype(bool)]
        costs.append(float(-np.log(eta[range(SPACE.layers), patterns]).sum()))
    assert costs[0] <= costs[1] + COST_TOLERANCE, f"our path costs {costs[0]}, the reference's {costs[1]}"
    return f"path costs {costs[0]:.4f} and {costs[1]:.4f}"


def prepare_losses(side: str, device: torch.device) -> Work:
    theirs = reference_space()
    logits = [nn.Parameter(values.detach().clone()) for values in (theirs.log_alpha_a, theirs.log_alpha_c)]
    costs = operation_costs(SPACE, FILTERS, PATCH)
    if side == OURS:
        return lambda: _with_gradients(
            logits,
            lambda edges, operations: (
                architecture_loss(SPACE, edges.sigmoid(), operations.softmax(-1), costs, SIGMA, LAMBDA).weighted_sum
            ),
        )
    theirs.log_alpha_a, theirs.log_alpha_c = logits
    return lambda: _with_gradients(logits, lambda edges, operations: _reference_loss(theirs))


def _reference_loss(space: Any) -> Tensor:
    """The same sum of entropies, topology and memory loss, of what the reference offers."""
    patterns, _ = space.get_prob_a(child=True)
    operations = space.log_alpha_c.softmax(-1)
    entropies = [-(p * (p + OFFSET).log()).mean() for p in (patterns, operations)]
    size = (1, 1, *PATCH)
    memory = space.get_ram_cost_usage(size) / space.get_ram_cost_usage(size, full=True)
    return sum(entropies) + LAMBDA * space.get_topology_entropy(patterns) + (memory - SIGMA).abs()


def _with_gradients(logits: list[nn.Parameter], loss: Any) -> float:
    for parameter in logits:
        parameter.grad = None
    value = loss(*logits)
    value.backward()
    return value.item()


def same_loss(ours: float, theirs: float) -> str:
    difference = abs(ours - theirs) / abs(theirs)
    assert difference < LOSS_TOLERANCE, f"our loss is {ours}, the reference's {theirs}"
    return f"losses differ by {difference:.1g}"


COMPARISONS = (
    Comparison(
        "decode", "decode, 12 layers, 4 levels", prepare_decode, same_path_cost, faster=500, memory=1.0, seconds=0.02
    ),
    Comparison("losses", "architecture losses, forward and backward", prepare_losses, same_loss, faster=20, calls=10),
)
