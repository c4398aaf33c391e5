from __future__ import annotations

import torch

from dints.seeds import generator, shuffled


def test_a_step_always_draws_the_same_and_other_steps_do_not() -> None:
    draws = [torch.rand(4, generator=generator(*key)) for key in [(0, "a", 1), (0, "a", 1), (0, "a", 2), (1, "a", 1)]]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert not torch.equal(draws[0], draws[3])


def test_shuffling_does_not_depend_on_the_order_given() -> None:
    assert shuffled("abcdef", 0, "x") == shuffled("fedcba", 0, "x")
    assert sorted(shuffled("abcdef", 0, "x")) == list("abcdef")
    assert shuffled("abcdef", 0, "x") != shuffled("abcdef", 1, "x")
