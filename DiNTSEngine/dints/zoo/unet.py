"""The 3D U-Net that searched networks are held against; it trains, is exported and segments as any of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dints.errors import InputError, brief
from dints.files.storage import write_json
from dints.geometry import Size
from dints.layers.convolution import Convolution, Norm
from dints.space.architecture import check_filters

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
        check_filters(self.filters)

    def network(self, in_channels: int, classes: int, filters: int) -> UNet:
        """Images [B, in_channels, X, Y, Z] to logits [B, classes, X, Y, Z]."""
        return UNet(in_channels, classes, [filters * 2**level for level in range(self.levels)], self.steps)

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
        least = [2, 2, 2]
        for step in self.steps:
            least = [own * axis for own, axis in zip(least, step, strict=True)]
        return least

    def save(self, path: str | os.PathLike) -> None:
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
        if not (isinstance(delay, list | tuple) and len(delay) == 3 and all(type(axis) is int for axis in delay)):
            raise InputError(f"delay={brief(delay)}: give three whole numbers, for the axes x, y and z")
        x, y, z = delay
        return UNetDesign(values.get("levels", 4), (x, y, z), values.get("filters"))


class UNet(nn.Module):
    """The network of a `UNetDesign`; `widths` are the channels at the end of each resolution, finest first."""

    def __init__(self, in_channels: int, classes: int, widths: Sequence[int], steps: Sequence[Size]) -> None:
        super().__init__()
        self.steps = [tuple(step) for step in steps]
        self.encoders = nn.ModuleList(
            _block(before, max(1, after // 2), after) for before, after in pairwise((in_channels, *widths))
        )
        pairs = list(zip(pairwise(widths), steps, strict=True))[::-1]  # ((finer, coarser), step), coarsest first
        self.enlargements = nn.ModuleList(
            nn.ConvTranspose3d(low, high, 3, step, 1, bias=False) for (high, low), step in pairs
        )
        self.decoders = nn.ModuleList(_block(2 * high, high, high) for (high, _), _ in pairs)
        self.classifier = Convolution(widths[0], classes, (1, 1, 1), bias=True)

    def forward(self, images: Tensor) -> Tensor:
        """[B, C, X, Y, Z] to logits [B, classes, X, Y, Z]; sizes need not be powers of 2."""
        features, skips = self.encoders[0](images), []
        for encoder, step in zip(self.encoders[1:], self.steps, strict=True):
            skips.append(features)
            features = encoder(F.max_pool3d(features, step, ceil_mode=True))
        for enlarge, decoder, skip in zip(self.enlargements, self.decoders, reversed(skips), strict=True):
            enlarged = enlarge(features, output_size=skip.shape[2:])
            features = decoder(torch.cat((enlarged, skip), dim=1))
        return self.classifier(features)


def _block(*widths: int) -> nn.Sequential:
    """Convolution, instance norm and LeakyReLU from each width to the next."""
    units: list[nn.Module] = []
    for before, after in pairwise(widths):
        units += [Convolution(before, after, (3, 3, 3)), Norm(after), nn.LeakyReLU(inplace=True)]
    return nn.Sequential(*units)
