"""Cells, stems and the head: what stands on the edges of the topology and around it (3.1, 3.2, Figure 2 and 3).

Every unit follows the order of the reference: activation, convolution, normalisation. The activation comes first and
is therefore the caller's, who computes it once for all units that read the same features.

Features are [B, C, X, Y, Z]; level d has filters * 2**(d + 1) channels at 1 / 2**(d + 1) of the images' resolution.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import cast

import torch
import torch.nn.functional as F
from torch import nn

from dints.config import Size
from dints.space.graphs import recomputed
from dints.space.interpolation import resize
from dints.space.memory_order import ChannelsLastNorm, EveryOther, channels_last
from dints.space.search_space import OPERATIONS

# The convolutions of each operation (3.2). A P3D operation is a plane followed by the line that is normal to it.
_KERNELS: tuple[tuple[Size, ...], ...] = (
    (),
    ((3, 3, 3),),
    ((3, 3, 1), (1, 1, 3)),
    ((3, 1, 3), (1, 3, 1)),
    ((1, 3, 3), (3, 1, 1)),
)
KERNELS = dict(zip(OPERATIONS, _KERNELS, strict=True))


LARGE_WEIGHT = 4_000_000  # values; more than a processor's cache holds


class Convolution(nn.Conv3d):
    """A 3D convolution that keeps the size (at stride 1), usually without bias, as the norm after it would remove that.

    PyTorch keeps small convolutions of a single image from oneDNN: on the CPU a network then takes twice as long.
    Inference therefore calls oneDNN directly. From training it keeps kernels whose last two sizes are 1, unless they
    are dilated. A dilation where the size is 1 changes nothing but that; the convolution takes a quarter of the time.
    Large weights are taken in parts, as their gradient otherwise takes twice as long.
    oneDNN gets the weights' gradients wrong in bfloat16 where kernels of three planes meet two planes: float32 there.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: Size, stride: int = 1, bias: bool = False) -> None:
        x, y, z = kernel
        margins = (x // 2, y // 2, z // 2)
        super().__init__(in_channels, out_channels, kernel, stride, margins, bias=bias)
        self.margins = margins
        self.dilation_to_onednn = tuple(2 if n == 1 else 1 for n in kernel) if kernel[1:] == (1, 1) else self.dilation

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        if torch.is_autocast_enabled("cpu") and features.shape[2] == 2 and self.kernel_size[0] == 3:
            with torch.autocast("cpu", enabled=False):
                return self._convolved(features.float())
        if not self._bypasses_dispatch(features):
            return self._convolved(features)
        return torch.mkldnn_convolution(
            features, self.weight, self.bias, self.margins, self.stride, self.dilation, self.groups
        )

    def _convolved(self, features: torch.Tensor) -> torch.Tensor:
        if features.device.type != "cpu":
            return super().forward(features)
        stride, margins, dilation = self.stride, self.margins, self.dilation_to_onednn
        if self.weight.numel() < LARGE_WEIGHT or self.bias is not None:
            return torch.conv3d(features, self.weight, self.bias, stride, margins, dilation)
        parts = [torch.conv3d(features, part, None, stride, margins, dilation) for part in self.weight.chunk(4)]
        return torch.cat(parts, dim=1)

    def _bypasses_dispatch(self, features: torch.Tensor) -> bool:
        return (
            features.shape[0] == 1
            and features.device.type == "cpu"
            and not torch.is_grad_enabled()
            and features.dtype == self.weight.dtype == torch.float32
            and not torch.is_autocast_enabled("cpu")
            and torch.backends.mkldnn.is_available()
        )


def add_up(terms: Iterable[torch.Tensor]) -> torch.Tensor:
    """Sum of the terms, consumed one at a time; in place from the third on, so no term itself is changed."""
    terms = iter(terms)
    total, second = next(terms), next(terms, None)
    if second is None:
        return total
    total = total + second
    for term in terms:
        total += term
    return total


class Norm(nn.InstanceNorm3d):
    """Instance normalisation with learnt scale and offset."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, affine=True)

    def forward(self, features: torch.Tensor, factor: torch.Tensor | None = None) -> torch.Tensor:
        """`factor`, a scalar, multiplies the result: folded into scale and offset it costs 2 C products, not a pass."""
        weight, bias = (self.weight, self.bias) if factor is None else (self.weight * factor, self.bias * factor)
        if features.device.type == "cpu":
            if not features.is_contiguous():
                return ChannelsLastNorm.apply(features, weight, bias, self.eps)
            # Groups of one channel make it the same function, which takes 0.4 times as long on the CPU.
            return F.group_norm(features, self.num_features, weight, bias, self.eps)
        # On a GPU under autocast group_norm would leave half precision.
        return F.instance_norm(features, weight=weight, bias=bias, eps=self.eps)


class Node:
    """Features of one node, with their activation computed when first needed and then shared by all edges."""

    def __init__(self, features: torch.Tensor) -> None:
        self.features = features

    @cached_property
    def activated(self) -> torch.Tensor:
        return F.relu(self.features)


class Keep(nn.Module):
    """An edge that stays on its level, without parameters."""

    def __init__(self, in_channels: int, out_channels: int, spares_memory: bool = False) -> None:
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

    def __init__(self, in_channels: int, out_channels: int, spares_memory: bool = False) -> None:
        super().__init__()
        self.spares_memory = spares_memory
        self.convolution = Convolution(in_channels, out_channels, (1, 1, 1))
        self.norm = Norm(out_channels)

    def forward(self, node: Node) -> Node:
        if not self.spares_memory:
            return Node(self.norm(self._enlarged(node.features)))
        return Node(self.norm(recomputed(self._enlarged, [node.features], self.convolution.parameters())))

    def _enlarged(self, features: torch.Tensor) -> torch.Tensor:
        return self.convolution(F.relu(resize(features, 2)))


class Down(nn.Module):
    """An edge to the next coarser level: activation, two 1x1x1 convolutions of stride 2, norm (3.1).

    One half of the channels is read from the voxels with even indices, the other half from those with odd indices.
    """

    def __init__(self, in_channels: int, out_channels: int, spares_memory: bool = False) -> None:
        super().__init__()
        self.even = Convolution(in_channels, out_channels // 2, (1, 1, 1))
        self.odd = Convolution(in_channels, out_channels - out_channels // 2, (1, 1, 1))
        self.norm = Norm(out_channels)

    def forward(self, node: Node) -> Node:
        even, odd = EveryOther.apply(node.activated)  # copying the voxels halves the time of strided convolutions
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

    def __init__(self, source: int, target: int, channels: Sequence[int], operations: Sequence[str]) -> None:
        """`source` and `target` are levels, `channels` the number of channels of each level."""
        super().__init__()
        self.names = tuple(operations)
        self.spares_memory = target == 0 and len(operations) > 1
        change = Keep if source == target else Up if source > target else Down
        self.change = change(channels[source], channels[target], self.spares_memory)
        learnt = {name: Operation(channels[target], KERNELS[name]) for name in operations if KERNELS[name]}
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
            elif weight is not None and self.spares_memory and len(KERNELS[name]) > 1:
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
    return recomputed(finish, [*features, *weights], [value for module in lines for value in module.parameters()])


class InputStem(nn.Module):
    """From images to the input of one level: the image shrunk by 2**level, two convolutions, the second of stride 2."""

    def __init__(self, level: int, in_channels: int, channels: int) -> None:
        super().__init__()
        self.shrink = 2**level
        self.convolution = Convolution(in_channels, channels, (3, 3, 3))
        self.norm = Norm(channels)
        self.reduction = Convolution(channels, 2 * channels, (3, 3, 3), stride=2)
        self.reduction_norm = Norm(2 * channels)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        shrunk = images if self.shrink == 1 else resize(images, 1 / self.shrink)
        features = F.relu(channels_last(self.norm(self.convolution(shrunk))))
        return self.reduction_norm(self.reduction(features).contiguous())


class OutputStem(nn.Module):
    """From the output of one level to the resolution and the channels of the next finer one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = Convolution(2 * channels, channels, (3, 3, 3))
        self.norm = Norm(channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return resize(self.norm(self.convolution(F.relu(features))), 2)


class Head(nn.Module):
    """From features at the images' resolution to logits."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.convolution = Convolution(channels, channels, (3, 3, 3))
        self.norm = Norm(channels)
        self.classifier = Convolution(channels, classes, (1, 1, 1), bias=True)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.norm(self.convolution(F.relu(channels_last(features)))))
