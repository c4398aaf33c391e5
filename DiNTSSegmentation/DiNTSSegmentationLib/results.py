"""Results of the engine as nodes of the scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _
from vtk import vtkStringArray

from DiNTSLib.scene import importSegmentation, importVolume, placeBeside
from DiNTSLib.terminology import SegmentStyle
from DiNTSSegmentationLib.edits import markAsResult

STATISTICS_ROLE = (
    "DiNTS.Statistics"  # references from the segmentation, so that a second run replaces what a first made
)
DISAGREEMENT_ROLE = "DiNTS.Disagreement"
DISAGREEMENT_COLORS = "vtkMRMLColorTableNodeFileColdToHotRainbow.txt"
FULL_DISAGREEMENT = 100.0  # percent


@dataclass(frozen=True)
class ResultNodes:
    """IDs of the nodes that a case made; "" where there is none."""

    segmentation: str = ""
    disagreement: str = ""
    statistics: str = ""


def showSegmentation(path: Path, segmentation, styles: Mapping[int, SegmentStyle], volume) -> None:
    """Replaces what the node holds by the labels of a file."""
    importSegmentation(path, segmentation, styles, volume)
    placeBeside(segmentation, volume)
    markAsResult(segmentation)


def showDisagreement(path: Path, segmentation, volume) -> str:
    """The disagreement of the folds as a volume with a colour map from 0 to 100 percent; its ID."""
    previous = segmentation.GetNodeReference(DISAGREEMENT_ROLE)
    if previous is not None:
        slicer.mrmlScene.RemoveNode(previous)
    made = importVolume(path, _("{name} uncertainty").format(name=segmentation.GetName()))
    made.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    made.CreateDefaultDisplayNodes()
    display = made.GetDisplayNode()
    display.SetAndObserveColorNodeID(DISAGREEMENT_COLORS)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, FULL_DISAGREEMENT)
    placeBeside(made, volume)
    segmentation.SetNodeReferenceID(DISAGREEMENT_ROLE, made.GetID())
    return made.GetID()


def showStatistics(rows: Sequence[dict[str, Any]], segmentation, volume) -> str:
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
        table.RemoveAllColumns()
        for title, cells in columns.items():
            array = vtkStringArray()
            array.SetName(title)
            for cell in cells:
                array.InsertNextValue(cell)
            table.AddColumn(array)
    return table.GetID()
