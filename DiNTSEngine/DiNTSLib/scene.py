"""Volumes and segmentations from the scene to files and back. Main thread only.

Files are in the local coordinates of the nodes: what is imported is put under the reference volume's transform.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import vtk_to_numpy

from dints.data.segments import folded
from DiNTSLib.background import write, writeParts
from DiNTSLib.images import Layer, readLabels
from DiNTSLib.nrrd import nrrdParts
from DiNTSLib.terminology import SegmentStyle

BINARY_LABELMAP = "Binary labelmap"
SEGMENT_ID_PREFIX = "Segment_"  # before the value: what is shown of a label stays the same in all frames and results


def exportVolume(volumeNode: slicer.vtkMRMLScalarVolumeNode, path: str | Path, background: bool = False) -> None:
    """Writes a scalar volume as an uncompressed NRRD file, which is the quickest to write and to read.

    The node, its storage and its file stay as they are.

    Args:
        background: return at once and write on in a thread; a job with the file as its input waits for it.

    Raises:
        ValueError: as `volumeParts`.
    """
    (write if background else writeParts)(path, volumeParts(volumeNode))


def volumeParts(volumeNode: slicer.vtkMRMLScalarVolumeNode) -> tuple[bytes, memoryview]:
    """Header and voxels of a scalar volume as an NRRD file. The voxels are the node's own.

    Raises:
        ValueError: it has no voxels or more than one number a voxel.
    """
    if volumeNode.GetImageData() is None:
        raise ValueError(_("{name} has no voxels; load it again").format(name=volumeNode.GetName()))
    voxels = slicer.util.arrayFromVolume(volumeNode)
    if voxels.ndim != 3:
        raise ValueError(_("{name} is no scalar volume; choose one").format(name=volumeNode.GetName()))
    return nrrdParts(voxels, ijkToRas(volumeNode))


def segmentLayers(
    segmentationNode: slicer.vtkMRMLSegmentationNode,
    referenceVolume: slicer.vtkMRMLScalarVolumeNode,
    labels: Mapping[int, str],
) -> list[Layer]:
    """The segments as a thread can write them (`DiNTSLib.images.writeLabels`), in the coordinates of a volume.

    Args:
        labels: {value in the file: ID or name of the segment}; the ID where a name may be another segment's ID.

    Raises:
        ValueError: there is no such segment, it is placed by a transform that is not linear, or Slicer cannot make
            voxels of it.
    """
    if not segmentationNode.CreateBinaryLabelmapRepresentation():
        text = _("{node} holds segments of the kind “{kind}”, of which no voxels can be made; make it a labelmap first")
        kind = segmentationNode.GetSegmentation().GetSourceRepresentationName()
        raise ValueError(text.format(node=segmentationNode.GetName(), kind=kind))
    toVolume = vtk.vtkMatrix4x4()
    transforms = segmentationNode.GetParentTransformNode(), referenceVolume.GetParentTransformNode()
    if not slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(*transforms, toVolume):
        text = _("{node} is under a transform that is not linear; harden it first")
        raise ValueError(text.format(node=segmentationNode.GetName()))
    images: dict[slicer.vtkOrientedImageData, dict[int, int]] = {}  # segments that do not overlap share one
    for value, name in labels.items():
        segment = segmentationNode.GetSegmentation().GetSegment(_segmentId(segmentationNode, name))
        image = segment.GetRepresentation(BINARY_LABELMAP)
        if image is not None and image.GetPointData().GetScalars() is not None:  # else it is empty
            images.setdefault(image, {})[segment.GetLabelValue()] = value
    return [_layer(image, slicer.util.arrayFromVTKMatrix(toVolume), values) for image, values in images.items()]


def segmentIds(segmentationNode: slicer.vtkMRMLSegmentationNode) -> dict[str, str]:
    """{name: ID} in the order of the segments.

    Raises:
        ValueError: two have the same name but for its spelling, so that they would be one label.
    """
    segmentation = segmentationNode.GetSegmentation()
    found: dict[str, str] = {}
    spellings: set[str] = set()
    for number in range(segmentation.GetNumberOfSegments()):
        name = segmentation.GetNthSegment(number).GetName()
        if folded(name) in spellings:
            text = _("{node} has two segments {name}; join them, or give each a name of its own")
            raise ValueError(text.format(node=segmentationNode.GetName(), name=name))
        spellings.add(folded(name))
        found[name] = segmentation.GetNthSegmentID(number)
    return found


def importSegmentation(
    path: str | Path,
    segmentationNode: slicer.vtkMRMLSegmentationNode,
    styles: Mapping[int, SegmentStyle],
    referenceVolume: slicer.vtkMRMLScalarVolumeNode,
    names: Mapping[int, str] | None = None,
) -> None:
    """Replaces the segments of a node by those of a label image on the grid of a volume.

    Every label becomes a segment with its name, colour and terminology; one without voxels becomes an empty segment.
    The reference geometry is the volume's, and so is the parent transform.

    Args:
        styles: by value in the file, see `DiNTSLib.terminology.segmentStyles`.
        names: by value; what a file with named segments is read by.

    Raises:
        ValueError: the file cannot be read.
    """
    setSegments(segmentationNode, readLabels(path, names), styles, referenceVolume)


def setSegments(
    segmentationNode: slicer.vtkMRMLSegmentationNode,
    image: slicer.vtkOrientedImageData,
    styles: Mapping[int, SegmentStyle],
    referenceVolume: slicer.vtkMRMLScalarVolumeNode,
) -> None:
    """As `importSegmentation`, with the vtkOrientedImageData of `DiNTSLib.images.readLabels`."""
    hidden = hiddenSegments(segmentationNode)
    with slicer.util.NodeModify(segmentationNode):
        segmentation = segmentationNode.GetSegmentation()
        removeSegments(segmentation)
        segmentationNode.SetSourceRepresentationToBinaryLabelmap()
        segmentationNode.SetReferenceImageGeometryParameterFromVolumeNode(referenceVolume)
        for value, style in sorted(styles.items()):
            segmentation.AddSegment(_segment(image, value, style), f"{SEGMENT_ID_PREFIX}{value}")
        segmentationNode.SetAndObserveTransformNodeID(referenceVolume.GetTransformNodeID())
        segmentationNode.CreateDefaultDisplayNodes()
    setHiddenSegments(segmentationNode, hidden)


def hiddenSegments(segmentationNode: slicer.vtkMRMLSegmentationNode) -> set[tuple[str, str]]:
    """(ID, name) of the segments that are not shown."""
    segmentation, display = segmentationNode.GetSegmentation(), segmentationNode.GetDisplayNode()
    return {
        (identifier, segmentation.GetSegment(identifier).GetName())
        for identifier in segmentation.GetSegmentIDs()
        if display is not None and not display.GetSegmentVisibility(identifier)
    }


def setHiddenSegments(segmentationNode: slicer.vtkMRMLSegmentationNode, hidden: Set[tuple[str, str]]) -> None:
    """Shows all segments but those. Slicer hides the first one at the end of a `NodeModify` block in which segments
    were replaced by others with new IDs; this must come after it."""
    segmentation, display = segmentationNode.GetSegmentation(), segmentationNode.GetDisplayNode()
    for identifier in segmentation.GetSegmentIDs() if display is not None else ():
        name = segmentation.GetSegment(identifier).GetName()
        display.SetSegmentVisibility(identifier, (identifier, name) not in hidden)


def removeSegments(segmentation: slicer.vtkSegmentation) -> None:
    """Empties a vtkSegmentation. VTK takes an image that segments share apart before it removes one of them, which
    holds up the window for a second where the image is large; so the segments let go of it first."""
    for name in segmentation.GetSegmentIDs():
        segmentation.GetSegment(name).RemoveAllRepresentations()
    segmentation.RemoveAllSegments()


def importVolume(path: str | Path, name: str) -> slicer.vtkMRMLScalarVolumeNode:
    """Loads a file as a scalar volume node without showing it in the views.

    Raises:
        ValueError: the file cannot be read.
    """
    try:
        return slicer.util.loadVolume(str(path), {"name": name, "show": False})
    except RuntimeError as error:
        raise ValueError(_("{path} cannot be read: {reason}").format(path=path, reason=error)) from error


def addVolume(
    image: slicer.vtkOrientedImageData, name: str, window: tuple[float, float]
) -> slicer.vtkMRMLScalarVolumeNode:
    """A scalar volume node of what `DiNTSLib.images.readVolume` read, without showing it in the views.

    Args:
        window: values shown as black and as white; given, because finding them takes long.
    """
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().AutoWindowLevelOff()
    node.GetDisplayNode().SetWindowLevelMinMax(*window)
    matrix, voxels = vtk.vtkMatrix4x4(), vtk.vtkImageData()
    image.GetImageToWorldMatrix(matrix)
    voxels.SetDimensions(image.GetDimensions())
    voxels.GetPointData().ShallowCopy(image.GetPointData())
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveImageData(voxels)
    return node


def showAlone(volumeNode: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Shows a volume in the slice views, and hides the segmentations of others: views show all that are visible."""
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    for segmentationNode in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        source, display = segmentationNode.GetNodeReference(role), segmentationNode.GetDisplayNode()
        if source is not None and display is not None:
            display.SetVisibility(source is volumeNode)
    slicer.util.setSliceViewerLayers(background=volumeNode, fit=True)


