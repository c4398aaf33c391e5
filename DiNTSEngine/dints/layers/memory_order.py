"""The order of features in memory while a network trains on the CPU.

At the images' resolution, with few channels, oneDNN convolves in half the time where the channels lie last in memory.
PyTorch's own functions are slow in that order, so below that resolution the gain would be spent on norms. What training
needs in both orders stands here.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dints.geometry import Size


def channels_last(features: Tensor) -> Tensor:
    """Features [B, C, X, Y, Z] with the channels last in memory, if this is training on a CPU."""
    if features.device.type != "cpu" or not torch.is_grad_enabled():
        return features
    return features.contiguous(memory_format=torch.channels_last_3d)


def every_other(features: Tensor, steps: Size) -> tuple[Tensor, Tensor]:
    """The voxels with even and those with odd indices of [B, C, X, Y, Z], copied: two of [B, C, X/2, Y/2, Z/2].

    An axis whose step is 1 stays whole in both. Copying the voxels halves the time of strided convolutions.
    """
    even, odd = _EveryOther.apply(features, steps)  # type: ignore[no-untyped-call]
    return even, odd


class _EveryOther(torch.autograd.Function):
    """For the gradient of an indexed tensor PyTorch fills one whole tensor an axis, six in all; this fills one."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, steps: Size) -> tuple[Tensor, ...]:
        ctx.size = features.size()
        ctx.halves = [(..., *(slice(min(first, step - 1), None, step) for step in steps)) for first in (0, 1)]
        return tuple(features[half].clone() for half in ctx.halves)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        result = gradients[0].new_zeros(ctx.size)
        for half, gradient in zip(ctx.halves, gradients, strict=True):
            result[half] = gradient
        return result, None


class ChannelsLastNorm(torch.autograd.Function):
    """Instance normalisation of features [B, C, X, Y, Z] whose channels lie last.

    PyTorch's own takes up to sixteen times as long backward in this order (group norm), or copies (instance norm). Its
    batch norm is fast, and of a single image it is the same function.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        output = torch.empty_like(features)
        mean, inverse_deviation = weight.new_empty(2, *features.shape[:2])
        for image, *results in zip(features.split(1), output.split(1), mean, inverse_deviation, strict=True):
            torch.native_batch_norm(image, weight, bias, None, None, True, 0.0, eps, out=results)
        ctx.save_for_backward(features, weight, mean, inverse_deviation)
        ctx.eps = eps
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        features, weight, mean, inverse_deviation = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last_3d)
        result = torch.empty_like(features)
        weight_gradient, bias_gradient = weight.new_empty(2, *features.shape[:2])
        inputs = (gradient.split(1), features.split(1), mean, inverse_deviation)
        outputs = (result.split(1), weight_gradient, bias_gradient)
        for image_gradient, image, image_mean, inverse, *results in zip(*inputs, *outputs, strict=True):
            torch.ops.aten.native_batch_norm_backward.out(
                *(image_gradient, image, weight, None, None, image_mean, inverse, True, ctx.eps, [True] * 3),
                **{f"out{index}": part for index, part in enumerate(results)},
            )
        return result, weight_gradient.sum(0), bias_gradient.sum(0), None
