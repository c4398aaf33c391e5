"""Convolutions, norms and sums in their fast forms: the same output, the same gradients."""

from __future__ import annotations

import copy
import warnings

import pytest
import torch
import torch.nn.functional as F

from dints.layers.convolution import Convolution, Norm, add_up


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


@pytest.mark.parametrize("kernel", [(3, 1, 1), (1, 1, 1)])
def test_a_dilation_that_leads_to_onednn_leaves_output_and_gradients(kernel: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    convolution, features = Convolution(4, 6, kernel), torch.randn(2, 4, 6, 5, 4, requires_grad=True)
    assert convolution.dilation_to_onednn != convolution.dilation
    outputs = convolution(features), F.conv3d(features, convolution.weight, padding=convolution.margins)
    torch.testing.assert_close(*outputs)
    ours, theirs = (torch.autograd.grad(output.sin().sum(), (features, convolution.weight)) for output in outputs)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_large_weight_taken_in_parts_leaves_output_and_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    convolution, features = Convolution(4, 6, (3, 3, 3)), torch.randn(2, 4, 2, 3, 4, requires_grad=True)
    whole = convolution(features)
    monkeypatch.setattr("dints.layers.convolution.LARGE_WEIGHT", 1)
    parts = convolution(features)
    torch.testing.assert_close(parts, whole)
    for one, other in zip(
        *(torch.autograd.grad(output.sin().sum(), (features, convolution.weight)) for output in (parts, whole)),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
