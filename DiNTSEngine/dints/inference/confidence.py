"""How sure networks are of a segmentation: from their probabilities alone, without a reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Confidence:
    """What an ensemble's probabilities say of its own segmentation.

    Attributes:
        disagreement: 0..1, mean within what was found: the share of networks that are outvoted; of a single network the
            entropy of its probabilities over that of equal ones. None if nothing was found.
        expected_dice: the Dice that a network's probabilities let expect of its own segmentation, mean over the
            labels that it found and over the networks. None if none found anything.
    """

    disagreement: float | None
    expected_dice: float | None


class ConfidenceMeter:
    """Adds up slab by slab what `confidence` needs."""

    def __init__(self, networks: int, classes: int) -> None:
        self._overlap, self._mass, self._found = (torch.zeros(networks, classes, dtype=torch.float64) for _ in range(3))
        self._disagreement, self._voxels = 0.0, 0

    def add_network(self, network: int, probabilities: Tensor, winner: Tensor) -> None:
        """Of one network: probabilities [K, ...] and the classes [...] that it prefers."""
        classes, flat = len(probabilities), winner.flatten().long()
        top = probabilities.amax(0).flatten().double()
        self._overlap[network] += torch.bincount(flat, top, classes).cpu()
        self._found[network] += torch.bincount(flat, minlength=classes).cpu()
        self._mass[network] += probabilities.flatten(1).sum(1, dtype=torch.float64).cpu()

    def add_votes(self, disagreement: Tensor) -> None:
        """Of the ensemble: 0..1 of each voxel [n] that is not background."""
        self._disagreement += float(disagreement.sum(dtype=torch.float64))
        self._voxels += int(disagreement.numel())

    def confidence(self) -> Confidence:
        """Of all slabs so far."""
        doubt = self._disagreement / self._voxels if self._voxels else None
        dice = 2 * self._overlap[:, 1:] / (self._mass[:, 1:] + self._found[:, 1:])
        expected = _mean([_mean(own[found > 0].tolist()) for own, found in zip(dice, self._found[:, 1:], strict=True)])
        return Confidence(doubt, None if math.isnan(expected) else expected)


def _mean(values: Sequence[float]) -> float:
    """Of those that are not NaN; NaN if none is."""
    defined = [value for value in values if not math.isnan(value)]
    return sum(defined) / len(defined) if defined else math.nan
