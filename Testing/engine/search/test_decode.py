"""Decoding against Dijkstra's algorithm on the graph of Fig. 5, and against the reference implementation."""

from __future__ import annotations

import heapq
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.networks.nets.dints import TopologySearch

from dints import InputError, SearchSpace, decode, discretization_gap, pattern_probabilities
from dints.space.operations import OPERATIONS

N = len(OPERATIONS)


def random_probabilities(space: SearchSpace, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shape = (space.layers, space.edges)
    p = (2 * torch.randn(shape, generator=generator, dtype=torch.float64)).sigmoid()
    return p, torch.rand(*shape, N, generator=generator).softmax(-1)


def node_sets(space: SearchSpace) -> list[tuple[frozenset[int], frozenset[int]]]:
    """Levels that every pattern reads and ends in."""
    return [(frozenset(space.sources[p].tolist()), frozenset(space.targets[p].tolist())) for p in space.patterns]


def dijkstra(space: SearchSpace, eta: np.ndarray) -> float:
    """Cost of the shortest path through L * M vertices, -log eta being the cost of entering one (Fig. 5)."""
    nodes, cost = node_sets(space), -np.log(eta)
    queue = [(float(cost[0, j]), 0, j) for j in range(len(nodes))]
    heapq.heapify(queue)
    done = set()
    while queue:
        distance, layer, j = heapq.heappop(queue)
        if (layer, j) in done:
            continue
        done.add((layer, j))
        if layer == space.layers - 1:
            return distance
        for k, (read, _) in enumerate(nodes):
            if read == nodes[j][1] and (layer + 1, k) not in done:
                heapq.heappush(queue, (distance + float(cost[layer + 1, k]), layer + 1, k))
    raise AssertionError("the graph always holds a path")


def pattern_rows(space: SearchSpace, edges: np.ndarray) -> np.ndarray:
    """[L] row in `patterns` of every layer's edges."""
    return np.array([np.flatnonzero((space.patterns == layer).all(axis=1))[0] for layer in edges.astype(bool)])


def path_cost(space: SearchSpace, eta: np.ndarray, edges: np.ndarray) -> float:
    return float(-np.log(eta[np.arange(space.layers), pattern_rows(space, edges)]).sum())


@pytest.mark.parametrize(("layers", "levels", "examples"), [(1, 2, 10), (4, 2, 20), (3, 3, 8), (2, 4, 1)])
def test_decoding_finds_the_path_cost_of_dijkstra(layers, levels, examples):
    space = SearchSpace(layers, levels)

    @settings(max_examples=examples, deadline=None)
    @given(st.integers(0, 2**32))
    def check(seed):
        p, alpha = random_probabilities(space, seed)
        eta = pattern_probabilities(p).numpy()
        architecture = decode(space, p, alpha)
        assert path_cost(space, eta, architecture.edges) == pytest.approx(dijkstra(space, eta), rel=1e-9)

    check()


@pytest.mark.parametrize("seed", range(4))
def test_decoding_twelve_layers_costs_no_more_than_the_reference_decode(seed):
    """On three levels: on four, the reference would take ten seconds."""
    torch.manual_seed(seed)
    reference = TopologySearch(channel_mul=2 / 32, num_blocks=12, num_depths=3)
    torch.nn.init.normal_(reference.log_alpha_a)
    _, reference_edges, reference_operations, most_probable = reference.decode()
    space = SearchSpace(levels=3)
    p, alpha = reference.log_alpha_a.detach().sigmoid(), reference.log_alpha_c.detach().softmax(-1)
    alpha = torch.nn.functional.pad(alpha, (0, N - alpha.shape[-1]))  # it has the paper's operations alone
    eta = pattern_probabilities(p.double()).numpy()
    architecture = decode(space, p, alpha)
    assert path_cost(space, eta, architecture.edges) <= path_cost(space, eta, reference_edges) + 1e-4
    # The reference minimises the sum of -log(eta + 1e-5) + 0.001; by that measure its own path is the cheapest.
    shifted = eta + 1e-5
    assert path_cost(space, shifted, reference_edges) <= path_cost(space, shifted, architecture.edges) + 1e-4
    assert np.array_equal(architecture.operations, reference_operations)
    assert discretization_gap(space, p) == np.abs(most_probable - architecture.edges).sum()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 4), st.data())
