"""Learning rates as functions of the step, so that resuming needs no scheduler state (3.6, 4.1)."""

from __future__ import annotations

import math

from dints.config import SearchConfig, TrainingConfig

# One cycle: the share of the steps in which the rate rises, and the ratios of its ends to its peak.
RISING_SHARE = 0.15
START_RATIO = 1 / 25
END_RATIO = 1e-3
POLYNOMIAL_POWER = 0.9


ScheduleConfig = SearchConfig | TrainingConfig


def scaled(iteration: int, config: ScheduleConfig) -> float:
    """An iteration of the paper's schedule in a run of `config.iterations` instead of `config.schedule_iterations`."""
    return iteration * config.iterations / config.schedule_iterations


def milestone_rate(step: int, config: ScheduleConfig) -> float:
    """Linear warm-up, then a decay at every milestone after it (4.1)."""
    warmup = scaled(config.warmup, config)
    if step < warmup:
        return config.learning_rate_start + (config.learning_rate - config.learning_rate_start) * step / warmup
    passed = sum(step - warmup >= scaled(milestone, config) for milestone in config.milestones)
    return config.learning_rate * config.decay**passed


def polynomial_rate(step: int, config: ScheduleConfig) -> float:
    """Linear warm-up, then a fall to zero by a power of what is left (as in nnU-Net, Isensee et al. 2021)."""
    warmup = scaled(config.warmup, config)
    if step < warmup:
        return milestone_rate(step, config)
    done = (step - warmup) / max(1.0, config.iterations - warmup)
    return float(config.learning_rate * (1 - min(done, 1.0)) ** POLYNOMIAL_POWER)


def one_cycle_rate(step: int, config: ScheduleConfig) -> float:
    """Cosine rise to `learning_rate` and cosine fall to nearly zero; for short runs."""
    rising = max(1.0, RISING_SHARE * config.iterations)
    if step < rising:
        low, share = START_RATIO, 1 - step / rising
    else:
        low, share = END_RATIO, (step - rising) / max(1.0, config.iterations - rising)
    return config.learning_rate * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0))))


RATES = {"milestones": milestone_rate, "one_cycle": one_cycle_rate, "polynomial": polynomial_rate}
"""The schedules by the name that the setting gives them."""
