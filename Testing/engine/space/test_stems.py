"""Stems and the head: what they read and write at every resolution."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from dints.space.search_space import SearchSpace
from dints.space.stems import Head, InputStem, OutputStem


@pytest.mark.parametrize(
    "build", [lambda: Head(3, 2), lambda: InputStem(SearchSpace(1, 2), 1, 3, 2)], ids=["head", "stem"]
)
def test_the_order_at_full_resolution_leaves_output_and_gradients(
    build: Callable[[], torch.nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    part = build()
    features, parameters = torch.randn(2, 3, 8, 8, 8), list(part.parameters())
    output = part(features)
    gradients = torch.autograd.grad(output.sin().sum(), parameters)
    monkeypatch.setattr("dints.space.stems.channels_last", lambda features: features)
    expected = part(features)
    torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-5, check_stride=False)
    for one, other in zip(gradients, torch.autograd.grad(expected.sin().sum(), parameters), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("space", [SearchSpace(1, 3), SearchSpace(1, 3, finest=1), SearchSpace(1, 3, 1, (0, 0, 2))])
def test_stems_lead_from_the_images_to_each_level_and_back_step_by_step(space: SearchSpace) -> None:
    size = [2 * step for step in space.patch_step]
    images, filters = torch.randn(1, 2, *size), 3
    for level in range(space.levels):
        shape = [n // axis for n, axis in zip(size, space.shrink(level), strict=True)]
        features = InputStem(space, level, 2, filters)(images)
        assert features.shape == (1, space.width(level, filters), *shape)
        finer = [n * step for n, step in zip(shape, space.step(level), strict=True)]
        channels = space.width(level - 1, filters) if level else filters
        assert OutputStem(space, level, filters)(features).shape == (1, channels, *finer)
    assert Head(filters, 4)(torch.randn(1, filters, *size)).shape == (1, 4, *size)
