"""The network of the 3D U-Net that searched networks are held against (reference [6] of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dints.geometry import Size
from dints.layers.convolution import Convolution, Norm


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
        logits: Tensor = self.classifier(features)
        return logits


def _block(*widths: int) -> nn.Sequential:
    """Convolution, instance norm and LeakyReLU from each width to the next."""
    units: list[nn.Module] = []
    for before, after in pairwise(widths):
        units += [Convolution(before, after, (3, 3, 3)), Norm(after), nn.LeakyReLU(inplace=True)]
    return nn.Sequential(*units)
