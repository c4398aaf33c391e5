"""How long a training is of use: after so many passes over its scans a network has learned them by heart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dints.config import Config
from dints.plan.extents import Extent
from dints.plan.timings import Timings

MOST_STEPS = 20_000  # of a fold; what more would bring with the short recipe is not known
MOST_PASSES = 20  # over the training cases; with 30 to 70 nothing was gained (studies/hours)
STEPS_OF_PASSES = 2000  # at least, by small batches; of the fewest scans they are more passes
SMALLEST_BATCH = 2


def useful_steps(config: Config, cases: Sequence[Extent], timings: Timings) -> int:
    """Steps of a fold beyond which nothing is gained, as far as is known."""
    passes = MOST_PASSES * _patches_a_pass(config, cases, timings) / config.training.batch_size
    return min(MOST_STEPS, max(STEPS_OF_PASSES, int(passes)))


def has_all_steps(config: Config, cases: Sequence[Extent], timings: Timings) -> bool:
    """Whether a fold gets all steps that are of use."""
    return config.training.iterations >= useful_steps(config, cases, timings)


def largest_batch(config: Config, cases: Sequence[Extent], timings: Timings) -> int:
    """Patches of a step with which all passes are steps enough, or the smallest batch."""
    patches = MOST_PASSES * _patches_a_pass(config, cases, timings)
    return max(SMALLEST_BATCH, int(patches / STEPS_OF_PASSES))


def _patches_a_pass(config: Config, cases: Sequence[Extent], timings: Timings) -> float:
    """How many patches have as many voxels as a fold's training cases, without what is cropped."""
    folds, spacing = config.training.folds, config.preprocessing.spacing
    voxels = sum(math.prod(case.working_shape(spacing, timings.cropped)) for case in cases)
    return voxels * (folds - 1) / folds / math.prod(config.sampling.patch)
