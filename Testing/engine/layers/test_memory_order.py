"""What training computes in another order of memory, or in another way: it changes nothing but the time."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from dints.layers.memory_order import ChannelsLastNorm, channels_last, every_other

LAST = torch.channels_last_3d


@pytest.mark.parametrize("order", [torch.contiguous_format, LAST])
def test_every_other_voxel_and_its_gradient_are_those_of_indexing(order: torch.memory_format) -> None:
    features = torch.randn(2, 3, 4, 6, 8).contiguous(memory_format=order).requires_grad_()
    even, odd = every_other(features, (2, 2, 2))
    assert torch.equal(even, features[:, :, ::2, ::2, ::2])
    assert torch.equal(odd, features[:, :, 1::2, 1::2, 1::2])
    (gradient,) = torch.autograd.grad((even.square() + odd.exp()).sum(), features)
    indexed = features[:, :, ::2, ::2, ::2].square() + features[:, :, 1::2, 1::2, 1::2].exp()
    assert torch.equal(gradient, *torch.autograd.grad(indexed.sum(), features))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 3e-2)])
def test_the_norm_with_the_channels_last_is_instance_normalisation(dtype: torch.dtype, tolerance: float) -> None:
    torch.manual_seed(0)
    features = torch.randn(3, 5, 4, 6, 8).add_(0.5).to(dtype).contiguous(memory_format=LAST).requires_grad_()
    weight, bias = (torch.randn(5, requires_grad=True) for _ in range(2))
    output = ChannelsLastNorm.apply(features, weight, bias, 1e-5)
    expected = F.instance_norm(features.float(), weight=weight, bias=bias)
    assert output.is_contiguous(memory_format=LAST)
    assert output.dtype == dtype
    torch.testing.assert_close(output.float(), expected, rtol=tolerance, atol=tolerance)
    ours, theirs = (
        torch.autograd.grad(result.float().sin().sum(), (features, weight, bias)) for result in (output, expected)
    )
    for one, other in zip(ours, theirs, strict=True):
        assert (one.float() - other.float()).norm() <= tolerance * other.float().norm()


def test_gradients_of_the_norm_are_those_of_finite_differences() -> None:
    torch.manual_seed(0)
    features = torch.randn(2, 3, 2, 2, 2, dtype=torch.float64).contiguous(memory_format=LAST).requires_grad_()
    weight, bias = (torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(lambda *inputs: ChannelsLastNorm.apply(*inputs, 1e-5), (features, weight, bias))


def test_only_training_on_the_cpu_puts_the_channels_last() -> None:
    features = torch.randn(1, 4, 3, 3, 3)
    assert channels_last(features).is_contiguous(memory_format=LAST)
    with torch.no_grad():
        assert channels_last(features) is features
    assert channels_last(features.to("meta")).is_contiguous()
