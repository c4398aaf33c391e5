"""Typed settings: what there is (`sections`), how it is read (`values`), and the whole of them (`settings`)."""

from dints.config.sections import (
    AugmentationConfig,
    InferenceConfig,
    PreprocessingConfig,
    RaceConfig,
    SamplingConfig,
    SearchConfig,
    TaskConfig,
    TrainingConfig,
)
from dints.config.setting import Setting
from dints.config.settings import Config, all_settings, preset_names, preset_path, stated_keys

__all__ = [
    "AugmentationConfig",
    "Config",
    "InferenceConfig",
    "PreprocessingConfig",
    "RaceConfig",
    "SamplingConfig",
    "SearchConfig",
    "Setting",
    "TaskConfig",
    "TrainingConfig",
    "all_settings",
    "preset_names",
    "preset_path",
    "stated_keys",
]
