"""Timing of a step at two sizes, the larger one as near to the real size as a few seconds allow."""

from __future__ import annotations

import logging
import math
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import torch

from dints.data.fingerprint import fitting_patch
from dints.errors import RunError
from dints.geometry import Size
from dints.plan.timings import StepTime

SECONDS = 4.0  # for each size; both sizes of the four parts take half a minute
MOST_STEPS = 5  # that are timed at the larger size; their median is taken
SMALL_STEPS = 1  # at the smaller one, which only says how large the larger one may be

logger = logging.getLogger(__name__)

Stepper = Callable[[], object]
SteppersAt = Callable[[Size, int], AbstractContextManager[Stepper]]
"""What makes one step with batches of a patch and a number of patches."""


def seconds_of(step: Stepper, device: torch.device, limit: float = SECONDS, most: int = MOST_STEPS) -> float:
    """Median of some steps after the first, in which memory is allocated; of one that takes too long, itself."""

    def timed() -> float:
        started = time.perf_counter()
        step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - started

    first = timed()
    left, times = limit - first, list[float]()
    while left > first and len(times) < most:
        times.append(timed())
        left -= times[-1]
    return statistics.median(times) if times else first


def line_of(
    steppers: SteppersAt, patch: Size, batch: int, patch_steps: Size, device: torch.device, limit: float = SECONDS
) -> StepTime:
    """Seconds of a step by the voxels of its batch.

    Args:
        steppers: makes the step of a size ready.
        patch: of the real steps, and
        batch: how many of them a step has.
        patch_steps: what sides of a patch are multiples of.
        limit: seconds for each of two sizes.
    """
    x, y, z = (2 * side for side in patch_steps)
    smallest = min(x, patch[0]), min(y, patch[1]), min(z, patch[2])
    with steppers(smallest, 1) as step:
        small = math.prod(smallest), seconds_of(step, device, limit, SMALL_STEPS)
    affordable = int(small[0] * limit / 2 / small[1])
    nearest = fitting_patch(patch, patch_steps, patch, min(affordable, math.prod(patch)))
    count = max(1, min(batch, affordable // math.prod(nearest)))
    if (nearest, count) == (smallest, 1):
        return StepTime(0.0, small[1] / small[0])
    try:
        with steppers(nearest, count) as step:
            large = math.prod(nearest) * count, seconds_of(step, device, limit)
    except RunError as error:  # memory ran out, as it may in the run itself, which then takes smaller portions
        logger.info("%s patches of %s could not be timed: %s", count, nearest, error)
        return StepTime(0.0, small[1] / small[0])
    return StepTime.through(small, large)
