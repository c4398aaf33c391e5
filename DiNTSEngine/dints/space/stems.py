"""Stems and the head: from images to the nodes of layer 0, and from those of the last layer to logits (3.1, Figure 2).

The order is that of `dints.space.cells`: activation, convolution, normalisation.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from dints.layers.convolution import Convolution, Norm
from dints.layers.interpolation import resize
from dints.layers.memory_order import channels_last
from dints.space.search_space import SearchSpace


class InputStem(nn.Module):
    """From images to the input of one level: the image shrunk, a convolution, and a second one of stride 2.

    Where the finest level has full resolution, no stem has the second convolution.
    """

    def __init__(self, space: SearchSpace, level: int, in_channels: int, filters: int) -> None:
        super().__init__()
        self.reduces = space.stem_halvings > 0
        x, y, z = space.shrink(level)
        stride = (min(2, x), min(2, y), min(2, z)) if self.reduces else (1, 1, 1)
        self.factors = (stride[0] / x, stride[1] / y, stride[2] / z)
        width = space.width(level, filters)
        first = width // 2 if self.reduces else width
        self.convolution = Convolution(in_channels, first, (3, 3, 3))
        self.norm = Norm(first)
        if self.reduces:
            self.reduction = Convolution(first, width, (3, 3, 3), stride)
            self.reduction_norm = Norm(width)

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.norm(self.convolution(resize(images, self.factors)))
        if self.reduces:
            features = self.reduction_norm(self.reduction(F.relu(channels_last(features))).contiguous())
        return features


class OutputStem(nn.Module):
    """From the output of one level to the resolution and the channels of the next finer one, or of the head."""

    def __init__(self, space: SearchSpace, level: int, filters: int) -> None:
        super().__init__()
        self.step = space.step(level)
        finer = space.width(level - 1, filters) if level else filters
        self.convolution = Convolution(space.width(level, filters), finer, (3, 3, 3))
        self.norm = Norm(finer)

    def forward(self, features: Tensor) -> Tensor:
        return resize(self.norm(self.convolution(F.relu(features))), self.step)


class Head(nn.Module):
    """From features at the images' resolution to logits."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.convolution = Convolution(channels, channels, (3, 3, 3))
        self.norm = Norm(channels)
        self.classifier = Convolution(channels, classes, (1, 1, 1), bias=True)

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.norm(self.convolution(F.relu(channels_last(features)))))
        return logits
