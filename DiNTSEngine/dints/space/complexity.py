"""What a network costs: parameters, multiply-adds and the memory of training (Table 1).

Networks are built and run on PyTorch's meta device: shapes are followed, nothing is computed or allocated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dints.space.network import build_network

if TYPE_CHECKING:
    from dints.architecture import Architecture

# Weights are kept three times in training: themselves, their gradients and the momentum of SGD.
COPIES_OF_WEIGHTS = 3


@dataclass(frozen=True)
class Summary:
    """Cost of a network; see `measure`."""

    parameters: int
    macs: int  # multiply-adds of the convolutions for one image
    training_memory: int  # bytes


def summary(
    architecture: Architecture,
    patch: Sequence[int],
    filters: int,
    in_channels: int,
    classes: int,
    batch_size: int = 1,
) -> Summary:
    """Cost of the network of an architecture for images of `patch` voxels."""
    with torch.device("meta"):
        network = build_network(architecture, in_channels, classes, filters)
    return measure(network, (batch_size, in_channels, *patch))


def measure(network: nn.Module, shape: Sequence[int]) -> Summary:
    """Cost of a network on the meta device for images of shape [B, C, X, Y, Z] in float32.

    Multiply-adds are those of the convolutions, per image; other operations are below 1 % of them.

    Training memory is what a step holds when the backward pass begins: every tensor that autograd has saved, counted
    once for each storage however many operations or views refer to it, with the log-probabilities of the loss; and
    the weights, their gradients and their momentum. Workspaces of the convolutions, gradients of the features that are
    in flight and the allocator's rounding come on top.
    """
    images = torch.empty(tuple(shape), device="meta")
    own = {id(parameter.untyped_storage()) for parameter in network.parameters()}
    saved: dict[int, torch.UntypedStorage] = {}  # holding the storages keeps their identities from being reused

    def save(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if id(storage) not in own:
            saved[id(storage)] = storage
        return tensor

    with FlopCounterMode(display=False) as counter, torch.autograd.graph.saved_tensors_hooks(save, lambda saved: saved):
        F.log_softmax(network(images), dim=1)
    weights = sum(parameter.nbytes for parameter in network.parameters())
    activations = sum(storage.nbytes() for storage in saved.values())
    return Summary(
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        macs=counter.get_total_flops() // 2 // shape[0],  # a multiply-add is two floating-point operations
        training_memory=activations + COPIES_OF_WEIGHTS * weights,
    )
