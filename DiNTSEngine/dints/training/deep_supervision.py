"""The loss of deep supervision: also at the coarser levels on the way to the output (Lee et al., 2015; as in nnU-Net).

The logits of coarser levels are those of `dints.zoo.heads`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from dints.training.losses import segmentation_loss

WEIGHT = 0.5  # of a level's loss relative to that of the next finer one


def supervised_loss(logits: Sequence[Tensor], labels: Tensor) -> Tensor:
    """The mean loss of all levels, each with half the weight of the one before; a single one's is its own.

    Args:
        logits: [B, K, ...] of the network, then of coarser and coarser levels.
        labels: class indices [B, X, Y, Z]; a coarse voxel has the label in its middle.
    """
    weights = [WEIGHT**level for level in range(len(logits))]
    losses = [
        weight / sum(weights) * segmentation_loss(own, _labels_of_size(labels, own.shape[2:]))
        for weight, own in zip(weights, logits, strict=True)
    ]
    return torch.stack(losses).sum()


def _labels_of_size(labels: Tensor, size: Sequence[int]) -> Tensor:
    if labels.shape[1:] == size:
        return labels
    return F.interpolate(labels[:, None].float(), tuple(size), mode="nearest-exact")[:, 0].to(labels.dtype)
