"""Volumes smaller than the network's patch, in training and inference alike."""

from __future__ import annotations

import numpy as np

from dints.geometry import Size


def pad_to_patch(volume: np.ndarray, patch: Size) -> tuple[np.ndarray, Size]:
    """[..., X, Y, Z] reflected on both sides to at least the patch, and how many voxels precede it along each axis.

    An axis of one voxel, which has nothing to reflect, is repeated. Reflection keeps the statistics that instance
    normalisation sees, which zeros would change.
    """
    before = []
    for axis, wanted in zip((-3, -2, -1), patch, strict=True):
        size = volume.shape[axis]
        missing = max(0, wanted - size)
        before.append(missing // 2)
        if missing:
            widths = [(0, 0)] * volume.ndim
            widths[axis] = (missing // 2, missing - missing // 2)
            volume = np.pad(volume, widths, mode="reflect" if size > 1 else "edge")
    x, y, z = before
    return volume, (x, y, z)
