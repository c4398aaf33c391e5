"""The segmentation loss of 3.6: a weighted sum, whose terms `TERMS` lists. A new one is a function and a line there.

Where several processes share a batch, each gives its part, and all get the value of the whole batch: a term is made of
sums over voxels that have gone through `all_reduce_sum`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from dints.config.ignored import IGNORED
from dints.process_group import all_reduce_sum

# Keeps the Dice of a class that is absent from prediction and reference defined, without weight otherwise.
SMOOTH = 1e-5


def soft_dice_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """One minus the mean soft Dice of the foreground classes over the batch, with squared terms in the denominator.

    Args:
        logits: [B, K, X, Y, Z].
        labels: class indices, int64 [B, X, Y, Z].
    """
    probabilities = logits.float().softmax(1)[:, 1:]
    reference = F.one_hot(labels, logits.shape[1]).movedim(-1, 1)[:, 1:].to(probabilities.dtype)
    over_voxels = (0, 2, 3, 4)
    intersection = (probabilities * reference).sum(over_voxels)
    total = probabilities.square().sum(over_voxels) + reference.sum(over_voxels)
    intersection, total = all_reduce_sum(torch.stack((intersection, total))).unbind()
    return 1 - ((2 * intersection + SMOOTH) / (total + SMOOTH)).mean()


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy over the voxels of the batch. Shapes as in `soft_dice_loss`."""
    loss = F.cross_entropy(logits.float(), labels, reduction="sum")
    total, voxels = all_reduce_sum(torch.stack((loss, loss.new_tensor(labels.numel())))).unbind()
    return total / voxels.clamp(min=1)  # 0 where nobody annotated anything


# The terms with their weights: the paper's even sum. Each is of the shapes of `soft_dice_loss`.
TERMS: dict[Callable[[Tensor, Tensor], Tensor], float] = {
    soft_dice_loss: 1.0,
    cross_entropy: 1.0,
}


def annotated(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Both without the voxels whose label is IGNORED, as [1, K, N, 1, 1] and [1, N, 1, 1]; as they are if none is."""
    kept = labels != IGNORED
    if logits.shape[1] > IGNORED or bool(kept.all()):  # with 256 classes, the last is as good as any
        return logits, labels
    return logits.movedim(1, -1)[kept].T[None, :, :, None, None], labels[kept][None, :, None, None]


def segmentation_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """The weighted sum of all terms (3.6). Shapes as in `soft_dice_loss`; labels may be of any integer type.

    Voxels whose label is IGNORED count in no term.
    """
    logits, labels = annotated(logits, labels.long())
    return torch.stack([weight * term(logits, labels) for term, weight in TERMS.items()]).sum()


@torch.no_grad()
def batch_dice(logits: Tensor, labels: Tensor) -> float:
    """Mean Dice over the batch of the foreground classes that are present; NaN if none is."""
    logits, labels = annotated(logits, labels)
    prediction = logits.argmax(1)
    counts = []
    for index in range(1, logits.shape[1]):
        predicted, reference = prediction == index, labels == index
        counts.append(torch.stack(((predicted & reference).sum(), predicted.sum(), reference.sum())))
    both, predicted, reference = all_reduce_sum(torch.stack(counts)).unbind(1)
    scores = (2 * both / (predicted + reference))[reference > 0]
    return float(scores.mean()) if len(scores) else float("nan")
