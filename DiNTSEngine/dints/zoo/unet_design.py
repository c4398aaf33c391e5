"""The 3D U-Net as an architecture: a value like a searched one, read and written without PyTorch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from dints.errors import InputError, brief
from dints.files.storage import write_json
from dints.geometry import Size
from dints.space.architecture import check_filters

if TYPE_CHECKING:
    from dints.space.search_space import SearchSpace
    from dints.zoo.unet import UNet

NAME = "unet"
FORMAT = 1
PAPER_FILTERS = 64  # channels of the finest level after its second convolution, in reference [6] of the paper
MOST_LEVELS = 6


@dataclass(frozen=True)
class UNetDesign:
    """A plain 3D U-Net: two convolutions a resolution, max pooling, transposed convolutions, concatenation (ref. [6]).

    `filters` is the width at full resolution, which doubles with each level; None leaves it to the settings. `delay` is
    that of `SearchSpace`: halvings that an axis leaves out first.
    """

    levels: int = 4
    delay: Size = (0, 0, 0)
    filters: int | None = None

    def __post_init__(self) -> None:
        if type(self.levels) is not int or not 2 <= self.levels <= MOST_LEVELS:
            raise InputError(f"levels={brief(self.levels)}: a U-Net has 2 to {MOST_LEVELS} levels")
        if not (len(self.delay) == 3 and all(type(axis) is int and 0 <= axis <= MOST_LEVELS for axis in self.delay)):
            reason = f"give three whole numbers from 0 to {MOST_LEVELS}, for the axes x, y and z"
            raise InputError(f"delay={brief(self.delay)}: {reason}")
        check_filters(self.filters)

    @staticmethod
    def beside(space: SearchSpace) -> UNetDesign:
        """What competes with networks of a search space: as many levels, which are at least two."""
        return UNetDesign(max(2, space.levels), space.delay)

    def network(self, in_channels: int, classes: int, filters: int) -> UNet:
        """Images [B, in_channels, X, Y, Z] to logits [B, classes, X, Y, Z]."""
        from dints.zoo.unet import UNet  # needs PyTorch

        return UNet(in_channels, classes, [filters * 2**level for level in range(self.levels)], self.steps)

    def shrink(self, level: int) -> Size:
        """Voxels of the images along a voxel of a level, on each axis."""
        x, y, z = (2 ** max(0, level - own) for own in self.delay)
        return x, y, z

    @property
    def steps(self) -> list[Size]:
        """Voxels of a level along a voxel of the next coarser one, on each axis."""
        levels = range(self.levels - 1)
        return [(x, y, z) for x, y, z in ([1 if level < own else 2 for own in self.delay] for level in levels)]

    def fits(self, size: Sequence[int]) -> bool:
        """Whether images of this size (voxels) can pass: any with two voxels an axis at the coarsest level."""
        return all(n >= least for n, least in zip(size, self._least(), strict=True))

    @property
    def size_rule(self) -> str:
        """What `fits` asks for, in words."""
        return f"at least {'x'.join(map(str, self._least()))}"

    def _least(self) -> list[int]:
        return [2 * axis for axis in self.shrink(self.levels - 1)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes JSON, atomically."""
        write_json(path, self.to_mapping())

    def to_mapping(self) -> dict[str, Any]:
        """The JSON layout as plain values."""
        values: dict[str, Any] = {"format": FORMAT, "network": NAME, "levels": self.levels, "delay": list(self.delay)}
        return values if self.filters is None else values | {"filters": self.filters}

    @staticmethod
    def from_mapping(values: Mapping[str, Any]) -> UNetDesign:
        """From the JSON layout; InputError if it is another."""
        delay = values.get("delay", (0, 0, 0))
        if values.get("format") != FORMAT:
            raise InputError(f'is not a U-Net of format {FORMAT} ("format" is missing or newer); choose another')
        axes = tuple(delay) if isinstance(delay, list | tuple) else (delay,)
        return UNetDesign(values.get("levels", 4), cast(Size, axes), values.get("filters"))
