"""What a configuration of the right types must also fulfil, each rule with the sentence that a user reads.

The upper ends of the ranges lie far above what is sensible: they keep a stranger's configuration, such as that in a
model file, from asking for more memory than any computer has.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dints.space.search_space import FINEST, MAX_LAYERS, MAX_LEVELS

if TYPE_CHECKING:
    from dints.config import Config

LARGEST_LABEL = 2**16 - 1  # label files hold unsigned 16-bit integers at most
MOST_LABELS = 256  # class indices are stored in 8 bits
MOST_CHANNELS = 64
MOST_FILTERS = 512  # sixteen times the paper's
LARGEST_BATCH = 4096
LARGEST_PATCH = 512**3  # voxels; half a GiB a channel
LARGEST_STEP = 1e3  # mm
SMALLEST_STEP = 1e-6  # mm, a nanometre
LARGEST_SEED = 2**63 - 1

Range = tuple[float, float]
Rule = tuple[Callable[[Any], bool], str]

FRACTION = (0.0, 1.0)
ANY_POSITIVE = (1, math.inf)
NOT_NEGATIVE = (0, math.inf)

# What a number, or each of several, may be; both ends are allowed.
SCHEDULE_RANGES: dict[str, Range] = {
    "filters": (2, MOST_FILTERS),
    "batch_size": (1, LARGEST_BATCH),
    "iterations": ANY_POSITIVE,
    "schedule_iterations": ANY_POSITIVE,
    "warmup": NOT_NEGATIVE,
    "milestones": NOT_NEGATIVE,
    "decay": NOT_NEGATIVE,
    "momentum": FRACTION,
    "weight_decay": NOT_NEGATIVE,
    "checkpoint_every": ANY_POSITIVE,
    "seed": (0, LARGEST_SEED),
}
RANGES: dict[str, dict[str, Range]] = {
    "task": {"labels": (0, LARGEST_LABEL), "tolerance": NOT_NEGATIVE},
    "preprocessing": {"spacing": (SMALLEST_STEP, LARGEST_STEP)},
    "sampling": {"foreground_fraction": FRACTION},
    "augmentation": {
        "flip_probability": FRACTION,
        "rotate90_probability": FRACTION,
        "affine_probability": FRACTION,
        "gamma_probability": FRACTION,
        "rotation_degrees": (0, 180),
    },
    "search": {
        **SCHEDULE_RANGES,
        "layers": (1, MAX_LAYERS),
        "levels": (1, MAX_LEVELS),
        "weights_only": NOT_NEGATIVE,
        "architecture_learning_rate": NOT_NEGATIVE,
        "topology_weight": NOT_NEGATIVE,
    },
    "training": {
        **SCHEDULE_RANGES,
        "folds": (2, math.inf),
        "validate_every": ANY_POSITIVE,
        "validation_cases": NOT_NEGATIVE,
    },
    "inference": {"stride": ANY_POSITIVE, "batch_size": (1, LARGEST_BATCH)},
}

SCHEDULE_RULES: list[Rule] = [
    (
        lambda stage: min(stage.learning_rate, stage.learning_rate_start) > 0,
        "learning_rate and learning_rate_start must be positive",
    ),
    (lambda stage: stage.gradient_norm > 0, "gradient_norm must be positive"),
]
RULES: dict[str, list[Rule]] = {
    "task": [
        (lambda task: task.modality in ("CT", "MR"), "modality must be CT or MR"),
        (lambda task: 1 <= len(task.channels) <= MOST_CHANNELS, f"channels must name 1 to {MOST_CHANNELS} channels"),
        (lambda task: 0 in task.labels and len(task.labels) > 1, "labels must hold 0 and at least one other label"),
        (lambda task: len(task.labels) <= MOST_LABELS, f"labels can name {MOST_LABELS} values at most"),
    ],
    "preprocessing": [
        (lambda step: step.intensity in ("window", "zscore"), "intensity must be window or zscore"),
        (lambda step: step.window[0] < step.window[1], "window must be [low, high] with low < high"),
    ],
    "sampling": [
        (lambda step: math.prod(step.patch) <= LARGEST_PATCH, f"patch must not exceed {LARGEST_PATCH} voxels"),
    ],
    "augmentation": [
        (
            lambda step: sorted(set(step.flip_axes) & {0, 1, 2}) == sorted(step.flip_axes),
            "flip_axes must name some of the axes 0, 1 and 2, each once",
        ),
        (lambda step: 0 < step.scale_range[0] <= step.scale_range[1], "scale_range must be [low, high], both positive"),
        (lambda step: 0 < step.gamma_range[0] <= step.gamma_range[1], "gamma_range must be [low, high], both positive"),
    ],
    "search": [
        *SCHEDULE_RULES,
        (lambda search: search.finest in FINEST, "finest must be 1 or 2"),
        (
            lambda search: all(0 <= halvings <= search.levels for halvings in search.delay),
            "delay must be three whole numbers from 0 to search.levels",
        ),
        (lambda search: 0 < search.memory_budget <= 1, "memory_budget must lie between 0 and 1"),
    ],
    "training": [
        *SCHEDULE_RULES,
        (lambda step: 0 <= step.validation_overlap < 1, "validation_overlap must be at least 0 and less than 1"),
        (lambda training: training.optimizer in ("sgd", "adamw"), "optimizer must be sgd or adamw"),
        (lambda training: training.schedule in ("milestones", "one_cycle"), "schedule must be milestones or one_cycle"),
    ],
    "inference": [
        (lambda inference: 0 <= inference.overlap < 1, "overlap must be at least 0 and less than 1"),
        (lambda inference: inference.vote in ("majority", "mean"), "vote must be majority or mean"),
    ],
}


def broken_rule(config: Config) -> str | None:
    """The sentence of the first rule that does not hold, with its section; None if all hold."""
    for section, rules in RULES.items():
        stage = getattr(config, section)
        for name, (low, high) in RANGES[section].items():
            if not all(low <= number <= high for number in _numbers(getattr(stage, name))):
                return f"{section}.{name} must {_limits(low, high)}"
        for holds, sentence in rules:
            if not holds(stage):
                return f"{section}.{sentence}"
    space = config.search.space
    if not space.fits(config.sampling.patch):
        return f"sampling.patch must be {space.size_rule} (by search.levels, search.finest and search.delay)"
    if not set(config.inference.largest_component) <= set(config.task.labels):
        return "inference.largest_component must name declared labels"
    return None


def _numbers(value: Any) -> list[float]:
    """A number, several, the keys of a mapping, or nothing, as a list."""
    return [] if value is None else list(value) if isinstance(value, tuple | dict) else [value]


def _limits(low: float, high: float) -> str:
    return f"be at least {low}" if high == math.inf else f"lie between {low:.15g} and {high:.15g}"
