"""What the panel edits, kept in the scene."""

from enum import Enum
from typing import Annotated

from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import Decimals, Default, SingleStep, WithinRange, parameterNodeWrapper

from DiNTSLib.device_choice import DeviceChoice

LARGEST_PATCH = 512  # voxels along an axis
MOST_ITERATIONS = 1_000_000


class Distribution(Enum):
    """How several folds are trained."""

    SEQUENCE = "sequence"
    GPUS = "gpus"

    def label(self):
        return {Distribution.SEQUENCE: _("One after the other"), Distribution.GPUS: _("One per GPU")}[self]


@parameterNodeWrapper
class DiNTSSearchParameters:
    """Choices of the four steps. Everything else is in the run's folder."""

    runFolder: str = ""
    openedFolder: str = ""  # the run folder whose settings the other parameters began with
    dataFolder: str = ""
    preset: str = ""  # "" derives the settings from the data
    folds: Annotated[int, WithinRange(2, 20)] = 5
    memoryBudget: Annotated[float, WithinRange(0.05, 1.0), SingleStep(0.05), Decimals(2), Default(0.8)]
    iterations: Annotated[int, WithinRange(1, MOST_ITERATIONS)] = 21000
    patchX: Annotated[int, WithinRange(4, LARGEST_PATCH)] = 96
    patchY: Annotated[int, WithinRange(4, LARGEST_PATCH)] = 96
    patchZ: Annotated[int, WithinRange(4, LARGEST_PATCH)] = 96
    device: DeviceChoice = DeviceChoice.AUTOMATIC
    distribution: Distribution = Distribution.SEQUENCE
    changes: dict[str, str]  # advanced settings that differ from those of the data or preset: {section.key: YAML}
    modelName: str = ""
    labelChanges: dict[str, str]  # of the model: {"1.name": text, "1.color": "#rrggbb", "1.terminology": entry}
    notes: str = ""
