"""Typed settings: what there is (`settings`), what it may be (`rules`), and how it is read (`values`)."""

from dints.config.settings import (
    AugmentationConfig,
    Config,
    InferenceConfig,
    PreprocessingConfig,
    SamplingConfig,
    SearchConfig,
    TaskConfig,
    TrainingConfig,
    preset_names,
    preset_path,
)

__all__ = [
    "AugmentationConfig",
    "Config",
    "InferenceConfig",
    "PreprocessingConfig",
    "SamplingConfig",
    "SearchConfig",
    "TaskConfig",
    "TrainingConfig",
    "preset_names",
    "preset_path",
]
