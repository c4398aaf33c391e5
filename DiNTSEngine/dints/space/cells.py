"""Cells, stems and the head: what stands on the edges of the topology and around it (3.1, 3.2, Figure 2 and 3).

Every unit follows the order of the reference: activation, convolution, normalisation. The activation comes first and
is therefore the caller's, who computes it once for all units that read the same features.

Features are [B, C, X, Y, Z]; in the paper level d has filters * 2**(d + 1) channels at 1 / 2**(d + 1) of the images'
resolution, and each step from a level to the next halves every axis. `SearchSpace` says what they are in general.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import cast

import torch
import torch.nn.functional as F
from torch import nn

from dints.geometry import Size
from dints.layers.checkpointing import checkpointed
from dints.layers.convolution import Convolution, Norm, add_up
from dints.layers.interpolation import resize
from dints.layers.memory_order import EveryOther, channels_last
from dints.space.operations import BY_NAME


class Node:
    """Features of one node, with their activation computed when first needed and then shared by all edges."""

    def __init__(self, features: torch.Tensor) -> None:
        self.features = features

    @cached_property
    def activated(self) -> torch.Tensor:
        return F.relu(self.features)


class Keep(nn.Module):
    """An edge that stays on its level, without parameters."""

    def __init__(self, in_channels: int, out_channels: int, step: Size, spares_memory: bool = False) -> None:
        super().__init__()
        if in_channels != out_channels:
            raise ValueError(f"an edge that keeps its level cannot change {in_channels} channels to {out_channels}")

    def forward(self, node: Node) -> Node:
        return node


class Up(nn.Module):
    """An edge to the next finer level: interpolation, activation, 1x1x1 convolution, norm (3.1).

    Interpolation and convolution do not commute, as the activation stands between them. What is interpolated has twice
    the size of the output; `spares_memory` computes it a second time for the backward pass instead of keeping it.
    """

    def __init__(self, in_channels: int, out_channels: int, step: Size, spares_memory: bool = False) -> None:
        super().__init__()
        self.step, self.spares_memory = step, spares_memory
        self.convolution = Convolution(in_channels, out_channels, (1, 1, 1))
        self.norm = Norm(out_channels)

    def forward(self, node: Node) -> Node:
        if not self.spares_memory:
            return Node(self.norm(self._enlarged(node.features)))
        return Node(self.norm(checkpointed(self._enlarged, [node.features], self.convolution.parameters())))

    def _enlarged(self, features: torch.Tensor) -> torch.Tensor:
        return self.convolution(F.relu(resize(features, self.step)))


class Down(nn.Module):
    """An edge to the next coarser level: activation, two 1x1x1 convolutions of stride 2, norm (3.1).

    One half of the channels is read from the voxels with even indices, the other half from those with odd indices.
    """

    def __init__(self, in_channels: int, out_channels: int, step: Size, spares_memory: bool = False) -> None:
        super().__init__()
        self.step = step
        self.even = Convolution(in_channels, out_channels // 2, (1, 1, 1))
        self.odd = Convolution(in_channels, out_channels - out_channels // 2, (1, 1, 1))
        self.norm = Norm(out_channels)

    def forward(self, node: Node) -> Node:
        # Copying the voxels halves the time of strided convolutions.
        even, odd = EveryOther.apply(node.activated, self.step)
        return Node(self.norm(torch.cat((self.even(even), self.odd(odd)), dim=1)))


class Operation(nn.Module):
    """One candidate operation of a cell other than skip, on features that are activated already (3.2)."""

    def __init__(self, channels: int, kernels: Sequence[Size]) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(*(Convolution(channels, channels, kernel) for kernel in kernels))
        self.norm = Norm(channels)

    def forward(self, activated: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
        return self.finish(self.begin(activated), weight)

    def begin(self, activated: torch.Tensor) -> torch.Tensor:
        """All convolutions but the last."""
        return self.convolutions[:-1](activated)

    def finish(self, features: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
        """The last convolution and the norm."""
        return self.norm(self.convolutions[-1](features), weight)


class Cell(nn.Module):
    """What stands on an edge: the change of level, then the operations side by side.

    A retrained network has one operation a cell, the supernet has all of them. On the finest level the supernet keeps
    most of its features: what takes little time is there computed a second time for the backward pass.
    """

    def __init__(
        self, source: int, target: int, channels: Sequence[int], steps: Sequence[Size], operations: Sequence[str]
    ) -> None:
        """`source` and `target` are levels, `channels` and `steps` those of `SearchSpace` for each level."""
        super().__init__()
        self.names = tuple(operations)
        self.spares_memory = target == 0 and len(operations) > 1
        change = Keep if source == target else Up if source > target else Down
        self.change = change(channels[source], channels[target], steps[max(source, target)], self.spares_memory)
        learnt = {
            name: Operation(channels[target], BY_NAME[name].kernels) for name in operations if BY_NAME[name].kernels
        }
        self.operations = nn.ModuleDict(learnt)

    def forward(self, node: Node, weights: Sequence[torch.Tensor] | None = None) -> Iterator[torch.Tensor]:
        """The outputs of the operations, each multiplied by its scalar of `weights`, one at a time to be summed.

        P3D operations come as their sum where that spares memory.
        """
        node = self.change(node)
        begun: list[tuple[Operation, torch.Tensor, torch.Tensor]] = []
        for index, name in enumerate(self.names):
            weight = None if weights is None else weights[index]
            if name not in self.operations:
                yield node.features if weight is None else node.features * weight
            elif weight is not None and self.spares_memory and len(BY_NAME[name].kernels) > 1:
                operation = cast(Operation, self.operations[name])
                begun.append((operation, operation.begin(node.activated), weight))
            else:
                yield self.operations[name](node.activated, weight)
        if begun:
            yield _finished(*zip(*begun, strict=True))


def _finished(
    operations: Sequence[Operation], features: Sequence[torch.Tensor], weights: Sequence[torch.Tensor]
) -> torch.Tensor:
    """The sum of P3D operations from the outputs of their planes; those of the lines, less to compute, are not kept."""

    def finish(*inputs: torch.Tensor) -> torch.Tensor:
        pairs = zip(inputs[: len(operations)], inputs[len(operations) :], strict=True)
        return add_up(operation.finish(*pair) for operation, pair in zip(operations, pairs, strict=True))

    lines = [module for operation in operations for module in (operation.convolutions[-1], operation.norm)]
    return checkpointed(finish, [*features, *weights], [value for module in lines for value in module.parameters()])


class InputStem(nn.Module):
    """From images to the input of one level: the image shrunk, then a convolution and, at its stride, a second one.

    Where the finest level has full resolution no stem has the second convolution.
    """

    def __init__(self, shrink: Size, stride: Size | None, in_channels: int, widths: Sequence[int]) -> None:
        """`shrink` is what the image is shrunk by first; `widths` are the channels after each of the convolutions."""
        super().__init__()
        self.factors = [1 / axis for axis in shrink]
        self.convolution = Convolution(in_channels, widths[0], (3, 3, 3))
        self.norm = Norm(widths[0])
        self.reduces = stride is not None
        if stride is not None:
            self.reduction = Convolution(widths[0], widths[1], (3, 3, 3), stride=stride)
            self.reduction_norm = Norm(widths[1])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        shrunk = images if min(self.factors) == 1 else resize(images, self.factors)
        if not self.reduces:
            return self.norm(self.convolution(shrunk))
        features = F.relu(channels_last(self.norm(self.convolution(shrunk))))
        return self.reduction_norm(self.reduction(features).contiguous())


class OutputStem(nn.Module):
    """From the output of one level to the resolution and the channels of the next finer one, or of the head."""

    def __init__(self, in_channels: int, out_channels: int, step: Size) -> None:
        super().__init__()
        self.step = step
        self.convolution = Convolution(in_channels, out_channels, (3, 3, 3))
        self.norm = Norm(out_channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        features = self.norm(self.convolution(F.relu(features)))
        return features if max(self.step) == 1 else resize(features, self.step)


class Head(nn.Module):
    """From features at the images' resolution to logits."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.convolution = Convolution(channels, channels, (3, 3, 3))
        self.norm = Norm(channels)
        self.classifier = Convolution(channels, classes, (1, 1, 1), bias=True)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.norm(self.convolution(F.relu(channels_last(features)))))
