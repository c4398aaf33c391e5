"""Parameters, multiply-adds and memory: the published counts, and what a real step holds."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dints import Architecture, SearchSpace, build_network
from dints.cost.complexity import Summary, summary, unet_summary
from dints.zoo.heads import DeepSupervision
from dints.zoo.unet_design import UNetDesign

ARCHITECTURE = Architecture.random(SearchSpace(layers=2, levels=2), seed=0)


@pytest.mark.parametrize(
    ("filters", "side", "parameters", "macs", "tolerance"),
    [
        (32, 96, 152.4e6, 334.4e9, 1e-3),
        (32, 32, 152.4e6, 12.4e9, 5e-3),  # published with three digits only
        (16, 32, 38.1e6, 3.11e9, 5e-3),
        (8, 32, 9.5e6, 0.78e9, 7e-3),
    ],
)
def test_the_papers_architecture_has_the_published_cost(shared_data, filters, side, parameters, macs, tolerance):
    architecture = Architecture.load(shared_data / "architectures" / "pancreas_cvpr.pth")
    cost = architecture.summary((side,) * 3, filters, in_channels=1, classes=3)
    assert cost.parameters == pytest.approx(parameters, rel=tolerance)
    assert cost.macs == pytest.approx(macs, rel=tolerance)


def test_the_unet_is_within_four_percent_of_the_papers():
    cost = unet_summary((96, 96, 96), in_channels=1, classes=3)
    assert cost.parameters == pytest.approx(18e6, rel=0.04)
    assert cost.macs == pytest.approx(658e9, rel=0.04)


def test_the_unet_takes_patches_that_are_not_powers_of_two():
    assert unet_summary((20, 36, 12), in_channels=2, classes=2).macs > 0


def test_multiply_adds_are_per_image_and_memory_grows_with_the_batch():
    one, four = (summary(ARCHITECTURE, (16, 16, 32), 2, 1, 2, batch_size=batch) for batch in (1, 4))
    assert (one.parameters, one.macs) == (four.parameters, four.macs)
    weights = 3 * 4 * one.parameters
    assert four.training_memory - weights == pytest.approx(4 * (one.training_memory - weights), rel=0.02)


@pytest.mark.parametrize("design", [ARCHITECTURE, UNetDesign(3)], ids=["searched", "U-Net"])
@pytest.mark.parametrize("deep_supervision", [False, True])
def test_predicted_memory_is_what_autograd_holds_in_a_real_step(design, deep_supervision):
    network: nn.Module = build_network(design, 1, 2, 4)
    network = DeepSupervision(network, 2) if deep_supervision else network
    own = {parameter.data_ptr() for parameter in network.parameters()}
    saved: dict[int, int] = {}  # bytes by address

    def save(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
        outputs = network(torch.zeros(2, 1, 32, 32, 32))
        losses = [logits.log_softmax(1) for logits in (outputs if deep_supervision else [outputs])]
    assert losses[-1].requires_grad
    held = sum(size for address, size in saved.items() if address not in own)
    weights = sum(parameter.nbytes for parameter in network.parameters())
    predicted = summary(design, (32, 32, 32), 4, 1, 2, batch_size=2, deep_supervision=deep_supervision)
    assert predicted.training_memory == pytest.approx(held + 3 * weights, rel=0.01)


def test_heads_of_deep_supervision_cost_memory_alone():
    alone, supervised = (
        summary(UNetDesign(3), (16,) * 3, 4, 1, 5, batch_size=2, deep_supervision=on) for on in (False, True)
    )
    assert (supervised.parameters, supervised.macs) == (alone.parameters, alone.macs)
    log_probabilities = 4 * 2 * 5 * (8**3 + 4**3)
    heads = 3 * 4 * ((8 + 1) * 5 + (16 + 1) * 5)
    assert supervised.training_memory - alone.training_memory == log_probabilities + heads


def test_a_summary_is_a_plain_value():
    assert summary(ARCHITECTURE, (16, 16, 16), 2, 1, 2) == Summary(**vars(summary(ARCHITECTURE, (16, 16, 16), 2, 1, 2)))
