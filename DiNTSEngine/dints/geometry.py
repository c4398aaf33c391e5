"""Points, sizes and boxes of volumes."""

from __future__ import annotations

import numpy as np

Vector = tuple[float, float, float]
Size = tuple[int, int, int]
Box = tuple[slice, slice, slice]


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
