"""Volumes and segmentations from the scene to files and back. Main thread only.

Files are in the local coordinates of the nodes: what is imported is put under the reference volume's transform.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from DiNTSLib.background import write, writeParts
from DiNTSLib.terminology import SegmentStyle

NRRD_TYPES = {
    "int8": "int8",
    "uint8": "uint8",
    "int16": "int16",
    "uint16": "uint16",
    "int32": "int32",
    "uint32": "uint32",
    "int64": "int64",
    "uint64": "uint64",
    "float32": "float",
    "float64": "double",
}  # NumPy's names of the types of voxels: NRRD's


def exportVolume(volumeNode, path: str | Path, background: bool = False) -> None:
    """Writes a scalar volume as an uncompressed NRRD file, which is the quickest to write and to read.

    The node, its storage and its file stay as they are.

    Args:
        background: return at once and write on in a thread; a job with the file as its input waits for it.

    Raises:
        ValueError: it has no voxels or more than one number a voxel.
    """
    if volumeNode.GetImageData() is None:
        raise ValueError(_("{name} has no voxels; load it again").format(name=volumeNode.GetName()))
    voxels = slicer.util.arrayFromVolume(volumeNode)
    if voxels.ndim != 3:
        raise ValueError(_("{name} is no scalar volume; choose one").format(name=volumeNode.GetName()))
    parts = _nrrd(voxels, _ijkToRas(volumeNode))
    (write if background else writeParts)(path, parts)


def exportSegmentation(segmentationNode, referenceVolume, path: str | Path, labels: Mapping[int, str]) -> None:
    """Writes segments as a label image on the grid of a volume.

    Args:
        labels: {value in the file: ID or name of the segment}. Where segments overlap the highest value wins.

    Raises:
        ValueError: there is no such segment.
    """
    highest = max(labels, default=0)
    voxels = np.zeros(slicer.util.arrayFromVolume(referenceVolume).shape, np.min_scalar_type(highest))
    segmentationNode.CreateBinaryLabelmapRepresentation()
    for value, name in sorted(labels.items()):
        segmentId = _segmentId(segmentationNode, name)
        if not _isEmpty(segmentationNode, segmentId):  # Slicer's function fails on empty segments
            mask = slicer.util.arrayFromSegmentBinaryLabelmap(segmentationNode, segmentId, referenceVolume)
            voxels[mask != 0] = value
    writeParts(path, _nrrd(voxels, _ijkToRas(referenceVolume)))


def importSegmentation(path: str | Path, segmentationNode, styles: Mapping[int, SegmentStyle], referenceVolume) -> None:
    """Replaces the segments of a node by those of a label image on the grid of a volume.

    Every label becomes a segment with its name, colour and terminology; one without voxels becomes an empty segment.
    The reference geometry is the volume's, and so is the parent transform.

    Args:
        styles: by value in the file, see `DiNTSLib.terminology.segmentStyles`.

    Raises:
        ValueError: the file cannot be read.
    """
    image = _cropped(_readLabels(path))
    with slicer.util.NodeModify(segmentationNode):
        segmentation = segmentationNode.GetSegmentation()
        segmentation.RemoveAllSegments()
        segmentationNode.SetSourceRepresentationToBinaryLabelmap()
        segmentationNode.SetReferenceImageGeometryParameterFromVolumeNode(referenceVolume)
        for value, style in sorted(styles.items()):
            segmentation.AddSegment(_segment(image, value, style))
        segmentationNode.SetAndObserveTransformNodeID(referenceVolume.GetTransformNodeID())
        segmentationNode.CreateDefaultDisplayNodes()


def importVolume(path: str | Path, name: str):
    """Loads a file as a scalar volume node without showing it in the views.

    Raises:
        ValueError: the file cannot be read.
    """
    try:
        return slicer.util.loadVolume(str(path), {"name": name, "show": False})
    except RuntimeError as error:
        raise ValueError(_("{path} cannot be read: {reason}").format(path=path, reason=error)) from error


def placeBeside(node, inputNode) -> None:
    """Puts a node under the parent of another in the subject hierarchy: into the same patient's study or folder."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    parent = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(inputNode))
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node), parent)


def _segmentId(segmentationNode, name: str) -> str:
    segmentation = segmentationNode.GetSegmentation()
    found = name if segmentation.GetSegment(name) else segmentation.GetSegmentIdBySegmentName(name)
    if not found:
        text = _("{node} has no segment {name}; choose one that it has")
        raise ValueError(text.format(node=segmentationNode.GetName(), name=name))
    return found


def _isEmpty(segmentationNode, segmentId: str) -> bool:
    image = slicer.vtkOrientedImageData()
    segmentationNode.GetBinaryLabelmapRepresentation(segmentId, image)
    return not slicer.vtkOrientedImageDataResample.CalculateEffectiveExtent(image, [0] * 6)


def _segment(image, value: int, style: SegmentStyle):
    """The voxels of one value; all segments share the image, which is quick and saves memory."""
    segment = slicer.vtkSegment()
    segment.SetName(style.name)
    segment.SetColor(*style.color)
    segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), style.terminology)
    segment.SetNameAutoGenerated(False)
    segment.SetColorAutoGenerated(False)
    segment.SetLabelValue(value)
    name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    segment.AddRepresentation(name, image)
    return segment


def _cropped(image):
    """The box of a label image that holds all labels; one voxel of it if there are none."""
    extent = [0] * 6
    if not slicer.vtkOrientedImageDataResample.CalculateEffectiveExtent(image, extent):
        extent = [0] * 6
    cropped = slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.CopyImage(image, cropped, extent)
    return cropped


def _readLabels(path: str | Path):
    """A label image as oriented image data, without a node in the scene."""
    storage, node = slicer.vtkMRMLVolumeArchetypeStorageNode(), slicer.vtkMRMLLabelMapVolumeNode()
    storage.SetFileName(str(path))
    storage.SetSingleFile(True)
    if not storage.ReadData(node) or node.GetImageData() is None:
        raise ValueError(_("{path} cannot be read as a label image").format(path=path))
    image = slicer.vtkOrientedImageData()
    image.ShallowCopy(node.GetImageData())
    image.SetImageToWorldMatrix(_matrix(node))
    return image


def _matrix(volumeNode):
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    return matrix


def _ijkToRas(volumeNode) -> np.ndarray:
    """[4, 4]"""
    return slicer.util.arrayFromVTKMatrix(_matrix(volumeNode))


def _nrrd(voxels: np.ndarray, ijkToRas: np.ndarray) -> tuple[bytes, memoryview]:
    """Header and content of a file of voxels [k, j, i], in NRRD's (and DICOM's) left-posterior-superior axes."""
    ijkToLps = np.diag([-1, -1, 1, 1]) @ ijkToRas
    vectors = [f"({','.join(repr(float(part)) for part in ijkToLps[:3, column])})" for column in range(4)]
    header = [
        "NRRD0004",
        f"type: {NRRD_TYPES[voxels.dtype.name]}",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(str(size) for size in reversed(voxels.shape))}",
        f"space directions: {' '.join(vectors[:3])}",
        "kinds: domain domain domain",
        f"endian: {'little' if voxels.dtype.newbyteorder('=') == voxels.dtype.newbyteorder('<') else 'big'}",
        "encoding: raw",
        f"space origin: {vectors[3]}",
    ]
    return ("\n".join(header) + "\n\n").encode("ascii"), np.ascontiguousarray(voxels).data
