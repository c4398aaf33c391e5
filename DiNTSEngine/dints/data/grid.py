"""Where the voxels of a preprocessed case lie in its file, and the way back to exactly that file's grid.

Three grids: the source (the file's, [z, y, x] as SimpleITK gives it), the crop (source voxels in RAS axes within the
foreground box, [x, y, z]) and the working grid (the crop's field of view at the network's spacing, [x, y, z]).
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F

from dints.geometry import Size, Vector

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])  # SimpleITK's world axes point Left, Posterior, Superior


@dataclass(frozen=True)
class Grid:
    """The three grids of a case. Spacing and origin in mm; `direction` row-major, columns are the file's axes."""

    size: Size  # of the source: voxels along the file's axes x, y, z
    spacing: Vector
    origin: Vector
    direction: tuple[float, ...]
    axes: Size  # the file's axis that runs along R, A and S
    flips: tuple[bool, bool, bool]  # whether it runs towards L, P, I instead
    crop_start: Size  # within the oriented volume
    crop_shape: Size
    working_shape: Size

    @staticmethod
    def of(image: sitk.Image) -> Grid:
        """Grid of a 3D image, not cropped and at its own resolution."""
        towards = LPS_TO_RAS @ np.reshape(image.GetDirection(), (3, 3))  # [RAS axis, file axis]
        # The assignment of whole axes with the largest sum of cosines is right for oblique volumes, too.
        r, a, s = max(itertools.permutations(range(3)), key=lambda order: np.abs(towards[range(3), order]).sum())
        flips = (bool(towards[0, r] < 0), bool(towards[1, a] < 0), bool(towards[2, s] < 0))
        size = image.GetSize()
        shape = (size[r], size[a], size[s])
        geometry = (size, image.GetSpacing(), image.GetOrigin(), image.GetDirection())
        return Grid(*geometry, (r, a, s), flips, (0, 0, 0), shape, shape)

    @property
    def oriented_spacing(self) -> Vector:
        """Spacing of the crop in mm along R, A, S."""
        x, y, z = (self.spacing[source] for source in self.axes)
        return x, y, z

    def cropped(self, start: Size, shape: Size) -> Grid:
        """This grid with another crop, at the crop's own resolution."""
        return dataclasses.replace(self, crop_start=start, crop_shape=shape, working_shape=shape)

    def with_working_shape(self, shape: Size) -> Grid:
        """This grid with another working resolution."""
        return dataclasses.replace(self, working_shape=shape)

    def crop(self, source: np.ndarray) -> np.ndarray:
        """View [x, y, z] of the crop, in RAS axes, of a source array [z, y, x]; writing to it writes to the source."""
        oriented = source.transpose([2 - axis for axis in self.axes])
        oriented = oriented[tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)]
        box = zip(self.crop_start, self.crop_shape, strict=True)
        return oriented[tuple(slice(first, first + count) for first, count in box)]

    def source_image(self, voxels: np.ndarray | None = None) -> sitk.Image:
        """Image on exactly the source grid, from an array [z, y, x]; without one, of zeros."""
        image = sitk.Image(self.size, sitk.sitkUInt8) if voxels is None else sitk.GetImageFromArray(voxels)
        image.SetSpacing(self.spacing)
        image.SetOrigin(self.origin)
        image.SetDirection(self.direction)
        return image

    def place(self, voxels: np.ndarray, fill: float = 0) -> sitk.Image:
        """Image on the source grid with `voxels` [x, y, z] in the crop and `fill` around it."""
        source = np.full(self.size[::-1], fill, dtype=voxels.dtype)
        self.crop(source)[:] = voxels
        return self.source_image(source)

    def restore(self, labels: np.ndarray, values: Sequence[int]) -> sitk.Image:
        """Label image on the source grid from class indices of `crop_shape`; `values[index]` is what the file holds."""
        table = np.asarray(values, dtype=np.uint8 if max(values) < 2**8 else np.uint16)
        return self.place(table[labels], fill=table[0])

    def rows_needed(self, targets: range) -> range:
        """Working rows along the last axis that `interpolate_rows` reads for these rows of the crop."""
        lower, upper, _ = self._row_weights(targets)
        return range(int(lower[0]), int(upper[-1]) + 1)

    def interpolate_rows(self, values: torch.Tensor, first_row: int, targets: range) -> torch.Tensor:
        """Rows `targets` of the crop, [K, Xc, Yc, len(targets)], linear from working rows [K, X, Y, n].

        `values` holds the working rows from `first_row` on, at least `rows_needed(targets)`. The result is that of
        `torch.nn.functional.interpolate(..., mode="trilinear", align_corners=False)` on the whole.
        """
        rows = self._interpolate_last_axis(values, first_row, targets)
        if self.working_shape[:2] == self.crop_shape[:2]:
            return rows
        # Rows as the channels of images, last in memory: ten times as fast as rows as a batch of images.
        planes = rows.permute(0, 3, 1, 2)
        return F.interpolate(planes, size=self.crop_shape[:2], mode="bilinear", align_corners=False).permute(0, 2, 3, 1)

    def _interpolate_last_axis(self, values: torch.Tensor, first_row: int, targets: range) -> torch.Tensor:
        lower, upper, weight = self._row_weights(targets)
        needed = self.rows_needed(targets)
        rows = values[..., needed.start - first_row : needed.stop - first_row]
        if self.working_shape[2] == self.crop_shape[2]:
            return rows
        # A product with a small matrix reads every value once, where picking rows by index gathers them one by one.
        matrix, columns = torch.zeros(len(needed), len(targets)), torch.arange(len(targets))
        matrix[lower - needed.start, columns] = 1 - weight.float()
        matrix[upper - needed.start, columns] += weight.float()
        return rows @ matrix.to(rows)

    def _row_weights(self, targets: range) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """For each row of the crop: the working rows below and above its centre, and the weight of the one above."""
        count, wanted = self.working_shape[2], self.crop_shape[2]
        centres = (torch.tensor(targets, dtype=torch.float64) + 0.5) * (count / wanted) - 0.5
        centres = centres.clamp(0, count - 1)
        lower = centres.floor().long()
        return lower, centres.ceil().long(), centres - lower

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for JSON; `from_mapping` gives the equal grid back."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_mapping(values: Mapping[str, Any]) -> Grid:
        """The grid that `to_mapping` described."""
        return Grid(**{name: tuple(value) for name, value in values.items()})