def test_decoding_is_feasible_whatever_the_probabilities(layers, levels, data):
    space = SearchSpace(layers, levels)
    count = layers * space.edges
    probability = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))
    p = np.array(data.draw(st.lists(probability, min_size=count, max_size=count))).reshape(layers, -1)
    architecture = decode(space, p, np.full((*p.shape, N), 1 / N))
    assert space.is_feasible(architecture.edges)
    assert discretization_gap(space, p) >= 0


def test_every_edge_gets_its_most_probable_operation():
    space = SearchSpace(3, 2)
    p, alpha = random_probabilities(space, seed=4)
    assert np.array_equal(decode(space, p, alpha).operations, alpha.argmax(-1).numpy())


def test_tensors_that_require_gradients_and_arrays_decode_alike():
    space = SearchSpace(3, 3)
    p, alpha = random_probabilities(space, seed=6)
    from_arrays = decode(space, p.numpy(), alpha.numpy())
    assert decode(space, p.clone().requires_grad_(), alpha.clone().requires_grad_()) == from_arrays


def test_the_gap_is_zero_where_the_most_probable_patterns_fit_together():
    space = SearchSpace(2, 2)
    assert discretization_gap(space, [[0.9, 0.1, 0.9, 0.1], [0.9, 0.1, 0.1, 0.9]]) == 0


def test_the_gap_counts_the_edges_that_feasibility_changes():
    space = SearchSpace(2, 2)
    # Node 1 of the first layer is reached with certainty and read with probability 0.4 at best: one edge must be added.
    assert discretization_gap(space, [[0.9, 0.01, 0.99, 0.01], [0.9, 0.01, 0.1, 0.4]]) == 1


@pytest.mark.parametrize(
    ("p", "alpha", "named"),
    [
        (np.full((2, 5), 0.5), np.full((2, 4, N), 1 / N), "edge_probability has shape"),
        (np.full((2, 4), 1.5), np.full((2, 4, N), 1 / N), "edge_probability holds values outside"),
        (np.full((2, 4), np.nan), np.full((2, 4, N), 1 / N), "edge_probability holds values outside"),
        (np.full((2, 4), 0.5), np.full((2, 4, 3), 0.3), "operation_probability has shape"),
    ],
)
def test_what_is_no_probability_of_this_space_is_refused(p, alpha, named):
    with pytest.raises(InputError, match=named):
        decode(SearchSpace(2, 2), p, alpha)


def test_prices_give_the_exact_optimum_of_probabilities_and_prices():
    space = SearchSpace(layers=2, levels=2)
    generator = np.random.default_rng(3)
    p, alpha = generator.random((2, 4)), generator.dirichlet(np.ones(N), (2, 4))
    for scale in (0.0, 0.3, 1.0, 10.0):
        prices = scale * generator.random((4, N))
        found = decode(space, p, alpha, prices)
        per_edge = -np.log(alpha) + prices
        surcharge = per_edge.min(-1) + np.log(alpha.max(-1))
        best = min(
            (-np.log(p) + surcharge)[edges].sum() - np.log(1 - p)[~edges].sum()
            for edges in np.stack([np.stack(pair) for pair in itertools.product(space.patterns, repeat=2)])
            if space.is_feasible(edges)
        )
        own = (-np.log(p) + surcharge)[found.edges].sum() - np.log(1 - p)[~found.edges].sum()
        assert own == pytest.approx(best)
        assert (found.operations == per_edge.argmin(-1)).all()


def test_higher_prices_leave_fewer_edges():
    space = SearchSpace(layers=4, levels=3)
    generator = np.random.default_rng(0)
    p, alpha = 0.5 + 0.4 * generator.random((4, 7)), generator.dirichlet(np.ones(N), (4, 7))
    counts = [decode(space, p, alpha, np.full((7, N), price)).edges.sum() for price in (0.0, 1.0, 3.0, 100.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] == 4
