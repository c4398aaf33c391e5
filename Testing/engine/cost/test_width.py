"""The widest network that a budget allows."""

from __future__ import annotations

import pytest

from dints import SearchSpace, summary
from dints.cost.width import widest
from dints.zoo.shapes import u_shape
from dints.zoo.unet_design import UNetDesign

PATCH = (16, 16, 16)


@pytest.mark.parametrize("design", [u_shape(SearchSpace(4, 3, finest=1)), UNetDesign(3)], ids=["U shape", "U-Net"])
@pytest.mark.parametrize("mebibytes", [1, 5, 30])
def test_it_fits_and_one_filter_more_does_not(design, mebibytes):
    budget = mebibytes * 2**20
    found = widest(design, budget, PATCH, 1, 2, batch_size=2)
    assert found is not None
    filters, cost = found
    assert cost.training_memory <= budget < summary(design, PATCH, filters + 1, 1, 2, 2).training_memory
    assert cost == summary(design, PATCH, filters, 1, 2, 2)


def test_a_budget_that_not_even_one_filter_fits_gives_nothing():
    assert widest(UNetDesign(3), 1000, PATCH, 1, 2) is None
