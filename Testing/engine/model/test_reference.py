"""Our networks are the reference's: same weights, same outputs, same gradients."""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from dints import Architecture, InputError, SearchSpace, build_network, build_supernet, load_reference_weights
from dints.model.reference import (
    load_reference_checkpoint,
    reference_state_dict,
    save_reference_architecture,
    save_reference_weights,
)

TOLERANCE = 1e-4
PAPERS = 5  # operations
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
            "use_downsample": space.finest == 2,
        }
        if architecture is None:
            return DiNTS(TopologySearch(**settings), channels, classes, use_downsample=space.finest == 2)
        code = [architecture.edges.astype(np.float64), architecture.operations]
        nodes = torch.from_numpy(architecture.node_activation.astype(np.int64))
        topology = TopologyInstance(arch_code=code, **settings)
        return DiNTS(topology, channels, classes, use_downsample=space.finest == 2, node_a=nodes)


def papers(architecture: Architecture) -> Architecture:
    """With the five operations of the paper alone: the reference has no others."""
    return replace(architecture, operations=architecture.operations % PAPERS)


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


@pytest.mark.parametrize("finest", [1, 2])
def test_the_papers_architecture_gives_the_reference_output(shared_data, finest):
    architecture = Architecture.load(shared_data / "architectures" / "pancreas_cvpr.pth").at(finest)
    assert_same_output(architecture, 1, 3, 4)


@pytest.mark.parametrize("finest", [1, 2])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random_architectures_give_the_reference_output(seed, finest):
    architecture = papers(Architecture.random(SearchSpace(layers=5, levels=4, finest=finest), seed, 0.3 + 0.2 * seed))
    assert_same_output(architecture, channels=2, classes=2 + seed, filters=2 + seed)


@pytest.mark.parametrize("finest", [1, 2])
def test_the_supernet_gives_the_reference_output_and_architecture_gradients(finest):
    torch.manual_seed(0)
    small = replace(SMALL, finest=finest)
    theirs = reference_network(None, small, 1, 3, 4)
    randomise(theirs)
    ours = build_supernet(small, 1, 3, 4)
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
    for theirs_name, value in zip(reference_state_dict(ours), ours.parameters(), strict=True):
        torch.testing.assert_close(value.grad, theirs_gradients[theirs_name], rtol=1e-2, atol=1e-5)


def small_network() -> tuple[Architecture, torch.nn.Module]:
    architecture = papers(Architecture.random(SMALL, seed=1))
    return architecture, build_network(architecture, 1, 2, 2)


def test_exported_weights_load_into_the_reference_strictly(tmp_path):
    architecture, ours = small_network()
    save_reference_weights(ours, tmp_path / "weights.pt")
    theirs = reference_network(architecture, SMALL, 1, 2, 2)
    theirs.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    images = torch.randn(1, 1, 16, 16, 16)
    with torch.no_grad():
        assert (ours(images) - theirs(images)).abs().max() < TOLERANCE


def test_supernet_weights_go_to_the_reference_and_back():
    ours, other = build_supernet(SMALL, 1, 2, 2), build_supernet(SMALL, 1, 2, 2)
    theirs = reference_network(None, SMALL, 1, 2, 2)
    theirs.load_state_dict(reference_state_dict(ours))
    load_reference_weights(other, theirs.state_dict())
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in ours.state_dict().items())


@pytest.mark.parametrize(
    "wrap",
    [
        lambda weights: weights,
        lambda weights: {"model": weights, "epoch": 3},
        lambda weights: {"state_dict": {f"module.{name}": value for name, value in weights.items()}},
    ],
)
def test_checkpoints_are_unwrapped(tmp_path, wrap):
    _, ours = small_network()
    weights = reference_state_dict(ours)
    torch.save(wrap(weights), tmp_path / "checkpoint.pt")
    loaded = load_reference_checkpoint(tmp_path / "checkpoint.pt")
    assert loaded.keys() == weights.keys()
    assert all(torch.equal(loaded[name], value) for name, value in weights.items())


class Stranger:
    """What a pickle may not ask for."""


@pytest.mark.parametrize("content", [b"", b"no checkpoint", Stranger(), {"epoch": 3}, [1, 2], {}])
def test_files_without_weights_are_refused_by_name(tmp_path, content):
    path = tmp_path / "checkpoint.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(InputError, match=r"checkpoint\.pt") as caught:
        load_reference_checkpoint(path)
    assert "\n" not in str(caught.value)


def test_a_missing_checkpoint_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"absent\.pt: cannot be read"):
        load_reference_checkpoint(tmp_path / "absent.pt")


def test_the_first_mismatch_is_named_and_the_network_left_alone():
    _, ours = small_network()
    good = reference_state_dict(ours)
    before = {name: value.clone() for name, value in ours.state_dict().items()}
    name = "stem_finals.1.bias"
    missing = {key: value + 1 for key, value in good.items() if key != name}
    for weights, reason in (
        (missing, f"{name} is missing"),
        (good | {name: torch.zeros(5)}, rf"{name} has shape \(5,\) where \(2,\) is needed"),
        (good | {"extra": torch.zeros(1)}, "'extra' has no place here"),
    ):
        with pytest.raises(InputError, match=reason):
            load_reference_weights(ours, weights)
    assert all(torch.equal(value, before[key]) for key, value in ours.state_dict().items())


@pytest.mark.parametrize(("spelling", "keys"), [(0, ("arch_code_a", "arch_code_c")), (1, ("code_a", "code_c"))])
def test_exported_architectures_hold_the_references_arrays(tmp_path, spelling, keys):
    architecture, _ = small_network()
    path = tmp_path / "architecture.pth"
    save_reference_architecture(architecture, path, spelling)
    arrays = torch.load(path, weights_only=False)
    assert list(arrays) == ["node_a", *keys]
    assert all(isinstance(array, np.ndarray) for array in arrays.values())
    assert (arrays["node_a"] == architecture.node_activation).all()
    assert Architecture.load(path) == architecture
