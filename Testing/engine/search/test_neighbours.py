"""Architectures one change away."""

from __future__ import annotations

import numpy as np
import pytest

from dints import Architecture, SearchSpace
from dints.search.neighbours import neighbours
from dints.space.operations import OPERATIONS
from dints.zoo.shapes import u_shape

SPACE = SearchSpace(layers=3, levels=2)


@pytest.mark.parametrize("seed", range(4))
def test_neighbours_are_feasible_and_each_there_once(seed):
    architecture = Architecture.random(SPACE, seed)
    found = [np.where(one.edges, one.operations, -1).tobytes() for one in neighbours(architecture)]
    assert len(found) == len(set(found)) > 0  # `Architecture` refuses what is infeasible
    assert np.where(architecture.edges, architecture.operations, -1).tobytes() not in found


def test_every_operation_of_every_edge_is_exchanged():
    architecture = u_shape(SPACE)
    same_edges = [one for one in neighbours(architecture) if (one.edges == architecture.edges).all()]
    assert len(same_edges) == (len(OPERATIONS) - 1) * architecture.edges.sum()


def test_an_edge_that_needs_a_partner_comes_with_one():
    space = SearchSpace(layers=2, levels=2)
    flat = Architecture(space, [[True, False, False, False]] * 2, [[1] * 4] * 2)  # the finest level alone
    edges = {one.edges.tobytes() for one in neighbours(flat)}
    down_and_up = np.array([[True, False, True, False], [True, True, False, False]])
    assert down_and_up.tobytes() in edges


def test_the_width_is_left_open():
    architecture = Architecture(SPACE, [[True, False, False, False]] * 3, [[1] * 4] * 3, filters=8)
    assert {one.filters for one in neighbours(architecture)} == {None}
