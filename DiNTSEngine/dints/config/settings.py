"""Typed configuration: one frozen dataclass a stage, read from YAML, overridden by `section.key=value`.

The defaults are the paper's (sections 3.6 and 4.1). An unknown key or a value of the wrong type fails and says which
key was probably meant.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dints.config.rules import broken_rule
from dints.config.values import merged, plain
from dints.errors import InputError, brief
from dints.files.plain_yaml import parse_yaml
from dints.files.storage import write_text
from dints.geometry import Size, Vector
from dints.space.search_space import SearchSpace

PRESETS_FOLDER = Path(__file__).resolve().parents[1] / "presets"


@dataclass(frozen=True)
class TaskConfig:
    """What is segmented in which images."""

    name: str = "task"
    description: str = ""
    modality: str = "MR"  # "CT" or "MR"; chooses the default intensity scaling
    channels: tuple[str, ...] = ("image",)
    labels: dict[int, str] = field(default_factory=lambda: {0: "background", 1: "foreground"})  # value in file: name
    nested: bool = False  # labels nest (a tumour inside its organ): the largest component is taken of their union
    tolerance: float = 1.0  # mm, of the normalised surface distance


@dataclass(frozen=True)
class PreprocessingConfig:
    """From an image file to the network's input; see `dints.data.preprocessing`."""

    spacing: Vector = (1.0, 1.0, 1.0)  # mm, along the RAS axes (4.1: 1 mm isotropic)
    intensity: str = "zscore"  # "window" (CT: clip and scale to 0..1) or "zscore" (MR: of the non-zero voxels)
    window: tuple[float, float] = (-87.0, 199.0)  # Hounsfield units, for "window"
    crop_foreground: bool = True  # leave out the surrounding air


@dataclass(frozen=True)
class SamplingConfig:
    """The patches that the network sees."""

    patch: Size = (96, 96, 96)  # voxels
    foreground_fraction: float = 0.5  # of the patches, centred on a voxel of a random foreground label


@dataclass(frozen=True)
class AugmentationConfig:
    """Random changes of training patches; a probability of 0 switches one off (4.1)."""

    flip_probability: float = 0.5  # along each of the flipped axes
    flip_axes: tuple[int, ...] = (0, 1, 2)  # 0: R-L, 1: A-P, 2: S-I
    rotate90_probability: float = 0.5  # by 90, 180 or 270 degrees in the axial plane
    affine_probability: float = 0.3  # rotation in the axial plane and scaling together
    rotation_degrees: float = 15.0
    scale_range: tuple[float, float] = (0.85, 1.15)
    gamma_probability: float = 0.3
    gamma_range: tuple[float, float] = (0.7, 1.5)

    def flipped_axes(self) -> tuple[int, ...]:
        """Axes along which the networks have seen mirrored images."""
        return self.flip_axes if self.flip_probability > 0 else ()


@dataclass(frozen=True)
class SearchConfig:
    """The architecture search (3.6, 4.1).

    Iteration numbers refer to a run of `schedule_iterations`; one of `iterations` scales them.
    """

    layers: int = 12
    levels: int = 4
    finest: int = 2  # voxels of the working grid along one of the finest level: 2 as in the paper, 1 full resolution
    delay: Size = (0, 0, 0)  # halvings that each axis leaves out first; for thick slices
    filters: int = 16
    batch_size: int = 8
    iterations: int = 21000
    schedule_iterations: int = 21000
    warmup: int = 1000
    weights_only: int = 11000  # the architecture rests for so long
    milestones: tuple[int, ...] = (8000, 16000)  # after warm-up; the rate is multiplied by `decay`
    decay: float = 0.5
    learning_rate_start: float = 0.025
    learning_rate: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 4e-5
    gradient_norm: float = 12.0  # gradients are clipped to it; far above what healthy steps reach
    architecture_learning_rate: float = 0.008
    memory_budget: float = 0.8  # sigma of Eq. 10, fraction of the supernet's memory
    topology_weight: float = 0.001  # lambda of Eq. 11
    topology_loss: bool = True  # off for the ablation of 4.4.2
    checkpoint_every: int = 100  # iterations
    seed: int = 0

    @property
    def space(self) -> SearchSpace:
        """The search space that the settings describe."""
        return SearchSpace(self.layers, self.levels, self.finest, self.delay)


