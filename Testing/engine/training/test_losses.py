"""The loss is the sum of its terms, and the terms are what they are called."""

from __future__ import annotations

import math

import pytest
import torch

from dints.config.ignored import IGNORED
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


def test_voxels_that_nobody_annotated_change_neither_loss_nor_gradient_whatever_is_predicted_there() -> None:
    labels = torch.randint(0, 3, (2, 6, 6, 6), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    ignored = torch.rand(labels.shape, generator=torch.Generator().manual_seed(2)) < 0.3
    logits = torch.randn(2, 3, 6, 6, 6, generator=torch.Generator().manual_seed(0))
    nonsense = torch.where(ignored[:, None], logits.flip(1) * 50, logits)
    found = []
    for own in (logits, nonsense):
        own = own.clone().requires_grad_()
        loss = segmentation_loss(own, labels.masked_fill(ignored, IGNORED))
        loss.backward()
        assert not own.grad.movedim(1, -1)[ignored].any()
        found.append(
            (loss.item(), own.grad.movedim(1, -1)[~ignored], batch_dice(own, labels.masked_fill(ignored, 255)))
        )
    assert found[0][0] == found[1][0]
    assert torch.equal(found[0][1], found[1][1])
    assert found[0][2] == found[1][2]


def test_the_loss_with_ignored_voxels_is_that_of_the_others_alone() -> None:
    logits = torch.randn(1, 3, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.randint(0, 3, (1, 4, 4, 4), generator=torch.Generator().manual_seed(1))
    half = labels.clone()
    half[:, 2:] = IGNORED
    torch.testing.assert_close(segmentation_loss(logits, half), segmentation_loss(logits[:, :, :2], labels[:, :2]))
    assert batch_dice(logits, half) == batch_dice(logits[:, :, :2], labels[:, :2])


def test_a_batch_in_which_nothing_is_annotated_is_a_step_without_gradient() -> None:
    logits = torch.randn(1, 3, 4, 4, 4, requires_grad=True)
    loss = segmentation_loss(logits, torch.full((1, 4, 4, 4), IGNORED, dtype=torch.uint8))
    loss.backward()
    assert torch.isfinite(loss)
    assert not logits.grad.any()


def test_the_last_of_256_classes_is_not_ignored() -> None:
    logits = torch.randn(1, 256, 2, 2, 2, requires_grad=True)
    segmentation_loss(logits, torch.full((1, 2, 2, 2), 255, dtype=torch.uint8)).backward()
    assert logits.grad.abs().sum() > 0
