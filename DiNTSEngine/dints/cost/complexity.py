"""What a network costs: parameters, multiply-adds and the memory of training (Table 1).

Networks are built and run on PyTorch's meta device: shapes are followed, nothing is computed or allocated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dints.cost.weights import PAPER_COPIES
from dints.space.network import Design, Network, build_network
from dints.zoo.heads import DeepSupervision
from dints.zoo.unet_design import PAPER_FILTERS, UNetDesign


@dataclass(frozen=True)
class Summary:
    """Cost of a network; `measure` says how it is counted."""

    parameters: int
    macs: int  # multiply-adds of the convolutions for one image
    training_memory: int  # bytes


def summary(
    architecture: Design[nn.Module],
    patch: Sequence[int],
    filters: int,
    in_channels: int,
    classes: int,
    batch_size: int = 1,
    weight_copies: int = PAPER_COPIES,
    deep_supervision: bool = False,
) -> Summary:
    """Cost of the network of an architecture for images of `patch` voxels. Takes about a second.

    `weight_copies` says how often training keeps the weights; see `dints.cost.weights`. With `deep_supervision` the
    memory is that of the network and its heads (`dints.zoo.heads`); they are no part of what is kept of it.

    As in the paper's Table 1 every input stem is part of the multiply-adds. Those that the first layer does not read
    are never run: for the paper's architecture that saves 0.2 %, which this count leaves out.
    """
    with torch.device("meta"):
        network = build_network(architecture, in_channels, classes, filters)
    shape = (batch_size, in_channels, *patch)
    cost = measure(network, shape, weight_copies)
    macs = cost.macs + _unread_stem_macs(network, shape) if isinstance(network, Network) else cost.macs
    memory = cost.training_memory
    if deep_supervision:
        with torch.device("meta"):
            supervised = DeepSupervision(network, classes)
        memory = measure(supervised, shape, weight_copies).training_memory
    return Summary(cost.parameters, macs, memory)


def unet_summary(patch: Sequence[int], in_channels: int, classes: int, weight_copies: int = PAPER_COPIES) -> Summary:
    """Cost of the 3D U-Net that the paper compares with (Table 1: 658 G multiply-adds and 18 M parameters at 96^3).

    It is that for one image. The paper does not describe the network. This is that of its reference [6] with
    up-convolutions of 3x3x3 that halve the channels, and nnU-Net's instance norms: of the plain variants the nearest,
    with 670.6 G and 18.6 M for one channel and three classes. (nnU-Net's own plan of 32 to 320 channels for this patch
    has 199 G and 16.6 M.)
    """
    with torch.device("meta"):
        network = UNetDesign().network(in_channels, classes, PAPER_FILTERS)
    return measure(network, (1, in_channels, *patch), weight_copies)


def measure(network: nn.Module, shape: Sequence[int], weight_copies: int = PAPER_COPIES) -> Summary:
    """Cost of a network on the meta device for images of shape [B, C, X, Y, Z] in float32; it may have several outputs.

    Multiply-adds are those of the convolutions; everything else is below 1 % of them.

    Training memory is what a step holds when its backward pass begins: all that autograd has saved, each storage
    counted once however many operations and views refer to it, including the loss's log-probabilities; and the
    weights, `weight_copies` times. The gradients of the features in flight, workspaces of convolutions and the
    allocator's rounding come on top.
    """
    storages: dict[int, torch.UntypedStorage] = {}  # by identity; holding them keeps identities from being reused

    def save(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        storages[id(storage)] = storage
        return tensor

    def forward() -> None:
        with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
            outputs = network(torch.empty(tuple(shape), device="meta"))
            for logits in [outputs] if isinstance(outputs, Tensor) else outputs:
                F.log_softmax(logits, dim=1)

    macs = _count_macs(network, forward) // shape[0]
    for parameter in network.parameters():
        storages.pop(id(parameter.untyped_storage()), None)
    weights = sum(parameter.nbytes for parameter in network.parameters())
    return Summary(
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        macs=macs,
        training_memory=weight_copies * weights + sum(storage.nbytes() for storage in storages.values()),
    )


def _count_macs(network: nn.Module, forward: Callable[[], object]) -> int:
    """Multiply-adds of all convolutions of `network` that run during `forward`."""
    total = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        assert isinstance(module.weight, Tensor)
        # Every weight is used once per voxel of the output, in a transposed convolution once per voxel of the input.
        features = inputs[0] if isinstance(module, nn.ConvTranspose3d) else output
        total += module.weight.numel() * features.shape[0] * math.prod(features.shape[2:])

    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv3d | nn.ConvTranspose3d)]
    hooks = [module.register_forward_hook(count) for module in convolutions]
    try:
        forward()
    finally:
        for hook in hooks:
            hook.remove()
    return total


def _unread_stem_macs(network: Network, shape: Sequence[int]) -> int:
    """Multiply-adds of the input stems that the network skips, for one image."""
    image = torch.empty((1, *shape[1:]), device="meta")
    unread = [stem for level, stem in enumerate(network.input_stems) if level not in network.levels_read()]
    return sum(_count_macs(stem, partial(stem, image)) for stem in unread)
