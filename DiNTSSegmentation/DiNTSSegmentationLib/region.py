"""Where volumes and regions of interest lie, in voxels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from dints.errors import InputError
from DiNTSLib.scene import ijkToRas

TOLERANCE = 1e-3  # mm; files store directions with rounded digits
Voxel = tuple[int, int, int]


def voxelBox(roi: slicer.vtkMRMLMarkupsROINode, volume: slicer.vtkMRMLScalarVolumeNode) -> tuple[Voxel, Voxel]:
    """The first voxel (i, j, k) of the box around a region of interest and the one after the last.

    Raises:
        InputError: the region is nowhere in the volume.
    """
    corners = np.array([_toVoxels(point, volume) for point in _corners(roi)])
    size = volume.GetImageData().GetDimensions()
    # Voxel i reaches from i - 0.5 to i + 0.5.
    first = [max(0, math.floor(low + 0.5)) for low in corners.min(axis=0)]
    stop = [min(count, math.ceil(high + 0.5)) for high, count in zip(corners.max(axis=0), size, strict=True)]
    if any(low >= high for low, high in zip(first, stop, strict=True)):
        raise InputError(
            _("Region “{region}” lies outside of “{volume}”; move it or choose the whole volume.").format(
                region=roi.GetName(), volume=volume.GetName()
            )
        )
    return tuple(first), tuple(stop)


def rasGrid(volume: slicer.vtkMRMLScalarVolumeNode) -> tuple[Voxel, tuple[float, float, float]]:
    """(voxels, spacing in mm) along the axes nearest to Right, Anterior and Superior."""
    matrix = np.abs(_directions(volume))
    axes = [int(axis) for axis in matrix.argmax(axis=1)]
    size, spacing = volume.GetImageData().GetDimensions(), volume.GetSpacing()
    return tuple(size[axis] for axis in axes), tuple(spacing[axis] for axis in axes)


def sameGrid(volumes: Sequence[slicer.vtkMRMLScalarVolumeNode]) -> bool:
    """Whether all volumes have the same voxels at the same places, also under their transforms."""
    first, *others = volumes
    return all(
        first.GetImageData().GetDimensions() == other.GetImageData().GetDimensions()
        and _sameTransform(first, other)
        and np.allclose(ijkToRas(first), ijkToRas(other), atol=TOLERANCE)
        for other in others
    )


def _sameTransform(first: slicer.vtkMRMLScalarVolumeNode, other: slicer.vtkMRMLScalarVolumeNode) -> bool:
    transforms, between = (first.GetParentTransformNode(), other.GetParentTransformNode()), vtk.vtkMatrix4x4()
    if transforms[0] is transforms[1]:
        return True
    isLinear = slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(*transforms, between)
    return bool(isLinear) and np.allclose(slicer.util.arrayFromVTKMatrix(between), np.eye(4), atol=TOLERANCE)


def _corners(roi: slicer.vtkMRMLMarkupsROINode) -> list[list[float]]:
    """The eight corners in world coordinates."""
    matrix = slicer.util.arrayFromVTKMatrix(roi.GetObjectToWorldMatrix())
    half = [side / 2 for side in roi.GetSize()]
    points = (np.multiply(signs, half) for signs in itertools.product((-1, 1), repeat=3))
    return [(matrix @ [*point, 1])[:3].tolist() for point in points]


def _toVoxels(world: Sequence[float], volume: slicer.vtkMRMLScalarVolumeNode) -> np.ndarray:
    """World coordinates as (i, j, k) of a volume, which may be transformed."""
    transform = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(None, volume.GetParentTransformNode(), transform)
    local = transform.TransformPoint(world)
    ijk: np.ndarray = np.linalg.inv(ijkToRas(volume)) @ [*local, 1]
    return ijk[:3]


def _directions(volume: slicer.vtkMRMLScalarVolumeNode) -> np.ndarray:
    """Unit vectors of the axes i, j, k as columns."""
    columns = ijkToRas(volume)[:3, :3]
    units: np.ndarray = columns / np.linalg.norm(columns, axis=0)
    return units
