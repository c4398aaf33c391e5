"""Candidates of a race as wide as the time of a window allows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dints import Config, InputError, SearchSpace
from dints.cost.seconds import WindowTimer
from dints.search.candidates import Fitter, u_shapes
from dints.search.timed_widths import TimedWidths
from dints.zoo.shapes import u_shape

SPACE = SearchSpace(layers=4, levels=3, finest=1)
SHAPE = u_shape(SPACE)
CONFIG = Config().with_overrides(
    ["search.layers=4", "search.levels=3", "search.finest=1", "sampling.patch=[16,16,16]", "training.batch_size=2"]
)
ROOMY = 1e12  # bytes


class Stopwatch(WindowTimer):
    """A network takes as many seconds as it has filters; more than `most` do not fit into the memory."""

    most = 1000

    def whole(self, design) -> float:
        measured.append(design.filters)
        if design.filters > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return float(design.filters)


measured: list[int] = []


@pytest.fixture
def timer() -> Stopwatch:
    measured.clear()
    return Stopwatch.of(CONFIG, torch.device("cpu"))


@pytest.mark.parametrize("seconds", [1.0, 5.5, 12.0])
def test_a_window_takes_no_longer_and_with_one_filter_more_it_would(timer, tmp_path, seconds):
    fit = Fitter(CONFIG, ROOMY, TimedWidths(timer, seconds, tmp_path / "widths.json"))
    assert [one.design.filters for one in fit(u_shapes(SPACE))] == [int(seconds)] * 2
    assert max(measured) <= 2 * seconds + 1  # no network is built that is much too wide


def test_what_is_too_slow_with_one_filter_is_left_out(timer, tmp_path):
    assert list(Fitter(CONFIG, ROOMY, TimedWidths(timer, 0.5, tmp_path / "widths.json"))(u_shapes(SPACE))) == []


def test_memory_that_is_given_holds_as_well(timer, tmp_path):
    narrow = TimedWidths(timer, 100.0, tmp_path / "widths.json")
    alone, both = (next(iter(Fitter(CONFIG, 2**22, own)([("a", "x", SHAPE)]))) for own in (None, narrow))
    assert both.design == alone.design
    assert narrow("b", SHAPE, 7) == 7


def test_what_memory_does_not_hold_is_too_wide(timer, tmp_path, monkeypatch):
    monkeypatch.setattr(Stopwatch, "most", 9)
    assert TimedWidths(timer, 100.0, tmp_path / "widths.json")("a", SHAPE, 512) == 9


def test_another_fault_of_a_network_is_told(timer, tmp_path, monkeypatch):
    def fail(self, design):
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(Stopwatch, "whole", fail)
    with pytest.raises(RuntimeError, match="no such kernel"):
        TimedWidths(timer, 1.0, tmp_path / "widths.json")("a", SHAPE, 512)


def test_an_interrupted_race_goes_on_with_the_widths_that_it_began_with(timer, tmp_path):
    file = tmp_path / "widths.json"
    assert TimedWidths(timer, 6.0, file)("a", SHAPE, 512) == 6
    measured.clear()
    assert TimedWidths(timer, 3.0, file)("a", SHAPE, 512) == 6
    assert measured == []


@pytest.mark.parametrize("text", ["[]", '{"a": "6"}', '{"a": -1}', '{"a": 1e9}', '{"a": true}'])
def test_damaged_widths_are_said(timer, tmp_path: Path, text):
    file = tmp_path / "widths.json"
    file.write_text(text)
    with pytest.raises(InputError, match=r"widths.json: holds no numbers of filters; delete it"):
        TimedWidths(timer, 1.0, file)


def test_the_clock_measures_a_design_with_its_own_filters():
    timer = WindowTimer.of(CONFIG, torch.device("cpu"))
    thin, wide = (timer.whole(replace(SHAPE, filters=filters)) for filters in (1, 64))
    assert 0 < thin < wide
