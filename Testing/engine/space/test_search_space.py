"""The tables of the search space against their definitions in sections 3.1 to 3.4."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dints import InputError, SearchSpace


def test_edges_of_four_levels_are_ordered_by_target_then_source():
    space = SearchSpace()
    assert space.sources.tolist() == [0, 1, 0, 1, 2, 1, 2, 3, 2, 3]
    assert space.targets.tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3]


@pytest.mark.parametrize("levels", [1, 2, 3, 4, 5])
def test_every_edge_joins_neighbouring_levels_once(levels):
    space = SearchSpace(2, levels)
    pairs = set(zip(space.sources.tolist(), space.targets.tolist(), strict=True))
    assert pairs == {(s, t) for s in range(levels) for t in range(levels) if abs(s - t) <= 1}
    assert space.edges == 3 * levels - 2 == len(space.sources)


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_patterns_are_all_nonempty_subsets_of_the_edges(levels):
    space = SearchSpace(1, levels)
    expected = [bits for bits in itertools.product([False, True], repeat=space.edges) if any(bits)]
    assert [tuple(row) for row in space.patterns.tolist()] == expected


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_a_pattern_knows_the_nodes_that_it_reads_and_ends_in(levels):
    space = SearchSpace(1, levels)
    for j, pattern in enumerate(space.patterns):
        read, ended = set(space.sources[pattern].tolist()), set(space.targets[pattern].tolist())
        assert set(np.flatnonzero(space.activations[space.inputs_of_pattern[j]])) == read
        assert set(np.flatnonzero(space.activations[space.outputs_of_pattern[j]])) == ended


def test_all_paths_of_three_layers_and_two_levels_are_feasible_as_defined():
    space = SearchSpace(layers=3, levels=2)
    ends = [(set(space.sources[p].tolist()), set(space.targets[p].tolist())) for p in space.patterns]
    feasible = 0
    for path in itertools.product(range(len(space.patterns)), repeat=3):
        expected = all(ends[k][0] == ends[j][1] for j, k in itertools.pairwise(path))
        assert space.is_feasible(space.patterns[list(path)]) == expected
        feasible += expected
    assert 0 < feasible < len(space.patterns) ** 3


def test_a_layer_without_edges_is_infeasible():
    assert not SearchSpace(2, 2).is_feasible(np.zeros((2, 4), dtype=bool))


def test_node_activation_starts_with_what_the_first_layer_reads():
    space = SearchSpace(layers=2, levels=2)
    edges = [[False, True, False, False], [True, False, True, False]]  # 1->0, then 0->0 and 0->1
    assert space.node_activation(edges).tolist() == [[False, True], [True, False], [True, True]]


def test_tables_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        SearchSpace().patterns[0, 0] = True


@pytest.mark.parametrize("arguments", [(0, 4), (12, 0), (12, 7), (2.5, 4), (True, 4)])
def test_a_meaningless_size_is_refused_by_name(arguments):
    with pytest.raises(InputError, match=r"layers|levels"):
        SearchSpace(*arguments)


def test_edges_of_the_wrong_shape_are_refused():
    with pytest.raises(InputError, match=r"\[3, 10\]"):
        SearchSpace(2, 4).is_feasible(np.ones((3, 10)))


def test_levels_of_the_paper_start_at_half_the_resolution():
    space = SearchSpace()
    assert [space.shrink(level) for level in range(4)] == [(2,) * 3, (4,) * 3, (8,) * 3, (16,) * 3]
    assert [space.width(level, 32) for level in range(4)] == [64, 128, 256, 512]
    assert space.patch_step == (16, 16, 16)


def test_full_resolution_and_five_levels_hold_the_papers_levels():
    space, paper = SearchSpace(levels=5, finest=1), SearchSpace()
    assert space.shrink(0) == (1, 1, 1)
    assert [space.shrink(level) for level in range(1, 5)] == [paper.shrink(level) for level in range(4)]
    assert [space.width(level, 8) for level in range(1, 5)] == [paper.width(level, 8) for level in range(4)]
    assert (space.edges, len(space.patterns)) == (13, 8191)


def test_the_axis_of_thick_slices_is_halved_later():
    space = SearchSpace(levels=4, finest=1, delay=(0, 0, 2))
    assert [space.shrink(level) for level in range(4)] == [(1, 1, 1), (2, 2, 1), (4, 4, 1), (8, 8, 2)]
    assert [space.step(level) for level in range(4)] == [(1, 1, 1), (2, 2, 1), (2, 2, 1), (2, 2, 2)]
    assert [space.fits(size) for size in ((16, 16, 4), (16, 16, 3), (8, 16, 4))] == [True, False, False]
    assert space.size_rule == "multiples of 8x8x2, at least 16x16x4"


@pytest.mark.parametrize(
    "values", [{"finest": 3}, {"finest": 0}, {"delay": (0, 0, 5)}, {"delay": (0, 0)}, {"delay": 1}]
)
def test_stems_and_axes_that_cannot_be_are_refused_by_name(values):
    with pytest.raises(InputError, match=next(iter(values))):
        SearchSpace(**values)
