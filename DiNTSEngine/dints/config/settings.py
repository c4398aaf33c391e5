"""The whole configuration: read from YAML, overridden by `section.key=value`, checked.

An unknown key or a value of the wrong type fails and says which key was probably meant. PyYAML is imported where YAML
is read or written: Slicer, whose panels are made from the settings, gets it later than them.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from dints.config.ignored import IGNORED
from dints.config.scaling import misfit
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
from dints.config.setting import Setting, settings_of
from dints.config.values import merged, plain
from dints.errors import InputError, brief
from dints.files.storage import write_text

RIGHT_LEFT, FRONT_BACK = 0, 1  # axes of RAS volumes
PRESETS_FOLDER = Path(__file__).resolve().parents[1] / "presets"


@dataclass(frozen=True)
class Config:
    """All stages of one task. `load`, `save`, `with_overrides` and `from_mapping` are the ways in and out."""

    task: TaskConfig = field(default_factory=TaskConfig)
    preprocessing: PreprocessingConfig = field(default_factory=PreprocessingConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    race: RaceConfig = field(default_factory=RaceConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    inference: InferenceConfig = field(default_factory=InferenceConfig)

    @staticmethod
    def from_mapping(values: Mapping[str, Any], source: str = "configuration", base: Config | None = None) -> Config:
        """Config from nested mappings; what is not given comes from `base` (default: the paper's settings)."""
        config: Config = merged(base or Config(), values, source)
        fault = _fault(config)
        if fault:
            raise InputError(f"{source}: {fault}")
        return config

    @staticmethod
    def load(path: str | Path, base: Config | None = None) -> Config:
        """Reads a YAML file; a bare name such as "hippocampus" is a preset."""
        from dints.files.untrusted.yaml_text import parse_yaml

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
        from dints.files.plain_yaml import to_yaml

        write_text(path, to_yaml(self.to_mapping()))

    @property
    def mirrored_axes(self) -> tuple[int, ...]:
        """Axes along which the networks have seen mirrored images: R-L only where its labels can be exchanged."""
        axes = self.augmentation.flipped_axes()
        return axes if self.task.sides.mirrorable else tuple(axis for axis in axes if axis != RIGHT_LEFT)

    @property
    def search_only(self) -> list[str]:
        """The settings, "section.key=value", that mean nothing where an architecture is given in place of a search."""
        race, ablation = self.race.enabled, not self.search.topology_loss
        asking = {"race.enabled=true": race, "search.topology_loss=false": ablation}
        seconds = {"search": self.search.seconds, "race": self.race.seconds}
        asking |= {f"{name}.seconds={value:g}": value > 0 for name, value in seconds.items()}
        return [setting for setting, asks in asking.items() if asks]

    def to_mapping(self) -> dict[str, Any]:
        """Plain nested dicts and lists, as YAML and JSON hold them."""
        values: dict[str, Any] = plain(dataclasses.asdict(self))
        return values

    def with_overrides(self, overrides: Sequence[str]) -> Config:
        """A copy with `section.key=value` applied; values are read as YAML."""
        from dints.files.untrusted.yaml_text import parse_yaml

        values: dict[str, Any] = {}
        for override in overrides:
            key, text = parts_of(override)
            section, dot, name = key.partition(".")
            if not (dot and "=" in override):
                raise InputError(
                    f"{brief(override)}: expected section.key=value, for example search.iterations=2000; "
                    "`dints settings` lists all"
                )
            try:
                values.setdefault(section, {})[name] = parse_yaml(text)
            except ValueError as error:
                raise InputError(
                    f"{brief(override)}: {brief(text)} is not a valid value; quote it as in YAML"
                ) from error
        return Config.from_mapping(values, "override", self)


def parts_of(override: str) -> tuple[str, str]:
    """Key and value of `section.key=value`, as texts."""
    key, _, text = override.partition("=")
    return key.strip(), text.strip()


@cache
def all_settings() -> dict[str, Setting]:
    """What is known of every setting, by "section.key"."""
    return {
        f"{section.name}.{name}": known
        for section in dataclasses.fields(Config)
        for name, known in settings_of(section.default_factory).items()
    }


def _fault(config: Config) -> str | None:
    """What is wrong with the first setting that cannot be used; None if all can."""
    for key, known in all_settings().items():
        section, name = key.split(".")
        refusal = known.refusal(getattr(getattr(config, section), name))
        if refusal:
            return f"{key} {refusal}"
    return _conflict(config)


def _conflict(config: Config) -> str | None:
    """Which setting does not fit others; None if all do."""
    search, patch = config.search, list(config.sampling.patch)
    if max(search.delay) > search.levels:
        return f"search.delay must lie between 0 and search.levels, {search.levels}, not {max(search.delay)}"
    if not search.space.fits(patch):
        rule = search.space.size_rule
        return f"sampling.patch must be {rule} (by search.levels, search.finest and search.delay), not {patch}"
    if (stride := config.inference.stride) and any(map(operator.gt, stride, patch)):
        return f"inference.stride must not exceed sampling.patch, {patch}, on any axis, not {list(stride)}"
    own = config.preprocessing
    scaling = {"preprocessing.intensity": own.intensity, "preprocessing.window": own.window}
    if fault := misfit(scaling, len(config.task.channels) if config.task != TaskConfig() else None):
        return fault
    if both := set(config.task.ignored) & set(config.task.labels):
        return f"task.ignored must hold no value that is a label, not {min(both)}"
    if config.task.ignored and len(config.task.labels) > IGNORED:
        return f"task.labels must have {IGNORED} entries at most where task.ignored names others"
    if not set(config.inference.largest_component) <= set(config.task.labels):
        return f"inference.largest_component must name declared labels, {', '.join(map(str, config.task.labels))}"
    return None


def stated_keys(path: str | Path) -> set[str]:
    """The settings, "section.key", that a YAML file or preset names itself."""
    from dints.files.untrusted.yaml_text import parse_yaml

    Config.load(path)  # says what is wrong with it
    file = preset_path(path) if str(path) in preset_names() else Path(path)
    sections = parse_yaml(file.read_text(encoding="utf-8")) or {}
    return {f"{section}.{key}" for section, values in sections.items() for key in values}


def preset_names() -> list[str]:
    """Names of the presets that come with the engine."""
    return sorted(path.stem for path in PRESETS_FOLDER.glob("*.yaml"))


def preset_path(name: str | Path) -> Path:
    """File of a preset."""
    return PRESETS_FOLDER / f"{name}.yaml"
