"""Eq. 2 and the edge weights of Eq. 1 against enumeration of all patterns."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dints import SearchSpace, pattern_probabilities
from dints.space.relaxation import edge_weights

LAYERS = 2


def edge_probability(levels: int, values: list[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).reshape(LAYERS, 3 * levels - 2)


def probabilities_of_two_layers(levels: int, smallest: float = 0.0) -> st.SearchStrategy:
    count = LAYERS * (3 * levels - 2)
    return st.lists(st.floats(smallest, 1.0), min_size=count, max_size=count)


def enumerated(levels: int, p: torch.Tensor) -> np.ndarray:
    """Eq. 2, pattern by pattern."""
    patterns = SearchSpace(LAYERS, levels).patterns
    eta = np.array([[math.prod(np.where(cp, row, 1 - row)) for cp in patterns] for row in p.numpy()])
    return eta / eta.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("levels", "examples"), [(2, 30), (3, 20), (4, 5)])
def test_pattern_probabilities_equal_their_enumeration(levels, examples):
    @settings(max_examples=examples, deadline=None)
    @given(probabilities_of_two_layers(levels, smallest=1e-3))
    def check(values):
        p = edge_probability(levels, values)
        np.testing.assert_allclose(pattern_probabilities(p).numpy(), enumerated(levels, p), rtol=1e-9, atol=1e-15)

    check()


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_edge_weights_are_the_sum_of_eta_over_the_patterns_that_hold_the_edge(levels):
    @settings(max_examples=10, deadline=None)
    @given(probabilities_of_two_layers(levels, smallest=1e-6))
    def check(values):
        p = edge_probability(levels, values)
        patterns = torch.tensor(SearchSpace(LAYERS, levels).patterns, dtype=torch.float64)
        torch.testing.assert_close(edge_weights(p), pattern_probabilities(p) @ patterns)

    check()


@settings(max_examples=30, deadline=None)
@given(probabilities_of_two_layers(3))
def test_probabilities_of_zero_and_one_give_finite_values_and_gradients(values):
    p = edge_probability(3, values).float().requires_grad_()
    (pattern_probabilities(p).square().sum() + edge_weights(p).square().sum()).backward()
    assert p.grad is not None
    assert torch.isfinite(p.grad).all()


def test_small_probabilities_keep_their_ratio_in_single_precision():
    p = torch.tensor([[1e-9, 3e-9, 0.0, 0.0]])
    torch.testing.assert_close(edge_weights(p), torch.tensor([[0.25, 0.75, 0.0, 0.0]]))
    assert float(pattern_probabilities(p).sum()) == pytest.approx(1.0, abs=1e-6)


def test_a_layer_whose_edges_are_all_off_has_no_pattern():
    assert pattern_probabilities(torch.zeros(1, 4)).count_nonzero() == 0
    assert edge_weights(torch.zeros(1, 4)).count_nonzero() == 0


def test_gradients_of_the_pattern_probabilities_equal_finite_differences():
    p = torch.rand(2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(pattern_probabilities, p)
    assert torch.autograd.gradcheck(edge_weights, p)
