"""Parts of a network that hold less memory for their backward pass: the same output, the same gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from dints import SearchSpace
from dints.layers.checkpointing import checkpointed, separate_graph

SPACE = SearchSpace(layers=2, levels=2)


def part(one: Tensor, two: Tensor) -> Tensor:
    return (one * two).sin().exp() * two


def gradients(output: Tensor, inputs: list[Tensor]) -> tuple[Tensor, ...]:
    return torch.autograd.grad(output.square().sum(), inputs)


def test_what_is_checkpointed_has_the_gradients_of_what_is_kept() -> None:
    inputs = [torch.randn(4, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    one, two, parameter = inputs
    ours = checkpointed(lambda *features: part(*features) * parameter, [one, two], [parameter])
    theirs = part(one, two) * parameter
    assert torch.equal(ours, theirs)
    for found, expected in zip(gradients(ours, inputs), gradients(theirs, inputs), strict=True):
        torch.testing.assert_close(found, expected)


def test_a_separate_graph_has_the_same_gradients_and_leaves_out_frozen_tensors() -> None:
    inputs = [torch.randn(4, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    (one, two), frozen = inputs, torch.randn(4, dtype=torch.float64)
    first, second = separate_graph(lambda *features: (part(*features) * frozen, features[0] + frozen), inputs, [frozen])
    for found, expected in zip(
        gradients(first + second, inputs), gradients(part(one, two) * frozen + one + frozen, inputs), strict=True
    ):
        torch.testing.assert_close(found, expected)


def test_without_gradients_nothing_is_set_up() -> None:
    one = torch.randn(4, requires_grad=True)
    with torch.no_grad():
        assert not checkpointed(torch.exp, [one], []).requires_grad
        assert not separate_graph(lambda value: [value.exp()], [one], [])[0].requires_grad


def test_the_precision_of_the_forward_pass_is_that_of_the_recomputation() -> None:
    seen, matrix = [], torch.randn(3, 3, requires_grad=True)

    def product(value: Tensor) -> Tensor:
        result = value @ value
        seen.append(result.dtype)
        return result

    with torch.autocast("cpu", torch.bfloat16):
        output = checkpointed(product, [matrix], [])
    output.float().sum().backward()
    assert seen == [torch.bfloat16, torch.bfloat16]
    assert matrix.grad is not None
    assert matrix.grad.dtype == torch.float32
