"""The supernet: its weights, its limits, and what it does to hold less memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dints import Architecture, SearchSpace, build_network, build_supernet
from dints.cost.complexity import measure
from dints.space.operations import OPERATIONS
from dints.space.relaxation import edge_weights

SPACE = SearchSpace(layers=2, levels=2)
ARCHITECTURE = Architecture.random(SPACE, seed=3)


def test_the_supernet_starts_with_the_papers_architecture_weights():
    torch.manual_seed(0)
    supernet = build_supernet(SearchSpace(), 1, 2, 2)
    assert supernet.edge_logits.shape == (12, 10)
    assert supernet.operation_logits.shape == (12, 10, len(OPERATIONS))
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


@pytest.mark.parametrize("half", [False, True])
def test_a_supernet_that_spares_memory_has_the_gradients_of_one_that_does_not(
    half: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    supernet, images = build_supernet(SPACE, 1, 2, 4), torch.randn(2, 1, 16, 16, 16)

    def gradient() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = supernet(images).float().square().mean()
        return torch.cat([found.flatten() for found in torch.autograd.grad(loss, list(supernet.parameters()))])

    sparing = gradient()
    for module in ("layers.checkpointing", "space.supernet"):
        monkeypatch.setattr(f"dints.{module}.checkpointed", lambda function, inputs, parameters: function(*inputs))
    monkeypatch.setattr("dints.space.supernet.separate_graph", lambda function, inputs, parameters: function(*inputs))
    keeping = gradient()
    assert (sparing - keeping).norm() < (0.05 if half else 1e-5) * keeping.norm()


def test_predicted_memory_of_a_supernet_is_what_autograd_holds_in_a_real_step() -> None:
    supernet = build_supernet(SPACE, 1, 2, 4)
    own = {parameter.data_ptr() for parameter in supernet.parameters()}
    held: dict[int, int] = {}  # bytes by address
    kept: list[Tensor] = []  # so that no address is used twice

    def save(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
        supernet(torch.zeros(2, 1, 32, 32, 32)).log_softmax(1)
    features = sum(size for address, size in held.items() if address not in own)
    with torch.device("meta"):
        predicted = measure(build_supernet(SPACE, 1, 2, 4), (2, 1, 32, 32, 32))
    assert predicted.training_memory == pytest.approx(features + 3 * 4 * predicted.parameters, rel=0.01)
