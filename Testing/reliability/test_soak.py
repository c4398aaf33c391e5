"""The soak test in short; `soak.py` is the long one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .soak import segmentations, training

MOST_GROWTH = 0.1  # MiB a run or step
FINER = 2  # labels of 1.5 MiB: those of a few runs would else hide in memory that is free anyway
MOST_OF_A_SCAN = 0.3  # MiB a run, a fifth of such labels: resident memory varies by 2 MiB from run to run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_a_warm_worker_grows_by_less_than_a_scan_and_opens_nothing_for_good(tmp_path: Path) -> None:
    growth = segmentations(30, tmp_path, FINER)
    assert growth.memory_slope < MOST_OF_A_SCAN, growth
    assert growth.handles_first == growth.handles_last


def test_training_neither_grows_nor_opens_files_for_good(tmp_path: Path) -> None:
    growth = training(200, tmp_path)
    assert growth.memory_slope < MOST_GROWTH, growth
    assert growth.handles_first == growth.handles_last
