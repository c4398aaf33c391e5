"""Which class a voxel gets from the networks' classes and probabilities."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def elect(winners: Tensor, total: Tensor, vote: str) -> Tensor:
    """Class uint8 [...] from the class [F, ...] that each fold prefers and the folds' summed probabilities [K, ...]."""
    if vote == "mean":
        return largest(total)
    elected = winners[0].clone()
    disputed = (winners != elected).any(0)
    elected[disputed] = _majority(winners[:, disputed], total[:, disputed])
    return elected


def _majority(winners: Tensor, total: Tensor) -> Tensor:
    """The class with most votes; of those tied, the one with the highest mean probability. Shapes as in `elect`."""
    votes = torch.stack([(winners == index).sum(0, dtype=torch.uint8) for index in range(len(total))])
    return largest(total.masked_fill(votes < votes.amax(0), -1))


def largest(values: Tensor) -> Tensor:
    """Index uint8 [...] of the largest of [K, ...], the first of equals.

    Class by class without a branch: several times as fast on a CPU as a maximum along the first axis.
    """
    best, index = values[0].clone(), torch.zeros(values.shape[1:], dtype=torch.uint8, device=values.device)
    for number, candidate in enumerate(values[1:], start=1):
        torch.maximum(index, (candidate > best).to(torch.uint8).mul_(number), out=index)
        torch.maximum(best, candidate, out=best)
    return index


def disagreement(winners: Tensor, elected: Tensor, total: Tensor) -> Tensor:
    """0..1: fraction of the folds that are outvoted; for one fold its entropy over that of equal probabilities."""
    if len(winners) > 1:
        outvoted: Tensor = winners != elected
        return outvoted.float().mean(0)
    entropy: Tensor = torch.special.entr(total).sum(0).clamp_min(0)
    return entropy / math.log(max(2, len(total)))
