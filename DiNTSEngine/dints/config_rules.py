"""What a configuration of the right types must also fulfil, each rule with the sentence that a user reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dints.space.search_space import MAX_LEVELS

if TYPE_CHECKING:
    from dints.config import Config

LARGEST_LABEL = 2**16 - 1  # label files hold unsigned 16-bit integers at most
MOST_LABELS = 256  # class indices are stored in 8 bits

Rule = tuple[Callable[[Any], bool], str]

TASK_RULES: list[Rule] = [
    (lambda task: task.modality in ("CT", "MR"), "modality must be CT or MR"),
    (lambda task: len(task.channels) > 0, "channels must name at least one channel"),
    (lambda task: 0 in task.labels and len(task.labels) > 1, "labels must hold 0 and at least one other label"),
    (lambda task: min(task.labels) >= 0, "labels must not be negative"),
    (lambda task: max(task.labels) <= LARGEST_LABEL, f"labels must not exceed {LARGEST_LABEL}"),
    (lambda task: len(task.labels) <= MOST_LABELS, f"labels can name {MOST_LABELS} values at most"),
    (lambda task: task.tolerance >= 0, "tolerance must not be negative"),
]
PREPROCESSING_RULES: list[Rule] = [
    (lambda step: step.intensity in ("window", "zscore"), "intensity must be window or zscore"),
    (lambda step: min(step.spacing) > 0, "spacing must be positive"),
    (lambda step: step.window[0] < step.window[1], "window must be [low, high] with low < high"),
]
SAMPLING_RULES: list[Rule] = [
    (lambda sampling: 0 <= sampling.foreground_fraction <= 1, "foreground_fraction must lie between 0 and 1"),
]
AUGMENTATION_RULES: list[Rule] = [
    (lambda step: 0 <= step.flip_probability <= 1, "flip_probability must lie between 0 and 1"),
    (
        lambda step: sorted(set(step.flip_axes) & {0, 1, 2}) == sorted(step.flip_axes),
        "flip_axes must name some of the axes 0, 1 and 2, each once",
    ),
    (lambda step: 0 <= step.rotate90_probability <= 1, "rotate90_probability must lie between 0 and 1"),
    (lambda step: 0 <= step.affine_probability <= 1, "affine_probability must lie between 0 and 1"),
    (lambda step: 0 <= step.gamma_probability <= 1, "gamma_probability must lie between 0 and 1"),
    (lambda step: 0 < step.scale_range[0] <= step.scale_range[1], "scale_range must be [low, high], both positive"),
    (lambda step: 0 < step.gamma_range[0] <= step.gamma_range[1], "gamma_range must be [low, high], both positive"),
]
SCHEDULE_RULES: list[Rule] = [
    (lambda stage: stage.filters >= 2, "filters must be at least 2"),
    (lambda stage: stage.batch_size >= 1, "batch_size must be positive"),
    (lambda stage: stage.iterations >= 1, "iterations must be positive"),
    (lambda stage: stage.schedule_iterations >= 1, "schedule_iterations must be positive"),
    (lambda stage: stage.warmup >= 0, "warmup must not be negative"),
    (lambda stage: stage.checkpoint_every >= 1, "checkpoint_every must be positive"),
    (lambda stage: min(stage.learning_rate, stage.learning_rate_start) > 0, "learning rates must be positive"),
    (lambda stage: stage.gradient_norm > 0, "gradient_norm must be positive"),
]
SEARCH_RULES: list[Rule] = [
    *SCHEDULE_RULES,
    (lambda search: search.layers >= 1, "layers must be positive"),
    (lambda search: 1 <= search.levels <= MAX_LEVELS, f"levels must lie between 1 and {MAX_LEVELS}"),
    (lambda search: 0 < search.memory_budget <= 1, "memory_budget must lie between 0 and 1"),
]
TRAINING_RULES: list[Rule] = [
    *SCHEDULE_RULES,
    (lambda training: training.validate_every >= 1, "validate_every must be positive"),
    (lambda training: 0 <= training.validation_overlap < 1, "validation_overlap must be at least 0 and less than 1"),
    (lambda training: training.optimizer in ("sgd", "adamw"), "optimizer must be sgd or adamw"),
    (lambda training: training.schedule in ("milestones", "one_cycle"), "schedule must be milestones or one_cycle"),
    (lambda training: training.folds >= 2, "folds must be at least 2"),
]
INFERENCE_RULES: list[Rule] = [
    (lambda inference: 0 <= inference.overlap < 1, "overlap must be at least 0 and less than 1"),
    (lambda inference: inference.stride is None or min(inference.stride) >= 1, "stride must be positive"),
    (lambda inference: inference.batch_size >= 1, "batch_size must be positive"),
    (lambda inference: inference.vote in ("majority", "mean"), "vote must be majority or mean"),
]
RULES = {
    "task": TASK_RULES,
    "preprocessing": PREPROCESSING_RULES,
    "sampling": SAMPLING_RULES,
    "augmentation": AUGMENTATION_RULES,
    "search": SEARCH_RULES,
    "training": TRAINING_RULES,
    "inference": INFERENCE_RULES,
}


def patch_step(levels: int) -> int:
    """Patch edges must be multiples of this: the stem halves once, each further level again (Figure 2)."""
    return 2**levels


def broken_rule(config: Config) -> str | None:
    """The sentence of the first rule that does not hold, with its section; None if all hold."""
    for section, rules in RULES.items():
        for holds, sentence in rules:
            if not holds(getattr(config, section)):
                return f"{section}.{sentence}"
    step = patch_step(config.search.levels)
    if any(size % step or size < 2 * step for size in config.sampling.patch):  # one voxel cannot be normalised
        return f"sampling.patch must be multiples of {step} (2 to the power of search.levels), at least {2 * step}"
    if not set(config.inference.largest_component) <= set(config.task.labels):
        return "inference.largest_component must name declared labels"
    return None
