from __future__ import annotations

import pytest
import torch

from dints.errors import RunError
from dints.training.step import OptimizerStep, set_learning_rate


def test_gradients_are_clipped_to_the_norm_asked_for() -> None:
    weight = torch.nn.Parameter(torch.zeros(4))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    value = OptimizerStep(torch.device("cpu"))(lambda: 5 - 100 * weight.sum(), optimizer, [weight], gradient_norm=2.0)
    assert value == 5.0
    assert float(weight.detach().norm()) == pytest.approx(2.0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_changes_nothing(bad: float) -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    with pytest.raises(RunError, match="learning_rate"):
        OptimizerStep(torch.device("cpu"))(lambda: weight.sum() * bad, optimizer, [weight])
    assert weight.tolist() == [1.0, 1.0]


def test_the_learning_rate_reaches_every_group() -> None:
    first, second = torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([{"params": [first]}, {"params": [second], "lr": 9.0}], lr=1.0)
    set_learning_rate(optimizer, 0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.5]
