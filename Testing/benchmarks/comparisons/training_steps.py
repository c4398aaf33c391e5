"""A step of the supernet and a step of retraining, on random images of the training size."""

from __future__ import annotations

from functools import partial

import torch
from comparison import OURS, Comparison, Work
from reference import papers_architecture, reference_network, reference_supernet
from torch import Tensor, nn
from torch.optim import SGD

from dints.device import autocast
from dints.events import Reporter
from dints.space.network import build_network
from dints.space.search_space import SearchSpace
from dints.space.supernet import build_supernet
from dints.training.losses import segmentation_loss
from dints.training.step import OptimizerStep

CLASSES = 3
LOSS_TOLERANCE = 1e-2  # relative; a step in half precision included
GRADIENT_NORM = 12.0
RATE, MOMENTUM = 1e-6, 0.9  # so small that repeated steps stay the same task


def batch(size: int, edge: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Images [B, 1, *edge^3] and labels."""
    random = torch.Generator().manual_seed(0)
    images = torch.randn((size, 1, edge, edge, edge), generator=random)
    return images.to(device), torch.randint(CLASSES, (size, edge, edge, edge), generator=random).to(device)


def prepare_supernet_step(side: str, device: torch.device, filters: int, size: int, edge: int) -> Work:
    """Forward and backward; network and architecture weights both get gradients."""
    torch.manual_seed(0)
    network: nn.Module = build_supernet(SearchSpace(), 1, CLASSES, filters)
    if side != OURS:
        network = reference_supernet(network)
    network.to(device)
    images, labels = batch(size, edge, device)

    def step() -> float:
        network.zero_grad(set_to_none=True)
        with autocast(device):
            loss = segmentation_loss(network(images), labels)
        loss.backward()
        return loss.item()

    return step


def prepare_retraining_step(side: str, device: torch.device, filters: int, size: int, edge: int) -> Work:
    """Forward, backward, clipping and update; ours as the trainer does it."""
    torch.manual_seed(0)
    architecture = papers_architecture()
    network: nn.Module = build_network(architecture, 1, CLASSES, filters)
    if side != OURS:
        network = reference_network(network, architecture)
    network.to(device)
    optimizer = SGD(network.parameters(), RATE, MOMENTUM, fused=side == OURS)  # as `build_optimizer` has it
    images, labels = batch(size, edge, device)
    if side == OURS:
        step = OptimizerStep(network, optimizer, GRADIENT_NORM, device, Reporter())
        return lambda: step(images, lambda logits: segmentation_loss(logits, labels))

    def reference_step() -> float:
        optimizer.zero_grad(set_to_none=True)
        with autocast(device):
            loss = segmentation_loss(network(images), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
        optimizer.step()
        return loss.item()

    return reference_step


def same_loss(ours: float, theirs: float) -> str:
    difference = abs(ours - theirs) / abs(theirs)
    assert difference < LOSS_TOLERANCE, f"our loss is {ours}, the reference's {theirs}"
    return f"losses differ by {difference:.1g}"


def supernet_step(filters: int, size: int, edge: int, device: str, faster: float) -> Comparison:
    return Comparison(
        f"supernet_step_{filters}_filters_{size}_of_{edge}",
        f"supernet step, {filters} filters, batch {size} of {edge}^3",
        partial(prepare_supernet_step, filters=filters, size=size, edge=edge),
        same_loss,
        faster=faster,
        memory=0.6,
        half=device == "cuda",
        devices=(device,),
    )


def retraining_step(filters: int, size: int, edge: int, device: str, faster: float) -> Comparison:
    return Comparison(
        f"retraining_step_{filters}_filters_{size}_of_{edge}",
        f"retraining step, paper's architecture, {filters} filters, batch {size} of {edge}^3",
        partial(prepare_retraining_step, filters=filters, size=size, edge=edge),
        same_loss,
        faster=faster,
        half=device == "cuda",
        devices=(device,),
    )


COMPARISONS = (
    supernet_step(8, 4, 32, "cpu", faster=1.4),
    supernet_step(16, 4, 32, "cpu", faster=1.4),
    supernet_step(16, 1, 96, "cuda", faster=2.0),
    supernet_step(16, 8, 32, "cuda", faster=2.0),
    retraining_step(8, 8, 32, "cpu", faster=1.2),
    retraining_step(32, 2, 32, "cpu", faster=1.2),
    retraining_step(8, 8, 32, "cuda", faster=1.5),
    retraining_step(32, 2, 96, "cuda", faster=1.5),
)
