"""What tests read off the scene."""

from __future__ import annotations

from typing import Any

import numpy as np


def segments_of(segmentation: Any) -> dict[str, int]:
    """{name: voxels}"""
    import slicer

    found = segmentation.GetSegmentation()
    return {
        found.GetSegment(name).GetName(): int(
            (slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, name) > 0).sum()
        )
        for name in found.GetSegmentIDs()
    }


def hidden_segments_of(segmentation: Any) -> list[str]:
    """Names of the segments that the views do not show."""
    found, display = segmentation.GetSegmentation(), segmentation.GetDisplayNode()
    return [
        found.GetSegment(name).GetName() for name in found.GetSegmentIDs() if not display.GetSegmentVisibility(name)
    ]


def has_grid_of(segmentation: Any, volume: Any) -> bool:
    """Whether the segmentation's reference geometry is the volume's grid."""
    import slicer
    import vtk

    image, matrix, expected = slicer.vtkOrientedImageData(), vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    text = segmentation.GetSegmentation().GetConversionParameter("Reference image geometry")
    slicer.vtkSegmentationConverter.DeserializeImageGeometry(text, image, False)
    image.GetImageToWorldMatrix(matrix)
    volume.GetIJKToRASMatrix(expected)
    arrays = [slicer.util.arrayFromVTKMatrix(entry) for entry in (matrix, expected)]
    return np.allclose(*arrays, atol=1e-4) and image.GetDimensions() == volume.GetImageData().GetDimensions()


def labels_on(segmentation: Any, volume: Any) -> np.ndarray:
    """Which voxels of a volume are in any segment: bool [k, j, i]."""
    import slicer

    masks = [
        slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, name, volume) > 0
        for name in segmentation.GetSegmentation().GetSegmentIDs()
    ]
    return np.logical_or.reduce(masks)


def node(identifier: str) -> Any:
    """By its ID; None if there is none."""
    import slicer

    return slicer.mrmlScene.GetNodeByID(identifier)
