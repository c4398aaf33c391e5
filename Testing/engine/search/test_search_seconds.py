"""A search whose budget is the time of a window: what is refused, kept and measured."""

from __future__ import annotations

import pytest
import torch

from dints import InputError
from dints.cost.seconds import InferenceTimes, WindowTimer
from dints.search import loop

from ..interrupting import InterruptedWorkError, StopAt
from .conftest import STEPS


def test_a_budget_in_seconds_is_measured_once_and_kept_in_the_checkpoint(search, tmp_path, monkeypatch):
    asked = []

    def measured(timer, space):
        asked.append(timer)
        return InferenceTimes(torch.full((space.edges, 5), 0.1 * len(asked)), 0.5)

    monkeypatch.setattr(WindowTimer, "parts", measured)
    monkeypatch.setattr(WindowTimer, "whole", lambda timer, architecture: 2.0)
    with pytest.raises(InterruptedWorkError):
        search(tmp_path, "search.seconds=2", reporter=StopAt(STEPS - 2)).run()
    going_on = search(tmp_path, "search.seconds=2")
    going_on.run()
    assert len(asked) == 1
    assert going_on.target == pytest.approx(1.5)
    assert float(going_on.costs.max()) == pytest.approx(0.1)


def test_what_is_found_is_measured_at_the_end_and_not_again(search, tmp_path, monkeypatch):
    costs = torch.linspace(1, 2, 5).repeat(100, 1)
    measured = []

    def window(timer, architecture):
        measured.append(0.01 * int(architecture.edges.sum()))
        return measured[-1]

    monkeypatch.setattr(WindowTimer, "parts", lambda timer, space: InferenceTimes(costs[: space.edges], 0.0))
    monkeypatch.setattr(WindowTimer, "whole", window)
    first = search(tmp_path, "search.seconds=0.05")
    found, count = first.run(), len(measured)
    assert count > 1
    assert min(measured, key=lambda seconds: abs(seconds - 0.05)) == pytest.approx(0.01 * int(found.edges.sum()))
    again = search(tmp_path, "search.seconds=0.05")
    assert again.run() == found
    assert len(measured) == count


@pytest.mark.parametrize("least", [0.3, 0.5])
def test_a_budget_in_seconds_is_refused_if_the_fastest_network_exceeds_it(search, tmp_path, monkeypatch, least):
    """Whatever the parts add up to: they are no exact sum, and what is fixed seems to take longer than all of it."""
    monkeypatch.setattr(WindowTimer, "parts", lambda timer, space: InferenceTimes(torch.ones(space.edges, 5), 0.5))
    monkeypatch.setattr(WindowTimer, "whole", lambda timer, network: 9.0 if network.edges.all() else least)
    if least > 0.4:
        with pytest.raises(
            InputError, match=r"search.seconds must be larger, not 0.4: the fastest network takes 0.5 s"
        ):
            search(tmp_path, "search.seconds=0.4")
    else:
        assert search(tmp_path, "search.seconds=0.4").target == 0


@pytest.mark.parametrize("most", [1.7, 1.9])
def test_a_budget_in_seconds_is_refused_if_the_slowest_network_does_not_reach_it(search, tmp_path, monkeypatch, most):
    costs = torch.arange(5.0)
    slowest = []

    def window(timer, network):
        if not network.edges.all():
            return 0.1
        slowest.append(network)
        return most

    monkeypatch.setattr(WindowTimer, "parts", lambda timer, space: InferenceTimes(costs.repeat(space.edges, 1), 0.0))
    monkeypatch.setattr(WindowTimer, "whole", window)
    if most < 1.8:
        with pytest.raises(InputError, match=r"search.seconds must be smaller, not 2: the slowest network takes 1.7 s"):
            search(tmp_path, "search.seconds=2")
    else:
        assert search(tmp_path, "search.seconds=2").target == 2
    assert (slowest[0].operations == 4).all()


def test_a_race_chooses_whatever_its_search_takes(search, tmp_path, monkeypatch):
    """The network that the search alone would give is not the one that is retrained."""
    monkeypatch.setattr(WindowTimer, "parts", lambda timer, space: InferenceTimes(torch.ones(space.edges, 5), 0.5))
    monkeypatch.setattr(WindowTimer, "whole", lambda timer, network: 2.0)
    measured = []
    monkeypatch.setattr(loop, "prices_for", lambda *arguments: measured.append(arguments))
    search(tmp_path, "search.seconds=2", "race.enabled=true").run()
    assert not measured
