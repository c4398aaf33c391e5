"""What a model file says of itself: `manifest.json`, readable without PyTorch."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dints.config import Config
from dints.errors import InputError, brief
from dints.model.lineage import ID_DIGITS, Lineage
from dints.zoo.catalogue import AnyDesign, design_from_mapping

FORMAT = 3  # raised when an older engine could no longer read the file: new settings are unknown to it
FILE_NAME = "manifest.json"
MOST_FOLDS = 100
LONGEST_NAME = 200  # characters of a weights' file within the model
COLOR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Fold:
    """The network of one fold: its weights' file and checksum, and its Dice a foreground class in cross-validation."""

    file: str
    sha256: str
    dice: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class LabelStyle:
    """How a label is shown: its colour, "#rrggbb", and its terminology entry as 3D Slicer writes it; "" if not chosen.

    Raises:
        InputError: the colour is none.
    """

    color: str = ""
    terminology: str = ""

    def __post_init__(self) -> None:
        if self.color and not COLOR.fullmatch(self.color):
            raise InputError(f"colour {brief(self.color)}: expected #rrggbb, such as #dd8265")


@dataclass(frozen=True)
class Manifest:
    """A model: what it segments, how its input is prepared, its networks, how it was made, and how results look."""

    config: Config
    architecture: AnyDesign
    folds: tuple[Fold, ...]
    notes: str = ""
    engine_version: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)  # cross-validation summary, cases, iterations
    styles: Mapping[int, LabelStyle] = field(default_factory=dict)  # by label; older files have none
    lineage: Lineage = field(default_factory=Lineage)  # older files have none

    @property
    def name(self) -> str:
        """The name that panels and `dints models` list."""
        return self.config.task.name

    @property
    def id(self) -> str:
        """16 hex digits of the weights' checksums; the same for the same weights."""
        return hashlib.sha256("".join(fold.sha256 for fold in self.folds).encode()).hexdigest()[:ID_DIGITS]

    @property
    def family(self) -> str:
        """The id of its first version."""
        return self.lineage.family or self.id

    @property
    def reference(self) -> dict[str, Any]:
        """How records name the model: its id, name and version."""
        return {"id": self.id, "name": self.name, "version": self.lineage.version}

    @property
    def safety_bound(self) -> Mapping[str, Any]:
        """`SafetyBound.to_mapping` of `dints.inference.safety_bound`, or the `reason` why there is none."""
        values = self.training.get("safety_bound")
        if not isinstance(values, Mapping):
            return {"reason": "it was not measured"}
        if "step" in values:  # of windows that were picked from all, which saved too little
            return {"reason": "it was measured for another first look; evaluate and export again"}
        return values

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "format": FORMAT,
            "engine_version": self.engine_version,
            "notes": self.notes,
            "config": self.config.to_mapping(),
            "architecture": self.architecture.to_mapping(),
            "folds": [asdict(fold) for fold in self.folds],
            "training": dict(self.training),
            "styles": {str(value): asdict(style) for value, style in self.styles.items()},
            "lineage": self.lineage.to_mapping(),
        }

    @staticmethod
    def from_mapping(values: Any, source: str) -> Manifest:
        """Reads and checks a manifest.

        Raises:
            InputError: it is none, was written by a newer engine, or lacks something.
        """
        if not isinstance(values, Mapping) or not _is_format(values.get("format")):
            raise InputError(f"{source}: is not a DiNTS model; choose a model file that this engine exported")
        if values["format"] > FORMAT:
            found = brief(values["format"])
            raise InputError(f"{source}: has model format {found}, this engine reads up to {FORMAT}; update the engine")
        try:
            folds = tuple(_fold(fold) for fold in values["folds"])
            config = Config.from_mapping(values["config"], source)
            architecture = _architecture(values["architecture"], config, source)
            training, styles = dict(values.get("training", {})), _styles(values.get("styles", {}), source)
            lineage = Lineage.from_mapping(values.get("lineage"), source)
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(f"{source}: the manifest is damaged ({brief(error)}); export the model again") from error
        if not 1 <= len(folds) <= MOST_FOLDS:
            raise InputError(
                f"{source}: has {len(folds)} networks instead of 1 to {MOST_FOLDS}; export the model again"
            )
        if len({fold.file for fold in folds}) < len(folds):
            raise InputError(f"{source}: has two networks in one file; export the model again")
        notes, version = str(values.get("notes", "")), str(values.get("engine_version", ""))
        return Manifest(config, architecture, folds, notes, version, training, styles, lineage)


def _is_format(value: Any) -> bool:
    """Whether this is the number of a format, old or new."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _fold(values: Mapping[str, Any]) -> Fold:
    """ValueError or TypeError if a fold is described by something else."""
    dice = tuple(None if score is None else float(score) for score in values.get("dice", ()))
    if not all(score is None or math.isfinite(score) for score in dice):
        raise ValueError(f"Dice {dice}")
    file, checksum = values["file"], values["sha256"]
    if not isinstance(file, str) or not isinstance(checksum, str) or len(file) > LONGEST_NAME:
        raise TypeError("file and sha256 must be short texts")
    return Fold(file, checksum, dice)


def _architecture(values: Any, config: Config, source: str) -> AnyDesign:
    try:
        architecture = design_from_mapping(values)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    if not architecture.fits(config.sampling.patch):
        raise InputError(
            f"{source}: its patch {config.sampling.patch} is not {architecture.size_rule}; export the model again"
        )
    return architecture


def _styles(values: Any, source: str) -> dict[int, LabelStyle]:
    try:
        return {
            int(value): LabelStyle(str(style.get("color", "")), str(style.get("terminology", "")))
            for value, style in values.items()
        }
    except (AttributeError, ValueError) as error:
        raise InputError(
            f"{source}: the labels' styles are damaged ({brief(error)}); export the model again"
        ) from error
