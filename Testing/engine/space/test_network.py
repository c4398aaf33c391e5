"""The network of an architecture and the supernet: shapes, sharing, weights, refusals."""

from __future__ import annotations

import copy

import pytest
import torch

from dints import Architecture, InputError, SearchSpace, build_network, build_supernet
from dints.space.cells import Node

SPACE = SearchSpace(layers=2, levels=2)
ARCHITECTURE = Architecture.random(SPACE, seed=3)


def test_logits_have_the_size_of_the_images_and_a_channel_for_each_class():
    network = build_network(ARCHITECTURE, in_channels=2, classes=4, filters=3)
    assert network(torch.randn(2, 2, 8, 16, 12)).shape == (2, 4, 8, 16, 12)


def test_the_same_seed_builds_the_same_network():
    networks = []
    for _ in range(2):
        torch.manual_seed(7)
        networks.append(build_network(ARCHITECTURE, 1, 2, 2).state_dict())
    assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[0])


@pytest.mark.parametrize("shape", [(1, 1, 8, 8, 10), (1, 1, 8, 8, 4), (1, 2, 8, 8, 8), (1, 8, 8, 8)])
def test_images_that_cannot_pass_are_refused_in_one_line(shape):
    network = build_network(ARCHITECTURE, in_channels=1, classes=2, filters=2)
    with pytest.raises(InputError, match="images of") as caught:
        network(torch.zeros(shape))
    assert "\n" not in str(caught.value)


def test_stems_that_the_architecture_does_not_reach_are_kept_but_not_run():
    space = SearchSpace(layers=1, levels=2)
    edges = [[True, False, False, False]]  # level 0 to level 0 alone
    network = build_network(Architecture(space, edges, [[1, 0, 0, 0]]), 1, 2, 2)
    network(torch.randn(1, 1, 8, 8, 8)).sum().backward()
    assert network.levels_read() == [0]
    assert all(parameter.grad is None for parameter in network.input_stems[1].parameters())
    assert all(parameter.grad is None for parameter in network.output_stems[1].parameters())
    assert all(parameter.grad is not None for parameter in network.input_stems[0].parameters())


@pytest.mark.parametrize("batch_size", [1, 2])
def test_channels_last_order_changes_neither_output_nor_gradients(batch_size):
    torch.manual_seed(0)
    images = torch.randn(batch_size, 2, 16, 16, 16)
    last = torch.channels_last_3d
    for network in (build_network(ARCHITECTURE, 2, 2, 2), build_supernet(SPACE, 2, 2, 2)):
        other = copy.deepcopy(network).to(memory_format=last)
        expected, output = network(images), other(images.to(memory_format=last))
        torch.testing.assert_close(output, expected, rtol=1e-3, atol=1e-4)
        expected.square().mean().backward()
        output.square().mean().backward()
        for one, same in zip(network.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(same.grad, one.grad, rtol=1e-2, atol=1e-4)


def test_inference_on_a_single_image_gives_what_training_sees():
    torch.manual_seed(0)
    network, images = build_network(ARCHITECTURE, 1, 2, 4), torch.randn(1, 1, 16, 16, 16)
    with torch.inference_mode():
        output = network(images)
    torch.testing.assert_close(output, network(images), rtol=1e-4, atol=1e-5)


def test_network_and_supernet_run_on_the_meta_device():
    with torch.device("meta"):
        images = torch.randn(1, 1, 8, 8, 8)
        for network in (build_network(ARCHITECTURE, 1, 2, 2), build_supernet(SPACE, 1, 2, 2)):
            assert network(images).shape == (1, 2, 8, 8, 8)


@pytest.mark.parametrize("finest", [1, 2])
@pytest.mark.parametrize("delay", [(0, 0, 0), (0, 0, 1), (0, 1, 2)])
def test_networks_of_every_resolution_keep_the_size_of_the_images_and_train(finest, delay):
    space = SearchSpace(layers=3, levels=3, finest=finest, delay=delay)
    size = tuple(2 * step for step in space.patch_step)
    for network in (build_network(Architecture.random(space, 1), 1, 2, 2), build_supernet(space, 1, 2, 2)):
        logits = network(torch.randn(2, 1, *size))
        assert logits.shape == (2, 2, *size)
        logits.square().sum().backward()
        assert all(torch.isfinite(value.grad).all() for value in network.parameters() if value.grad is not None)


def test_an_edge_to_a_coarser_level_keeps_the_slices_of_an_axis_that_waits():
    space = SearchSpace(layers=1, levels=2, finest=1, delay=(0, 0, 2))
    down = Architecture(space, [[False, False, True, False]], [[0, 0, 0, 0]])
    cell = build_network(down, 1, 2, 2).layers[0]["2"]
    images = torch.randn(1, 2, 4, 4, 6)
    (features,) = cell(Node(images))
    assert features.shape == (1, 4, 2, 2, 6)
