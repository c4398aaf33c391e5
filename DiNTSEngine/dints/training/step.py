"""The optimizer step that search and retraining share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from dints.device import autocast, half_type
from dints.distributed import average_gradients
from dints.errors import RunError


class OptimizerStep:
    """Forward in mixed precision, backward, gradient clipping, update.

    float16 needs its loss scaled; bfloat16 and float32 do not.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        needs_scaling = device.type == "cuda" and half_type(device) == torch.float16
        self.scaler = torch.amp.GradScaler(device.type, enabled=needs_scaling)

    def __call__(
        self,
        compute_loss: Callable[[], Tensor],
        optimizer: Optimizer,
        parameters: Sequence[nn.Parameter],
        gradient_norm: float = math.inf,
    ) -> float:
        """Minimises one loss by one step and returns its value.

        Raises:
            RunError: the loss is not finite; nothing was changed.
        """
        optimizer.zero_grad(set_to_none=True)
        with autocast(self.device):
            loss = compute_loss()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise RunError(f"the loss became {value}; resume from the last checkpoint with a lower learning_rate")
        self.scaler.scale(loss).backward()
        average_gradients(parameters)
        self.scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(parameters, gradient_norm)
        self.scaler.step(optimizer)
        self.scaler.update()
        return value


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Gives all parameter groups the same rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