def placeBeside(node: slicer.vtkMRMLNode, inputNode: slicer.vtkMRMLNode) -> None:
    """Puts a node under the parent of another in the subject hierarchy: into the same patient's study or folder."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    parent = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(inputNode))
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node), parent)


def _segmentId(segmentationNode: slicer.vtkMRMLSegmentationNode, name: str) -> str:
    segmentation = segmentationNode.GetSegmentation()
    found = name if segmentation.GetSegment(name) else segmentation.GetSegmentIdBySegmentName(name)
    if not found:
        text = _("{node} has no segment {name}; choose one that it has")
        raise ValueError(text.format(node=segmentationNode.GetName(), name=name))
    return found


def _layer(image: slicer.vtkOrientedImageData, toVolume: np.ndarray, values: Mapping[int, int]) -> Layer:
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
    return Layer(voxels, image.GetExtent()[::2], toVolume @ slicer.util.arrayFromVTKMatrix(matrix), values)


def _segment(image: slicer.vtkOrientedImageData, value: int, style: SegmentStyle) -> slicer.vtkSegment:
    """The voxels of one value; all segments share the image, which is quick and saves memory."""
    segment = slicer.vtkSegment()
    segment.SetName(style.name)
    segment.SetColor(*style.color)
    segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), style.terminology)
    segment.SetNameAutoGenerated(False)
    segment.SetColorAutoGenerated(False)
    segment.SetLabelValue(value)
    segment.AddRepresentation(BINARY_LABELMAP, image)
    return segment


def ijkToRas(volumeNode: slicer.vtkMRMLScalarVolumeNode) -> np.ndarray:
    """[4, 4]: from the indices (i, j, k) of a volume to millimetres, without its parent transform."""
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    toRas: np.ndarray = slicer.util.arrayFromVTKMatrix(matrix)
    return toRas
