"""How wide a network may be for a budget: sparse and wide competes with dense and thin at equal memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dints.cost.complexity import Summary, summary
from dints.space.architecture import MAX_FILTERS
from dints.space.network import Design


def widest(
    design: Design[Any], budget: float, patch: Sequence[int], in_channels: int, classes: int, batch_size: int = 1
) -> tuple[int, Summary] | None:
    """The largest number of filters whose training fits into `budget` (bytes), with its cost; None if one does not.

    The design must have no width of its own. Memory grows with the filters, so halving intervals finds it.
    """
    best, too_wide, filters = None, MAX_FILTERS + 1, 1
    while filters < too_wide:
        cost = summary(design, patch, filters, in_channels, classes, batch_size)
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
