"""How often a fold is validated while it trains, and how many steps that leaves (rule 7 of docs/time.md)."""

from __future__ import annotations

from collections.abc import Sequence

from dints.config import Config
from dints.plan.extents import Extent
from dints.plan.predict import validation_seconds
from dints.plan.timings import Timings

VALIDATIONS = 4  # of a fold while it trains, where there is time
VALIDATION_SHARE = 0.05  # of a fold's time; one of a single case is made however long it takes


def steps_within(config: Config, cases: Sequence[Extent], timings: Timings, seconds: float) -> float:
    """Steps of a fold in so many seconds, beside its validations."""
    once = validation_seconds(config, cases, timings)
    return (seconds - max(VALIDATION_SHARE * seconds, once)) / timings.training_step


def seconds_for(config: Config, cases: Sequence[Extent], timings: Timings, steps: int) -> float:
    """Inverse of `steps_within`."""
    learning = steps * timings.training_step
    return max(learning / (1 - VALIDATION_SHARE), learning + validation_seconds(config, cases, timings))


def validations(config: Config, cases: Sequence[Extent], timings: Timings, seconds: float) -> tuple[int, int]:
    """How many, and of how many cases each, in the seconds of a fold: few cases rather than few validations."""
    affordable = int(VALIDATION_SHARE * seconds / validation_seconds(config, cases, timings))
    times = min(VALIDATIONS, max(1, affordable))
    return times, max(1, affordable // times)
