"""Where the voxels of an image lie in the patient: its grid, compared with others and with what scanners can make."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from dints.errors import InputError

GEOMETRY_TOLERANCE = 0.1  # voxels; rounded headers stay far below it, half a voxel already harms a small label
NOTICEABLE = 1e-4  # relative; a difference of headers that is worth naming
SPACING_RANGE = (1e-6, 1e3)  # mm: from a nanometre to a metre
SMALLEST_DETERMINANT = 0.1  # of the axes' directions; a gantry tilted by 30 degrees has 0.87
RIGHT_ANGLE_TOLERANCE = 0.01  # cosine between two axes of a grid
WORLD = 3  # dimensions of the patient; further axes of an image are time points or channels

Affine = NDArray[np.float64]  # [4, 4], from voxel indices to mm in LPS


def refuse_impossible_geometry(path: Path, image: sitk.Image) -> None:
    """InputError if the volume lies nowhere, in a plane, or has voxels of a size that no scanner makes."""
    spacing, low, high = image.GetSpacing()[:WORLD], *SPACING_RANGE
    if not all(low <= step <= high for step in spacing):
        steps = " x ".join(f"{step:g}" for step in spacing)
        raise InputError(f"{path}: has voxels of {steps} mm; correct the spacing in the file")
    axes = _axes(image)
    if not np.isfinite([*image.GetOrigin()[:WORLD], *axes.ravel()]).all():
        raise InputError(f"{path}: has an origin or axes that are no numbers; correct its header or export it again")
    if abs(np.linalg.det(axes)) < SMALLEST_DETERMINANT:
        raise InputError(f"{path}: has axes that lie in one plane; correct its header or export it again")


def is_slanted(image: sitk.Image) -> bool:
    """Whether some of the image's axes are not at right angles."""
    axes = _axes(image)
    return bool(np.abs(axes.T @ axes - np.eye(len(axes))).max() > RIGHT_ANGLE_TOLERANCE)


def geometry_difference(first: sitk.Image, second: sitk.Image, tolerance: float = GEOMETRY_TOLERANCE) -> str:
    """How the grid of `second` differs from that of `first`: "its size is ... instead of ...", or "" if it does not.

    Grids agree when they have the same size and their corners lie within `tolerance` voxels of each other.
    """
    if first.GetSize() != second.GetSize():
        return f"its size is {_numbers(second.GetSize())} instead of {_numbers(first.GetSize())}"
    distance = max(math.dist(*pair) for pair in zip(_corners(first), _corners(second), strict=True))
    if distance <= tolerance * min(first.GetSpacing()):
        return ""
    for name in ("Spacing", "Direction", "Origin"):
        expected, found = getattr(first, f"Get{name}")(), getattr(second, f"Get{name}")()
        if not np.allclose(expected, found, rtol=NOTICEABLE, atol=NOTICEABLE):
            return f"its {name.lower()} is {_numbers(found)} instead of {_numbers(expected)}"
    return f"its corners lie up to {distance:.3g} mm away"


def affine_of(image: sitk.Image) -> Affine:
    """From indices along the first three axes to mm."""
    affine = np.eye(WORLD + 1)
    affine[:WORLD, :WORLD] = _axes(image) * image.GetSpacing()[:WORLD]
    affine[:WORLD, WORLD] = image.GetOrigin()[:WORLD]
    return affine


def set_affine(image: sitk.Image, affine: Affine) -> None:
    """Moves the first three axes of an image to where `affine` says."""
    more = image.GetDimension() - WORLD
    spacing = np.linalg.norm(affine[:WORLD, :WORLD], axis=0)
    direction = np.eye(image.GetDimension())
    direction[:WORLD, :WORLD] = affine[:WORLD, :WORLD] / spacing
    image.SetSpacing([*spacing.tolist(), *image.GetSpacing()[WORLD:]])
    image.SetOrigin([*affine[:WORLD, WORLD].tolist(), *([0.0] * more)])
    image.SetDirection(direction.ravel().tolist())


def corner_distance(first: Affine, second: Affine, size: Sequence[int]) -> float:
    """The largest distance in mm between the corners of a grid of `size` voxels that two maps place."""
    corners = np.array([[x, y, z, 1] for x in (0, size[0] - 1) for y in (0, size[1] - 1) for z in (0, size[2] - 1)])
    return float(np.linalg.norm(((first - second) @ corners.T)[:WORLD], axis=0).max())


def _axes(image: sitk.Image) -> NDArray[np.float64]:
    """Directions of the first three axes, in columns; of all axes where there are fewer."""
    return np.reshape(image.GetDirection(), (image.GetDimension(), -1))[:WORLD, :WORLD]


def _corners(image: sitk.Image) -> list[tuple[float, ...]]:
    """World positions in mm of the first voxel and of the far ends of the grid's axes and diagonal."""
    last = [size - 1 for size in image.GetSize()]
    indices = [[0, 0, 0], [last[0], 0, 0], [0, last[1], 0], [0, 0, last[2]], last]
    return [image.TransformIndexToPhysicalPoint(index) for index in indices]


def _numbers(values: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:.6g}" for value in values) + ")"