@dataclass(frozen=True)
class TrainingConfig:
    """Retraining of a searched architecture from random weights (4.1). Iterations scale as in the search."""

    filters: int = 32
    batch_size: int = 16
    iterations: int = 41000
    schedule_iterations: int = 41000
    warmup: int = 1000
    milestones: tuple[int, ...] = (8000, 16000, 24000, 32000)  # after warm-up
    decay: float = 0.5
    learning_rate_start: float = 0.025
    learning_rate: float = 0.2
    optimizer: str = "sgd"  # "sgd" (the paper's) or "adamw"
    schedule: str = "milestones"  # "milestones" (the paper's) or "one_cycle"
    momentum: float = 0.9
    weight_decay: float = 4e-5
    gradient_norm: float = 12.0
    folds: int = 5
    validate_every: int = 1000  # iterations
    validation_cases: int = 0  # how many of the fold's cases are used while training; 0 is all
    validation_overlap: float = 0.5  # of the windows while training; the evaluation uses inference.overlap
    checkpoint_every: int = 500  # iterations
    seed: int = 0


@dataclass(frozen=True)
class InferenceConfig:
    """Sliding window, ensemble and cleanup."""

    overlap: float = 0.625  # fraction of the patch; used where no stride is given
    stride: Size | None = None  # voxels; wins over `overlap`
    batch_size: int = 1  # windows at once
    mirror: bool = False  # average over the flips of the training: two, four or eight times the work
    vote: str = "majority"  # of the folds: "majority" or "mean" of their probabilities
    largest_component: tuple[int, ...] = ()  # label values that keep only their largest component


@dataclass(frozen=True)
class Config:
    """All stages of one task. `load`, `save`, `with_overrides` and `from_mapping` are the ways in and out."""

    task: TaskConfig = field(default_factory=TaskConfig)
    preprocessing: PreprocessingConfig = field(default_factory=PreprocessingConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    inference: InferenceConfig = field(default_factory=InferenceConfig)

    @staticmethod
    def from_mapping(values: Mapping[str, Any], source: str = "configuration", base: Config | None = None) -> Config:
        """Config from nested mappings; what is not given comes from `base` (default: the paper's settings)."""
        config = merged(base or Config(), values, source)
        broken = broken_rule(config)
        if broken:
            raise InputError(f"{source}: {broken}")
        return config

    @staticmethod
    def load(path: str | Path, base: Config | None = None) -> Config:
        """Reads a YAML file; a bare name such as "hippocampus" is a preset."""
        path = preset_path(path) if str(path) in preset_names() else Path(path)
        try:
            values = parse_yaml(path.read_text(encoding="utf-8"))
        except OSError as error:
            known = ", ".join(preset_names())
            raise InputError(
                f"{path}: cannot be read ({error.strerror}); give a YAML file or one of {known}"
            ) from error
        except ValueError as error:
            raise InputError(f"{path}: is not valid YAML ({error}); correct the file") from error
        return Config.from_mapping({} if values is None else values, str(path), base)

    def save(self, path: str | Path) -> None:
        """Writes every value as YAML, atomically."""
        write_text(path, yaml.safe_dump(self.to_mapping(), sort_keys=False, allow_unicode=True))

    def to_mapping(self) -> dict[str, Any]:
        """Plain nested dicts and lists, as YAML and JSON hold them."""
        return plain(dataclasses.asdict(self))

    def with_overrides(self, overrides: Sequence[str]) -> Config:
        """A copy with `section.key=value` applied; values are read as YAML."""
        values: dict[str, Any] = {}
        for override in overrides:
            key, equals, text = override.partition("=")
            section, dot, name = key.strip().partition(".")
            if not (equals and dot):
                raise InputError(f"{brief(override)}: expected section.key=value, for example search.iterations=2000")
            try:
                values.setdefault(section, {})[name] = parse_yaml(text)
            except ValueError as error:
                raise InputError(
                    f"{brief(override)}: {brief(text)} is not a valid value; quote it as in YAML"
                ) from error
        return Config.from_mapping(values, "override", self)


def preset_names() -> list[str]:
    """Names of the presets that come with the engine."""
    return sorted(path.stem for path in PRESETS_FOLDER.glob("*.yaml"))


def preset_path(name: str | Path) -> Path:
    """File of a preset."""
    return PRESETS_FOLDER / f"{name}.yaml"
