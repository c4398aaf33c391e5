"""Cells: what stands on the edges of the topology (3.1 and 3.2, Figure 2).

Every unit follows the order of the reference: activation, convolution, normalisation. Features are [B, C, X, Y, Z]; in
the paper level d has filters * 2**(d + 1) channels at 1 / 2**(d + 1) of the images' resolution, and each step from a
level to the next halves every axis. `SearchSpace` says what they are in general.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import repeat

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dints.geometry import Size
from dints.layers.convolution import Convolution, Norm
from dints.layers.interpolation import resize
from dints.layers.memory_order import every_other
from dints.space.operations import BY_NAME
from dints.space.search_space import SearchSpace


class Node:
    """Features of one node, with their activation computed when first needed and then shared by all edges."""

    def __init__(self, features: Tensor) -> None:
        self.features = features

    @cached_property
    def activated(self) -> Tensor:
        return F.relu(self.features)


class Up(nn.Module):
    """An edge to the next finer level: interpolation, activation, 1x1x1 convolution, norm (3.1).

    Interpolation and convolution do not commute, as the activation stands between them.
    """

    def __init__(self, in_channels: int, out_channels: int, step: Size) -> None:
        super().__init__()
        self.step = step
        self.convolution = Convolution(in_channels, out_channels, (1, 1, 1))
        self.norm = Norm(out_channels)

    def forward(self, node: Node) -> Node:
        return Node(self.norm(self.enlarged(node.features)))

    def enlarged(self, features: Tensor) -> Tensor:
        """Everything before the norm."""
        enlarged: Tensor = self.convolution(F.relu(resize(features, self.step)))
        return enlarged


class Down(nn.Module):
    """An edge to the next coarser level: activation, two 1x1x1 convolutions of stride 2, norm (3.1).

    One half of the channels is read from the voxels with even indices, the other half from those with odd indices.
    """

    def __init__(self, in_channels: int, out_channels: int, step: Size) -> None:
        super().__init__()
        self.step = step
        self.even = Convolution(in_channels, out_channels // 2, (1, 1, 1))
        self.odd = Convolution(in_channels, out_channels - out_channels // 2, (1, 1, 1))
        self.norm = Norm(out_channels)

    def forward(self, node: Node) -> Node:
        even, odd = every_other(node.activated, self.step)
        return Node(self.norm(torch.cat((self.even(even), self.odd(odd)), dim=1)))


class Skip(nn.Module):
    """The skip connection, without activation and norm (3.2)."""

    def forward(self, node: Node, weight: Tensor | None = None) -> Tensor:
        return node.features if weight is None else node.features * weight


class Operation(nn.Module):
    """Any other candidate operation: activation, its convolutions one after the other, norm (3.2)."""

    def __init__(self, channels: int, kernels: Sequence[Size]) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(*(Convolution(channels, channels, kernel) for kernel in kernels))
        self.norm = Norm(channels)

    def forward(self, node: Node, weight: Tensor | None = None) -> Tensor:
        features: Tensor = self.norm(self.convolutions(node.activated), weight)
        return features


class Cell(nn.Module):
    """What stands on an edge: the change of level, then the operations side by side.

    A retrained network has one operation a cell, the supernet has all of them.
    """

    up: type[Up] = Up

    def __init__(self, space: SearchSpace, filters: int, source: int, target: int, operations: Sequence[str]) -> None:
        """`source` and `target` are levels, `filters` the width at full resolution."""
        super().__init__()
        before, after = space.width(source, filters), space.width(target, filters)
        self.change: nn.Module = nn.Identity()
        if source > target:
            self.change = self.up(before, after, space.step(source))
        elif source < target:
            self.change = Down(before, after, space.step(target))
        kernels = {name: BY_NAME[name].kernels for name in operations}
        self.operations = nn.ModuleDict(
            {name: Operation(after, own) if own else Skip() for name, own in kernels.items()}
        )

    def forward(self, node: Node, weights: Sequence[Tensor] | None = None) -> Iterator[Tensor]:
        """The outputs of the operations, each multiplied by its scalar of `weights`, one at a time to be summed."""
        node = self.change(node)
        for operation, weight in zip(self.operations.values(), weights or repeat(None), strict=False):
            yield operation(node, weight)
