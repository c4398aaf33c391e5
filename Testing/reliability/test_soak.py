"""The soak test in short; `soak.py` is the long one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .soak import segmentations, training

MOST_GROWTH = 0.1  # MiB a run
RUNS = 60  # resident memory varies by some MiB from run to run: with half of them the slope does, too
FINER = 2  # labels of 1.5 MiB: those of a few runs would else hide in memory that is free anyway

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_a_warm_worker_grows_by_less_than_a_scan_and_opens_nothing_for_good(tmp_path: Path) -> None:
    growth = segmentations(RUNS, tmp_path, FINER)
    assert growth.memory_slope < MOST_GROWTH, growth
    assert growth.handles_first == growth.handles_last


def test_training_neither_grows_nor_opens_files_for_good(tmp_path: Path) -> None:
    growth = training(200, tmp_path)
    assert growth.memory_slope < MOST_GROWTH, growth
    assert growth.handles_first == growth.handles_last
