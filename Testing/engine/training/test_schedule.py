from __future__ import annotations

from dataclasses import replace

import pytest

from dints.config import SearchConfig, TrainingConfig, all_settings
from dints.training.schedule import RATES, milestone_rate, one_cycle_rate, polynomial_rate, scaled


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0.025), (500, 0.1125), (1000, 0.2), (8999, 0.2), (9000, 0.1), (17000, 0.05), (25000, 0.025), (40999, 0.0125)],
)
def test_retraining_follows_the_schedule_of_the_paper(step: int, rate: float) -> None:
    assert milestone_rate(step, TrainingConfig()) == pytest.approx(rate)


@pytest.mark.parametrize(("step", "rate"), [(0, 0.025), (1000, 0.2), (9000, 0.1), (16999, 0.1), (17000, 0.05)])
def test_the_search_follows_the_schedule_of_the_paper(step: int, rate: float) -> None:
    assert milestone_rate(step, SearchConfig()) == pytest.approx(rate)


def test_a_shorter_run_scales_every_milestone() -> None:
    short = replace(SearchConfig(), iterations=2100)
    for step in (0, 50, 99, 100, 899, 900, 1699, 1700, 2099):
        assert milestone_rate(step, short) == pytest.approx(milestone_rate(10 * step, SearchConfig()))
    assert scaled(short.weights_only, short) == 1100


def test_one_cycle_rises_to_the_peak_and_falls_to_nearly_nothing() -> None:
    config = replace(TrainingConfig(), iterations=1000, learning_rate=0.01)
    rates = [one_cycle_rate(step, config) for step in range(1000)]
    peak = rates.index(max(rates))
    assert max(rates) == pytest.approx(0.01)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] < 1e-4


def test_polynomial_decay_warms_up_and_falls_evenly_to_nothing() -> None:
    config = replace(TrainingConfig(), iterations=1000, schedule_iterations=1000, warmup=100)
    assert polynomial_rate(50, config) == milestone_rate(50, config)
    assert polynomial_rate(100, config) == pytest.approx(config.learning_rate)
    assert polynomial_rate(550, config) == pytest.approx(config.learning_rate * 0.5**0.9)
    assert polynomial_rate(999, config) < 0.01 * config.learning_rate


def test_every_schedule_that_may_be_chosen_has_a_rate() -> None:
    assert set(all_settings()["training.schedule"].choices) == set(RATES)


@pytest.mark.parametrize("name", RATES)
def test_a_step_after_the_end_has_the_last_rate(name: str) -> None:
    """Measuring how long a step takes may take more of them than a short run has."""
    config = replace(TrainingConfig(), iterations=10, schedule_iterations=10, warmup=1)
    assert RATES[name](25, config) == pytest.approx(RATES[name](10, config))
