"""Paired differences and what they allow to say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dints import InputError
from dints.evaluation.paired import paired_difference


def scores(values) -> dict[str, float]:
    return {f"case{index}": float(value) for index, value in enumerate(values)}


def test_a_small_difference_on_every_case_is_told_apart_though_cases_differ_much():
    spread = np.linspace(0.1, 0.9, 20)
    noise = 0.002 * np.sin(np.arange(20))
    found = paired_difference(scores(spread + 0.01 + noise), scores(spread))
    assert found.mean == pytest.approx(0.01 + noise.mean())
    assert 0 < found.low < found.mean < found.high
    assert found.verdict == "better"
    assert paired_difference(scores(spread), scores(spread + 0.01 + noise)).verdict == "worse"


def test_what_could_be_chance_is_not_told_apart():
    found = paired_difference(scores([0.5, 0.6, 0.7, 0.8, 0.9, 0.4]), scores([0.6, 0.5, 0.75, 0.7, 0.92, 0.38]))
    assert found.low < 0 < found.high
    assert found.verdict == "not told apart"


def test_few_cases_are_never_told_apart():
    assert paired_difference(scores([0.9] * 4), scores([0.1] * 4)).verdict == "not told apart"


def test_the_interval_covers_the_true_difference_in_nineteen_of_twenty_samples():
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(100):
        noise = generator.normal(0.01, 0.05, 40)
        found = paired_difference(scores(0.8 + noise), scores([0.8] * 40))
        covered += found.low <= 0.01 <= found.high
    assert 88 <= covered <= 99


def test_undefined_cases_are_left_out_and_other_cases_refused():
    assert paired_difference(scores([0.5, math.nan, 0.7]), scores([0.4, 0.5, 0.5])).cases == 2
    with pytest.raises(InputError, match="case1: is scored for one"):
        paired_difference(scores([0.5, 0.6]), scores([0.5]))
    with pytest.raises(InputError, match="no case has a score"):
        paired_difference(scores([math.nan]), scores([0.5]))
