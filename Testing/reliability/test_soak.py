"""The soak test in short; `soak.py` is the long one, `soak.json` what it measured last."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from .soak import Growth, segmentations, training

MOST_GROWTH = 0.1  # MiB a run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_a_warm_worker_grows_by_less_than_a_scan_and_opens_nothing_for_good(tmp_path: Path) -> None:
    growth = segmentations(40, tmp_path)
    assert growth.memory_slope < MOST_GROWTH, growth
    assert growth.handles_most == growth.handles_fewest


def test_training_neither_grows_nor_opens_files_for_good(tmp_path: Path) -> None:
    growth = training(200, tmp_path)
    assert growth.memory_slope < MOST_GROWTH, growth
    assert growth.handles_most == growth.handles_fewest


def test_the_long_soak_was_run_and_passed() -> None:
    measured = {
        name: Growth(**values) for name, values in json.loads((Path(__file__).parent / "soak.json").read_text()).items()
    }
    assert measured["segmentations in one worker"].runs >= 500
    assert measured["training steps"].runs >= 2000
    for growth in measured.values():
        assert growth.memory_slope < MOST_GROWTH
        assert growth.handles_most == growth.handles_fewest
