"""The loss is the sum of its terms, and the terms are what they are called."""

from __future__ import annotations

import math

import pytest
import torch

from dints.training.losses import TERMS, batch_dice, cross_entropy, segmentation_loss, soft_dice_loss


def confident(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Logits of a network that is sure of these labels."""
    return 30.0 * torch.nn.functional.one_hot(labels, classes).movedim(-1, 1)


def test_a_perfect_prediction_costs_nothing_and_a_wrong_one_much() -> None:
    labels = torch.randint(0, 3, (2, 8, 8, 8), generator=torch.Generator().manual_seed(0))
    assert segmentation_loss(confident(labels, 3), labels) < 1e-4
    assert segmentation_loss(confident((labels + 1) % 3, 3), labels) > 10


def test_soft_dice_equals_its_definition_on_two_voxels() -> None:
    logits = torch.tensor([0.0, 0.0, math.log(3), 0.0]).reshape(1, 2, 2, 1, 1)
    labels = torch.tensor([1, 0]).reshape(1, 2, 1, 1)
    # Foreground probabilities 3/4 and 1/2: 2 * 3/4 over 9/16 + 1/4 + 1.
    assert soft_dice_loss(logits, labels) == pytest.approx(1 - 1.5 / 1.8125, abs=1e-4)


def test_a_class_that_is_nowhere_has_no_batch_dice() -> None:
    labels = torch.zeros(1, 4, 4, 4, dtype=torch.long)
    assert math.isnan(batch_dice(confident(labels, 3), labels))
    labels[0, 0] = 2
    assert batch_dice(confident(labels, 3), labels) == 1.0


def test_unsigned_labels_of_the_cache_are_taken() -> None:
    labels = torch.zeros(1, 4, 4, 4, dtype=torch.uint8)
    assert torch.isfinite(segmentation_loss(torch.zeros(1, 2, 4, 4, 4), labels))


def test_the_loss_is_the_even_sum_of_soft_dice_and_cross_entropy() -> None:
    logits = torch.randn(2, 3, 6, 6, 6, generator=torch.Generator().manual_seed(0))
    labels = torch.randint(0, 3, (2, 6, 6, 6), generator=torch.Generator().manual_seed(1))
    assert list(TERMS.items()) == [(soft_dice_loss, 1.0), (cross_entropy, 1.0)]
    assert segmentation_loss(logits, labels) == soft_dice_loss(logits, labels) + cross_entropy(logits, labels)


def test_a_term_that_is_added_counts_with_its_weight_and_gets_whole_numbers(monkeypatch) -> None:
    logits, labels = torch.randn(1, 2, 4, 4, 4, requires_grad=True), torch.zeros(1, 4, 4, 4, dtype=torch.uint8)
    without = segmentation_loss(logits, labels)

    def size_of_logits(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        assert labels.dtype == torch.long
        return logits.square().mean()

    monkeypatch.setitem(TERMS, size_of_logits, 0.5)
    loss = segmentation_loss(logits, labels)
    torch.testing.assert_close(loss, without + 0.5 * logits.square().mean())
    loss.backward()
    assert torch.isfinite(logits.grad).all()
