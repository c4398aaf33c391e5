"""What the panel edits, kept in the scene. Settings with a widget take what the engine takes: limits are its own."""

import json
from enum import Enum
from typing import Annotated, Any

from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import Decimals, SingleStep, parameterNodeWrapper

from dints.config import Config
from DiNTSLib.binding import WrappedParameters
from DiNTSLib.device_list import AUTOMATIC_DEVICE
from DiNTSLib.setting_parameters import standard, within

DECIMALS = 3  # of fractions in the widgets
WITH_WIDGETS = {  # settings, and the parameters that hold their values
    "training.folds": ("folds",),
    "search.memory_budget": ("memoryBudget",),
    "search.iterations": ("iterations",),
    "sampling.patch": ("patchX", "patchY", "patchZ"),
    "race.enabled": ("race",),
}


class Distribution(Enum):
    """How several folds are trained."""

    SEQUENCE = "sequence"
    GPUS = "gpus"

    def label(self) -> str:
        return {Distribution.SEQUENCE: _("One after the other"), Distribution.GPUS: _("One per GPU")}[self]


class TimeChoice(Enum):
    """How long a run may take; the values are the engine's words for hours."""

    QUARTER = "0.25"
    HOUR = "1"
    THREE_HOURS = "3"
    EIGHT_HOURS = "8"
    PAPER = "paper"

    def label(self) -> str:
        return {
            TimeChoice.QUARTER: _("15 minutes"),
            TimeChoice.HOUR: _("1 hour"),
            TimeChoice.THREE_HOURS: _("3 hours"),
            TimeChoice.EIGHT_HOURS: _("8 hours"),
            TimeChoice.PAPER: _("like the paper"),
        }[self]


@parameterNodeWrapper
class DiNTSSearchParameters(WrappedParameters):
    """Choices of the four steps. Everything else is in the run's folder."""

    runFolder: str = ""
    openedFolder: str = ""  # the run folder whose settings the other parameters began with
    dataFolder: str = ""
    preset: str = ""  # "" derives the settings from the data
    time: TimeChoice = TimeChoice.THREE_HOURS
    folds: Annotated[int, within("training.folds"), standard("training.folds")]
    memoryBudget: Annotated[
        float, within("search.memory_budget"), standard("search.memory_budget"), SingleStep(0.05), Decimals(DECIMALS)
    ]
    iterations: Annotated[int, within("search.iterations"), standard("search.iterations")]
    patchX: Annotated[int, within("sampling.patch"), standard("sampling.patch", 0)]
    patchY: Annotated[int, within("sampling.patch"), standard("sampling.patch", 1)]
    patchZ: Annotated[int, within("sampling.patch"), standard("sampling.patch", 2)]
    race: bool = False  # whether a race chooses among what the search proposes
    zoo: str = ""  # the architecture that is taken in place of a search; "" searches
    device: str = AUTOMATIC_DEVICE
    distribution: Distribution = Distribution.SEQUENCE
    changes: dict[str, str]  # advanced settings that differ from those of the data or preset: {section.key: YAML}
    modelName: str = ""
    labelChanges: dict[str, str]  # of the model: {"1.name": text, "1.color": "#rrggbb", "1.terminology": entry}
    notes: str = ""


def showSettings(parameters: DiNTSSearchParameters, settings: Config) -> None:
    """Puts settings into the widgets; what was changed before is forgotten."""
    parameters.changes = {}
    for key, names in WITH_WIDGETS.items():
        for name, value in zip(names, valuesOf(settings, key), strict=True):
            setattr(parameters, name, value)


def changedSettings(parameters: DiNTSSearchParameters, settings: Config) -> dict[str, str]:
    """What the user changed of the settings, {"section.key": YAML}, in widgets and table.

    Of a fraction, a widget shows some decimals only: one that looks the same was not changed.
    """
    changes = dict(parameters.changes)
    for key, names in WITH_WIDGETS.items():
        values = [_shown(getattr(parameters, name)) for name in names]
        if values != [_shown(value) for value in valuesOf(settings, key)]:
            changes[key] = json.dumps(values if len(values) > 1 else values[0])
    return changes


def valuesOf(settings: Config, key: str) -> list[Any]:
    """The value of a setting, or its entries."""
    section, name = key.split(".")
    value = getattr(getattr(settings, section), name)
    return list(value) if isinstance(value, tuple) else [value]


def _shown(value: object) -> object:
    return round(value, DECIMALS) if isinstance(value, float) else value
