"""A case of the cross-validation in the scene: image, reference and prediction."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from DiNTSLib.scene import importSegmentation, importVolume, placeBeside, showAlone
from DiNTSLib.terminology import SegmentStyle, segmentStyles
from DiNTSSearchLib.opened_run import OpenedRun


def openCase(
    run: OpenedRun, name: str, place: Sequence[float] | None = None
) -> tuple[slicer.vtkMRMLScalarVolumeNode, slicer.vtkMRMLSegmentationNode, slicer.vtkMRMLSegmentationNode]:
    """Loads a case and shows it; returns volume, reference and prediction.

    The reference is drawn as an outline, the prediction filled.

    Args:
        place: to which the slice views go, in mm (RAS).

    Raises:
        ValueError: a file is missing or cannot be read.
    """
    files = run.scores.cases[name] if run.scores else None
    if files is None or not files.images or files.label is None:
        raise ValueError(_("{name}: the scores do not name its image and label; evaluate again").format(name=name))
    image, label = files.images[0], files.label
    predicted = run.layout.prediction_file(name)
    for path in (image, label, predicted):
        if not os.path.exists(path):  # also where it may not be looked for
            raise ValueError(_("{path} is no longer there; put it back or evaluate again").format(path=path))
    task = run.requiredSettings.task
    volume, styles = importVolume(image, name), segmentStyles({v: text for v, text in task.labels.items() if v})
    made = [volume]
    try:
        made.append(_segmentation(label, _("{name} reference").format(name=name), styles, volume, task.values))
        made.append(_segmentation(predicted, _("{name} prediction").format(name=name), styles, volume))
    except ValueError:
        for node in made:
            slicer.mrmlScene.RemoveNode(node)
        raise
    reference, prediction = made[1:]
    reference.GetDisplayNode().SetVisibility2DFill(False)
    prediction.GetDisplayNode().SetVisibility2DOutline(False)
    showAlone(volume)
    if place is not None:
        jump = slicer.vtkMRMLSliceNode.CenteredJumpSlice
        slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *place, jump)
    return volume, reference, prediction


def _segmentation(
    path: Path,
    name: str,
    styles: Mapping[int, SegmentStyle],
    volume: slicer.vtkMRMLScalarVolumeNode,
    names: Mapping[int, str] | None = None,
) -> slicer.vtkMRMLSegmentationNode:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    try:
        importSegmentation(path, node, styles, volume, names)
    except ValueError:
        slicer.mrmlScene.RemoveNode(node)
        raise
    placeBeside(node, volume)
    return node
