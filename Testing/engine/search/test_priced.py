"""The network of a search whose measured time is nearest to a budget."""

from __future__ import annotations

import numpy as np
import pytest

from dints import Architecture, SearchSpace
from dints.search.decode import decode
from dints.search.priced import FREE, cheapest, decode_at, prices_for

SPACE = SearchSpace(layers=8, levels=3)


def searched(seed: int, certainty: float):
    """Probabilities of edges and operations, and seconds of them, of which finer levels take more."""
    rng = np.random.default_rng(seed)
    edges = 1 / (1 + np.exp(-rng.normal(0, certainty, (SPACE.layers, SPACE.edges))))
    operations = np.exp(rng.normal(0, certainty, (SPACE.layers, SPACE.edges, 5)))
    costs = rng.uniform(0.5, 1.5, (SPACE.edges, 5)) * 0.25 ** SPACE.targets[:, None]
    return edges, operations / operations.sum(-1, keepdims=True), costs


class Computer:
    """Networks take what their edges take, half as long again as was thought, and what is no edge."""

    def __init__(self, costs: np.ndarray) -> None:
        self.costs, self.measured = costs, 0

    def __call__(self, architecture) -> float:
        self.measured += 1
        chosen = self.costs[np.arange(SPACE.edges), architecture.operations]
        return 1.0 + 1.5 * float(chosen[architecture.edges].sum())


@pytest.mark.parametrize("certainty", [0.5, 3.0])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_the_network_found_takes_the_seconds_of_the_budget(certainty, share):
    for seed in range(5):
        edges, operations, costs = searched(seed, certainty)
        computer = Computer(costs)
        seconds = share * computer(decode_at(SPACE, edges, operations, costs, (-30.0, -30.0)))
        computer.measured = 0
        prices, found = prices_for(seconds, SPACE, edges, operations, costs, computer)
        assert computer.measured <= 1 + 2 * 7
        assert found == computer(decode_at(SPACE, edges, operations, costs, prices))
        assert found == pytest.approx(seconds, rel=0.1)


def test_a_network_that_is_near_enough_without_a_price_is_taken():
    edges, operations, costs = searched(0, 1.0)
    computer = Computer(costs)
    free = decode(SPACE, edges, operations)
    assert prices_for(1.02 * computer(free), SPACE, edges, operations, costs, computer) == (FREE, computer(free))
    assert np.array_equal(decode_at(SPACE, edges, operations, costs, FREE).edges, free.edges)


@pytest.mark.parametrize("seconds", [0.1, 1e3])
def test_beyond_all_networks_the_nearest_one_is_found(seconds):
    edges, operations, costs = searched(0, 1.0)
    computer = Computer(costs)
    _, found = prices_for(seconds, SPACE, edges, operations, costs, computer)
    extreme = computer(decode_at(SPACE, edges, operations, costs, (30.0 if seconds < 1 else -30.0,) * 2))
    assert found == pytest.approx(extreme, rel=0.1)


def test_no_network_is_cheaper_than_the_cheapest():
    for seed in range(3):
        costs = searched(seed, 1.0)[2]
        least = Computer(costs)(cheapest(SPACE, costs))
        others = [Architecture.random(SPACE, number, 0.2) for number in range(50)]
        assert all(Computer(costs)(one) >= least for one in others)
