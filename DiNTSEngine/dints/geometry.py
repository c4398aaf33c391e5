"""Points, sizes and boxes of volumes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Vector = tuple[float, float, float]
Size = tuple[int, int, int]
Box = tuple[slice, slice, slice]

MOST_UNEQUAL = 3  # sides of a patch (nnU-Net's threshold); where one is shorter, its axis is that of thick slices


def thin_axes(size: Sequence[int]) -> list[int]:
    """Axes whose side is less than a third of the longest: across them lie few, thick slices."""
    return [axis for axis, side in enumerate(size) if side * MOST_UNEQUAL < max(size)]


def bounding_box(*masks: np.ndarray) -> tuple[slice, ...] | None:
    """The smallest box around what is set in any of the masks, which have one shape; None if nothing is."""
    box = []
    for axis in range(masks[0].ndim):
        others = tuple(other for other in range(masks[0].ndim) if other != axis)
        indices = np.flatnonzero(np.any([mask.any(axis=others) for mask in masks], axis=0))
        if not indices.size:
            return None
        box.append(slice(int(indices[0]), int(indices[-1]) + 1))
    return tuple(box)
