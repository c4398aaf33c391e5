"""The network of an architecture and the supernet: shapes, sharing, weights, refusals."""

from __future__ import annotations

import copy
import warnings

import pytest
import torch

from dints import Architecture, InputError, SearchSpace, build_network, build_supernet
from dints.layers.convolution import Convolution, Norm, add_up
from dints.space.cells import Node
from dints.space.relaxation import edge_weights

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


def test_the_norm_is_instance_normalisation_times_the_factor():
    norm, features, factor = Norm(3), torch.randn(2, 3, 4, 5, 6), torch.tensor(0.3)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    expected = torch.nn.functional.instance_norm(features, weight=norm.weight, bias=norm.bias)
    torch.testing.assert_close(norm(features), expected)
    torch.testing.assert_close(norm(features, factor), factor * expected)


def test_adding_up_changes_none_of_the_terms():
    terms = [torch.full((2,), float(value)) for value in range(1, 5)]
    before = copy.deepcopy(terms)
    assert torch.equal(add_up(iter(terms)), torch.full((2,), 10.0))
    assert all(torch.equal(term, same) for term, same in zip(terms, before, strict=True))
    assert add_up([terms[0]]) is terms[0]


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


def test_the_supernet_starts_with_the_papers_architecture_weights():
    torch.manual_seed(0)
    supernet = build_supernet(SearchSpace(), 1, 2, 2)
    assert supernet.edge_logits.shape == (12, 10)
    assert supernet.operation_logits.shape == (12, 10, 5)
    assert supernet.edge_logits.mean().item() == pytest.approx(0, abs=0.005)
    assert supernet.operation_logits.mean().item() == pytest.approx(1, abs=0.005)
    assert supernet.edge_logits.std().item() == pytest.approx(0.01, rel=0.2)
    assert supernet.operation_logits.std().item() == pytest.approx(0.01, rel=0.2)


def test_weights_and_architecture_together_are_all_parameters_of_the_supernet():
    supernet = build_supernet(SPACE, 1, 2, 2)
    weights = {id(parameter) for parameter in supernet.weight_parameters()}
    architecture = {id(parameter) for parameter in supernet.architecture_parameters()}
    assert not weights & architecture
    assert weights | architecture == {id(parameter) for parameter in supernet.parameters()}


def test_a_supernet_that_is_certain_equals_the_network_of_that_architecture():
    supernet = build_supernet(SPACE, 1, 2, 2)
    certain = 50.0  # a logit whose sigmoid is 1 and whose opposite's is 0, to float32
    with torch.no_grad():
        supernet.edge_logits.copy_((torch.tensor(ARCHITECTURE.edges).float() * 2 - 1) * certain)
        supernet.operation_logits.zero_().scatter_(2, torch.tensor(ARCHITECTURE.operations)[..., None], 2 * certain)
    weights = edge_weights(supernet.edge_probability())
    torch.testing.assert_close(weights, torch.tensor(ARCHITECTURE.edges).float())
    network = build_network(ARCHITECTURE, 1, 2, 2)
    network.load_state_dict({name: supernet.state_dict()[name] for name in network.state_dict()})
    images = torch.randn(1, 1, 8, 8, 8)
    torch.testing.assert_close(supernet(images), network(images), rtol=1e-3, atol=1e-4)


def test_half_precision_features_stay_half_through_a_norm():
    with warnings.catch_warnings(), torch.autocast("cpu", dtype=torch.bfloat16):
        warnings.simplefilter("error")
        assert Norm(2)(torch.randn(1, 2, 4, 4, 4, dtype=torch.bfloat16)).dtype == torch.bfloat16


@pytest.mark.parametrize("kernel", [(3, 3, 3), (3, 3, 1), (3, 1, 1), (1, 3, 3)])
@pytest.mark.parametrize("size", [(2, 2, 2), (2, 4, 4), (4, 2, 2)])
def test_weight_gradients_in_half_precision_are_those_in_full(kernel, size):
    convolution = Convolution(16, 16, kernel)
    features = torch.randn(4, 16, *size)
    gradients = []
    for half in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            output = convolution(features)
        gradients += torch.autograd.grad(output.float().square().sum(), convolution.weight)
    assert (gradients[1] - gradients[0]).norm() < 0.03 * gradients[0].norm()


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
