"""Whether a segmentation still is what this module made, or somebody worked on it since; and what it was before."""

from __future__ import annotations

import zlib

import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from DiNTSLib.scene import hiddenSegments, removeSegments, setHiddenSegments

ATTRIBUTE = "DiNTS.Fingerprint"  # of the segmentation node; saved with the scene
MOST_CHECKSUMS = 1000  # that are remembered

_checksums: dict[int, int] = {}  # by an image's modification time, which no two states of any image share


def markAsResult(segmentation: slicer.vtkMRMLSegmentationNode) -> None:
    """Remembers the present contents as a result of this module."""
    segmentation.SetAttribute(ATTRIBUTE, fingerprint(segmentation))


def holdsWork(segmentation: slicer.vtkMRMLSegmentationNode) -> bool:
    """Whether replacing the contents would lose more than a result of this module."""
    if segmentation.GetSegmentation().GetNumberOfSegments() == 0:
        return False
    return bool(segmentation.GetAttribute(ATTRIBUTE) != fingerprint(segmentation))


def fingerprint(segmentation: slicer.vtkMRMLSegmentationNode) -> str:
    """Of segments and voxels. Names, colours and visibility may change without loss."""
    segments = segmentation.GetSegmentation()
    representation = segments.GetSourceRepresentationName()
    parts = [representation]
    for number in range(segments.GetNumberOfSegments()):
        segment = segments.GetNthSegment(number)
        data = segment.GetRepresentation(representation)
        if data is None or not data.IsA("vtkImageData"):
            return f"{representation} {segments.GetNumberOfSegments()}"  # e.g. surfaces, which never are a result
        parts.append(f"{segment.GetLabelValue()} {data.GetExtent()} {checksum(data):08x}")
    return f"{representation} {segments.GetNumberOfSegments()} {zlib.crc32(' '.join(parts).encode()):08x}"


def checksum(image: vtk.vtkImageData) -> int:
    """Of the voxels of a vtkImageData; computed once for each state of an image. May be called in a thread."""
    time = image.GetMTime()
    if time not in _checksums:
        scalars = image.GetPointData().GetScalars()
        if len(_checksums) >= MOST_CHECKSUMS:
            _checksums.clear()
        _checksums[time] = zlib.crc32(vtk_to_numpy(scalars)) if scalars is not None else 0
    return _checksums[time]


class Contents:
    """What a segmentation holds now, to bring it back in one step. Voxels and surfaces are kept, not copied: the next
    result brings its own."""

    def __init__(self, segmentation: slicer.vtkMRMLSegmentationNode) -> None:
        segments = segmentation.GetSegmentation()
        self.nodeId = segmentation.GetID()
        self._hidden = hiddenSegments(segmentation)
        self._segments = [(name, _sharingCopy(segments.GetSegment(name))) for name in segments.GetSegmentIDs()]
        self._representation = segments.GetSourceRepresentationName()
        self._fingerprint = segmentation.GetAttribute(ATTRIBUTE)
        self._transformId = segmentation.GetTransformNodeID()
        self._geometry = segments.GetConversionParameter(_geometryParameter())

    def restore(self) -> None:
        """Nothing happens if the node was deleted."""
        segmentation = slicer.mrmlScene.GetNodeByID(self.nodeId)
        if segmentation is None:
            return
        with slicer.util.NodeModify(segmentation):
            segments = segmentation.GetSegmentation()
            removeSegments(segments)
            segments.SetSourceRepresentationName(self._representation)
            segments.SetConversionParameter(_geometryParameter(), self._geometry)
            for name, segment in self._segments:
                segments.AddSegment(segment, name)
            segmentation.SetAndObserveTransformNodeID(self._transformId)
            segmentation.SetAttribute(ATTRIBUTE, self._fingerprint)
        setHiddenSegments(segmentation, self._hidden)


def _sharingCopy(segment: slicer.vtkSegment) -> slicer.vtkSegment:
    """A segment of its own with the same voxels and surfaces."""
    copy = slicer.vtkSegment()
    names: list[str] = []
    copy.DeepCopyMetadata(segment)
    segment.GetContainedRepresentationNames(names)
    for name in names:
        copy.AddRepresentation(name, segment.GetRepresentation(name))
    return copy


def _geometryParameter() -> str:
    name: str = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    return name
