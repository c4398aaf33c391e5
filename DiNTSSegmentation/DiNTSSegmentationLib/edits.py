"""Whether a segmentation still is what this module made, or somebody worked on it since."""

from __future__ import annotations

import zlib

import slicer
from vtk.util.numpy_support import vtk_to_numpy

ATTRIBUTE = "DiNTS.Fingerprint"  # of the segmentation node; saved with the scene


def markAsResult(segmentation: slicer.vtkMRMLSegmentationNode) -> None:
    """Remembers the present contents as a result of this module."""
    segmentation.SetAttribute(ATTRIBUTE, fingerprint(segmentation))


def holdsWork(segmentation: slicer.vtkMRMLSegmentationNode) -> bool:
    """Whether replacing the contents would lose more than a result of this module."""
    if segmentation.GetSegmentation().GetNumberOfSegments() == 0:
        return False
    return segmentation.GetAttribute(ATTRIBUTE) != fingerprint(segmentation)


def fingerprint(segmentation: slicer.vtkMRMLSegmentationNode) -> str:
    """Of segments and voxels. Names, colours and visibility may change without loss."""
    segments = segmentation.GetSegmentation()
    representation = segments.GetSourceRepresentationName()
    checksum, seen = 0, set()
    for number in range(segments.GetNumberOfSegments()):
        segment = segments.GetNthSegment(number)
        data = segment.GetRepresentation(representation)
        if data is None or not data.IsA("vtkImageData"):
            return f"{representation} {segments.GetNumberOfSegments()}"  # e.g. surfaces, which never are a result
        checksum = zlib.crc32(f"{segment.GetLabelValue()} {data.GetExtent()}".encode(), checksum)
        scalars = data.GetPointData().GetScalars()
        if scalars is not None and data not in seen:  # segments that do not overlap share one image
            seen.add(data)
            checksum = zlib.crc32(vtk_to_numpy(scalars), checksum)
    return f"{representation} {segments.GetNumberOfSegments()} {checksum:08x}"
