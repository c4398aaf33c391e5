"""Answers of networks that are not finite: computed again where half precision is the reason, else refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dints import RunError
from dints.inference import sliding_window

from .predicting import expected_labels, phantom, segment, threshold


def broken(windows: torch.Tensor) -> torch.Tensor:
    return threshold(windows) * torch.nan


@pytest.mark.parametrize("networks", [[broken], [broken, threshold, broken], [threshold] * 4 + [broken]])
def test_they_are_refused_and_elect_no_background(networks):
    with pytest.raises(RunError, match=f"network {networks.index(broken) + 1}: its answer is not finite"):
        segment(phantom(), networks, exhaustive=True)


def test_those_of_a_few_windows_are_refused_too():
    def overflowing(windows: torch.Tensor) -> torch.Tensor:
        white = windows.amax((1, 2, 3, 4), keepdim=True) > 0.9
        return threshold(windows).masked_fill(white, torch.inf)

    with pytest.raises(RunError, match="not finite"):
        segment(phantom(), [overflowing])


def test_what_half_precision_cannot_hold_is_computed_in_full(monkeypatch):
    def overflowing(windows: torch.Tensor) -> torch.Tensor:
        return threshold(windows) * (torch.inf if torch.is_autocast_enabled("cpu") else 1)

    monkeypatch.setattr(sliding_window, "half_type", lambda device: torch.bfloat16)
    monkeypatch.setattr(sliding_window, "autocast", lambda device: torch.autocast("cpu", dtype=torch.bfloat16))
    np.testing.assert_array_equal(segment(phantom(), [overflowing]), expected_labels(phantom()))
