"""Convolution, norm and sum: the arithmetic of a network in the forms that processors do fastest."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import nn

from dints.geometry import Size
from dints.layers.memory_order import ChannelsLastNorm

LARGE_WEIGHT = 4_000_000  # values; more than a processor's cache holds


class Convolution(nn.Conv3d):
    """A 3D convolution that keeps the size (at stride 1), usually without bias, as the norm after it would remove that.

    PyTorch keeps small convolutions of a single image from oneDNN: on the CPU a network then takes twice as long.
    Inference therefore calls oneDNN directly. From training it keeps kernels whose last two sizes are 1, unless they
    are dilated. A dilation where the size is 1 changes nothing but that; the convolution takes a quarter of the time.
    Large weights are taken in parts, as their gradient otherwise takes twice as long.
    oneDNN gets the weights' gradients wrong in bfloat16 where kernels of three planes meet two planes: float32 there.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: Size, stride: Size = (1, 1, 1), bias: bool = False
    ) -> None:
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
                result: torch.Tensor = ChannelsLastNorm.apply(features, weight, bias, self.eps)  # type: ignore[no-untyped-call]
                return result
            # Groups of one channel make it the same function, which takes 0.4 times as long on the CPU.
            return F.group_norm(features, self.num_features, weight, bias, self.eps)
        # On a GPU under autocast group_norm would leave half precision.
        return F.instance_norm(features, weight=weight, bias=bias, eps=self.eps)
