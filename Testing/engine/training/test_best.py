"""The best network of a training: which one is kept, and when nothing better is expected."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from dints.training.best import BestNetwork
from dints.training.checkpoint import load_checkpoint


def network(value: float) -> torch.nn.Module:
    made = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(made.weight, value)
    return made


def kept(path: Path) -> tuple[float, list[float | None]]:
    state = load_checkpoint(path, torch.device("cpu"))
    return float(state["network"]["weight"]), state["dice"]


def test_nothing_is_kept_before_the_first_validation(tmp_path):
    best = BestNetwork(tmp_path / "best.pt", patience=1)
    assert math.isnan(best.mean_dice)
    assert not best.is_final
    assert not (tmp_path / "best.pt").exists()


def test_a_network_is_kept_with_its_dice_until_a_better_one_comes(tmp_path):
    best = BestNetwork(tmp_path / "best.pt", patience=0)
    for value, dice in ((1, (0.5, math.nan)), (2, (0.3, 0.6)), (3, (0.8, 0.4))):
        best.offer(network(value), dice)
    assert kept(tmp_path / "best.pt") == (3, [0.8, 0.4])
    assert (best.dice, best.mean_dice) == ((0.8, 0.4), pytest.approx(0.6))
    best.offer(network(4), (0.6, 0.6))  # equal: the earlier one stays
    assert kept(tmp_path / "best.pt")[0] == 3


def test_a_class_that_does_not_count_is_kept_as_nothing(tmp_path):
    BestNetwork(tmp_path / "best.pt", 0).offer(network(1), (0.5, math.nan))
    assert kept(tmp_path / "best.pt") == (1, [0.5, None])


@pytest.mark.parametrize(("patience", "final"), [(0, [False] * 4), (1, [False, True, True, False]), (3, [False] * 4)])
def test_patience_counts_the_validations_since_the_last_gain(tmp_path, patience, final):
    best = BestNetwork(tmp_path / "best.pt", patience)
    found = []
    for dice in (0.5, 0.4, 0.5, 0.6):
        best.offer(network(0), (dice,))
        found.append(best.is_final)
    assert found == final
