"""What each operation on each edge costs in memory."""

from __future__ import annotations

import torch

from dints import SearchSpace
from dints.cost.operations import operation_costs

PAPERS = 5  # operations


def test_costs_are_bytes_of_the_tensors_that_training_keeps():
    space = SearchSpace(1, 2)  # edges 0->0, 1->0 (up), 0->1 (down), 1->1
    costs = operation_costs(space, filters=4, patch=(16, 16, 16))
    output = torch.tensor([8 * 8**3, 8 * 8**3, 16 * 4**3, 16 * 4**3])  # values of an edge's output
    tensors = torch.tensor([[1, 4, 5, 5, 5], [7, 10, 11, 11, 11], [8, 11, 12, 12, 12], [1, 4, 5, 5, 5]])
    assert torch.equal(costs[:, :PAPERS], 4.0 * output[:, None] * tensors)


def test_at_full_resolution_every_edge_costs_four_times_what_the_next_finer_of_the_paper_does():
    """Twice the size on three axes, with half of the channels."""
    paper, full = (operation_costs(SearchSpace(1, 3, finest), 4, (16, 16, 16)) for finest in (2, 1))
    assert torch.equal(full, 4 * paper)


def test_an_edge_down_reads_less_where_an_axis_waits():
    space = SearchSpace(1, 2, finest=1, delay=(0, 0, 2))  # edges 0->0, 1->0, 0->1, 1->1
    costs = operation_costs(space, filters=1, patch=(4, 4, 4))
    output = 2 * 2 * 2 * 4  # values of the coarser level
    assert costs[2, :PAPERS].tolist() == [4 * output * (1 + 3 + 2 + kept) for kept in (0, 3, 4, 4, 4)]
