"""Candidates of a race, each as wide as the budget allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dints import Architecture, SearchSpace, build_supernet, summary
from dints.config import Config
from dints.search import candidates
from dints.search.candidates import (
    PRICES,
    Fitter,
    from_zoo,
    near,
    proposed_by_searches,
    proposed_by_supernet,
    random_ones,
    u_shapes,
)
from dints.search.race import Candidate
from dints.search.snapshots import Snapshot
from dints.zoo.catalogue import Entry
from dints.zoo.shapes import u_shape
from dints.zoo.unet_design import UNetDesign

SPACE = SearchSpace(layers=4, levels=3, finest=1)
CONFIG = Config().with_overrides(
    ["search.layers=4", "search.levels=3", "search.finest=1", "sampling.patch=[16,16,16]", "training.batch_size=2"]
)
BUDGET = 20 * 2**20


def test_all_candidates_fit_and_one_filter_more_would_not():
    fitted = list(Fitter(CONFIG, BUDGET)([*u_shapes(SPACE), ("unet", "zoo", UNetDesign(3))]))
    assert [one.name for one in fitted] == ["u_shape_2_levels", "u_shape_3_levels", "unet"]
    for candidate in fitted:
        filters = candidate.design.filters
        wider = replace(candidate.design, filters=None)
        assert filters
        assert summary(candidate.design, (16,) * 3, 1, 1, 2, 2).training_memory <= BUDGET
        assert summary(wider, (16,) * 3, filters + 1, 1, 2, 2).training_memory > BUDGET


def test_twins_and_what_does_not_fit_are_left_out():
    shape = u_shape(SPACE)
    assert len(list(Fitter(CONFIG, BUDGET)([("a", "x", shape), ("b", "y", shape)]))) == 1
    assert list(Fitter(CONFIG, 1000)([("a", "x", shape)])) == []


def test_networks_that_differ_in_edges_that_are_off_alone_are_twins():
    shape = u_shape(SPACE)
    other = replace(shape, operations=np.where(shape.edges, shape.operations, 4 - shape.operations))
    assert other != shape
    assert [one.name for one in Fitter(CONFIG, BUDGET)([("a", "x", shape), ("b", "y", other)])] == ["a"]


def test_every_search_proposes_its_end_and_then_its_earlier_moments():
    searches = [
        [Snapshot.of(build_supernet(SPACE, 1, 2, 2), 8), Snapshot.of(build_supernet(SPACE, 1, 2, 2), 6)],
        [Snapshot.of(build_supernet(SPACE, 1, 2, 2), 8)],
    ]
    proposed = list(proposed_by_searches(SPACE, searches, (16,) * 3))
    names = [name.rpartition("_price_")[0] for name, _, _ in proposed]
    assert names == ["search"] * len(PRICES) + ["search_2"] * len(PRICES) + ["search_step_6"] * len(PRICES)
    assert len({name for name, _, _ in proposed}) == len(proposed)
    assert proposed[-1][1] == "search after 6 steps at price 3.2"


def test_the_zoo_proposes_what_the_patch_can_pass_through(monkeypatch):
    deep = Architecture.random(SearchSpace(layers=6, levels=5), 0)
    entries = [Entry(name, name, "scans", "", design) for name, design in (("small", u_shape(SPACE)), ("deep", deep))]
    monkeypatch.setattr(candidates, "found_entries", lambda: entries)
    assert [name for name, *_ in from_zoo((16,) * 3)] == ["zoo_small"]
    assert [name for name, *_ in from_zoo((64,) * 3)] == ["zoo_small", "zoo_deep"]
    assert [one.design.space for one in Fitter(CONFIG, BUDGET)(from_zoo((16,) * 3))] == [SPACE]


def test_higher_prices_propose_sparser_and_so_wider_networks():
    snapshot = Snapshot.of(build_supernet(SPACE, 1, 2, 2), 8)
    proposed = list(proposed_by_supernet(SPACE, snapshot, (16,) * 3, "search", "search"))
    fitted = list(Fitter(CONFIG, BUDGET)(proposed))
    edges = [int(one.design.edges.sum()) for one in fitted]
    widths = [one.design.filters for one in fitted]
    assert edges == sorted(edges, reverse=True)
    assert edges[0] > edges[-1]
    assert widths[-1] > widths[0]


def test_neighbours_of_the_leader_are_drawn_by_the_seed():
    leader = Candidate("u", "zoo", u_shape(SPACE))
    first, again, other = (list(near(leader, 3, seed)) for seed in (0, 0, 1))
    assert [name for name, *_ in first] == [name for name, *_ in again]
    assert [name for name, *_ in first] != [name for name, *_ in other]
    assert all(isinstance(design, Architecture) and design != leader.design for *_, design in first)
    assert list(near(Candidate("unet", "zoo", UNetDesign(3)), 3, 0)) == []


@pytest.mark.parametrize("count", [1, 4])
def test_random_ones_are_the_same_for_a_seed(count):
    first, again = (list(random_ones(SPACE, count, 5)) for _ in range(2))
    assert len(first) == count
    assert all(np.array_equal(one[2].edges, two[2].edges) for one, two in zip(first, again, strict=True))
