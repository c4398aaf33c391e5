"""Weights as bytes: exact, compact, and refused where they are not a network's."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import torch

from dints import Architecture, SearchSpace, build_network
from dints.errors import InputError
from dints.model.weights import read_weights, size_limit, write_weights

NETWORK = build_network(Architecture.random(SearchSpace(2, 2), seed=1), 1, 3, 8)
STATE = NETWORK.state_dict()


def test_weights_come_back_as_they_were():
    restored = read_weights(write_weights(STATE), STATE, "model")
    assert all(torch.equal(restored[name], STATE[name]) for name in STATE)


def test_compact_weights_take_a_quarter_and_are_rounded_to_a_step():
    content = write_weights(STATE, compact=True)
    kernels = sum(tensor.nbytes for tensor in STATE.values() if tensor.dim() > 1)
    rest = size_limit(STATE) - sum(tensor.nbytes for tensor in STATE.values())
    assert kernels / 4 < len(content) < kernels / 4 + rest + 10_000
    restored = read_weights(content, STATE, "model")
    for name, tensor in STATE.items():
        step = tensor.abs().flatten(1).amax(1) / 127 if tensor.dim() > 1 else torch.zeros(1)
        error = (restored[name] - tensor).abs()
        assert (error.flatten(1).amax(1) <= step / 2 + 1e-6).all() if tensor.dim() > 1 else not error.any()


def test_a_channel_of_zeros_stays_zero():
    state = {"weight": torch.zeros(2, 1, 3, 3, 3)}
    assert not read_weights(write_weights(state, compact=True), state, "model")["weight"].any()


@pytest.mark.parametrize(
    ("scale", "reason"),
    [(None, "damaged"), (np.full((8, 1, 1, 1, 1), np.nan, np.float32), "not finite"), (np.ones(5), "damaged|shape")],
)
def test_steps_without_a_proper_scale_are_refused(scale, reason):
    name = "input_stems.0.convolution.weight"
    with np.load(BytesIO(write_weights(STATE, compact=True))) as archive:
        arrays = dict(archive)
    arrays.pop(f"{name}.scale")
    if scale is not None:
        arrays[f"{name}.scale"] = scale
    buffer = BytesIO()
    np.savez(buffer, **arrays)
    with pytest.raises(InputError, match=reason):
        read_weights(buffer.getvalue(), STATE, "model")
