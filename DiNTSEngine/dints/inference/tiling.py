"""How densely windows cover what an ensemble computes."""

from __future__ import annotations

from dataclasses import dataclass

from dints.config import InferenceConfig
from dints.geometry import Size
from dints.inference.window_grid import WindowGrid, stride_of

SEVERAL = 3  # networks, of which a majority outvotes what one of them makes of the margin of its window


@dataclass(frozen=True)
class Tiling:
    """Windows of so many networks.

    Attributes:
        patch: size of a window in voxels.
        stride: steps between windows, in voxels, where all are computed.
        networks: that see each window.
    """

    patch: Size
    stride: Size
    networks: int

    @staticmethod
    def of(settings: InferenceConfig, patch: Size, networks: int) -> Tiling:
        return Tiling(patch, settings.stride or stride_of(patch, settings.overlap), networks)

    @property
    def focused_stride(self) -> Size:
        """Steps between windows where only a part is computed: those of several networks overlap half as much.

        Overlap averages out what the margins of windows get wrong; so does a vote.
        """
        if self.networks < SEVERAL:
            return self.stride
        x, y, z = ((step + size) // 2 for step, size in zip(self.stride, self.patch, strict=True))
        return x, y, z

    def grid(self, shape: Size) -> WindowGrid:
        """All windows of a volume of `shape`, which is taken as padded to the patch."""
        return WindowGrid.of(shape, self.patch, self.stride)
