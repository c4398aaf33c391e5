"""How wide a network may be for a budget: sparse and wide competes with dense and thin at equal memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dints.config import Config
from dints.cost.complexity import Summary
from dints.cost.memory import retraining_cost
from dints.space.architecture import MAX_FILTERS
from dints.space.network import Design


def widest(design: Design[Any], budget: float, config: Config) -> tuple[int, Summary] | None:
    """The largest number of filters whose retraining fits into `budget` (bytes), with its cost; None if one does not.

    The design must have no width of its own. Memory grows with the filters, so halving intervals finds it.
    """
    best, too_wide, filters = None, MAX_FILTERS + 1, 1
    while filters < too_wide:
        cost = retraining_cost(design, replace(config, training=replace(config.training, filters=filters)))
        if cost.training_memory > budget:
            too_wide = filters
        else:
            best = filters, cost
        fitting = best[0] if best else 0
        # Doubles until one does not fit, then halves what is between.
        filters = 2 * fitting if fitting and 2 * fitting < too_wide else (fitting + too_wide) // 2
        if filters == fitting:
            break
    return best
