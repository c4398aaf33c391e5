"""A case of the cross-validation in the scene: image, reference and prediction."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from DiNTSLib.scene import importSegmentation, importVolume, placeBeside, showAlone
from DiNTSLib.terminology import SegmentStyle, segmentStyles
from DiNTSSearchLib.opened_run import OpenedRun

CASE_ATTRIBUTE = "DiNTS.Case"  # of a node: the run and the file that it was loaded from


def openCase(
    run: OpenedRun, name: str, place: Sequence[float] | None = None
) -> tuple[slicer.vtkMRMLScalarVolumeNode, slicer.vtkMRMLSegmentationNode, slicer.vtkMRMLSegmentationNode]:
    """Shows a case; returns volume, reference and prediction. What was loaded before, and is the same, is not again.

    The reference is drawn as an outline, the prediction filled.

    Args:
        place: to which the slice views go, in mm (RAS).

    Raises:
        ValueError: a file is missing or cannot be read.
    """
    image, label, predicted = _files(run, name)
    task = run.requiredSettings.task
    styles = segmentStyles({v: text for v, text in task.labels.items() if v})
    made: list[slicer.vtkMRMLNode] = []

    def once(path: Path, load: Callable[[], slicer.vtkMRMLNode]) -> slicer.vtkMRMLNode:
        origin = f"{run.folder} {path} {os.stat(path).st_mtime_ns}"
        node = _loaded(origin)
        if node is None:
            node = load()
            made.append(node)
            node.SetAttribute(CASE_ATTRIBUTE, origin)
        return node

    try:
        volume = once(image, lambda: importVolume(image, name))
        title = _("{name} reference").format(name=name)
        reference = once(label, lambda: _segmentation(label, title, styles, volume, task.values))
        title = _("{name} prediction").format(name=name)
        prediction = once(predicted, lambda: _segmentation(predicted, title, styles, volume))
    except ValueError:
        for node in made:
            slicer.mrmlScene.RemoveNode(node)
        raise
    for segmentation in (reference, prediction):  # its volume may have been deleted and loaded again
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    reference.GetDisplayNode().SetVisibility2DFill(False)
    prediction.GetDisplayNode().SetVisibility2DOutline(False)
    showAlone(volume)
    if place is not None:
        jump = slicer.vtkMRMLSliceNode.CenteredJumpSlice
        slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *place, jump)
    return volume, reference, prediction


def _files(run: OpenedRun, name: str) -> tuple[Path, Path, Path]:
    """Image, reference and prediction; ValueError where one is not known or not there."""
    files = run.scores.cases[name] if run.scores else None
    if files is None or not files.images or files.label is None:
        raise ValueError(_("{name}: the scores do not name its image and label; evaluate again").format(name=name))
    found = (files.images[0], files.label, run.layout.prediction_file(name))
    for path in found:
        if not os.path.exists(path):  # also where it may not be looked for
            raise ValueError(_("{path} is no longer there; put it back or evaluate again").format(path=path))
    return found


def _loaded(origin: str) -> slicer.vtkMRMLNode | None:
    """The node that was loaded from there and is in the scene."""
    nodes = slicer.util.getNodesByClass("vtkMRMLDisplayableNode")
    return next((node for node in nodes if node.GetAttribute(CASE_ATTRIBUTE) == origin), None)


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
