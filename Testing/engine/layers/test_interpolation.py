"""Interpolation of features against PyTorch's own."""

import pytest
import torch
import torch.nn.functional as F

from dints.layers.interpolation import resize


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize(("size", "factor"), [((3, 4, 5), 2), ((1, 2, 6), 2), ((8, 6, 4), 0.5), ((16, 8, 9), 0.25)])
def test_values_and_gradients_equal_those_of_trilinear_interpolation(size, factor, order):
    features = torch.randn(2, 3, *size).contiguous(memory_format=order).requires_grad_()
    ours = resize(features, [factor] * 3)
    theirs = F.interpolate(features, scale_factor=factor, mode="trilinear", align_corners=True)
    torch.testing.assert_close(ours, theirs)
    weights = torch.randn_like(ours)
    (our_gradient,) = torch.autograd.grad((ours * weights).sum(), features)
    (their_gradient,) = torch.autograd.grad((theirs * weights).sum(), features)
    torch.testing.assert_close(our_gradient, their_gradient)


def test_weights_that_inference_asked_for_first_still_train():
    with torch.inference_mode():
        resize(torch.ones(1, 1, 7, 7, 7), [2] * 3)
    features = torch.ones(1, 1, 7, 7, 7, requires_grad=True)
    resize(features, [2] * 3).sum().backward()
    torch.testing.assert_close(features.grad.sum(), torch.tensor(14.0**3))
