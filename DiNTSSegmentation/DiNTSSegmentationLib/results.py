"""Results of the engine as nodes of the scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _
from vtk import vtkStringArray

from DiNTSLib.images import readLabels, readVolume
from DiNTSLib.scene import addVolume, placeBeside, setSegments
from DiNTSSegmentationLib.cases import Settings
from DiNTSSegmentationLib.edits import checksum, markAsResult

# References from the segmentation, so that a second run replaces what a first made.
STATISTICS_ROLE, DISAGREEMENT_ROLE = "DiNTS.Statistics", "DiNTS.Disagreement"
MODEL_ATTRIBUTE = "DiNTS.Model"  # of a segmentation: the file name of the model that made it
DISAGREEMENT_COLORS = "vtkMRMLColorTableNodeFileColdToHotRainbow.txt"
FULL_DISAGREEMENT = 100.0  # percent


@dataclass(frozen=True)
class ResultImages:
    """What a case left on the disk, as vtkOrientedImageData."""

    labels: slicer.vtkOrientedImageData
    disagreement: slicer.vtkOrientedImageData | None = None


def readResults(labels: Path, disagreement: Path | None) -> ResultImages:
    """Reads the files of a result, in a thread.

    Raises:
        ValueError: one of them cannot be read.
    """
    images = ResultImages(readLabels(labels), readVolume(disagreement) if disagreement else None)
    checksum(images.labels)  # for `markAsResult`
    return images


def showSegmentation(
    images: ResultImages,
    segmentation: slicer.vtkMRMLSegmentationNode,
    settings: Settings,
    volume: slicer.vtkMRMLScalarVolumeNode,
) -> None:
    """Replaces what the node holds by the result."""
    setSegments(segmentation, images.labels, settings.styles, volume)
    segmentation.SetAttribute(MODEL_ATTRIBUTE, Path(settings.model).name)
    markAsResult(segmentation)


def resultFor(volume: slicer.vtkMRMLScalarVolumeNode, model: str) -> slicer.vtkMRMLSegmentationNode | None:
    """A segmentation of a volume that this module made with a model; None if there is none."""
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    for segmentation in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        isOfModel = segmentation.GetAttribute(MODEL_ATTRIBUTE) == Path(model).name
        if isOfModel and segmentation.GetNodeReference(role) is volume:
            return segmentation
    return None


def showDisagreement(
    images: ResultImages, segmentation: slicer.vtkMRMLSegmentationNode, volume: slicer.vtkMRMLScalarVolumeNode
) -> str:
    """The disagreement of the folds as a volume with a colour map from 0 to 100 percent; its ID.

    Where it was not computed, which the engine marks by a value above, nothing is shown.
    """
    previous = segmentation.GetNodeReference(DISAGREEMENT_ROLE)
    if previous is not None:
        slicer.mrmlScene.RemoveNode(previous)
    name = _("{name} uncertainty").format(name=segmentation.GetName())
    made = addVolume(images.disagreement, name, (0.0, FULL_DISAGREEMENT))
    made.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    made.GetDisplayNode().SetAndObserveColorNodeID(DISAGREEMENT_COLORS)
    made.GetDisplayNode().SetThreshold(0.0, FULL_DISAGREEMENT)
    made.GetDisplayNode().ApplyThresholdOn()
    placeBeside(made, volume)
    segmentation.SetNodeReferenceID(DISAGREEMENT_ROLE, made.GetID())
    identifier: str = made.GetID()
    return identifier


def showStatistics(
    rows: Sequence[dict[str, Any]], segmentation: slicer.vtkMRMLSegmentationNode, volume: slicer.vtkMRMLScalarVolumeNode
) -> str:
    """A table of volume, surface and mean intensity of each segment; its ID."""
    table = segmentation.GetNodeReference(STATISTICS_ROLE)
    if table is None:
        name = _("{name} statistics").format(name=segmentation.GetName())
        table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
        segmentation.SetNodeReferenceID(STATISTICS_ROLE, table.GetID())
        placeBeside(table, volume)
    columns = {
        _("Segment"): [row["name"] for row in rows],
        _("Volume [ml]"): [f"{row['volume']:.2f}" for row in rows],
        _("Surface [cm²]"): [f"{row['surface']:.2f}" for row in rows],
        _("Mean"): ["" if row["mean"] is None else f"{row['mean']:.1f}" for row in rows],
    }
    with slicer.util.NodeModify(table):
        table.SetUseColumnTitleAsColumnHeader(True)
        table.RemoveAllColumns()
        for title, cells in columns.items():
            array = vtkStringArray()
            array.SetName(title)
            for cell in cells:
                array.InsertNextValue(cell)
            table.AddColumn(array)
    identifier: str = table.GetID()
    return identifier
