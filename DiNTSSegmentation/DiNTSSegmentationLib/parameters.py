"""What the panel edits and the scene keeps."""

from enum import Enum
from typing import Annotated, Any, Optional

import slicer
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import parameterNodeWrapper

from DiNTSLib.binding import WrappedParameters
from DiNTSLib.device_list import AUTOMATIC_DEVICE
from DiNTSLib.setting_parameters import standard, within
from DiNTSSegmentationLib.models import ModelEntry

AUTOMATIC, ON, OFF = "auto", "on", "off"  # choices of a label's cleanup
CLEANUP_CHOICES = (AUTOMATIC, ON, OFF)


class Quality(Enum):
    """How much work goes into a result; `options` are the engine's for it."""

    QUICK = "quick"
    STANDARD = "standard"
    BEST = "best"

    def label(self) -> str:
        return {
            "quick": _("Quick: one network"),
            "standard": _("Standard: all networks"),
            "best": _("Best: all, mirrored"),
        }[self.value]

    def options(self) -> dict[str, Any]:
        """Options of `Predictor.predict`; what is not there is the model's own setting."""
        options: dict[str, dict[str, Any]] = {
            "quick": {"folds": [0], "overlap": 0.25, "mirror": False},
            "standard": {"mirror": False},
            "best": {"mirror": True, "exhaustive": True},
        }
        return options[self.value]


class Vote(Enum):
    """How the networks agree."""

    MODEL = "model"
    MAJORITY = "majority"
    MEAN = "mean"

    def label(self) -> str:
        return {
            "model": _("As the model says"),
            "majority": _("Majority"),
            "mean": _("Mean probability"),
        }[self.value]


class Source(Enum):
    """What a batch segments."""

    SCENE = "scene"
    FOLDER = "folder"

    def label(self) -> str:
        return {"scene": _("The scene's volumes"), "folder": _("A folder's images")}[self.value]


# Optional[...] and not `... | None`: Slicer 5.8's wrapper takes no `|`.
@parameterNodeWrapper
class SegmentationParameters(WrappedParameters):
    """The typed parameter node of DiNTSSegmentation.

    model: file name in the models folder. volumes: one a channel of the model. cleanup: label name to "on" or "off"
    where the largest component is not to be kept as the model says.
    """

    model: str
    volumes: list[slicer.vtkMRMLScalarVolumeNode]
    allFrames: bool = False
    region: Optional[slicer.vtkMRMLMarkupsROINode]  # noqa: UP045
    segmentation: Optional[slicer.vtkMRMLSegmentationNode]  # noqa: UP045
    disagreement: bool = False
    statistics: bool = True
    quality: Quality = Quality.STANDARD
    device: str = AUTOMATIC_DEVICE
    vote: Vote = Vote.MODEL
    batchSize: Annotated[int, within("inference.batch_size"), standard("inference.batch_size")]
    cleanup: dict[str, str]
    batchSource: Source = Source.SCENE
    inputFolder: str
    outputFolder: str
    dataSet: str
    scans: str


def engineOptions(parameters: SegmentationParameters, model: ModelEntry) -> dict[str, Any]:
    """The advanced settings in the engine's words."""
    options: dict[str, Any] = {"batch_size": parameters.batchSize}
    if parameters.vote is not Vote.MODEL:
        options["vote"] = parameters.vote.value
    cleanup = dict(parameters.cleanup)
    choices = {value: cleanup.get(name, AUTOMATIC) for value, name in model.labels}
    if any(choice != AUTOMATIC for choice in choices.values()):
        options["largest_component"] = [
            value
            for value, choice in choices.items()
            if choice == ON or (choice == AUTOMATIC and value in model.cleaned)
        ]
    return options
