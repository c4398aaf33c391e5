from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from dints.events import Reporter
from dints.training.step import NotFiniteError, OptimizerStep, set_learning_rate


def step_of(weight: torch.nn.Parameter, gradient_norm: float = math.inf) -> OptimizerStep:
    """A step of a network that is one product."""
    optimizer = torch.optim.SGD([weight], lr=1.0)
    return OptimizerStep(lambda images: images * weight, optimizer, gradient_norm, torch.device("cpu"), Reporter())


def test_gradients_are_clipped_to_the_norm_asked_for() -> None:
    weight = torch.nn.Parameter(torch.zeros(4))
    value = step_of(weight, gradient_norm=2.0)(torch.ones(1, 4), lambda logits: 5 - 100 * logits.sum())
    assert value == 5.0
    assert float(weight.detach().norm()) == pytest.approx(2.0)


def infinite_slope(logits: Tensor) -> Tensor:
    """Finite itself: the root of zero."""
    return (logits - logits.detach()).abs().sqrt().sum()


@pytest.mark.parametrize(
    ("criterion", "reason"),
    [
        (lambda logits: logits.sum() * math.nan, "the loss became nan"),
        (lambda logits: logits.sum() * math.inf, "the loss became inf"),
        (infinite_slope, "the gradient became nan"),
    ],
)
def test_a_step_that_is_not_finite_is_not_made_and_the_next_one_is(criterion, reason: str) -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    step = step_of(weight)
    with pytest.raises(NotFiniteError, match=reason):
        step(torch.ones(1, 2), criterion)
    assert weight.tolist() == [1.0, 1.0]
    step(torch.ones(1, 2), Tensor.sum)
    assert weight.tolist() == [0.0, 0.0]


def test_the_learning_rate_reaches_every_group() -> None:
    first, second = torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([{"params": [first]}, {"params": [second], "lr": 9.0}], lr=1.0)
    set_learning_rate(optimizer, 0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.5]


@pytest.mark.parametrize("limit", [1e-2, 1e3])
def test_gradients_are_clipped_as_pytorch_clips_them(limit: float) -> None:
    torch.manual_seed(0)
    network, images = nn.Linear(3, 2), torch.randn(4, 3)
    step = OptimizerStep(network, torch.optim.SGD(network.parameters(), lr=0.0), limit, torch.device("cpu"), Reporter())
    step(images, lambda output: output.square().sum())
    found = [parameter.grad.clone() for parameter in network.parameters()]
    network.zero_grad()
    network(images).square().sum().backward()
    nn.utils.clip_grad_norm_(network.parameters(), limit)
    for one, other in zip(found, network.parameters(), strict=True):
        torch.testing.assert_close(one, other.grad)


def test_checkpoints_with_the_former_name_of_the_micro_batch_are_read() -> None:
    step = step_of(torch.nn.Parameter(torch.ones(1)))
    step.micro_batch = 3
    state = step.state()
    before = {"scaler": state["scaler"], "at_once": state["micro_batch"]}
    for values in (state, before):
        other = step_of(torch.nn.Parameter(torch.ones(1)))
        other.load_state(values)
        assert other.micro_batch == 3
    with pytest.raises(LookupError):
        step.load_state({"scaler": state["scaler"]})
    with pytest.raises(ValueError, match="micro-batch of -1"):
        step.load_state({**state, "micro_batch": -1})
