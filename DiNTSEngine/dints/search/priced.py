"""The prices of edges at which a search finds the network whose measured time is nearest to a budget in seconds.

Ours, not the paper's. What the search expects on average is not what its most probable architecture takes: that is one
of many, and times of edges do not add up exactly. `decode` has an optimum for each price; the right one is found by
measuring. Where the time leaps, as a whole level is left, that level is kept and gets cheaper operations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dints.search.decode import Values, decode
from dints.space.architecture import Architecture
from dints.space.operations import OPERATIONS
from dints.space.search_space import SearchSpace

# Nats for an edge and operation of mean time. Those below 0 pay for what is slow: a budget may be above the optimum.
_MAGNITUDES = np.geomspace(0.01, 30.0, 60).tolist()
PRICES = (*(-price for price in reversed(_MAGNITUDES)), 0.0, *_MAGNITUDES)
NEAR = 0.03  # of the budget: what the search finds without a price is taken if it is so near

Prices = tuple[float, float]
"""For the choice of edges, and for that of the operations on them."""

FREE: Prices = (0.0, 0.0)


def decode_at(
    space: SearchSpace, edges: Values, operations: Values, costs: NDArray[np.float64], prices: Prices
) -> Architecture:
    """As `decode`, at prices in nats for an edge and operation of mean cost; `costs` are [E, N]."""
    at_prices = [decode(space, edges, operations, price * costs / costs.mean() if price else None) for price in prices]
    return replace(at_prices[0], operations=at_prices[1].operations)


def cheapest(space: SearchSpace, costs: NDArray[np.float64]) -> Architecture:
    """The feasible architecture whose costs [E, N] add up to the least: the optimum where all is equally probable."""
    shape = (space.layers, space.edges, len(OPERATIONS))
    return decode(space, np.full(shape[:2], 0.5), np.full(shape, 1 / len(OPERATIONS)), costs)


def dearest(space: SearchSpace, costs: NDArray[np.float64]) -> Architecture:
    """All edges on, each with the operation that costs [E, N] most: nothing is slower."""
    edges = np.ones((space.layers, space.edges), dtype=bool)
    return Architecture(space, edges, np.broadcast_to(costs.argmax(axis=1), edges.shape).copy())


def prices_for(
    seconds: float,
    space: SearchSpace,
    edges: Values,
    operations: Values,
    costs: NDArray[np.float64],
    measure: Callable[[Architecture], float],
) -> tuple[Prices, float]:
    """Prices of the network whose time is nearest to a budget, and that time.

    Args:
        seconds: the budget.
        edges: probabilities [L, E], and
        operations: [L, E, N] of the search.
        costs: seconds [E, N].
        measure: seconds of a network.
    """
    found: dict[Prices, float] = {}

    def too_slow(prices: Prices) -> bool:
        found[prices] = measure(decode_at(space, edges, operations, costs, prices))
        return found[prices] > seconds

    too_slow(FREE)
    if abs(found[FREE] - seconds) > NEAR * seconds:
        fast = _first_not(too_slow, [(price, price) for price in PRICES])
        edges_price = PRICES[max(fast - 1, 0)]
        _first_not(too_slow, [(edges_price, price) for price in PRICES[fast:]])
    return min(found.items(), key=lambda item: abs(item[1] - seconds))


def _first_not(holds: Callable[[Prices], bool], candidates: Sequence[Prices]) -> int:
    """The first for which it does not hold, by bisection; their number if it holds for all."""
    low, high = 0, len(candidates)
    while low < high:
        middle = (low + high) // 2
        if holds(candidates[middle]):
            low = middle + 1
        else:
            high = middle
    return low
