"""Losses at coarser levels: where their heads are, what they weigh, and that the network stays what it is."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dints import Architecture, SearchSpace, build_network
from dints.errors import InputError
from dints.events import Reporter
from dints.training.deep_supervision import supervised_loss
from dints.training.losses import segmentation_loss
from dints.training.step import OptimizerStep
from dints.zoo.heads import DeepSupervision
from dints.zoo.shapes import u_shape
from dints.zoo.unet_design import UNetDesign

CLASSES = 3
SPACE = SearchSpace(2, 3, 1)


def coarsest_last() -> tuple[np.ndarray, np.ndarray]:
    """Edges and operations of a path from the finest level to the third: all features pass the output stems."""
    ends = list(zip(SPACE.sources.tolist(), SPACE.targets.tolist(), strict=True))
    edges = np.zeros((SPACE.layers, SPACE.edges), dtype=bool)
    edges[0, ends.index((0, 1))] = edges[1, ends.index((1, 2))] = True
    return edges, np.ones(edges.shape, dtype=np.int64)


DESIGNS = {  # with the sizes of all logits for images of 16 voxels
    "full resolution": (u_shape(SearchSpace(6, 4, 1)), [16, 8, 4, 2]),
    "half resolution": (u_shape(SearchSpace(4, 3, 2)), [16, 8, 4, 2]),
    "two of three levels": (u_shape(SearchSpace(4, 3, 1), deepest=1), [16, 8]),
    "finest level alone": (u_shape(SearchSpace(2, 3, 1), deepest=0), [16]),
    "coarsest level last": (Architecture(SPACE, *coarsest_last()), [16, 8, 4]),
    "U-Net": (UNetDesign(3), [16, 8, 4]),
}


def supervised(name: str) -> DeepSupervision:
    torch.manual_seed(0)
    return DeepSupervision(build_network(DESIGNS[name][0], 1, CLASSES, 2), CLASSES)


def batch(size: int = 16, patches: int = 3) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.randn(patches, 1, size, size, size), torch.randint(CLASSES, (patches, size, size, size))


@pytest.mark.parametrize("name", DESIGNS)
def test_every_level_on_the_way_to_the_output_has_logits_of_its_size(name: str) -> None:
    outputs = supervised(name)(batch()[0])
    assert [tuple(own.shape) for own in outputs] == [(3, CLASSES, side, side, side) for side in DESIGNS[name][1]]


def test_an_axis_of_thick_slices_is_coarser_later() -> None:
    for design in (u_shape(SearchSpace(4, 3, 1, (0, 0, 1))), UNetDesign(3, (0, 0, 1))):
        network = DeepSupervision(build_network(design, 1, CLASSES, 2), CLASSES)
        sizes = [tuple(own.shape[2:]) for own in network(torch.randn(2, 1, 16, 16, 8))]
        assert sizes == [(16, 16, 8), (8, 8, 8), (4, 4, 4)]


@pytest.mark.parametrize("name", DESIGNS)
def test_the_network_has_the_weights_and_logits_that_it_has_alone(name: str) -> None:
    torch.manual_seed(0)
    alone = build_network(DESIGNS[name][0], 1, CLASSES, 2)
    network = supervised(name)
    images, _ = batch()
    assert torch.equal(network(images)[0], alone(images))
    own, expected = network.network.state_dict(), alone.state_dict()
    assert own.keys() == expected.keys()
    assert all(torch.equal(own[key], expected[key]) for key in own)
    assert not any(module._forward_pre_hooks for module in network.network.modules())


def test_a_forward_pass_that_fails_leaves_no_hook() -> None:
    network = supervised("full resolution")
    with pytest.raises(InputError):
        network(torch.randn(1, 1, 5, 5, 5))
    assert not any(module._forward_pre_hooks for module in network.network.modules())


def test_a_level_weighs_half_of_the_next_finer_one() -> None:
    labels = batch(8)[1]
    logits = [torch.randn(3, CLASSES, side, side, side) for side in (8, 4, 2)]
    middle = [labels, labels[:, 1::2, 1::2, 1::2], labels[:, 2::4, 2::4, 2::4]]
    losses = [segmentation_loss(own, those) for own, those in zip(logits, middle, strict=True)]
    expected = (4 * losses[0] + 2 * losses[1] + losses[2]) / 7
    torch.testing.assert_close(supervised_loss(logits, labels.to(torch.uint8)), expected)
    assert torch.equal(supervised_loss(logits[:1], labels), losses[0])


@pytest.mark.parametrize("name", DESIGNS)
def test_all_heads_learn_and_micro_batches_have_the_gradient_of_the_whole(name: str) -> None:
    network = supervised(name)
    images, labels = batch()
    gradients = []
    for micro_batch in (None, 2, 1):
        step = OptimizerStep(
            network, torch.optim.SGD(network.parameters(), lr=0.0), math.inf, torch.device("cpu"), Reporter()
        )
        step.micro_batch = micro_batch
        step(images, lambda *logits: supervised_loss(logits, labels))
        gradients.append([own.grad.clone() for own in network.parameters() if own.grad is not None])
        assert all(own.grad is not None and own.grad.abs().max() > 0 for own in network.heads.parameters())
    for found in gradients[1:]:
        for own, expected in zip(found, gradients[0], strict=True):
            torch.testing.assert_close(own, expected, rtol=1e-4, atol=1e-6)


def test_coarse_losses_reach_the_network() -> None:
    network = supervised("full resolution")
    images, labels = batch()
    supervised_loss(network(images)[1:], labels).backward()
    assert any(own.grad is not None and own.grad.abs().max() > 0 for own in network.network.input_stems.parameters())
    assert all(own.grad is None for own in network.network.head.parameters())


def test_a_network_of_unknown_levels_is_refused() -> None:
    with pytest.raises(InputError, match=r"training\.deep_supervision: the levels of a Linear are not known"):
        DeepSupervision(nn.Linear(1, 1), CLASSES)
