"""How wide a network may be for a budget: sparse and wide competes with dense and thin at equal memory, or time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dints.config import Config
from dints.cost.complexity import Summary
from dints.cost.memory import retraining_cost
from dints.space.architecture import MAX_FILTERS
from dints.space.network import Design


def widest(design: Design[Any], budget: float, config: Config) -> tuple[int, Summary] | None:
    """The largest number of filters whose retraining fits into `budget` (bytes), with its cost; None if one does not.

    The design must have no width of its own.
    """

    def cost(filters: int) -> Summary:
        return retraining_cost(design, replace(config, training=replace(config.training, filters=filters)))

    filters = most_filters(lambda filters: cost(filters).training_memory <= budget)
    return (filters, cost(filters)) if filters else None


def most_filters(fits: Callable[[int], bool]) -> int:
    """The largest number of filters that fits; 0 if one does not. Costs grow with it, so halving intervals finds it."""
    fitting, too_wide, filters = 0, MAX_FILTERS + 1, 1
    while filters != fitting:
        if fits(filters):
            fitting = filters
        else:
            too_wide = filters
        # Doubles until one does not fit, then halves what is between.
        filters = 2 * fitting if fitting and 2 * fitting < too_wide else (fitting + too_wide) // 2
    return fitting
