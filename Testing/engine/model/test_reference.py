"""Our networks are the reference's: same weights, same outputs, same gradients."""

from __future__ import annotations

import contextlib
import io
import warnings

import numpy as np
import pytest
import torch

from dints import Architecture, SearchSpace, build_network, build_supernet, load_reference_weights
from dints.model.reference import (
    reference_state_dict,
)

TOLERANCE = 1e-4
REFERENCE_FILTERS = 32  # of the reference at channel_mul=1
SMALL = SearchSpace(layers=3, levels=3)


def reference_network(architecture: Architecture | None, space: SearchSpace, channels: int, classes: int, filters: int):
    """MONAI's network: of an architecture, or the search network where there is none."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from monai.networks.nets import DiNTS, TopologyInstance, TopologySearch

        settings = {
            "channel_mul": filters / REFERENCE_FILTERS,
            "num_blocks": space.layers,
            "num_depths": space.levels,
            "use_downsample": True,
        }
        if architecture is None:
            return DiNTS(TopologySearch(**settings), channels, classes, use_downsample=True)
        code = [architecture.edges.astype(np.float64), architecture.operations]
        nodes = torch.from_numpy(architecture.node_activation.astype(np.int64))
        topology = TopologyInstance(arch_code=code, **settings)
        return DiNTS(topology, channels, classes, use_downsample=True, node_a=nodes)


def randomise(network: torch.nn.Module) -> None:
    """Moves every parameter, so that norms are not at their initial ones and zeros."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))


def assert_same_output(architecture: Architecture, channels: int, classes: int, filters: int) -> None:
    torch.manual_seed(0)
    theirs = reference_network(architecture, architecture.space, channels, classes, filters)
    randomise(theirs)
    ours = build_network(architecture, channels, classes, filters)
    load_reference_weights(ours, theirs.state_dict())
    images = torch.randn(2, channels, 32, 32, 32)
    with torch.no_grad():
        assert (ours(images) - theirs(images)).abs().max() < TOLERANCE


def test_the_papers_architecture_gives_the_reference_output(shared_data):
    assert_same_output(Architecture.load(shared_data / "architectures" / "pancreas_cvpr.pth"), 1, 3, 4)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random_architectures_give_the_reference_output(seed):
    architecture = Architecture.random(SearchSpace(layers=5, levels=4), seed, 0.3 + 0.2 * seed)
    assert_same_output(architecture, channels=2, classes=2 + seed, filters=2 + seed)


def test_the_supernet_gives_the_reference_output_and_architecture_gradients():
    torch.manual_seed(0)
    theirs = reference_network(None, SMALL, 1, 3, 4)
    randomise(theirs)
    ours = build_supernet(SMALL, 1, 3, 4)
    load_reference_weights(ours, theirs.state_dict())
    images, direction = torch.randn(2, 1, 32, 32, 32), torch.randn(2, 3, 32, 32, 32)
    outputs = [network(images) for network in (ours, theirs)]
    assert (outputs[0] - outputs[1]).abs().max() < TOLERANCE
    for output in outputs:
        (output * direction).mean().backward()
    space = theirs.dints_space
    torch.testing.assert_close(ours.edge_logits.grad, space.log_alpha_a.grad, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(ours.operation_logits.grad, space.log_alpha_c.grad, rtol=1e-3, atol=1e-6)
    theirs_gradients = {name: value.grad for name, value in theirs.named_parameters()}
    for name, value in ours.named_parameters():
        torch.testing.assert_close(
            value.grad, theirs_gradients[reference_name(ours, name)], rtol=1e-2, atol=1e-5, msg=name
        )


def reference_name(network: torch.nn.Module, name: str) -> str:
    ours = [parameter_name for parameter_name, _ in network.named_parameters()]
    return list(reference_state_dict(network))[ours.index(name)]
