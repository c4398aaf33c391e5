"""The widest network that a budget allows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dints import Config, SearchSpace
from dints.cost.memory import retraining_cost
from dints.cost.width import widest
from dints.zoo.shapes import u_shape
from dints.zoo.unet_design import UNetDesign

CONFIG = Config().with_overrides(["sampling.patch=[16,16,16]", "training.batch_size=2", "search.levels=3"])


@pytest.mark.parametrize("design", [u_shape(SearchSpace(4, 3, finest=1)), UNetDesign(3)], ids=["U shape", "U-Net"])
@pytest.mark.parametrize("mebibytes", [1, 5, 30])
def test_it_fits_and_one_filter_more_does_not(design, mebibytes):
    budget = mebibytes * 2**20
    for optimizer in ("sgd", "adamw"):
        config = replace(CONFIG, training=replace(CONFIG.training, optimizer=optimizer))
        found = widest(design, budget, config)
        assert found is not None
        filters, cost = found
        costs = [retraining_cost(replace(design, filters=own), config) for own in (filters, filters + 1)]
        assert cost == costs[0]
        assert costs[0].training_memory <= budget < costs[1].training_memory


def test_a_budget_that_not_even_one_filter_fits_gives_nothing():
    assert widest(UNetDesign(3), 1000, CONFIG) is None
