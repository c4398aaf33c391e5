"""The inference time of operations: what is measured, and how it adds up to that of a network."""

from __future__ import annotations

import pytest
import torch

from dints import Architecture, SearchSpace
from dints.cost.seconds import WindowTimer, clocked
from dints.space.operations import OPERATIONS
from dints.zoo.shapes import u_shape

CPU = torch.device("cpu")
SPACE = SearchSpace(layers=4, levels=3)
PATCH = (16, 16, 16)


def test_each_operation_at_each_level_and_each_change_of_level_is_timed_once():
    measured = []

    def timer(work) -> float:
        work()
        measured.append(work)
        return 1.0

    times = WindowTimer(2, 1, 2, PATCH, CPU, timer).parts(SPACE)
    changes = int((SPACE.sources != SPACE.targets).sum())
    assert len(measured) == SPACE.levels * len(OPERATIONS) + changes + 1
    assert times.edges.shape == (SPACE.edges, len(OPERATIONS))
    levels = torch.from_numpy(SPACE.sources == SPACE.targets)
    assert bool((times.edges[levels] == 1).all())  # the operation alone
    assert bool((times.edges[~levels] == 2).all())  # with the change of level
    assert times.fixed == 0  # a whole network in the time of one edge leaves nothing for stems and head


def test_what_a_network_takes_beyond_its_edges_is_fixed():
    whole = iter([1e-3] * 100)
    count = SPACE.levels * len(OPERATIONS) + int((SPACE.sources != SPACE.targets).sum())
    seconds = [next(whole) for _ in range(count)] + [5.0]
    times = WindowTimer(2, 1, 2, PATCH, CPU, lambda work: seconds.pop(0)).parts(SPACE)
    assert times.of(u_shape(SPACE)) == pytest.approx(5.0)
    assert 0 < times.fixed < 5
    assert times.of(Architecture.random(SPACE, 0, 0.9)) > times.fixed


def test_the_clock_measures_work_that_takes_time():
    assert clocked(lambda: torch.randn(64, 64) @ torch.randn(64, 64), CPU) > 0


def test_measuring_draws_no_random_number_of_the_run():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    WindowTimer(2, 1, 2, PATCH, CPU, lambda work: 1.0).parts(SPACE)
    assert torch.equal(torch.rand(2), expected)
